"""Two versions of the starter folder, and the events of a few orders, for tests about what changes between releases."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interlock.connectors.registry import dialects
from interlock.messaging.event import Envelope, Event
from interlock.strategy import Snapshot
from interlock.strategy.snapshot import snapshot_of
from interlock.strategy.starter import starter_files

FIXTURE = Path(__file__).parents[2] / "fixtures" / "shopify" / "webhook.orders.create.json"
LIVE = {"test": False, "cancelled_at": None, "cancel_reason": None, "financial_status": "paid"}
"""The published example is a cancelled test order, which no flow wants."""
NOW_MS = 1_795_425_720_000


STOCK = ("flows/stock-to-shopify.toml", "inventory/locations.toml", "inventory/items.toml", "runbooks/stock-differs.md")


def starter() -> dict[str, bytes]:
    """The files of the starter folder that make a strategy of orders: the flow of stock names every system again."""
    return {
        path: text.replace(', "stock-to-shopify"', "").encode()
        for path, text in starter_files().items()
        if path.endswith((".toml", ".md", ".lock")) and path not in ("README.md", *STOCK)
    }


def folder(changed: Mapping[str, str] | None = None, **replaced: tuple[str, str, str]) -> Snapshot:
    """The starter folder with files set anew (`""` takes one out), and texts replaced: name=(path, old, new)."""
    files = starter() | {path: text.encode() for path, text in (changed or {}).items()}
    for path, old, new in replaced.values():
        assert old.encode() in files[path], f"{path} has no {old!r} any more"
        files[path] = files[path].replace(old.encode(), new.encode(), 1)
    return snapshot_of({path: content for path, content in files.items() if content})


def orders(count: int, **fields: Any) -> Iterator[Event]:
    """Events of so many orders; each field's value is given, or made from the order's number."""
    whole = json.loads(FIXTURE.read_text(encoding="utf-8")) | LIVE
    dialect = dialects("shopify")[0]
    for number in range(1, count + 1):
        given = {name: value(number) if callable(value) else value for name, value in fields.items()}
        id_ = whole["id"] + number
        own = {"id": id_, "admin_graphql_api_id": f"gid://shopify/Order/{id_}", "name": f"#{1000 + number}"}
        made = whole | own | given
        body = json.dumps(made).encode()
        subject = dialect.subject(Envelope(dialect=dialect.name, topic="orders/create"), body)
        yield Event(
            position=number, system="shopify", dialect=dialect.name, topic="orders/create", object=subject.object,
            key=subject.key, name=subject.name, version=subject.version, complete=subject.complete, facts=subject.facts,
            received_at_ms=NOW_MS, release="r", sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip
