"""The sink: a destination that accepts anything and writes an effect, for measuring the hub and not the twin."""

from __future__ import annotations

from typing import Any

from starlette.types import Receive, Scope, Send

from interlock.twins.vendor import Vendor

NO_CONTENT: dict[str, Any] = {"type": "http.response.start", "status": 204, "headers": []}
EMPTY: dict[str, Any] = {"type": "http.response.body", "body": b""}
KINDS = {"PUT": "put", "POST": "post", "PATCH": "patch", "DELETE": "remove"}


class Sink(Vendor):
    """PUT or POST any path: 204, and an effect whose key is the path."""

    name = "sink"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, write the effect, answer."""
        while (await receive()).get("more_body", False):
            pass
        kind = KINDS.get(scope["method"])
        if kind is not None:
            self.world.apply(f"object.{kind}", scope["path"])
        await send(NO_CONTENT)
        await send(EMPTY)
