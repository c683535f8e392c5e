"""A system that drops files counts, but cannot be asked: what it says of stock is what its files say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec

from interlock.connectors.contract import Connection, IntakeError, Refused, dropped, stock

TOPICS: Final = frozenset({"levels/snapshot", "levels/changes"})
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
CANNOT_BE_ASKED: Final = Refused(
    reason="validation", code="NO_API", message="it drops files and cannot be asked; wait for its next file"
)


class Drop:
    """One system that drops files."""

    only_tells = True

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage:  # noqa: ARG002
        """None: its items are those that its files name."""
        return stock.ItemPage(items=())

    async def levels(self, after: str, *, timeout_seconds: float) -> Refused:  # noqa: ARG002
        """Never: an empty page would say that it has nothing, and that this is new."""
        return CANNOT_BE_ASKED

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> Refused:  # noqa: ARG002
        """Never."""
        return CANNOT_BE_ASKED

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> Refused:  # noqa: ARG002
        """Never."""
        return CANNOT_BE_ASKED

    def told(self, topic: str, body: bytes) -> stock.Told:
        """The levels of one part of a file. Raises IntakeError 400 for what is none."""
        if topic not in TOPICS:
            return stock.Told()
        try:
            part = msgspec.json.decode(body, type=dropped.Part)
        except (ValueError, RecursionError) as error:
            raise IntakeError(f"this is no part of a file: {error}", status=400, code="INT010") from error
        levels = tuple(_level(row, part.file) for row in part.rows)
        telling, how = part.file.id if part.file.kind == "snapshot" else "", f"file {part.file.id}"
        if part.file.chunk < part.file.chunks:
            return stock.Told(levels=levels, telling=telling, how=how)
        ends: Literal["fresh", "whole"] = "fresh" if part.file.wrong else "whole"
        return stock.Told(levels=levels, ends=ends, ends_us=_micros(part.file.as_of), telling=telling, how=how)


def _level(row: dropped.Row, file: dropped.File) -> stock.Level:
    """By the system's id of the item, else by its SKU or barcode, as it counts by that."""
    return stock.Level(
        item=row.item or row.sku or row.barcode,
        location=row.location,
        quantities={name: Decimal(amount) for name, amount in row.quantities.items()},
        sku=row.sku,
        barcode=row.barcode,
        unit=row.unit,
        as_of_us=_micros(row.as_of or file.as_of),
        version=file.id,
    )


def _micros(moment: str) -> int:
    """0 where neither row nor file says it: then the time at which the file was signed counts."""
    return (dt.datetime.fromisoformat(moment) - EPOCH) // dt.timedelta(microseconds=1) if moment else 0


def stock_source(connection: Connection) -> Drop:  # noqa: ARG001 - there is nothing to connect to
    """The registry's way in."""
    return Drop()
