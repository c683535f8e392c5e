"""A flash sale of few pieces over three channels: how much more is sold than is there, and why it can be no more than that.

Each channel sells what it shows without asking anybody, so three channels that each show all of it sell three times as much when
all buy at once: that is the bound, and only a share or a buffer makes it smaller. What the hub answers for is that it adds
nothing: whatever is sold anywhere and not yet known to the warehouse is subtracted everywhere, and no write puts back what a
buyer has just taken. A share is one of what is left as far as that is told: where sales are told late it is shared out anew
before they are, and Amazon's connector compares a moment before it writes. For both a share is allowed the pieces that writes
may have put back, by Amazon's own ledger; to what is shown whole, or less a buffer, no such allowance is made.
"""

import asyncio
import http.client
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from experiment import Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import TOPICS, until
from stock_stack import LOCATION, WMS_PLACE, control
from three_channels import Goods, publish, three_channels

from interlock.cli.twin_world import SHOP_TOKEN
from interlock.flows.inventory import deciding
from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.rules import Channel
from interlock.flows.inventory.sums import Sum
from interlock.hub import Hub
from interlock.messaging.stock import Line
from interlock.messaging.stock_book import Shown

HOT = 20
"""Items of one set."""
CHANNELS = 3
BUYS_A_SECOND, RECEIPTS_A_SECOND = 2.0, 0.3
"""Of each item, at each channel and at the warehouse: many more buyers than pieces, so that a bound can be broken."""
TOLD_LATE_SECONDS = 1.0
"""After a sale, at most: meanwhile writes are under way that know nothing of it."""
AGAIN_SECONDS = 0.5
SECONDS = 2.5
"""At night too: what this shop sells comes without an order. Until one tells of it that is gone at the shop alone, and the other
channels share it out again: in 20 s they sold twice what was there."""
MOST_SECONDS = 40 * SECONDS
TERMS = """\
read_every_seconds = 0.2
settle_seconds = 0.1
unexplained_seconds = 60
"""
"""The warehouse hears of the sales after the sale only; until then what is gone counts as sold."""
TOPIC = "inventory_levels/update"


class Till:
    """One connection to a twin's control side."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)

    def asks(self, path: str, asked: dict[str, Any]) -> bool:
        """Whether it was sold."""
        headers = {"content-type": "application/json", "x-shopify-access-token": SHOP_TOKEN}
        self._connection.request("POST", f"/_twin{path}", json.dumps(asked), headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status in (200, 201, 409), (path, answer.status)
        return answer.status < 300

    def close(self) -> None:
        self._connection.close()


class Terms(NamedTuple):
    """What each channel is shown of what is there, of so many pieces at first."""

    pieces: int
    share: float = 1.0
    buffer: int = 0

    def shown(self, there: int) -> int:
        return int(max(0, there - self.buffer) * self.share)

    def beyond(self, there: int) -> int:
        """What all channels show together beyond what is there, at a moment when all show it."""
        return max(0, CHANNELS * self.shown(there) - there)


Sets = dict[str, tuple[Terms, list[str]]]
"""SKUs of the same terms, by name."""


class Result(NamedTuple):
    """Pieces: what was there with what came in, what was sold, by how much that is too much; what the channels showed at the
    beginning beyond what was there, with what came in later; what may have been put back at Amazon before it told of it."""

    supply: int
    sold: int
    oversold: int
    bound: int
    untold: int

    @property
    def is_beyond(self) -> bool:
        """Whether more was sold than all that explains."""
        return self.oversold > self.bound + self.untold


class FlashSale:
    """Buyers at three channels, each in a thread, and pieces that come in now and then."""

    def __init__(self, goods: Goods, pieces: dict[str, int], seed: int) -> None:
        self.goods = goods
        self.chance = random.Random(seed)
        self.supply = Counter(pieces)
        self.sold: list[str] = []

    async def hold(self, skus: list[str], seconds: float) -> None:
        """All buy and receive these at their pace, for so long or as long as it takes."""
        shop = {"location": int(LOCATION), "sell": 1}
        buyers: list[tuple[str, Callable[[str], tuple[str, dict[str, Any]]]]] = [
            (self.goods.world.urls["shopify"], lambda sku: ("/stock", {"item": sku, **shop})),
            (self.goods.amazon, lambda sku: ("/sales", {"sku": sku, "quantity": 1})),
            (self.goods.square, lambda sku: ("/sell", {"lines": [{"sku": sku, "quantity": 1}], "location": "L1", "only_if_available": True})),
        ]  # fmt: skip
        people = [partial(self._at_pace, url, partial(self._buys, ask), BUYS_A_SECOND) for url, ask in buyers]
        people.append(partial(self._at_pace, self.goods.world.urls["shipbob"], self._receives, RECEIPTS_A_SECOND))
        await asyncio.gather(*(asyncio.to_thread(one, skus, seconds, self.chance.random()) for one in people))

    def _buys(self, ask: Callable[[str], tuple[str, dict[str, Any]]], till: Till, sku: str) -> None:
        if till.asks(*ask(sku)):
            self.sold.append(sku)  # three threads do this: += would forget what is sold while it asks

    def _receives(self, till: Till, sku: str) -> None:
        self.supply[sku] += till.asks(f"/stock/{sku}", {"location": int(WMS_PLACE), "receive": 1})

    @staticmethod
    def _at_pace(
        url: str, act: Callable[[Till, str], None], a_second: float, skus: list[str], seconds: float, seed: float
    ) -> None:
        till, chance, begun = Till(url), random.Random(seed), time.monotonic()
        try:
            for number in range(1, round(seconds * a_second * len(skus)) + 1):
                act(till, chance.choice(skus))
                time.sleep(max(0.0, begun + number / (a_second * len(skus)) - time.monotonic()))
        finally:
            till.close()


async def untold(goods: Goods) -> Counter[str]:
    """Pieces that writes of ours at Amazon may have put back: those by which they raised what it showed after it had sold them,
    whether they knew of that or not (how late it is told is a matter of the machine)."""
    sold, found = Counter[str](), Counter[str]()
    for effect in await control(goods.amazon, "/effects?limit=1000000"):
        if effect["kind"] == "order.create":
            sold.update({moved["sku"]: moved["from"] - moved["to"] for moved in effect["detail"]["moved"]})
        elif effect["kind"] == "quantity.set":
            sku, more = effect["key"], effect["detail"]["to"] - effect["detail"]["from"]
            put_back = min(max(0, more), sold[sku])
            found[sku] += put_back
            sold[sku] -= put_back
    return found


async def sold_at_three(goods: Goods, seed: int, sets: Sets, controls: Sequence[str]) -> dict[str, Result]:
    """One hub, one sale of all these SKUs, each set under its own terms; that of the controls goes on until they oversell."""
    _write(goods, sets)
    sale = FlashSale(goods, {sku: terms.pieces for terms, skus in sets.values() for sku in skus}, seed)
    hub = Hub(goods.folder, demo=goods.world)
    await hub.open()
    try:
        await hub.serve()
        await hub.release.source("shopify").subscribe([*TOPICS, TOPIC], f"{hub.url}/intake/shopify")  # type: ignore[attr-defined]
        await until(partial(_on_sale, goods, sets))
        late = {"kind": "webhook_delay", "match": {"topic": TOPIC}, "delay_seconds": TOLD_LATE_SECONDS}
        await control(goods.world.urls["shopify"], "/faults", late)
        await sale.hold(list(sale.supply), SECONDS)
        await until(partial(_oversells, sale, [sets[name] for name in controls]))
    finally:
        await hub.close()
    put_back = await untold(goods)
    return {name: result(sale, put_back, *each) for name, each in sets.items()}


def _write(goods: Goods, sets: Sets) -> None:
    """A group of each set, and the terms of each group."""
    groups = "".join(f'[[group]]\nname = "{name}"\nskus = {json.dumps(skus)}\n' for name, (_, skus) in sets.items())
    (goods.folder / "inventory/items.toml").write_text(groups, encoding="utf-8")
    rules = (
        f'[[publish.rule]]\ngroup = "{name}"\nshare = {terms.share}\nbuffer = {terms.buffer}\n'
        for name, (terms, _) in sets.items()
    )
    publish(goods.folder, TERMS + "".join(rules))


async def _on_sale(goods: Goods, sets: Sets) -> bool:
    """Whether every channel shows what it should at first."""
    shown = await goods.shown()
    return all(shown[sku] == (terms.shown(terms.pieces),) * CHANNELS for terms, skus in sets.values() for sku in skus)


async def _oversells(sale: FlashSale, controls: Sequence[tuple[Terms, list[str]]]) -> bool:
    """How quickly a careless hub does harm is a matter of the machine; that it does is none."""
    if careful := [skus for terms, skus in controls if not result(sale, Counter(), terms, skus).is_beyond]:
        await sale.hold([sku for skus in careful for sku in skus], AGAIN_SECONDS)
    return not careful


def result(sale: FlashSale, put_back: Counter[str], terms: Terms, skus: list[str]) -> Result:
    """Of one set of SKUs."""
    sold = Counter(sale.sold)
    return Result(
        supply=sum(sale.supply[sku] for sku in skus),
        sold=sum(sold[sku] for sku in skus),
        oversold=sum(max(0, sold[sku] - sale.supply[sku]) for sku in skus),
        bound=sum(terms.beyond(sale.supply[sku]) for sku in skus),
        untold=sum(put_back[sku] for sku in skus),
    )


def without_care(monkeypatch: pytest.MonkeyPatch, unsubtracted: list[str], uncompared: list[str]) -> None:
    """What is sold of the first is subtracted nowhere, and neither they nor the second are compared before they are written."""
    line_of, sum_of, taken = deciding._line_of, Publishing.sum, Publishing._taken

    def subtracting(self: Publishing, channel: Channel, place: str, sku: str, row: Shown | None = None) -> Sum:
        return sum_of(self, channel, place, sku, None if sku in unsubtracted else row)

    def comparing(row: Shown, *of: Any) -> Line:
        line = line_of(row, *of)
        return msgspec.structs.replace(line, change_from=None) if row.sku in (*unsubtracted, *uncompared) else line

    monkeypatch.setattr(
        Publishing, "_taken", lambda self, sku, *of: {} if sku in unsubtracted else taken(self, sku, *of)
    )
    monkeypatch.setattr(Publishing, "sum", subtracting)
    monkeypatch.setattr(deciding, "_line_of", comparing)


def test_hot_items_over_three_channels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C58, C61: no more is sold than the channels themselves accept at once, of which a buffer leaves less and a share nothing;
    without the compare a share is oversold, and without subtracting more is sold than all channels show at once."""
    plain, shared = Terms(1), Terms(9, share=0.334)
    proven = {"plain": plain, "buffered": Terms(2, buffer=1), "shared": shared}
    controls = {"uncompared": shared, "naive": plain}
    terms = {**proven, **controls}
    tries = round(SECONDS * BUYS_A_SECOND * len(proven) * HOT) * CHANNELS
    experiment = Experiment("25, hot items", suite=tries, table=tries, capsys=capsys)
    pieces = [each.pieces for each in terms.values() for _ in range(HOT)]

    async def run() -> dict[str, Result]:
        async with three_channels(tmp_path, pieces) as goods:
            skus = iter(goods.skus)
            sets = {name: (each, list(islice(skus, HOT))) for name, each in terms.items()}
            without_care(monkeypatch, sets["naive"][1], sets["uncompared"][1])
            return await sold_at_three(goods, experiment.seed, sets, [*controls])

    found = asyncio.run(asyncio.wait_for(run(), MOST_SECONDS))
    for name in proven:
        assert not found[name].is_beyond, found
    assert all(found[name].oversold <= found[name].bound for name in ("plain", "buffered")), found
    assert found["shared"].bound == 0 and found["buffered"].bound < found["plain"].bound
    said = {
        name: f"{each.oversold} of {each.supply} (bound {each.bound}, Amazon's untold {each.untold})"
        for name, each in found.items()
    }
    experiment.report(
        faults=tries, trials=sum(found[name].sold for name in proven),
        oversold={name: said[name] for name in proven},
        control=f"a share without the compare {said['uncompared']}; without subtracting and comparing {said['naive']}",
    )  # fmt: skip
