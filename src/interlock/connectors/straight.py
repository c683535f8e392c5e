"""Point-to-point: a document that a flow's own rows made goes to one declared operation; no canonical object between.

The operation says how it becomes once-only, exactly as for any other write, and under which reference: only operations
whose manifest names a `reference` can be written so.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from interlock.connectors.contract import Destination, Outcome, Past, Plan, Write, declared_write, with_members
from interlock.connectors.manifest import Manifest
from interlock.errors import MappingError
from interlock.mapping import MappingFileError, compile_straight, connector_functions
from interlock.mapping.language import table_of
from interlock.messaging.write import LookUp
from interlock.strategy.facts import MapProblem


class Straight(msgspec.Struct, frozen=True, gc=False):
    """The source's own document on its way: `fields` is what its bytes say, `build` makes the destination's of them."""

    operation: str
    origin: str
    key: str
    fields: Mapping[str, Any]
    build: Callable[[], bytes]


class StraightDestination:
    """A system that point-to-point flows write to: their documents are planned here, all others by its connector."""

    def __init__(self, inner: Destination, manifest: Manifest) -> None:
        self._inner = inner
        self._manifest = manifest

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """One write of the declared operation; what the connector plans for canonical objects."""
        if not isinstance(document, Straight):
            return self._inner.plan(document, signal=signal, past=past)
        return Plan(writes=(self._write(document, signal.partition("#")[2]),))

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """The connector's own call."""
        return await self._inner.write(write, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """The connector's own."""
        return await self._inner.look_up(write, timeout_seconds=timeout_seconds)

    def _write(self, document: Straight, instance: str) -> Write:
        operation = self._manifest.operation(document.operation)
        reference = operation.reference.format(origin=document.origin, key=document.key, instance=instance).rstrip(":")
        body = document.build()
        if operation.reference_at:
            *inside, member = operation.reference_at.split(".")
            body = with_members(body, {member: reference}, *inside)
        return declared_write(self._manifest, operation.name, reference=reference, body=body)


def try_map(connector: str, rows: Mapping[str, object], functions: str) -> MapProblem | None:
    """Compile the rows of a flow's [map] for a destination of this connector."""
    try:
        compile_straight(table_of(dict(rows), "map"), connector_functions(connector, users_functions(functions)))
    except MappingFileError as error:
        return MapProblem(_target(error.where), error.what, error.why, error.next_move)
    except (MappingError, SyntaxError) as error:
        return MapProblem("", str(error))
    return None


def users_functions(text: str) -> dict[str, Callable[..., Any]]:
    """functions.py of the folder: the user's own code, run as part of the hub by the user's own will."""
    if not text:
        return {}
    names: dict[str, Any] = {"__name__": "strategy_functions"}
    exec(compile(text, "functions.py", "exec"), names)  # noqa: S102  the folder is the program
    return {name: value for name, value in names.items() if callable(value) and not name.startswith("_")}


def _target(where: str) -> str:
    """`[map] data.type` -> `data.type`: the row that an error of the compiler is about."""
    return where.partition("[map]")[2].strip()
