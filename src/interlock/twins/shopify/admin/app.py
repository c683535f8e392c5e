"""The app that asks, its installation and the scopes that it was granted."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid

APP_NUMBER = 580_111
INSTALLATION_NUMBER = 546_295_123


def app(context: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """QueryRoot.app: the app that asks, also by its own id; no other is known."""
    asked = arguments.get("id")
    if asked is not None and asked != gid("App", APP_NUMBER):
        return None
    return {
        "id": gid("App", APP_NUMBER),
        "title": "Interlock",
        "handle": "interlock",
        "apiKey": context.app.client_id,
    }


def installation(context: ShopContext, _: Any, __: dict[str, Any]) -> dict[str, Any]:
    """QueryRoot.currentAppInstallation."""
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(context.app.scopes)]
    return {"id": gid("AppInstallation", INSTALLATION_NUMBER), "accessScopes": scopes, "app": app(context, None, {})}


RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.app": app,
    "QueryRoot.currentAppInstallation": installation,
    "App.installation": lambda context, _, __: installation(context, None, {}),
}
