"""Mappings for the console's tests and pictures: the tables of the starter folder, and a shop that renamed a field this morning."""

from functools import cache

import msgspec

from interlock.mapping.tables import MappingTable
from interlock.messaging.contract_drift import DriftRow, LookedAt, ProfileKey
from interlock.release.mapping_tables import Unread, tables_of
from interlock.release.paper import on_paper
from interlock.strategy import snapshot_of
from interlock.strategy.starter import starter_files

FIRST_MS = 1_795_425_240_000  # 23 Nov 2026, 09:14:00 UTC
ORDERS = {
    "system": "shopify", "object": "order", "document": "order", "api_version": "2026-07", "first_event": 1190, "last_event": 1204,
    "first_seen_ms": FIRST_MS, "last_seen_ms": FIRST_MS + 400_000, "key": "5300000001190", "name": "#1190",
}  # fmt: skip


def row(id_: int, path: str, change: str, severity: str, documents: int, **more: object) -> DriftRow:
    """One record, open unless it says otherwise."""
    usual = {"was": "text", "becomes": "", "perhaps": "", "reads": (), "uses": (), "state": "open"}
    given = ORDERS | usual | more
    return DriftRow(id=id_, path=path, change=change, severity=severity, documents=documents, **given)  # type: ignore[arg-type]


DRIFT = (
    row(1, "note", "vanished", "high", 14, perhaps="order_note", reads=("note",), uses=("order-to-erp: netsuite salesOrder memo",)),
    row(2, "line_items[].price_set.shop_money.amount", "retyped", "high", 9, becomes="number",
        reads=tuple(f"components.{part}" for part in ("items", "discounts", "shipping", "tax", "total")),
        uses=("order-to-erp: netsuite salesOrder item.items[discount].amount", "order-to-marketing: klaviyo placed_order data.attributes.value")),
    row(3, "order_note", "new", "low", 14, was="", becomes="text"),
    row(4, "buyer_locale", "vanished", "low", 60, state="accepted", closed_ms=FIRST_MS, closed_by="console:4711", why="retired in 2026-07"),
)  # fmt: skip


class SampleMappings:
    """Answers from memory; keeps what was accepted."""

    def __init__(self, drift: tuple[DriftRow, ...] = DRIFT) -> None:
        self.rows = list(drift)
        self.accepted: list[tuple[int, str, str]] = []

    async def tables(self) -> tuple[MappingTable, ...]:
        return starter_tables()

    async def unread(self) -> tuple[Unread, ...]:
        return (
            Unread(
                system="shopify",
                object="order",
                documents=1204,
                seen=228,
                paths=("app_id", "cart_token", "total_weight"),
            ),
        )

    async def looked_at(self) -> list[LookedAt]:
        key = ProfileKey("shopify", "order", "order", "2026-07")
        return [LookedAt(key=key, documents=1204, updated_ms=FIRST_MS)] if self.rows else []

    async def drift(self, *, closed_too: bool = False) -> list[DriftRow]:
        return [one for one in self.rows if closed_too or one.state == "open"]

    async def accept(self, id_: int, *, by: str, why: str) -> str:
        for at, one in enumerate(self.rows):
            if (one.id, one.state) == (id_, "open"):
                self.rows[at] = msgspec.structs.replace(one, state="accepted", closed_by=by, why=why)
                self.accepted.append((id_, by, why))
                return one.path
        return ""


@cache
def starter_tables() -> tuple[MappingTable, ...]:
    """The tables of the folder that `interlock init` writes."""
    return tables_of(on_paper(snapshot_of({path: text.encode() for path, text in starter_files().items()})))
