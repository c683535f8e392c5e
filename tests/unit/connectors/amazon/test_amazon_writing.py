"""Writing few lines to Amazon: each is a patch with an answer of its own, within the usage plan, and none spoils another."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import Any

import pytest

from interlock.clock import SystemClock
from interlock.connectors.amazon.lag import LATE_SECONDS_MAX, Lag
from interlock.connectors.amazon.usage import PLANS, UsagePlans
from interlock.connectors.contract import Allowance, Answer, Done, Hold, Lane, Refused, Retry, Uncertain, stock

PATH = "/listings/2021-08-01/items/A2TWINSELLER"
PLACE = "marketplaceIds=ATVPDKIKX0DER"
ONE = PATH + "/"


def naive_patch(seller: Any, sku: str, quantity: int) -> Any:
    """As a client writes that looks at nothing."""
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
    body = {
        "productType": "PRODUCT",
        "patches": [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}],
    }
    return seller.call("PATCH", f"{PATH}/{sku}?{PLACE}", body)


def test_one_line_that_cannot_be_written_stops_no_other(seller: Any, line: Any) -> None:
    """C60, C63, C64: each has its own outcome. Control: a naive patch of a SKU without a listing is accepted, and seen by nobody."""
    lines = [
        line("MUG", 5), line("NONE", 1), line("FBA", 2), line("CUP/1", 0), line("PLATE-1", -1),
        line("PLATE-2", 1, "AMAZON_NA"), line("PLATE-3", 1, "STORE-7"), line("TEA, GREEN", 4),
    ]  # fmt: skip
    outcomes = seller.write(*lines)
    assert [one.code if isinstance(one, Refused) else one.external_id for one in outcomes] == [
        "MUG@DEFAULT", "NOT-LISTED", "AMAZON-FULFILLED", "CUP/1@DEFAULT", "QUANTITY",
        "AMAZON-FULFILLED", "NO-SUCH-CHANNEL", "TEA, GREEN@DEFAULT",
    ]  # fmt: skip
    assert sorted(seller.sets()) == [("CUP/1", 3, 0, "patch"), ("MUG", 12, 5, "patch"), ("TEA, GREEN", 8, 4, "patch")]
    assert naive_patch(seller, "NONE", 1)["status"] == "ACCEPTED"
    assert seller.shown("NONE") == [None]


def test_the_sellers_lead_time_stays(seller: Any, line: Any) -> None:
    """Stock is what we write, nothing else. Control: the usual `replace` clears the lead time."""

    def lead_time() -> Any:
        found = seller.call("GET", f"{PATH}/MUG?{PLACE}&includedData=attributes")
        return found["attributes"]["fulfillment_availability"][0].get("lead_time_to_ship_max_days")

    assert isinstance(seller.write(line("MUG", 5))[0], Done)
    assert lead_time() == 5
    naive_patch(seller, "MUG", 4)
    assert lead_time() is None


def test_amazons_own_issue_is_told(sellers: Any, line: Any) -> None:
    """INVALID comes with status 200: the issue's code and words are the outcome."""
    seller = sellers(items=[{"sku": "MUG", "quantity": 3}])
    seller.fail(
        kind="status", status=200, count=1, match={"method": "PATCH"},
        body={"sku": "MUG", "status": "INVALID", "submissionId": "s", "issues": [
            {"code": "18027", "message": "Just so you know.", "severity": "WARNING", "categories": []},
            {"code": "90220", "message": "'size' is required but not supplied.", "severity": "ERROR", "categories": []},
        ]},
    )  # fmt: skip
    (found,) = seller.write(line("MUG", 1))
    assert (type(found), found.code, found.reason) == (Refused, "90220", "validation")
    assert found.message == "'size' is required but not supplied."


@pytest.mark.parametrize(
    ("fault", "kind", "applied"),
    [
        ({"kind": "reset_after"}, Uncertain, 1),
        ({"kind": "reset_before"}, Uncertain, 0),
        ({"kind": "status", "status": 503}, Uncertain, 0),
        ({"kind": "garbage"}, Uncertain, 0),
        ({"kind": "drop"}, Uncertain, 0),
        ({"kind": "status", "status": 429}, Retry, 0),
        ({"kind": "status", "status": 400}, Refused, 0),
    ],
)
def test_what_goes_wrong_with_one_line(seller: Any, line: Any, fault: Any, kind: type, applied: int) -> None:
    """Invariant 2: a lost answer is uncertain for its own line; the others are done."""
    seller.fail(**fault, count=1, match={"method": "PATCH", "path": ONE + "MUG"})
    outcomes = seller.write(line("PLATE-9", 1), line("MUG", 5), line("PLATE-8", 2))
    assert [type(one) for one in outcomes] == [Done, kind, Done]
    assert sum(row[0] == "MUG" for row in seller.sets()) == applied


def test_what_was_accepted_under_a_key_is_not_set_again(seller: Any, line: Any) -> None:
    """C59: one line of two is uncertain, so both come again, 15 minutes later; the other place has a newer number by then, and
    keeps it. Control: under another key, which is a client that remembers nothing, the old number lands over the newer one."""
    both = (line("MUG", 5), line("CUP/1", 1))

    async def story(channel: Any) -> list[Any]:
        first = await channel.write(both, key="k1", timeout_seconds=60)
        newer = await channel.write((line("MUG", 9),), key="k2", timeout_seconds=60)
        return [first, newer, await channel.write(both, key="k1", timeout_seconds=60)]

    seller.fail(kind="status", status=503, count=1, match={"path": ONE + "CUP"})
    first, _, again = seller.run(story)
    assert [type(one) for one in first] == [Done, Uncertain]
    assert [type(one) for one in again] == [Done, Done]
    assert seller.shown("MUG", "CUP/1") == [9, 1]
    seller.write(*both)
    assert seller.shown("MUG") == [5]


def test_a_number_that_is_shown_already_is_written_all_the_same(sellers: Any, line: Any) -> None:
    """Accepted is not seen: 5 is on its way while 12 is still shown, and 12 is wanted again. Control: who skips what is shown
    already, because it looks right, ends at 5."""
    seller = sellers(visible_after_seconds=0.2)
    seller.write(line("MUG", 5))
    assert seller.shown("MUG") == [12]
    seller.write(line("MUG", 12))
    seller.write(line("PLATE-7", 1))
    while seller.call("GET", "/_twin/state")["writes_not_seen"]:
        pass
    assert seller.shown("MUG", "PLATE-7") == [12, 1]
    assert [row[1:3] for row in seller.sets() if row[0] == "MUG"] == [(12, 5), (5, 12)]


def test_a_sale_that_nobody_has_told_of_is_not_written_over(seller: Any, line: Any) -> None:
    """C58: Amazon compares nothing, so the listing is read right before its patch: the line that is stale is not sent, its
    neighbour is. Control: who says nothing of what it replaces puts the piece back."""
    seller.call("POST", "/_twin/sales", {"sku": "MUG", "quantity": 1})
    stale, good = seller.write(line("MUG", 14, change_from=12), line("CUP/1", 4, change_from=3))
    assert (stale.code, type(good)) == (stock.STALE, Done)
    assert seller.shown("MUG", "CUP/1") == [11, 4]
    seller.write(line("MUG", 14))
    assert seller.shown("MUG") == [14]


def test_each_few_patches_are_read_right_before(seller: Any, line: Any) -> None:
    """The time between the reading and the patch is what a sale can be lost in: no listing is read more than five patches ahead."""
    lines = [line(f"PLATE-{n}", 90, change_from=n) for n in range(1, 13)]
    send, calls = seller.http.send, list[str]()

    async def sent(method: str, *rest: Any) -> Any:
        calls.append(method)
        return await send(method, *rest)

    seller.http.send = sent
    assert {type(one) for one in seller.write(*lines)} == {Done}
    assert [len(list(run)) for method, run in groupby(calls) if method == "PATCH"] == [5, 5, 2]


def test_a_listing_that_shows_our_write_late_is_not_stale_for_ever(sellers: Any, line: Any) -> None:
    """12 became 20, and 12 is shown still: that is our own write on its way, so it reads as 20, and 22 in its place is written
    at once, as often as it changes. When it has come, an old number is somebody's hand again. Control: a connector that has
    seen nothing, as after a restart, reads 12 and refuses."""
    seller = sellers(visible_after_seconds=60)

    async def story(channel: Any) -> list[Any]:
        async def write(quantity: int, change_from: int) -> Any:
            (found,) = await channel.write(
                [line("MUG", quantity, change_from=change_from)], key=f"k{quantity}", timeout_seconds=60, first=True
            )
            return found

        async def shown() -> int:
            (seen,) = await channel.read([stock.Place("MUG", "DEFAULT")], timeout_seconds=60)
            return int(seen.quantity)

        found = [await write(20, 12), await shown(), await write(22, 20), await shown()]
        await asyncio.to_thread(seller.call, "POST", "/_twin/quantity", {"sku": "MUG", "quantity": 22})
        found.append(await shown())
        await asyncio.to_thread(seller.call, "POST", "/_twin/quantity", {"sku": "MUG", "quantity": 12})
        return [*found, await shown(), await write(25, 22)]

    first, late, second, later, come, changed, stale = seller.run(story)
    assert isinstance(first, Done) and isinstance(second, Done)
    assert (late, later, come, changed) == (20, 22, 22, 12)
    assert stale.code == stock.STALE
    assert isinstance(seller.write(line("CUP/1", 9, change_from=3))[0], Done)
    (control,) = seller.write(line("CUP/1", 10, change_from=9))
    assert control.code == stock.STALE


def test_what_is_sold_out_is_no_lag(seller: Any, line: Any) -> None:
    """0 became 3, 3 were sold, and 0 is shown: the write was read back, so 0 is what it says. Control: who takes every number
    from before its last write for lag would put three pieces back that are gone."""

    async def story(channel: Any) -> Any:
        await channel.write([line("MUG", 0, change_from=12)], key="k0", timeout_seconds=60, first=True)
        await channel.write([line("MUG", 3, change_from=0)], key="k1", timeout_seconds=60, first=True)
        await asyncio.to_thread(seller.call, "POST", "/_twin/sales", {"sku": "MUG", "quantity": 3})
        return await channel.write([line("MUG", 4, change_from=3)], key="k2", timeout_seconds=60, first=True)

    (found,) = seller.run(story)
    assert found.code == stock.STALE
    assert seller.shown("MUG") == [0]


def test_late_numbers_are_believed_for_a_quarter_of_an_hour() -> None:
    """Lag ends by what is shown, or by time: what stands for longer is what it says."""
    now = 0.0
    lag, place = Lag(lambda: now), stock.Place("MUG", "DEFAULT")
    lag.wrote(place, 20, before=12, back=12)
    assert lag.meant(stock.Seen(place=place, quantity=12)).quantity == 20
    now = LATE_SECONDS_MAX
    assert lag.meant(stock.Seen(place=place, quantity=12)).quantity == 12
    lag.wrote(place, 20, before=12, back=11)  # a buyer was there: neither
    assert lag.meant(stock.Seen(place=place, quantity=12)).quantity == 12


def test_the_usage_plan_is_learnt_and_kept(sellers: Any, line: Any) -> None:
    """C70: a seller with a plan of 40 a second gets 40, without a single 429. Control: one who does not count is refused."""
    seller = sellers(usage_plans={name: [40, 5] for name in PLANS})
    seller.clock = SystemClock()
    lines = [line(f"PLATE-{n}", 50 + n) for n in range(1, 25)]
    assert {type(one) for one in seller.write(*lines)} == {Done}
    assert seller.call("GET", "/_twin/state")["refused_by_usage_plan"] == {}
    slow = sellers(usage_plans={"patchListingsItem": [0.01, 5]})
    answers = [naive_patch(slow, "MUG", n) for n in range(8)]
    assert sum(answer["status"] == 429 for answer in answers) == 3


def test_what_the_time_does_not_suffice_for_comes_again(sellers: Any, line: Any) -> None:
    """Every line has an outcome: those that the plan lets through in time are done, the others say when to come again."""
    seller = sellers(usage_plans={"patchListingsItem": [0.2, 5]})
    seller.clock = SystemClock()
    outcomes = seller.write(*(line(f"PLATE-{n}", 60 + n) for n in range(1, 15)), timeout_seconds=3.0)
    kinds = [type(one) for one in outcomes]
    assert kinds.count(Done) == len(seller.sets()) >= 3
    waiting = [one for one in outcomes if isinstance(one, Retry)]
    assert kinds.count(Done) + len(waiting) == 14
    assert {(one.code, one.status) for one in waiting} <= {
        ("USAGE-PLAN", 429),
        ("NO-TIME", 429),
    }  # no failure of Amazon's
    assert any(one.retry_after_seconds > 1 for one in waiting)


class _Clock:
    """Stands still until it is set."""

    now = 0.0

    def now_ms(self) -> int:
        return round(self.now * 1000)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def plans(clock: Any, seller: Any) -> UsagePlans:
    seller.clock, seller.settings = clock, {"seller_id": "A"}
    return UsagePlans(seller.connection(None))


def test_a_429_says_that_nothing_is_left(seller: Any) -> None:
    """C71: another program has used the plan up: we wait as long as a call needs to come, and not for nothing."""
    clock = _Clock()
    counted = plans(clock, seller)

    async def story() -> list[Any]:
        hold = await counted.take("patchListingsItem", Lane.LIVE, 0.0)
        assert isinstance(hold, Hold)
        counted.give_back("patchListingsItem", hold, Answer(429, {}, b""))
        first = await counted.take("patchListingsItem", Lane.LIVE, 0.0)
        clock.now += 0.4
        return [
            first,
            await counted.take("patchListingsItem", Lane.LIVE, 0.0),
            await counted.take("getFeed", Lane.LIVE, 0.0),
        ]

    first, later, other = asyncio.run(story())
    assert isinstance(first, Retry) and first.retry_after_seconds == pytest.approx(0.4)
    assert isinstance(later, Hold)
    assert isinstance(other, Hold)  # each operation has its own plan


def test_the_rate_of_an_answer_takes_the_place_of_ours(seller: Any) -> None:
    """Amazon widens the plan of a busy seller; a header that is no number changes nothing."""
    clock = _Clock()
    counted = plans(clock, seller)

    async def rate_after(header: str) -> float:
        clock.now += 10
        hold = await counted.take("getFeed", Lane.LIVE, 0.0)
        assert isinstance(hold, Hold)
        counted.give_back("getFeed", hold, Answer(200, {"x-amzn-ratelimit-limit": header}, b""))
        allowance: Allowance = counted._allowance
        return allowance.bucket(counted._name("getFeed")).restore_rate

    assert [asyncio.run(rate_after(header)) for header in ("", "4.0", "none", "1")] == [2, 4, 4, 1]


def test_a_place_is_a_sku_and_a_channel(seller: Any) -> None:
    """FBA and the seller's own stock of one SKU are two places."""
    places = [stock.Place("FBA", "AMAZON_NA"), stock.Place("FBA", "DEFAULT")]
    seen = seller.run(lambda channel: channel.read(places, timeout_seconds=60))
    assert [one.stocked for one in seen] == [False, False]
