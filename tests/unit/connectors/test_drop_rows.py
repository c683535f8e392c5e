"""What a row of a dropped file may say, and what its parts become; nothing that cannot be read becomes a number."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from interlock.connectors.contract import IntakeError, Refused, dropped, stock
from interlock.connectors.drop.client import Drop
from interlock.connectors.drop.rows import Rows

NOW_MS = 1_800_000_000_000
HERE = {"sku": "A", "location": "MAIN"}


def read(raw: dict[str, Any], **settings: Any) -> Any:
    return Rows(settings, NOW_MS).read(7, HERE | raw)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ({"available": "12"}, {"available": "12"}),
        ({"qty": 3, "on_hand": "4.50"}, {"available": "3", "on_hand": "4.50"}),
        ({"available": "-2"}, {"available": "-2"}),
        ({"available": "0", "damaged": ""}, {"available": "0"}),
        ({"AVAILABLE ": "1e3"}, {"available": "1000"}),
        ({"available": Decimal("0.1"), "incoming": None}, {"available": "0.1"}),
    ],
)
def test_amounts_are_exact_and_what_is_empty_is_unknown(raw: dict[str, Any], wanted: dict[str, str]) -> None:
    """C64, C66: zero is said, never supposed."""
    assert read(raw).quantities == wanted


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"available": "many"}, "available is no number: 'many'"),
        ({"available": "1,200"}, "no number"),
        ({"available": "NaN"}, "no number"),
        ({"available": "Infinity"}, "no number"),
        ({"available": "9999999999"}, "no number"),
        ({"available": True}, "no number"),
        ({"available": ["1"]}, "no number"),
        ({"available": ""}, "it has no quantity"),
        ({"available": "1", "sku": ""}, "no sku, item or barcode"),
        ({"available": "1", "sku": 1.5}, "sku is no text"),
        ({"available": "1", "sku": "x" * 201}, "sku is longer"),
        ({"available": "1", "sku": "a\x00b"}, "cannot be printed"),
        ({"available": "1", "location": " "}, "no location"),
        ({"available": "1", "as_of": "yesterday"}, "as_of is no time"),
        ({"available": "1", "as_of": "2026-11-23T20:00:00"}, "no time zone"),
        ({"available": "1", "as_of": "2030-01-01T00:00:00Z"}, "still to come"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(raw: dict[str, Any], why: str) -> None:
    """Fault case 26: with its line and the reason."""
    found = read(raw)
    assert isinstance(found, dropped.Wrong)
    assert found.line == 7
    assert why in found.why


def test_a_comma_for_fractions_is_a_setting() -> None:
    """1,5 is one and a half where the system says so; nobody guesses."""
    assert read({"available": "1,5"}, decimal=",").quantities == {"available": "1.5"}
    assert isinstance(read({"available": "1.200,5"}, decimal=","), dropped.Wrong)


def part(chunk: int, kind: str = "snapshot", wrong: int = 0, **row: Any) -> bytes:
    given = {"line": 2, "location": "MAIN", "quantities": {"available": "1.50"}} | row
    file = {
        "id": "f",
        "kind": kind,
        "sha256": "",
        "rows": 1,
        "wrong": wrong,
        "chunk": chunk,
        "chunks": 2,
        "as_of": "2026-11-23T20:00:00+00:00",
    }
    return msgspec.json.encode({"rows": [given], "wrong": [], "file": file})


def test_levels_of_a_part() -> None:
    """By the system's id of the item, else by what it shows; the row's own time goes before the file's."""
    told = Drop().told("levels/snapshot", part(1, item="7", sku="A", unit="case", as_of="2026-11-23T19:00:00+00:00"))
    assert told.levels == (
        stock.Level(
            item="7", sku="A", location="MAIN", quantities={"available": Decimal("1.50")}, unit="case", version="f",
            as_of_us=1_795_460_400_000_000,
        ),
    )  # fmt: skip
    by_barcode = Drop().told("levels/changes", part(1, "changes", barcode="00"))
    assert [(one.item, one.as_of_us) for one in by_barcode.levels] == [("00", 1_795_464_000_000_000)]


def test_the_last_part_ends_what_there_is_to_tell() -> None:
    """Only a file without a wrong row is whole: a row that could not be read may be the one that changed."""
    last = [Drop().told("levels/snapshot", part(2, sku="A", wrong=wrong)) for wrong in (0, 1)]
    assert [(one.ends, one.ends_us, one.telling) for one in last] == [
        ("whole", 1_795_464_000_000_000, "f"), ("fresh", 1_795_464_000_000_000, "f"),
    ]  # fmt: skip
    assert (
        Drop().told("levels/snapshot", part(1, sku="A")).ends,
        Drop().told("levels/changes", part(2, "changes", sku="A")).telling,
    ) == ("", "")


def test_what_is_no_part_of_a_file() -> None:
    """Another topic says nothing of stock; a body of another shape is refused with its place."""
    assert Drop().told("orders/create", b"{}") == stock.Told()
    with pytest.raises(IntakeError, match="rows"):
        Drop().told("levels/changes", b"{}")


def test_a_system_that_cannot_be_asked_never_says_nothing() -> None:
    """C66: an empty page would be a new and empty warehouse."""

    async def ask() -> list[Any]:
        drop = Drop()
        return [
            await drop.levels("", timeout_seconds=1),
            await drop.changed("", "", timeout_seconds=1),
            await drop.read(["A"], timeout_seconds=1),
        ]

    assert all(isinstance(one, Refused) for one in asyncio.run(ask()))
    assert not stock.is_asked(Drop())
