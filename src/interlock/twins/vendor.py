"""What a vendor's module gives the twin server: an ASGI application over a World, in the vendor's own dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Router
from starlette.types import Receive, Scope, Send

from interlock.twins.faults import FaultPlan
from interlock.twins.world import World, decode_json, encode_json


class Vendor:
    """Base of every vendor twin. Subclasses set `name`, answer `routes`, and shape `error_body`."""

    name = "vendor"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        self.world = world
        self.faults = faults
        self.config = config
        self.url = ""  # known once the server listens
        self._router = Router(routes=self.routes())

    def routes(self) -> list[BaseRoute]:
        """The vendor's own API."""
        return []

    def control_routes(self) -> list[BaseRoute]:
        """What this vendor adds under /_twin (paths are given without that prefix)."""
        return []

    def error_body(self, status: int) -> Any:
        """The JSON the vendor would send with an injected error status."""
        return {"status": status}

    def state(self) -> dict[str, Any]:
        """What this vendor adds to GET /_twin/state."""
        return {}

    async def start(self) -> None:
        """Called when the server listens; `self.url` is set."""

    async def stop(self) -> None:
        """Called before the server ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._router(scope, receive, send)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer in which Decimals are exact numbers; None is an empty body."""
    body = b"" if value is None else encode_json(value)
    return Response(body, status, headers, None if value is None else "application/json")


async def read_json(request: Request) -> Any:
    """The request's JSON with exact Decimals; raises ValueError when it is not JSON."""
    return decode_json(await request.body())
