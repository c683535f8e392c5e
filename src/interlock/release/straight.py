"""Point-to-point flows of a release: their rows compiled once, the source's document on its way without a canonical form."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from interlock.connectors.straight import Straight
from interlock.errors import IntakeError, MappingError
from interlock.mapping import Context, Functions, compile_straight
from interlock.mapping.language import table_of
from interlock.messaging.event import Dialect, Envelope
from interlock.messaging.releases import Document
from interlock.strategy import Flow

POINT_TO_POINT = "point-to-point"
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class StraightFlow:
    """One of them. `dialects` read what the source's bodies are about: key, version and facts, as when they came in."""

    def __init__(self, flow: Flow, functions: Functions, context: Context, dialects: tuple[Dialect, ...]) -> None:
        self.flow = flow
        self.rows = compile_straight(table_of(flow.map, "map", f"flows/{flow.name}.toml"), functions)
        self._context = context
        self._dialects = dialects

    def document(self, key: str, body: bytes) -> Document:
        """The document in the version that the body itself states. MappingError when it is no JSON object."""
        try:
            fields = _decode(body)
        except msgspec.DecodeError as error:
            raise MappingError(f"the document cannot be read: {error}", path="$", code="MAP001") from error
        value = Straight(
            operation=self.flow.operation, origin=self.flow.source, key=key, fields=fields,
            build=lambda: self.rows(body, self._context),
        )  # fmt: skip
        return Document(value=value, version=self._version(body))

    def _version(self, body: bytes) -> int:
        """Microseconds since the epoch, 0 when the body does not say."""
        for dialect in self._dialects[:1]:
            try:
                return dialect.subject(Envelope(dialect=dialect.name, topic=self.flow.trigger[0]), body).version
            except IntakeError as error:
                raise MappingError(f"the document names no object: {error.what}", path="$", code="MAP001") from error
        return 0


def refusal(flow: Flow, document: Document, condition: Callable[[Any], bool] | None, signal: str, now_ms: int) -> str:
    """'' or why a point-to-point flow does not take this document; its age counts from its last change."""
    fields: Mapping[str, Any] = document.value.fields
    if fields.get("test") is True and not flow.test_orders:
        return "a test order; this flow takes none (test_orders = false)"
    if signal and flow.max_age_hours is not None:
        age_hours = (now_ms - document.version / 1000) / 3_600_000
        if age_hours > flow.max_age_hours:
            return f"it changed {age_hours:.0f} h ago; this flow tells of nothing older than {flow.max_age_hours:g} h"
    if condition is not None and not condition(fields):
        return f"the flow's condition does not hold: {flow.when}"
    return ""
