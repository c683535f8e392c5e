"""A write of stock against the twin: compared, once per key, and never a bad line before good ones."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from scripted_store import Store, connection, errors, run
from stock_shop import BUNDLE, MAIN, RETURNS, STORE, Shop, line

from interlock.clock import VirtualClock
from interlock.connectors.contract import Done, Refused, Retry, Uncertain, stock
from interlock.connectors.shopify.stock import ShopifyStock
from interlock.connectors.shopify.stock_lines import derived_key

SETS = "/graphql.json"


def done(line: stock.Line) -> Done:
    return Done(external_id=f"{line.place.item}@{line.place.location}", status=200)


def user_error(code: str, place: int | None = None) -> dict[str, Any]:
    field = None if place is None else ["input", "quantities", str(place), "quantity"]
    return {"code": code, "field": field, "message": "said"}


def payload(*user_errors: dict[str, Any]) -> dict[str, Any]:
    """What inventorySetQuantities answers."""
    group = None if user_errors else {"id": "gid://shopify/InventoryAdjustmentGroup/1"}
    return {"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": group, "userErrors": list(user_errors)}}}


def scripted(script: Any, lines: list[stock.Line]) -> tuple[stock.LineOutcomes, Store]:
    store = Store(script)
    channel = ShopifyStock(connection(store, VirtualClock(), stock_listing="bulk"))
    return run(channel.write(lines, key="k", timeout_seconds=5)), store


def test_many_lines_are_one_call_and_the_merchant_sees_why(shop: Shop) -> None:
    """F42, F43: 250 places, one mutation, and the history names our change."""
    lines = [line(item, quantity=number) for number, item in enumerate(shop.items(250))]
    before = shop.calls()
    assert shop.write(lines, "many-1") == tuple(map(done, lines))
    assert shop.calls() - before == 1
    (change,) = shop.history(lines[9].place.item)
    assert (change["from"], change["to"], change["by"]) == (50_000, 9, "twin-client")
    assert change["why"] == "gid://interlock/StockChange/count-1"


def test_a_sale_between_reading_and_writing_is_not_lost(shop: Shop) -> None:
    """C58: a buyer takes the last but one meanwhile: the write loses, by itself, and the others of the batch are written. The
    control: with the comparison off the sale is gone."""
    sold, other, unguarded = shop.items(3)
    shop.call("POST", "/_twin/stock", {"item": sold, "set": 2})
    shop.call("POST", "/_twin/stock", {"item": sold, "sell": 1})
    stale, good = shop.write([line(sold, quantity=10, change_from=2), line(other)], "cas-1")
    assert isinstance(stale, Retry) and stale.code == stock.STALE and good == done(line(other))
    assert (shop.shows(sold), shop.shows(other)) == (1, 7)
    assert [(row["from"], row["to"], row["by"]) for row in shop.history(sold)] == [
        (50_000, 2, "human"), (2, 1, "buyer"),
    ]  # fmt: skip
    shop.call("POST", "/_twin/stock", {"item": unguarded, "sell": 1})
    shop.write([line(unguarded, quantity=50_000, change_from=None)], "cas-2")
    assert shop.shows(unguarded) == 50_000, "the control: nobody would ever know of the sale"


def test_the_same_write_counts_once_whatever_became_of_its_answer(shop: Shop) -> None:
    """C59: the answer is lost on the way, so it is uncertain; the same key again is done, and was done once. The control:
    under another key the second write meets its own change."""
    (item,) = shop.items(1)
    shop.call("POST", "/_twin/faults", {"kind": "reset_after", "count": 1, "match": {"path": SETS}})
    (lost,) = shop.write([line(item)], "once-1")
    assert isinstance(lost, Uncertain)
    assert shop.write([line(item)], "once-1") == (done(line(item)),)
    assert len(shop.history(item)) == 1
    (other,) = shop.write([line(item)], "once-2")
    assert isinstance(other, Retry) and other.code == stock.STALE


def test_without_one_key_a_repeated_adjustment_counts_twice(shop: Shop) -> None:
    """The control of C59 where nothing is compared: an adjustment that is repeated under a new key each time counts each
    time, under one key once. It is why the key is on the disk before the call."""
    (item,) = shop.items(1)
    document = """mutation a($key: String!) { inventoryAdjustQuantities(input: {name: "available", reason: "correction", changes:
      [{delta: -1, inventoryItemId: "gid://shopify/InventoryItem/%s", locationId: "gid://shopify/Location/%s",
      changeFromQuantity: null}]}) @idempotent(key: $key) { userErrors { message } } }""" % (item, MAIN)  # noqa: UP031

    def adjusted(*keys: str) -> int | None:
        for key in keys:
            shop.admin(document, key=key)
        return shop.shows(item)

    assert adjusted("same", "same") == 49_999
    assert adjusted("one", "two") == 49_997


@pytest.mark.parametrize(("status", "kind"), [(503, Uncertain), (429, Retry), (401, Refused)])
def test_a_call_that_failed_as_a_whole_is_so_for_each_line(shop: Shop, status: int, kind: type) -> None:
    """A 5xx may have been carried out; too many calls were not; who may not write may not write any line."""
    lines = [line(item) for item in shop.items(2)]
    shop.call("POST", "/_twin/faults", {"kind": "status", "status": status, "count": 1, "match": {"path": SETS}})
    assert [type(one) for one in shop.write(lines, f"whole-{status}")] == [kind, kind]
    assert shop.write(lines, f"whole-{status}") == tuple(map(done, lines))


def test_the_lines_that_cannot_be_written_do_not_stop_the_others(shop: Shop) -> None:
    """C60, C63, C64, C68: one of each kind among good ones. Each is told once, with the next move, and the rest is written
    in one more call."""
    good = [line(item) for item in shop.items(20)]
    (twice,) = shop.items(1)
    bad = {
        "NON_MUTABLE_INVENTORY_ITEM": line(BUNDLE, change_from=0), "INVALID_INVENTORY_ITEM": line("12345"),
        "INVALID_LOCATION": line(shop.items(1)[0], location="999"), "INVALID_QUANTITY_TOO_HIGH": line(shop.items(1)[0], 2**40),
        "INVALID_QUANTITY_TOO_LOW": line(shop.items(1)[0], -(2**40)),
        "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR": line(twice, 3),
    }  # fmt: skip
    lines = [*good[:10], *bad.values(), line("a-sku"), *good[10:], line(twice, 4)]
    before = shop.calls()
    outcomes = dict(zip(lines, shop.write(lines, "poison-1"), strict=True))
    assert shop.calls() - before == 2
    assert [outcomes[one] for one in good] == list(map(done, good))
    for code, one in bad.items():
        refused = outcomes[one]
        assert isinstance(refused, Refused) and refused.code == code and "; " in refused.message
    assert isinstance(outcomes[lines[16]], Refused) and shop.shows(twice) == 50_000


def test_an_error_that_blames_no_line_is_found_by_halving() -> None:
    """C60: a store that only says that one of the lines is wrong, and one whose wrong value fails the whole call. The keys
    of the calls are the same when all is done again."""
    lines = [line(str(number)) for number in range(1, 17)]

    def script(_: str, variables: dict[str, Any]) -> Any:
        named = {row["inventoryItemId"].rpartition("/")[2] for row in variables["input"]["quantities"]}
        if "5" in named:
            return payload(user_error("NON_MUTABLE_INVENTORY_ITEM"))
        return errors("INVALID_VARIABLE") if "12" in named else payload()

    outcomes, store = scripted(script, lines)
    assert [one.place.item for one, said in zip(lines, outcomes, strict=True) if not isinstance(said, Done)] == [
        "5",
        "12",
    ]
    keys = [variables["key"] for _, variables in store.asked]
    assert keys[0] == "k" and len(set(keys)) == len(keys) < len(lines)
    again, repeated = scripted(script, lines)
    assert (again, repeated.asked) == (outcomes, store.asked)


def test_an_item_that_is_not_carried_there_is_stocked_first(shop: Shop) -> None:
    """C63: both where the hub knows and where the store says so; what was stocked anew is compared with nothing there."""
    known, found = shop.items(2)
    lines = [line(known, 4, None, RETURNS, activate=True), line(found, 5, 3, RETURNS), line(found, 6)]
    assert shop.write(lines, "stock-1") == tuple(map(done, lines))
    assert (shop.shows(known, RETURNS), shop.shows(found, RETURNS), shop.shows(found)) == (4, 5, 6)
    assert shop.write(lines, "stock-1") == tuple(map(done, lines)), "the same write again, as after a crash"
    assert [row["to"] for row in shop.history(known)] == [4]


@pytest.mark.parametrize("closed", [{"active": False}, {"fulfillment_service": "amazon-marketplace-web"}])
def test_a_place_that_cannot_be_written_says_what_to_do(shop: Shop, closed: dict[str, Any]) -> None:
    """C63: a location that was closed or belongs to a fulfilment service: one clear refusal, no endless retry, and the other
    location of the batch is written."""
    item, new = shop.items(2)
    shop.call("POST", "/_twin/locations", {"location": int(STORE), **closed})
    try:
        lines = [line(item, 1, 2_000, STORE), line(new, 1, None, STORE, activate=True), line(item, 8)]
        before = shop.calls()
        gone, never, good = shop.write(lines, f"closed-{closed}")
        assert shop.calls() - before == 3, "one to stock it, one that is refused, one for the rest"
    finally:
        shop.call("POST", "/_twin/locations", {"location": int(STORE), "active": True, "fulfillment_service": None})
    for refused in (gone, never):
        assert isinstance(refused, Refused) and refused.code == "INVALID_LOCATION"
        assert "inventory/locations.toml" in refused.message
    assert good == done(lines[2]) and shop.shows(item) == 8


def test_the_same_request_under_way_is_waited_for(shop: Shop) -> None:
    """C59, F30: IDEMPOTENCY_CONCURRENT_REQUEST: our own first try is still at work."""
    (item,) = shop.items(1)
    shop.call("POST", "/_twin/idempotency", {"key": "busy-1", "state": "running"})
    (waits,) = shop.write([line(item)], "busy-1")
    assert isinstance(waits, Retry) and waits.code == "IDEMPOTENCY_CONCURRENT_REQUEST" and waits.retry_after_seconds > 0
    assert shop.shows(item) == 50_000


def test_a_key_whose_attempt_failed_is_followed_by_the_next(shop: Shop) -> None:
    """C59, F30: IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED asks for a new key: one that follows from the old, so that this write
    repeated is still one. When the next ones have failed too, it is tried later."""
    item, other = shop.items(2)
    shop.call("POST", "/_twin/idempotency", {"key": "failed-1", "state": "failed"})
    assert shop.write([line(item)], "failed-1") == shop.write([line(item)], "failed-1") == (done(line(item)),)
    assert len(shop.history(item)) == 1
    for key in ("failed-2", *(derived_key("failed-2", "again", str(new)) for new in (1, 2, 3))):
        shop.call("POST", "/_twin/idempotency", {"key": key, "state": "failed"})
    (later,) = shop.write([line(other)], "failed-2")
    assert isinstance(later, Retry) and later.code == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"


def test_one_key_for_two_writes_is_a_defect_and_loud(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """C59, F30: IDEMPOTENCY_KEY_PARAMETER_MISMATCH can only be a mistake of ours: refused, logged, nothing written."""
    item, other = shop.items(2)
    shop.write([line(item)], "two-1")
    with caplog.at_level(logging.ERROR):
        (refused,) = shop.write([line(other)], "two-1")
    assert isinstance(refused, Refused) and refused.code == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    assert "defect" in refused.message and "two-1" in caplog.text and shop.shows(other) == 50_000


def test_an_activation_whose_errors_have_no_code_is_understood_by_its_words() -> None:
    """The errors of inventoryActivate are plain texts: what they say of the key is still told apart."""

    def script(operation: str, variables: dict[str, Any]) -> Any:
        if operation == "inventory_set_quantities":
            return payload()
        text = "This request is currently in progress, please try again."
        return {
            "data": {"inventoryActivate": {"inventoryLevel": None, "userErrors": [{"field": None, "message": text}]}}
        }

    (waits,), _ = scripted(script, [line("1", activate=True)])
    assert isinstance(waits, Retry) and waits.code == "IDEMPOTENCY_CONCURRENT_REQUEST"


def test_a_write_that_was_throttled_sends_nothing_more() -> None:
    """THROTTLED: the lines that were not sent wait for the same points (C71); what was decided before stays decided."""
    throttled = errors("THROTTLED") | {"extensions": {"cost": {"requestedQueryCost": 10, "actualQueryCost": None}}}
    answers = iter([payload(user_error("INVALID_INVENTORY_ITEM", 1)), throttled])
    (first, second, third), store = scripted(lambda *_: next(answers), [line("1"), line("2"), line("3")])
    assert isinstance(second, Refused) and len(store.asked) == 2
    assert isinstance(first, Retry) and first.destination_wide and third == first


def test_an_answer_that_says_nothing_is_uncertain() -> None:
    """A payload that is null is no word of success: the control of every Done above."""
    (said,), _ = scripted(lambda *_: {"data": {"inventorySetQuantities": None}}, [line("1")])
    assert isinstance(said, Uncertain)
