"""What the three systems hold, read from their twins over HTTP and exact to the digit; never the hub's own word."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from interlock.cli.twin_world import TwinWorld

Record = dict[str, Any]


def records(world: TwinWorld, vendor: str, kind: str) -> list[Record]:
    """All records of a kind at a twin, oldest first; every number a Decimal."""
    with urlopen(f"{world.urls[vendor]}/_twin/records?kind={kind}", timeout=30) as answer:
        rows: list[Record] = json.loads(answer.read(), parse_float=Decimal, parse_int=Decimal)
    return rows


def effects(world: TwinWorld, vendor: str, key: str) -> list[str]:
    """The kinds of the effects of one business key, in order: what the twin really did."""
    with urlopen(f"{world.urls[vendor]}/_twin/effects", timeout=30) as answer:
        return [effect["kind"] for effect in json.loads(answer.read()) if effect["key"] == key]


def keep_in_shop(world: TwinWorld, order_id: str, body: bytes) -> None:
    """Let the shop have this order, byte for byte, so that it can be read again; sends no webhook."""
    url = f"{world.urls['shopify']}/_twin/orders/{order_id}"
    with urlopen(Request(url, data=body, method="PUT"), timeout=30) as answer:
        assert answer.status == 200


def sales_order(world: TwinWorld, reference: str) -> Record | None:
    """The sales order under our reference, None when NetSuite has none."""
    return _one(records(world, "netsuite", "salesOrder"), "externalId", reference)


def rows_of(order: Record) -> list[tuple[str, Decimal, Decimal]]:
    """(item, quantity, amount) of each row of a sales order; the item as the external id or the internal one."""
    return [
        (row["item"].get("externalId") or row["item"]["id"], row["quantity"], row["amount"]) for row in order["item"]
    ]


def parcels(world: TwinWorld, reference: str) -> list[Record]:
    """The warehouse's orders of one order of ours: the first, then its revisions."""
    found = records(world, "shipbob", "order")
    return [order for order in found if order["reference_id"].partition("-r")[0] == reference]


def events(world: TwinWorld, order_id: str) -> dict[str, Record]:
    """The marketing events of one order, by metric; a metric that was told twice is an error."""
    names = {row["_id"]: row["name"] for row in records(world, "klaviyo", "metric")}
    mine = [row for row in records(world, "klaviyo", "event") if row["event_properties"]["OrderId"] == order_id]
    told = [names[row["metric_id"]] for row in mine]
    assert len(told) == len(set(told)), f"told twice: {told}"
    return {name: row["event_properties"] for name, row in zip(told, mine, strict=True)}


def customer(world: TwinWorld, reference: str) -> Record | None:
    """NetSuite's customer under our reference."""
    return _one(records(world, "netsuite", "customer"), "externalId", reference)


def profile(world: TwinWorld, external_id: str) -> Record | None:
    """Klaviyo's profile of a customer."""
    return _one(records(world, "klaviyo", "profile"), "external_id", external_id)


def choose(folder: Path, *changes: tuple[str, str, str]) -> None:
    """Change lines of a strategy folder: (file, old, new); an old text that is not there is an error."""
    for name, old, new in changes:
        file = folder / name
        text = file.read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        file.write_text(text.replace(old, new, 1), "utf-8")
        tomllib.loads(file.read_text("utf-8"))


def _one(found: list[Record], name: str, value: str) -> Record | None:
    fits = [record for record in found if record.get(name) == value]
    assert len(fits) < 2, f"{len(fits)} records have {name} {value}"
    return fits[0] if fits else None
