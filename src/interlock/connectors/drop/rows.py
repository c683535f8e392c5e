"""Reads a row of a dropped file as the system's settings say it is written; what is not a number is never zero."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from interlock.connectors.contract import dropped, stock

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "item": ("item", "item_id"),
    "sku": ("sku",),
    "barcode": ("barcode", "ean", "gtin", "upc"),
    "location": ("location", "location_id", "warehouse"),
    "quantity": ("quantity", "qty"),
    "unit": ("unit", "uom"),
    "as_of": ("as_of", "counted_at", "updated_at"),
} | {name: (name,) for name in stock.QUANTITIES}
"""What a file may call its columns without any setting, in any case."""
CHARACTERS_MAX: Final = 200
AMOUNT_MAX: Final = Decimal(1_000_000_000)
AHEAD_SECONDS: Final = 300
"""A time from further ahead would keep every true state of later out."""


class _UnreadableError(ValueError):
    """Why a row cannot be read."""


class Rows:
    """The columns and texts of one system's files."""

    def __init__(self, settings: Mapping[str, Any], now_ms: int) -> None:
        columns = settings.get("columns", {})
        self._names = {
            name: ((str(columns[name]).lower(),) if name in columns else usual) for name, usual in NAMES.items()
        }
        self.delimiter = str(settings.get("delimiter", ","))
        self.kind: dropped.Kind = settings.get("kind", "changes")
        self._comma = settings.get("decimal", ".") == ","
        self._plain = str(settings.get("quantity", "available"))
        self._location = str(settings.get("location", ""))
        self._latest = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC) + dt.timedelta(seconds=AHEAD_SECONDS)

    def read(self, line: int, raw: Mapping[str, Any]) -> dropped.Row | dropped.Wrong:
        """A row with an item, a place and at least one amount; else why not."""
        given = {str(name).strip().lower(): value for name, value in raw.items()}
        try:
            return self._row(line, given)
        except _UnreadableError as error:
            return dropped.Wrong(line=line, why=str(error))

    def _row(self, line: int, given: Mapping[str, Any]) -> dropped.Row:
        texts = {name: self._text(given, name) for name in ("item", "sku", "barcode", "location", "unit")}
        texts["location"] = texts["location"] or self._location
        if not (texts["item"] or texts["sku"] or texts["barcode"]):
            raise _UnreadableError("it names no sku, item or barcode")
        if not texts["location"]:
            raise _UnreadableError("it names no location")
        amounts = {name: self._amount(given, name) for name in stock.QUANTITIES}
        amounts[self._plain] = amounts.get(self._plain) or self._amount(given, "quantity")
        known = {name: amount for name, amount in amounts.items() if amount}
        if not known:
            raise _UnreadableError("it has no quantity")
        return dropped.Row(line=line, quantities=known, as_of=self.moment(self._text(given, "as_of")), **texts)

    def _text(self, given: Mapping[str, Any], name: str) -> str:
        value = self._value(given, name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _UnreadableError(f"{name} is no text")
        text = str(value).strip()
        if len(text) > CHARACTERS_MAX or not text.isprintable():
            raise _UnreadableError(f"{name} is longer than {CHARACTERS_MAX} characters or cannot be printed")
        return text

    def _amount(self, given: Mapping[str, Any], name: str) -> str:
        """As plain text; "" when nothing is said, which is not zero."""
        value = self._value(given, name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return ""
        text = str(value).strip().replace(",", ".") if self._comma else str(value).strip()
        try:
            amount = None if isinstance(value, bool) else Decimal(text)
        except InvalidOperation:
            amount = None
        if amount is None or not amount.is_finite() or abs(amount) > AMOUNT_MAX:
            raise _UnreadableError(f"{name} is no number: {str(value)[:40]!r}")
        return f"{amount:f}"

    def moment(self, text: str) -> str:
        """A time as UTC. Raises ValueError with the reason."""
        if not text:
            return ""
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise _UnreadableError(f"as_of is no time: {text[:40]!r}") from None
        if moment.tzinfo is None:
            raise _UnreadableError(f"as_of has no time zone: {text[:40]!r}")
        if moment > self._latest:
            raise _UnreadableError(f"as_of is still to come: {text[:40]!r}")
        return moment.astimezone(dt.UTC).isoformat()

    def _value(self, given: Mapping[str, Any], name: str) -> Any:
        return next((given[known] for known in self._names[name] if given.get(known) not in (None, "")), None)
