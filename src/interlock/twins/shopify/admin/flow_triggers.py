"""Shopify Flow in the Admin API: flowTriggerReceive, and the commands that show triggers and send actions.

The old `body` holds {"trigger_id" or "trigger_title", "resources", "properties"} as text, the new form is handle and
payload (docs/apps/build/flow/triggers). The limit of 50 KB and the texts of the errors are from memory.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.admin.context import Resolver, ShopContext, user_error
from interlock.twins.shopify.flow import FlowActions
from interlock.twins.shopify.orders import timestamp
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import World, encode_json

KIND = "flow_trigger"
PAYLOAD_BYTES_MAX = 50_000


def receive(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """flowTriggerReceive: recorded when its handle is one of the app's and its payload is small enough."""
    handle, payload, wrong = _asked(arguments)
    handles = shop.config.get("flow_triggers")
    if not wrong and handles is not None and handle not in handles:
        wrong = f"Errors validating schema:\n  Trigger with handle '{handle}' was not found.\n"
    if not wrong and len(encode_json(payload)) > PAYLOAD_BYTES_MAX:
        wrong = f"Errors validating schema:\n  Payload exceeds the maximum size of {PAYLOAD_BYTES_MAX} bytes.\n"
    if wrong:
        return {"userErrors": [user_error(wrong, "body")]}
    key = shop.world.next_id(KIND)
    row = {"handle": handle, "payload": payload, "received_at": timestamp(shop.store.now())}
    shop.world.apply("flowTrigger.receive", key, (KIND, key, row), detail={"handle": handle})
    return {"userErrors": []}


def _asked(arguments: dict[str, Any]) -> tuple[str, Any, str]:
    """(handle, payload, what is wrong) of either form."""
    if arguments.get("handle") and isinstance(arguments.get("payload"), dict):
        return str(arguments["handle"]), arguments["payload"], ""
    if not arguments.get("body"):
        return "", None, "Errors validating schema:\n  handle and payload are required.\n"
    try:
        body = json.loads(arguments["body"])
        return str(body.get("trigger_id") or body["trigger_title"]), body.get("properties", {}), ""
    except (ValueError, KeyError, AttributeError):
        return "", None, "Errors validating schema:\n  The body is not the JSON of a trigger.\n"


RESOLVERS: dict[str, Resolver] = {"Mutation.flowTriggerReceive": receive}


class FlowRoutes:
    """What workflows received from us, and the actions that they send to us."""

    def __init__(self, world: World, actions: FlowActions) -> None:
        self._world, self._actions = world, actions

    def control_routes(self) -> list[BaseRoute]:
        return [
            Route("/flow_triggers", self.triggers, methods=["GET"]),
            Route("/flow_actions", self.runs, methods=["GET"]),
            Route("/flow_actions", self.send, methods=["POST"]),
        ]

    async def triggers(self, _: Request) -> Response:
        """GET /_twin/flow_triggers: what came by flowTriggerReceive."""
        return answer({"flow_triggers": [row for _, row in self._world.rows(KIND)]})

    async def runs(self, _: Request) -> Response:
        """GET /_twin/flow_actions: runs with the statuses they were answered with."""
        return answer({"flow_actions": self._actions.rows()})

    async def send(self, request: Request) -> Response:
        """POST /_twin/flow_actions {"address", "handle", "properties": {}, "action_run_id": null}."""
        asked = await read_json(request)
        if not asked.get("address") or not asked.get("handle"):
            return answer({"error": "needs an address and a handle"}, 400)
        run = self._actions.send(
            asked["address"], asked["handle"], asked.get("properties") or {}, asked.get("action_run_id")
        )
        return answer({"flow_action": run}, 202)
