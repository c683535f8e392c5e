"""@idempotent: done once, answered again, and its three errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import MAIN, SUNGLASSES, Bench, codes

from interlock.twins.shopify.admin import idempotency

ADJUST = """mutation($input: InventoryAdjustQuantitiesInput!, $once: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $once) {
    inventoryAdjustmentGroup { reason } userErrors { code message } } }"""
BARE = ADJUST.replace(" @idempotent(key: $once)", "").replace(", $once: String!", "")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def change(delta: int = -1) -> dict[str, Any]:
    line = {"inventoryItemId": SUNGLASSES, "locationId": MAIN, "delta": delta, "changeFromQuantity": None}
    return {"name": "available", "reason": "correction", "changes": [line]}


def adjust(bench: Bench, key: str, delta: int = -1) -> dict[str, Any]:
    return dict(bench.data(ADJUST, input=change(delta), once=key)["inventoryAdjustQuantities"])


def test_a_repeated_key_does_the_work_once(bench: Bench) -> None:
    """F30: the answer that was lost is given again and nothing is taken twice. Control: two keys take twice."""
    before = bench.units(SUNGLASSES)["available"]
    assert adjust(bench, "a") == adjust(bench, "a")
    assert bench.units(SUNGLASSES)["available"] == before - 1
    adjust(bench, "b")
    assert bench.units(SUNGLASSES)["available"] == before - 2


def test_the_key_is_required_from_2026_04(bench: Bench) -> None:
    """F29, F93: the schema does not say so, the platform refuses at run time; in 2026-01 it may be left out."""
    (error,) = bench.ask(BARE, input=change())["errors"]
    assert error["message"] == "The @idempotent directive is required for this mutation but was not provided."
    assert error["extensions"]["code"] == "BAD_REQUEST" and error["path"] == ["inventoryAdjustQuantities"]
    assert "errors" not in bench.ask(BARE, "2026-01", input=change())
    (blank,) = bench.ask(ADJUST, input=change(), once=" ")["errors"]
    assert blank["extensions"]["code"] == "BAD_REQUEST"


def test_the_three_errors(bench: Bench) -> None:
    """F30: other parameters, a request that still runs, one that failed: each needs its own answer of the client."""
    adjust(bench, "a")
    assert codes(adjust(bench, "a", -2)) == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    for state, code in idempotency.STATES.items():
        idempotency.put(bench.world, "twin-client", state, state, bench.now)
        refused = adjust(bench, state)
        assert codes(refused) == [code] and refused["userErrors"][0]["message"] == idempotency.ERRORS[code]


def test_the_memory_lasts_24_hours(bench: Bench) -> None:
    """After a day the same key is a new request: a retry that late would be done twice, and the hub must know."""
    before = bench.units(SUNGLASSES)["available"]
    adjust(bench, "a")
    bench.now += idempotency.SECONDS_KEPT - 1
    adjust(bench, "a")
    assert bench.units(SUNGLASSES)["available"] == before - 1
    bench.now += 1
    adjust(bench, "a")
    assert bench.units(SUNGLASSES)["available"] == before - 2


def test_all_sixteen_are_in_the_schema_of_the_platform() -> None:
    """F29 counts sixteen."""
    assert len(idempotency.REQUIRED) == 16


def test_a_restart_does_not_forget(tmp_path: Path) -> None:
    """The twin's memory is on disk: a killed twin must not do a keyed request again."""
    with Bench(tmp_path) as bench:
        answer = adjust(bench, "a")
        units = bench.units(SUNGLASSES)["available"]
    with Bench(tmp_path) as again:
        assert adjust(again, "a") == answer
        assert again.units(SUNGLASSES)["available"] == units
