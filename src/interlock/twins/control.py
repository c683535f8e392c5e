"""The control API under /_twin: what happened, what there is, and how to make the vendor fail and heal."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from interlock.twins.gate import FaultGate
from interlock.twins.vendor import Vendor, answer, read_json
from interlock.twins.world import encode_json

PREFIX = "/_twin"
BREAKS: dict[str, dict[str, Any]] = {
    "503": {"kind": "status", "status": 503},
    "500": {"kind": "status", "status": 500},
    "429": {"kind": "status", "status": 429, "retry_after_seconds": 2},
    "401": {"kind": "status", "status": 401},
    "hang": {"kind": "hang"},
    "reset": {"kind": "reset_before"},
    "lost-answer": {"kind": "reset_after"},
    "late": {"kind": "late_effect", "delay_seconds": 3},
    "slow": {"kind": "slow", "delay_seconds": 2},
    "garbage": {"kind": "garbage"},
}
"""Short forms of POST /_twin/break; any other member of the body is added to the rule."""


class Control:
    """The routes of the control API of one twin; no fault touches them."""

    def __init__(self, vendor: Vendor, gate: FaultGate) -> None:
        self._vendor = vendor
        self._world = vendor.world
        self._faults = vendor.faults
        self._gate = gate

    def router(self) -> Router:
        """An ASGI application for every path under /_twin."""
        routes = [
            Route("/state", self.state),
            Route("/effects", self.effects),
            Route("/effects/summary", self.summary),
            Route("/faults", self.list_faults, methods=["GET"]),
            Route("/faults", self.add_fault, methods=["POST"]),
            Route("/faults", self.clear_faults, methods=["DELETE"]),
            Route("/faults/{id}", self.clear_faults, methods=["DELETE"]),
            Route("/seed", self.seed, methods=["POST"]),
            Route("/records", self.records),
            Route("/break", self.break_, methods=["POST"]),
            Route("/repair", self.clear_faults, methods=["POST"]),
            *self._vendor.control_routes(),
        ]
        return Router(routes=[Mount(PREFIX, routes=routes)])

    async def state(self, _: Request) -> Response:
        """Where the twin is, its seed, how many records, effects, requests and late effects."""
        basics = {
            "twin": self._vendor.name,
            "url": self._vendor.url,
            "pid": os.getpid(),
            "data": str(self._world.directory),
            "seed": self._world.seed,
            "records": self._world.counts(),
            "effects": self._world.ledger.last_seq,
            "requests": self._gate.requests,
            "late_effects_to_come": self._gate.late,
            "faults": len(self._faults.rules()),
        }
        return answer(basics | self._vendor.state())

    async def effects(self, request: Request) -> Response:
        """Effects after a sequence number, of one kind if asked; a list, or lines with format=jsonl."""
        query = request.query_params
        after, limit = int(query.get("after", "0")), int(query.get("limit", "10000"))
        found = list(self._world.ledger.read(after, query.get("kind"), limit))
        if query.get("format") == "jsonl":
            return Response(b"".join(encode_json(effect) + b"\n" for effect in found), media_type="application/jsonl")
        return answer(found)

    async def summary(self, _: Request) -> Response:
        """Totals by kind, the number of business keys, and duplicates."""
        return answer(self._world.ledger.summary())

    async def list_faults(self, _: Request) -> Response:
        """The rules in force."""
        return answer(self._faults.rules())

    async def add_fault(self, request: Request) -> Response:
        """Add a rule; answers it with its id, or 400 with what is wrong."""
        return self._add(await read_json(request))

    async def break_(self, request: Request) -> Response:
        """Add a rule by its short form: {"kind": "503"}; further members refine it."""
        data = await read_json(request)
        short = str(data.get("kind", "503"))
        return self._add({**data, **BREAKS.get(short, {"kind": short})})

    async def clear_faults(self, request: Request) -> Response:
        """Remove one rule by its id, or all."""
        return answer({"removed": self._faults.remove(request.path_params.get("id"))})

    async def seed(self, request: Request) -> Response:
        """Start chance again from {"seed": n}."""
        seed = int((await read_json(request))["seed"])
        self._world.reseed(seed)
        self._faults.chance.seed(f"faults:{seed}")
        return answer({"seed": seed})

    async def records(self, request: Request) -> Response:
        """All records of a kind, each with its internal id under "_id"."""
        kind = request.query_params.get("kind", "")
        return answer([{"_id": key, **record} for key, record in self._world.rows(kind)])

    def _add(self, data: dict[str, Any]) -> Response:
        try:
            return answer(self._faults.add(data), 201)
        except (ValueError, msgspec.ValidationError) as error:
            return answer({"error": str(error)}, 400)
