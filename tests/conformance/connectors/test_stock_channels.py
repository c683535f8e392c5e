"""The suite of systems that show stock to buyers: everything that the hub asks of a StockChannel, against its twin over HTTP."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from published import Wire, hold
from vendor_cases import Twin, host_of

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import (
    Connection,
    Done,
    IntakeError,
    MappingError,
    Refused,
    Retry,
    Uncertain,
    stock,
)

PLACES = 40
"""So many places a test may use; each test takes some that no other had."""
Use = Callable[[stock.StockChannel], Awaitable[Any]]
KEYS = itertools.count(1)


@dataclass(frozen=True)
class Channel:
    """What differs between the vendors for this suite. A new channel adds its case to `channels`."""

    vendor: str
    config: dict[str, Any]
    credentials: dict[str, str]
    wrong: dict[str, str]
    writes: str
    """A part of the path of what writes, for faults."""
    carried: Callable[[Twin], list[stock.Place]]
    """Fill the twin with goods; places where the channel carries an item, at least PLACES."""
    sold: Callable[[Twin, stock.Place, int], None]
    """Let a buyer take so many pieces."""
    ordered: Callable[[Twin], str] | None = None
    """Let a buyer place an order, and say its key: of a channel that decides later where it takes it from."""
    settings: dict[str, Any] = field(default_factory=dict)
    each_its_own: bool = False
    """Whether each line is a call of its own, so that a fault has to strike each."""

    def calls(self, lines: int) -> int:
        """How many calls that many lines are."""
        return lines if self.each_its_own else 1


def shopify_places(twin: Twin) -> list[stock.Place]:
    twin.call("POST", "/_twin/assortment", {"products": 100})
    rows = [row for row in twin.call("GET", "/_twin/stock")["levels"] if row["available"] == 50_000]
    return [stock.Place(str(row["item"]), str(row["location"])) for row in rows]


def shopify_sold(twin: Twin, place: stock.Place, units: int) -> None:
    twin.call("POST", "/_twin/stock", {"item": place.item, "location": int(place.location), "sell": units})


def shopify_ordered(twin: Twin) -> str:
    return str(twin.call("POST", "/_twin/orders", {"scenario": "plain"})["orders"][0]["id"])


def square_places(twin: Twin) -> list[stock.Place]:
    rows = twin.call("GET", "/_twin/counts")["counts"]
    found = {stock.Place(row["catalog_object_id"], row["location_id"]) for row in rows}
    return sorted(found, key=lambda place: (place.item, place.location))


def square_sold(twin: Twin, place: stock.Place, units: int) -> None:
    lines = [{"item": place.item, "quantity": units}]
    twin.call("POST", "/_twin/sell", {"lines": lines, "location": place.location})


def amazon_places(twin: Twin) -> list[stock.Place]:
    return [stock.Place(row["sku"], "DEFAULT") for row in twin.call("GET", "/_twin/records?kind=item")]


def amazon_sold(twin: Twin, place: stock.Place, units: int) -> None:
    twin.call("POST", "/_twin/sales", {"sku": place.item, "quantity": units})


def channels() -> tuple[Channel, ...]:
    tills = {f"SKU-{number}": {"L1": 100, "L2": 100} for number in range(PLACES)}
    return (
        Channel(
            vendor="square",
            config={"items": list(tills), "counts": tills, "locations": ["L1", "L2"], "rate_per_second": 0},
            credentials={"access_token": "twin-token"},
            wrong={"access_token": "another"},
            writes="/changes/batch-create",
            carried=square_places,
            sold=square_sold,
            settings={"shop": "TWINMERCHANT1"},
        ),
        Channel(
            vendor="shopify",
            config={"plan": "enterprise", "bulk_objects_per_second": 1e9},
            credentials={"access_token": "shpat_twin"},
            wrong={"access_token": "another"},
            writes="/graphql.json",
            carried=shopify_places,
            sold=shopify_sold,
            ordered=shopify_ordered,
        ),
        Channel(
            vendor="amazon",
            config={"usage_plans": "off", "items": [{"sku": f"SKU/{n}", "quantity": 50} for n in range(60)]},
            credentials={
                "client_id": "amzn1.application-oa2-client.twin",
                "client_secret": "amzn1.oa2-cs.v1.twin",
                "refresh_token": "Atzr|twin",
            },
            wrong={"refresh_token": "another"},
            writes="/listings/2021-08-01/items/A2TWINSELLER/",
            carried=amazon_places,
            sold=amazon_sold,
            settings={"seller_id": "A2TWINSELLER", "marketplace_id": "ATVPDKIKX0DER", "token_url": "/auth/o2/token"},
            each_its_own=True,
        ),
    )


@pytest.fixture(params=channels(), ids=lambda one: one.vendor)
def channel(request: pytest.FixtureRequest) -> Channel:
    found: Channel = request.param
    return found


@pytest.fixture
def twin(channel: Channel, twins: Any) -> Iterator[Twin]:
    found = twins.started(channel.vendor, channel.config, "channel")
    yield found
    found.call("DELETE", "/_twin/faults")


@pytest.fixture
def places(channel: Channel, twin: Twin) -> list[stock.Place]:
    """Some that no other test has."""
    carried = channel.carried(twin)
    begin = (next(KEYS) * 3) % (len(carried) - 3)
    return carried[begin : begin + 3]


def run(channel: Channel, twin: Twin, use: Use, **credentials: str) -> Any:
    """Use a connector's stock channel; what is said and answered is as the vendor publishes it."""

    async def go() -> Any:
        http = Wire([host_of(twin.url)], [host_of(twin.url)])
        connection = Connection(
            system="shop", url=twin.url, settings=channel.settings, credentials=channel.credentials | credentials,
            builders={}, http=http, clock=SystemClock(),
        )  # fmt: skip
        try:
            found = await use(registry.open_offer(channel.vendor, "stock_channel", connection))
        finally:
            await http.close()
        hold(channel.vendor, http)
        return found

    return asyncio.run(go())


def key() -> str:
    return f"conformance-{next(KEYS)}"


def line(place: stock.Place, quantity: int, change_from: int | None = None) -> stock.Line:
    return stock.Line(place=place, quantity=quantity, change_from=change_from, reference="conformance")


async def settled(opened: stock.StockChannel, lines: list[stock.Line], key: str) -> stock.LineOutcomes:
    """A write to its end, also where the channel says later what became of it."""
    said: Any = await opened.write(lines, key=key, timeout_seconds=5)
    for _ in range(200):
        if not isinstance(said, stock.Underway):
            return said  # type: ignore[no-any-return]
        await asyncio.sleep(min(said.again_seconds, 0.05))
        looked = await opened.look(said.receipt, lines, timeout_seconds=5)
        said = said if isinstance(looked, Retry) else looked
    raise AssertionError("the write never ended")


def written(channel: Channel, twin: Twin, lines: list[stock.Line], key: str) -> stock.LineOutcomes:
    found: stock.LineOutcomes = run(channel, twin, lambda opened: settled(opened, lines, key))
    return found


def shown(channel: Channel, twin: Twin, places: list[stock.Place]) -> list[int]:
    seen = run(channel, twin, lambda opened: opened.read(places, timeout_seconds=5))
    assert isinstance(seen, tuple), seen
    return [one.quantity for one in seen]


def test_what_is_written_is_shown(channel: Channel, twin: Twin, places: list[stock.Place]) -> None:
    """Each line is done, by the name of its place, and every place shows its own number; zero is a number."""
    before = shown(channel, twin, places)
    lines = [line(place, number * 7, now) for number, (place, now) in enumerate(zip(places, before, strict=True))]
    outcomes = written(channel, twin, lines, key())
    assert [type(one) for one in outcomes] == [Done] * 3
    names = [one.external_id for one in outcomes if isinstance(one, Done)]
    assert names == [f"{place.item}@{place.location}" for place in places]
    assert shown(channel, twin, places) == [0, 7, 14]


def test_a_sale_in_between_is_not_written_over(channel: Channel, twin: Twin, places: list[stock.Place]) -> None:
    """C58, where the channel compares: the line that is stale waits to be computed anew, its neighbour is written. The
    control: nobody compared, and the sale is gone."""
    sold, other, control = places
    before = shown(channel, twin, places)
    for place in (sold, control):
        channel.sold(twin, place, 1)
    stale, good = written(channel, twin, [line(sold, 9, before[0]), line(other, 9, before[1])], key())
    assert isinstance(good, Done)
    if run(channel, twin, _compares):
        assert isinstance(stale, Retry) and stale.code == stock.STALE
        assert shown(channel, twin, [sold, other]) == [before[0] - 1, 9]
    written(channel, twin, [line(control, before[2])], key())
    assert shown(channel, twin, [control]) == [before[2]]


def test_a_lost_answer_is_uncertain_and_the_same_write_again_is_done(
    channel: Channel, twin: Twin, places: list[stock.Place]
) -> None:
    """C59: the number arrived and the answer did not: the same lines under the same key end well, with that number."""
    lines = [line(place, 5, now) for place, now in zip(places, shown(channel, twin, places), strict=True)]
    once = key()
    twin.fail(kind="reset_after", count=channel.calls(3), match={"path": channel.writes})
    assert all(isinstance(one, Uncertain) for one in written(channel, twin, lines, once))
    assert all(isinstance(one, Done) for one in written(channel, twin, lines, once))
    assert shown(channel, twin, places) == [5, 5, 5]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 503}, Uncertain), ({"kind": "status", "status": 429}, Retry),
        ({"kind": "reset_before"}, Uncertain), ({"kind": "garbage"}, Uncertain),
    ],
)  # fmt: skip
def test_what_fails_as_a_whole(
    channel: Channel, twin: Twin, places: list[stock.Place], fault: dict[str, Any], kind: type
) -> None:
    """Each line has the outcome of the call; nothing that cannot be read is taken for done."""
    before = shown(channel, twin, places)
    twin.fail(**fault, count=channel.calls(3), match={"path": channel.writes})
    outcomes = written(channel, twin, [line(place, 3, now) for place, now in zip(places, before, strict=True)], key())
    assert [type(one) for one in outcomes] == [kind] * 3
    assert shown(channel, twin, places) == before


def test_a_line_that_cannot_be_written_stops_no_other(channel: Channel, twin: Twin, places: list[stock.Place]) -> None:
    """C60: an item that nobody has, among good ones: it is refused with a reason, they are written."""
    good, other, _ = places
    now = shown(channel, twin, [good, other])
    bad = stock.Place("999999999999", good.location)
    first, refused, last = written(
        channel, twin, [line(good, 1, now[0]), line(bad, 1, 0), line(other, 2, now[1])], key()
    )
    assert isinstance(refused, Refused) and refused.reason and refused.message
    assert (type(first), type(last)) == (Done, Done)
    assert shown(channel, twin, [good, other]) == [1, 2]


def test_places_are_answered_in_the_order_asked(channel: Channel, twin: Twin, places: list[stock.Place]) -> None:
    """Each once, also one that does not exist: it is not carried, which is not zero."""
    asked = [places[2], stock.Place("999999999999", places[0].location), places[0]]
    seen = run(channel, twin, lambda opened: opened.read(asked, timeout_seconds=5))
    assert [one.place for one in seen] == asked
    assert [one.stocked for one in seen] == [True, False, True]


def test_all_places_and_all_items(channel: Channel, twin: Twin) -> None:
    """Page by page to the end: what is carried is listed once, and its item is known."""

    async def use(opened: stock.StockChannel) -> Any:
        seen: list[stock.Seen] = []
        items: list[stock.Item] = []
        after = ""
        while True:
            page = await opened.listing(after, timeout_seconds=5)
            if isinstance(page, Retry):
                await asyncio.sleep(min(page.retry_after_seconds, 0.05))
                continue
            assert isinstance(page, stock.SeenPage), page
            seen, after = [*seen, *page.seen], page.after
            if not after:
                break
        while True:
            found = await opened.items(after, timeout_seconds=5)
            assert isinstance(found, stock.ItemPage), found
            items, after = [*items, *found.items], found.after
            if not after:
                return seen, items

    carried = channel.carried(twin)
    assert len(carried) >= PLACES
    seen, items = run(channel, twin, use)
    often = Counter(one.place for one in seen if one.stocked)
    assert all(often[place] == 1 for place in carried)
    listed = Counter(one.item for one in items)
    assert all(listed[place.item] == 1 for place in carried)


def test_where_a_sale_is_taken_from_is_told_when_it_is_asked(channel: Channel, twin: Twin) -> None:
    """Each line at a place of the channel, with nothing left to decide; what there is not is refused, not sold as nothing; who may
    not read it is told so. A channel whose sales tell their places has nobody to ask."""

    async def use(opened: stock.StockChannel) -> Any:
        sales = stock.routing(opened)
        assert (sales is None) == (channel.ordered is None)
        return sales and [await sales.sale("order", each, timeout_seconds=5) for each in keys]

    keys = [channel.ordered(twin) if channel.ordered else "", "999999999999"]
    found = run(channel, twin, use)
    if found is not None:
        sale, nothing = found
        assert isinstance(sale, stock.Sale) and sale.key == keys[0] and not sale.unrouted
        assert sale.lines and all(one.location and one.quantity > 0 for one in sale.lines)
        assert isinstance(nothing, Refused)
        assert all(isinstance(one, Refused) for one in run(channel, twin, use, **channel.wrong))


def test_who_may_not_is_told_so(channel: Channel, twin: Twin, places: list[stock.Place]) -> None:
    """Wrong credentials are nobody's next try."""

    async def use(opened: stock.StockChannel) -> Any:
        return await opened.read(places, timeout_seconds=5), await settled(opened, [line(places[0], 1)], key())

    seen, (outcome,) = run(channel, twin, use, **channel.wrong)
    for said in (seen, outcome):
        assert isinstance(said, Refused) and said.reason in {"authentication", "permission"}


def test_what_a_webhook_says_that_cannot_be_read(channel: Channel, twin: Twin) -> None:
    """Never nothing: an exception with the reason."""

    async def use(opened: stock.StockChannel) -> None:
        opened.told("stock", b"{")

    with pytest.raises((IntakeError, MappingError)):
        run(channel, twin, use)


async def _compares(opened: stock.StockChannel) -> bool:
    return opened.compares
