"""The calendar of changes, the notice on Home and the ladder of a contract: who has to move, by when, and who was told."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from console.browse import Browser
from console.conftest import TOKEN, Desk
from console.store import NOW_MS, Store, strategy
from interlock.console import show_strategy
from interlock.messaging.consumers import Consumer
from interlock.operations.endings import endings
from interlock.strategy import Strategy
from interlock.strategy.changes import ChangeFile, ReviewWindow

TODAY = date.fromordinal(date(1970, 1, 1).toordinal() + NOW_MS // 86_400_000)
HOUR_MS = 3_600_000
SECOND = """
meaning = "A wish"
[fields]
id = { type = "id", class = "internal", meaning = "Its id" }
updated_at = { type = "timestamp", class = "internal", meaning = "When it changed" }
"""
FIRST = SECOND + 'note = { type = "string", class = "personal", meaning = "A note" }\n'


def on(days: int) -> date:
    return date.fromordinal(TODAY.toordinal() + days)


CHANGE = ChangeFile(
    title="A wish has no note", kind="breaking", owner="finance-systems", object="wish.v2", replaces="wish.v1",
    review=ReviewWindow(on(-60), on(-40)), deprecated_on=on(-30), sunset_on=on(32), consumers=["order-to-erp", "order-to-wms"],
)  # fmt: skip


def seen(part: str, system: str, ago_ms: int, flow: str = "order-to-erp", version: str = "wish.v1") -> Consumer:
    at_ms = NOW_MS - ago_ms
    return Consumer(
        version=version, flow=flow, part=part, system=system, first_seen_ms=at_ms, last_seen_ms=at_ms, uses=1_234
    )


@pytest.fixture
def ending(tmp_path: Path) -> Iterator[Desk]:
    """wish.v1 is deprecated: a flow and a mapping still use it, of which one stands in the change file."""
    store = Store(tmp_path)
    used = [
        seen("flow", "netsuite", HOUR_MS),
        seen("writes", "netsuite", HOUR_MS),
        seen("flow", "shipbob", 30 * 24 * HOUR_MS, "order-to-wms"),
    ]
    for one in used:
        store.insert("consumer", **msgspec.structs.asdict(one))
    desk = Desk(store)
    yield desk
    desk.views.close()
    store.close()


def announced(change: ChangeFile = CHANGE) -> Strategy:
    objects = {"wish.v1": FIRST, "wish.v2": SECOND}
    return msgspec.structs.replace(strategy(), objects=objects, changes={"0007": change})


def with_change(desk: Desk, change: ChangeFile = CHANGE) -> Browser:
    show_strategy(desk.app, announced(change))
    return desk.signed_in()


def test_the_calendar_says_who_has_to_move(ending: Desk) -> None:
    """Who was seen, who was told, who has moved; and every date of the change."""
    answer = with_change(ending).get("/changes/calendar")
    said = answer.page.said
    assert answer.status == 200
    assert f"wish.v1 ends on {on(32)} and is still used: flow order-to-erp and mapping of netsuite (writes)." in said
    assert "Announced, and moved on, or not seen using it in the last 7 days: order-to-wms." in said
    assert said.count("no: add it to") == 1
    for words in ("review: those affected may object", "wish.v1 is deprecated", "wish.v1 ends: it is refused"):
        assert words in said


def test_home_tells_while_it_is_used(ending: Desk) -> None:
    """The notice stands where people look, and is gone when nothing is deprecated (the control)."""
    browser = with_change(ending)
    assert "is still used" in browser.get("/").page.said
    later = msgspec.structs.replace(CHANGE, deprecated_on=on(10))
    assert "is still used" not in with_change(ending, later).get("/").page.said
    assert "will end on" in with_change(ending, later).get("/changes/calendar").page.said


def test_home_is_quiet_once_all_have_moved(ending: Desk) -> None:
    """Whoever was seen with the new version since is named no more, within a minute and not after a week; who was seen
    with it before is (the control: they went back)."""
    moved = [seen(part, "netsuite", HOUR_MS // 2, version="wish.v2") for part in ("flow", "writes")]
    for one in moved:
        ending.store.insert("consumer", **msgspec.structs.asdict(one))
    browser = with_change(ending)
    assert "is still used" not in browser.get("/").page.said
    said = browser.get("/changes/calendar").page.said
    assert "Nobody who was seen in the last 7 days still uses it." in said
    assert "not seen using it in the last 7 days: order-to-erp, order-to-wms." in said
    (end,) = endings(announced(), [seen("flow", "netsuite", 60_000), *moved], NOW_MS)
    assert [one.words for one in end.using] == ["flow order-to-erp"]


def test_the_ladder_of_a_contract(ending: Desk) -> None:
    """Each version with how it goes with the one before, its end, and its users."""
    said = with_change(ending).get("/strategy/contracts/wish.v2").page.said
    assert "new readers take old objects; old readers break" in said
    assert "wish.v2 note: is gone and was required: old readers need it and would refuse new documents (CMP005)" in said
    assert f"ends {on(32)}" in said


def test_metrics_name_the_end_and_its_users(ending: Desk) -> None:
    """An alert can be raised before the sunset."""
    with_change(ending)
    text = ending.browser.get("/metrics", authorization=f"Bearer {TOKEN}").text
    assert 'interlock_version_sunset_timestamp_seconds{version="wish.v1"}' in text
    assert 'interlock_version_uses_total{name="order-to-erp",part="flow",version="wish.v1"} 1234.0' in text
