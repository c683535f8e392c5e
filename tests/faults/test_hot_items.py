"""A flash sale of few pieces over three channels: how much more is sold than is there, and why it can be no more than that.

Each channel sells what it shows without asking anybody, so three channels that each show all of it sell three times as much when
all buy at once: that is the bound, and only a share or a buffer makes it smaller. What the hub answers for is that it adds
nothing: whatever is sold anywhere and not yet known to the warehouse is subtracted everywhere, and no write puts back what a
buyer has just taken. Amazon tells of its orders late and cannot compare, so a write there may put back what it has sold and not
told yet: that part is counted as well, by Amazon's own ledger against the hub's.
"""

import asyncio
import http.client
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from experiment import NIGHTLY, Experiment
from vendors import stored

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import TOPICS, until
from stock_stack import LOCATION, WMS_PLACE, control
from three_channels import Goods, publish, three_channels

from interlock.cli.twin_world import SHOP_TOKEN
from interlock.flows.inventory import showing
from interlock.flows.inventory.publish import Publishing
from interlock.hub import Hub

HOT, PIECES = 20, 6
CHANNELS = 3
WORKED_OUT_BEFORE_US = 1_000_000
"""A write was worked out a little before Amazon shows it: what was told within this time it may not have known."""
BUYS_A_SECOND, RECEIPTS_A_SECOND = 2.0, 0.6
"""Of each item, at each channel and at the warehouse."""
SECONDS = 20.0 if NIGHTLY else 2.5
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
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)

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
    """What each channel is shown of what is there."""

    share: float = 1.0
    buffer: int = 0

    def shown(self, there: int) -> int:
        return int(max(0, there - self.buffer) * self.share)

    def beyond(self, there: int) -> int:
        """What all channels show together beyond what is there, at a moment when all show it."""
        return max(0, CHANNELS * self.shown(there) - there)


class Result(NamedTuple):
    """Pieces: what was there with what came in, what was sold, by how much that is too much; what the channels showed at the
    beginning beyond what was there, with what came in later; what was put back at Amazon before it told of it."""

    supply: int
    sold: int
    oversold: int
    bound: int
    untold: int


class FlashSale:
    """Buyers at three channels, each in a thread, and pieces that come in now and then."""

    def __init__(self, goods: Goods, skus: list[str], seed: int) -> None:
        self.goods, self.skus = goods, skus
        self.chance = random.Random(seed)
        self.supply = Counter(dict.fromkeys(skus, PIECES))
        self.sold: Counter[str] = Counter()
        self.begun_us = 0

    async def hold(self) -> None:
        shop = {"location": int(LOCATION), "sell": 1}
        buyers: list[tuple[str, Callable[[str], tuple[str, dict[str, Any]]]]] = [
            (self.goods.world.urls["shopify"], lambda sku: ("/stock", {"item": sku, **shop})),
            (self.goods.amazon, lambda sku: ("/sales", {"sku": sku, "quantity": 1})),
            (self.goods.square, lambda sku: ("/sell", {"lines": [{"sku": sku, "quantity": 1}], "location": "L1", "only_if_available": True})),
        ]  # fmt: skip
        self.begun_us = time.time_ns() // 1_000
        people = [asyncio.to_thread(self._buys, url, ask, self.chance.random()) for url, ask in buyers]
        await asyncio.gather(*people, asyncio.to_thread(self._receives, self.chance.random()))

    def _buys(self, url: str, ask: Callable[[str], tuple[str, dict[str, Any]]], seed: float) -> None:
        def one(till: Till, chance: random.Random) -> None:
            sku = chance.choice(self.skus)
            self.sold[sku] += till.asks(*ask(sku))

        self._at_pace(url, one, BUYS_A_SECOND * len(self.skus), seed)

    def _receives(self, seed: float) -> None:
        def one(till: Till, chance: random.Random) -> None:
            sku = chance.choice(self.skus)
            self.supply[sku] += till.asks(f"/stock/{sku}", {"location": int(WMS_PLACE), "receive": 1})

        self._at_pace(self.goods.world.urls["shipbob"], one, RECEIPTS_A_SECOND * len(self.skus), seed)

    @staticmethod
    def _at_pace(url: str, act: Callable[[Till, random.Random], None], a_second: float, seed: float) -> None:
        till, chance, begun = Till(url), random.Random(seed), time.monotonic()
        try:
            for number in range(1, round(SECONDS * a_second) + 1):
                act(till, chance)
                time.sleep(max(0.0, begun + number / a_second - time.monotonic()))
        finally:
            till.close()


async def untold(sale: FlashSale) -> Counter[str]:
    """Pieces that writes of ours at Amazon may have put back: what each found sold and not yet told to the hub."""
    heard: dict[str, list[int]] = {}
    query = "SELECT sku, at_us FROM stock_change WHERE kind = 'sold' AND system = 'amazon' ORDER BY at_us"
    for sku, at_us in stored(sale.goods.folder, query):
        heard.setdefault(sku, []).append(at_us)
    sold, found = Counter[str](), Counter[str]()
    for effect in await control(sale.goods.amazon, "/effects?limit=1000000"):
        sku, at_us = effect["key"], round(datetime.fromisoformat(effect["at"]).timestamp() * 1e6)
        if effect["kind"] == "order.create":
            sold.update({moved["sku"]: moved["from"] - moved["to"] for moved in effect["detail"]["moved"]})
        elif effect["kind"] == "quantity.set" and sku in sale.supply and at_us >= sale.begun_us:
            known = sum(told_us <= at_us - WORKED_OUT_BEFORE_US for told_us in heard.get(sku, ()))
            found[sku] += min(max(0, sold[sku] - known), max(0, effect["detail"]["to"] - effect["detail"]["from"]))
    return found


async def sold_at_three(goods: Goods, seed: int, sets: dict[str, tuple[Terms, list[str]]]) -> dict[str, Result]:
    """One hub, one sale of all these SKUs, each set under its own terms."""
    groups = "".join(f'[[group]]\nname = "{name}"\nskus = {json.dumps(skus)}\n' for name, (_, skus) in sets.items())
    (goods.folder / "inventory/items.toml").write_text(groups, encoding="utf-8")
    rules = (
        f'[[publish.rule]]\ngroup = "{name}"\nshare = {terms.share}\nbuffer = {terms.buffer}\n'
        for name, (terms, _) in sets.items()
    )
    publish(goods.folder, TERMS + "".join(rules))
    hub = Hub(goods.folder, demo=goods.world)
    await hub.open()
    try:
        await hub.serve()
        await hub.release.source("shopify").subscribe([*TOPICS, TOPIC], f"{hub.url}/intake/shopify")  # type: ignore[attr-defined]

        async def on_sale() -> bool:
            shown = await goods.shown()
            return all(shown[sku] == (terms.shown(PIECES),) * CHANNELS for terms, skus in sets.values() for sku in skus)

        await until(on_sale)
        sale = FlashSale(goods, [sku for _, skus in sets.values() for sku in skus], seed)
        await sale.hold()
    finally:
        await hub.close()
    put_back = await untold(sale)
    return {name: result(sale, put_back, *each) for name, each in sets.items()}


def result(sale: FlashSale, put_back: Counter[str], terms: Terms, skus: list[str]) -> Result:
    """Of one set of SKUs."""
    sold = {sku: (sale.sold[sku], sale.supply[sku]) for sku in skus}
    return Result(
        supply=sum(there for _, there in sold.values()),
        sold=sum(pieces for pieces, _ in sold.values()),
        oversold=sum(max(0, pieces - there) for pieces, there in sold.values()),
        bound=sum(terms.beyond(there) for _, there in sold.values()),
        untold=sum(put_back[sku] for sku in skus),
    )


def test_hot_items_over_three_channels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C58, C61: no more is sold than the channels themselves accept at once, of which a buffer leaves less and a share nothing; a
    hub that neither subtracts what its source has not seen nor compares sells more."""
    terms = {"plain": Terms(), "buffered": Terms(buffer=2), "shared": Terms(share=0.334)}
    tries = round(SECONDS * BUYS_A_SECOND * len(terms) * HOT) * CHANNELS
    experiment = Experiment("25, hot items", suite=tries, table=tries, capsys=capsys)

    async def run() -> tuple[dict[str, Result], Result]:
        async with three_channels(tmp_path, (len(terms) + 1) * HOT, PIECES) as goods:
            sets = [goods.skus[begin : begin + HOT] for begin in range(0, len(goods.skus), HOT)]
            found = await sold_at_three(
                goods, experiment.seed, dict(zip(terms, zip(terms.values(), sets, strict=False), strict=True))
            )
            line_of, sum_of = showing._line_of, Publishing.sum
            monkeypatch.setattr(Publishing, "_taken", lambda *_: {})
            monkeypatch.setattr(
                Publishing, "sum", lambda self, channel, place, sku, row=None: sum_of(self, channel, place, sku)
            )
            monkeypatch.setattr(
                showing, "_line_of", lambda *of: msgspec.structs.replace(line_of(*of), change_from=None)
            )
            naive = await sold_at_three(goods, experiment.seed, {"naive": (Terms(), sets[-1])})
            return found, naive["naive"]

    found, naive = asyncio.run(asyncio.wait_for(run(), MOST_SECONDS))
    for each in found.values():
        assert each.oversold <= each.bound + each.untold, found
    assert found["shared"].bound == 0 and found["buffered"].bound < found["plain"].bound
    assert naive.oversold / naive.supply > found["plain"].oversold / found["plain"].supply
    said = {
        name: f"{each.oversold} of {each.supply} (bound {each.bound}, Amazon's untold {each.untold})"
        for name, each in found.items()
    }
    experiment.report(
        faults=tries, trials=sum(each.sold for each in found.values()), oversold=said,
        control=f"without subtracting and comparing {naive.oversold} of {naive.supply} oversold",
    )  # fmt: skip
