"""Writing stock to Square: each line once, no sale lost between reading and writing, a bad line never before good ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from square_seller import SECONDS, Seller, line

from interlock.connectors.contract import Done, Refused, Retry, Uncertain, stock
from interlock.connectors.square import channel as module
from interlock.connectors.square import history, writing
from interlock.connectors.square.calls import OUT_OF_TIME, Calls

CREATE = {"path": "changes/batch-create"}


def test_lines_are_written_and_seen(seller: Seller) -> None:
    """More, less, the same, and a place that was never counted: each place shows what the line says, in one request."""
    items = [seller.item(counts={"L1": 7}) for _ in range(3)]
    new = seller.item()
    before = len(seller.call("effects", method="GET"))
    lines = [line(items[0], 9, 7), line(items[1], 2, 7), line(items[2], 7, 7), line(new, 4, None, "L2", activate=True)]
    outcomes = seller.write(lines)
    assert [type(one) for one in outcomes] == [Done] * 4
    assert outcomes[0].external_id == f"{items[0]}@L1"
    assert [seller.shows(one) for one in items] == ["9", "2", "7"] and seller.shows(new, "L2") == "4"
    assert len(seller.call("effects", method="GET")) == before + 1

    async def read(channel: Any) -> Any:
        return await channel.read([one.place for one in lines] + [stock.Place(new, "L1")], timeout_seconds=SECONDS)

    seen = seller.run(read)
    assert [(one.quantity, one.stocked) for one in seen] == [(9, True), (2, True), (7, True), (4, True), (0, False)]
    assert all(one.at_us for one in seen[:4])


def test_what_shows_something_else_is_not_written(seller: Seller) -> None:
    """Compare before write (A19): a sale since the core looked makes the line stale; its neighbours are written."""
    sold, kept = seller.item(counts={"L1": 7}), seller.item(counts={"L1": 7})
    seller.sell(sold, 2)
    stale, done = seller.write([line(sold, 10, 7), line(kept, 10, 7)])
    assert isinstance(stale, Retry) and stale.code == stock.STALE and isinstance(done, Done)
    assert (seller.shows(sold), seller.shows(kept)) == ("5", "10")


class Between:
    """Lets something happen after the connector has read and before it writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
        whole = Calls.send

        async def send(calls: Calls, method: str, path: str, body: Any, deadline: Any) -> Any:
            if path == module.CREATE:
                await asyncio.to_thread(happens)
            return await whole(calls, method, path, body, deadline)

        monkeypatch.setattr(Calls, "send", send)


def test_a_sale_between_reading_and_writing_is_kept(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment that no compare of ours covers: what is sold in it is taken from the result, also where the line does not
    say what it replaces. Control: the same line as a count of now sells those pieces a second time."""
    known, unknown, naive = (seller.item(counts={"L1": 7}) for _ in range(3))
    Between(monkeypatch, lambda: (seller.sell(known, 2), seller.sell(unknown, 2)))
    outcomes = seller.write([line(known, 10, 7), line(unknown, 10)])
    assert [type(one) for one in outcomes] == [Done, Done] and "shows 8" in outcomes[0].detail
    assert (seller.shows(known), seller.shows(unknown)) == ("8", "8")
    monkeypatch.undo()

    monkeypatch.setattr(writing, "occurred_at", lambda _count, _line, now_us: writing.text_of(now_us))
    Between(monkeypatch, lambda: seller.sell(naive, 2, seconds_ago=0.2))
    seller.write([line(naive, 10)])
    assert seller.shows(naive) == "10"


def test_a_sale_of_an_offline_till_is_kept(seller: Seller) -> None:
    """Told after the write, of a time before it: the adjustment leaves it its place. Control: a count does not, so a line
    that says what it replaces is never written as one."""
    known, unknown = seller.item(), seller.item()
    for item in (known, unknown):
        seller.write([line(item, 7, None, as_of_us=1)])
    seller.write([line(known, 10, 7)])
    seller.write([line(unknown, 10)])
    for item in (known, unknown):
        seller.sell(item, 2, seconds_ago=3600)
    assert (seller.shows(known), seller.shows(unknown)) == ("8", "10")


def test_a_recount_at_the_till_stands(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who counts between reading and writing is not overwritten: their count is later than what we wrote."""
    item = seller.item(counts={"L1": 7})
    Between(monkeypatch, lambda: seller.call("recount", {"item": item, "location": "L1", "quantity": "3"}))
    (outcome,) = seller.write([line(item, 10, 7)])
    assert isinstance(outcome, Done) and "shows 3" in outcome.detail
    assert seller.shows(item) == "3"


@pytest.mark.parametrize("change_from", [7, None])
def test_the_same_lines_with_the_same_key_count_once(seller: Seller, change_from: int | None) -> None:
    """After a lost answer (fault case 12) or a crash the lines come again, and again: one effect, and each time Done, also
    when pieces were sold since."""
    item = seller.item(counts={"L1": 7})
    seller.fault(kind="reset_after", count=1, match=CREATE)
    (lost,) = seller.write([line(item, 10, change_from)], "lost-" + item)
    assert isinstance(lost, Uncertain) and seller.shows(item) == "10"
    assert isinstance(seller.write([line(item, 10, change_from)], "lost-" + item)[0], Done)
    seller.sell(item, 2)
    assert isinstance(seller.write([line(item, 10, change_from)], "lost-" + item)[0], Done)
    assert seller.shows(item) == "8"
    assert sum(one["item"] == item for one in seller.written()) == 1


@pytest.mark.parametrize("looks", [True, False])
def test_a_forgotten_key_does_not_write_twice(
    sellers: Callable[..., Seller], monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    """Square does not say how long it knows a key, and sales may have brought a place back to what it showed before: the
    history has our reference. Control: without looking for it three pieces are added a second time."""
    seller = sellers(idempotency=False)
    item, stale = seller.item(counts={"L1": 7}), seller.item(counts={"L1": 7})
    if not looks:
        monkeypatch.setattr(module, "_may_be_written", lambda *_: False)
    lines, key = [line(item, 10, 7), line(stale, 10, 7)], f"forgotten-{looks}"
    seller.write(lines, key)
    seller.sell(item, 3)
    again = seller.write(lines, key)
    assert seller.shows(item) == ("7" if looks else "10")
    assert [type(one) for one in again] == ([Done, Done] if looks else [Done, Retry])
    (other,) = seller.write([line(stale, 12, 11)], "another")
    assert isinstance(other, Retry) and other.code == stock.STALE


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that are made, by the end of their path."""
    found: list[str] = []
    whole = Calls.send

    async def send(calls: Calls, method: str, path: str, body: Any, deadline: Any) -> Any:
        found.append("/".join(path.split("/")[-2:]))
        return await whole(calls, method, path, body, deadline)

    monkeypatch.setattr(Calls, "send", send)
    return found


def test_the_history_is_asked_only_where_something_changed(seller: Seller, asked: list[str]) -> None:
    """A place that has not changed since the number was true cannot have been written with it: no call is spent."""
    item = seller.item(counts={"L1": 7})
    later_us = (time.time_ns() // 1000) + 3600 * 1_000_000
    seller.write([line(item, 8, 7, as_of_us=later_us)])
    assert asked == ["counts/batch-retrieve", "changes/batch-create"]
    asked.clear()
    seller.write([line(item, 9, 8)])
    assert asked == ["counts/batch-retrieve", "changes/batch-retrieve", "changes/batch-create"]


@pytest.mark.parametrize("known", [True, False])
def test_a_look_begins_when_the_lines_went_out(
    seller: Seller, asked: list[str], monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    """A hot item has a long history, and an answer that was lost is of the last minute: one page. Control: where nobody knows since
    when, all pages of three days are read."""
    monkeypatch.setattr(history, "PAGE", 10)
    monkeypatch.setattr(history, "CLOCKS_APART_US", 0)
    item = seller.item(counts={"L1": 100})
    for _ in range(4):
        seller.call("sell", {"lines": [{"item": item, "quantity": 1}] * 10, "location": "L1"})
    seller.fault(kind="reset_after", count=1, match=CREATE)
    lines = [line(item, 70, 60, sent_us=time.time_ns() // 1000 if known else 0)]
    seller.run(lambda channel: channel.write(lines, key="hot-" + item, timeout_seconds=SECONDS, first=True))
    seller.sell(item, 10)
    asked.clear()
    assert isinstance(seller.write(lines, "hot-" + item)[0], Done) and seller.shows(item) == "60"
    assert asked.count("changes/batch-retrieve") == (1 if known else 5)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_look_that_no_call_has_time_for_goes_on_with_the_next(
    seller: Seller, monkeypatch: pytest.MonkeyPatch, *, goes_on: bool
) -> None:
    """An item sells on while its answer is lost: more pages than a call has time for must not be begun anew with each, or the line
    would never be known. Control: a look that forgets where it was ends never."""
    monkeypatch.setattr(history, "PAGE", 10)
    monkeypatch.setattr(history, "LOOKS_KEPT", 64 if goes_on else 0)
    item = seller.item(counts={"L1": 100})
    seller.fault(kind="reset_after", count=1, match=CREATE)
    lines, key = [line(item, 110, 100)], f"long-{goes_on}-{item}"
    whole, pages = Calls.send, 0

    async def send(calls: Calls, method: str, path: str, body: Any, deadline: Any) -> Any:
        nonlocal pages
        pages += path == history.PATH
        return OUT_OF_TIME if path == history.PATH and pages > 2 else await whole(calls, method, path, body, deadline)

    async def written(channel: Any) -> list[Any]:
        nonlocal pages
        await channel.write(lines, key=key, timeout_seconds=SECONDS, first=True)
        for _ in range(4):
            await asyncio.to_thread(
                seller.call, "sell", {"lines": [{"item": item, "quantity": 1}] * 10, "location": "L1"}
            )
        found = []
        for _ in range(3):
            pages = 0
            found += await channel.write(lines, key=key, timeout_seconds=SECONDS)
        return found

    monkeypatch.setattr(Calls, "send", send)
    outcomes = seller.run(written)
    assert [isinstance(one, Done) for one in outcomes] == [False, False, goes_on] and seller.shows(item) == "70"


def test_a_cursor_that_is_known_no_more_begins_anew(seller: Seller) -> None:
    """Square does not say how long a cursor lives: one that it refuses is given up, and no line is refused for it."""
    item = seller.item(counts={"L1": 7})
    lines, key = [line(item, 10, 7, sent_us=1)], f"cursor-{item}"
    seller.write(lines, key)

    async def looked(channel: Any) -> Any:
        calls, looks = channel._calls, channel._history
        looks._looks[key, item] = history._Look(history._asked(lines, calls.now_us()), cursor="bm90aGluZw")
        return await looks.marks(lines, key, calls.deadline(SECONDS))

    assert writing.mark_of(lines[0], key) in seller.run(looked)


def test_what_is_sent_for_the_first_time_asks_no_history(seller: Seller, asked: list[str]) -> None:
    """Nothing of it can have counted: two requests, as many as the limiter is told of. Control: the same lines again, whose answer
    was lost, are looked for and counted once."""
    item = seller.item(counts={"L1": 7})
    seller.fault(kind="reset_after", count=1, match=CREATE)
    lines, key = [line(item, 8, 7)], "first-" + item
    lost = seller.run(lambda channel: channel.write(lines, key=key, timeout_seconds=SECONDS, first=True))
    assert isinstance(lost[0], Uncertain)
    assert asked == ["counts/batch-retrieve", "changes/batch-create"]
    assert len(asked) == module.SquareChannel.requests_per_write
    asked.clear()
    seller.sell(item, 1)
    assert isinstance(seller.write(lines, key)[0], Done)
    assert asked == ["counts/batch-retrieve", "changes/batch-retrieve"]
    assert seller.shows(item) == "7"


def test_a_late_effect_counts_once(seller: Seller) -> None:
    """The first request is still under way when the second is sent (fault case 12): one key, one change."""
    item = seller.item(counts={"L1": 7})
    seller.fault(kind="late_effect", count=1, delay_seconds=1.0, match=CREATE)
    (lost,) = seller.write([line(item, 10, 7)], "late-" + item)
    assert isinstance(lost, Uncertain) and seller.shows(item) == "7"
    assert isinstance(seller.write([line(item, 10, 7)], "late-" + item)[0], Done)

    async def quiet() -> None:
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(seller.call, "state", None, "GET"))["late_effects_to_come"]:
                await asyncio.sleep(0.01)  # a condition of another process

    asyncio.run(quiet())
    assert seller.shows(item) == "10"


@pytest.mark.parametrize("names", [True, False])
def test_a_bad_line_spoils_no_other(sellers: Callable[..., Seller], names: bool) -> None:
    """One gone item and one foreign location among twenty (A21): they are named, or found by halves; eighteen are written
    once. Control: the batch as it is, is refused whole."""
    seller = sellers() if names else sellers(names_the_change=False)
    items = [seller.item(counts={"L1": 7}) for _ in range(18)]
    lines = [line(item, 9, 7) for item in items]
    lines.insert(4, line("GONE", 9))
    lines.insert(13, line(items[0], 9, None, "L9"))
    outcomes = seller.write(lines, f"poison-{names}")
    bad = [n for n, one in enumerate(outcomes) if isinstance(one, Refused)]
    assert bad == [4, 13] and {one.reason for one in (outcomes[4], outcomes[13])} == {"missing_reference"}
    assert all(isinstance(one, Done) for n, one in enumerate(outcomes) if n not in bad)
    assert {seller.shows(item) for item in items} == {"9"}
    again = seller.write(lines, f"poison-{names}")
    assert [type(one) for one in again] == [type(one) for one in outcomes]
    ours = [one for one in seller.written() if one["item"] in items]
    assert len(ours) == 18


def test_the_whole_batch_is_refused_without_isolation(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: Square applies all or nothing."""
    item = seller.item(counts={"L1": 7})
    monkeypatch.setattr(module, "OF_ONE_LINE", frozenset())
    outcomes = seller.write([line(item, 9, 7), line("GONE", 9)])
    assert [type(one) for one in outcomes] == [Refused, Refused] and seller.shows(item) == "7"


def test_a_count_that_equals_the_last_one_is_written(seller: Seller) -> None:
    """7 counted, 3 sold, 7 again: the default of ignore_unchanged_counts would drop the second count."""
    item = seller.item(counts={"L1": 7})
    seller.sell(item, 3)
    seller.write([line(item, 7)])
    assert seller.shows(item) == "7"


@pytest.mark.parametrize("quantity", [-1, 1_000_000_001])
def test_numbers_that_are_no_stock_are_refused(seller: Seller, quantity: int) -> None:
    """C64: refused by rule, before anything is sent."""
    item = seller.item(counts={"L1": 7})
    (refused,) = seller.write([line(item, quantity, 7)])
    assert isinstance(refused, Refused) and refused.reason == "validation" and seller.shows(item) == "7"


def test_fractions_are_compared_by_the_whole_piece(seller: Seller) -> None:
    """A place may show 2.5: it is seen as 2, and the line brings it to a whole number."""
    item = seller.item()
    seller.call("recount", {"item": item, "location": "L1", "quantity": "2.5"})
    assert isinstance(seller.write([line(item, 4, 2)])[0], Done)
    assert seller.shows(item) == "4"


def test_less_is_sold_elsewhere_or_waste(seller: Seller) -> None:
    """What Square's reports call a lower number is the folder's choice."""
    for state in ("SOLD", "WASTE"):
        item = seller.item(counts={"L1": 7})
        seller.write([line(item, 5, 7)], decrease_to=state)
        states = [
            row["state"] for row in seller.call("counts", method="GET")["counts"] if row["catalog_object_id"] == item
        ]
        assert ("WASTE" in states) is (state == "WASTE")


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"kind": "status", "status": 429}, Retry, "RATE_LIMITED"),
        ({"kind": "status", "status": 401}, Refused, "TAKES-NO-TOKEN"),
        ({"kind": "status", "status": 403}, Refused, "INSUFFICIENT_SCOPES"),
        ({"kind": "status", "status": 500}, Uncertain, "INTERNAL_SERVER_ERROR"),
        ({"kind": "status", "status": 503}, Uncertain, "SERVICE_UNAVAILABLE"),
        ({"kind": "garbage"}, Uncertain, "ANSWER_NOT_UNDERSTOOD"),
        ({"kind": "reset_before"}, Uncertain, "NET003"),
        ({"kind": "hang"}, Uncertain, "NET002"),
    ],
    ids=lambda one: str(one.get("status", one["kind"])) if isinstance(one, dict) else "",
)
def test_what_answers_mean(seller: Seller, fault: dict[str, Any], kind: type, code: str) -> None:
    """One of four outcomes for every line, and nothing unknown is a success (invariant 2)."""
    item = seller.item(counts={"L1": 7})
    seller.fault(**fault, match=CREATE)
    outcomes = seller.write([line(item, 9, 7), line(item, 3, None, "L2")], seconds=0.5)
    assert [(type(one), one.code) for one in outcomes] == [(kind, code)] * 2
    assert seller.shows(item) == "7"


def test_a_reading_that_fails_writes_nothing(seller: Seller) -> None:
    """Without the compare there is no write, and what was read in vain can be read again."""
    item = seller.item(counts={"L1": 7})
    seller.fault(kind="garbage", match={"path": "counts/batch-retrieve"})
    (outcome,) = seller.write([line(item, 9, 7)])
    assert isinstance(outcome, Retry) and outcome.code == "ANSWER_NOT_UNDERSTOOD" and seller.shows(item) == "7"


def test_tokens_are_renewed_by_the_refresh_token(sellers: Callable[..., Seller]) -> None:
    """A token that has ended is replaced on the way (C80); a refresh token that is wrong is a refusal that says what to do."""
    client = {"client_id": "app", "client_secret": "s3cret", "refresh_token": "r3fresh"}
    seller = sellers(clients=[client])
    item = seller.item(counts={"L1": 7})

    async def twice(channel: Any) -> Any:
        first = await channel.read([stock.Place(item, "L1")], timeout_seconds=SECONDS)
        await asyncio.to_thread(seller.call, "tokens/end")
        return first, await channel.read([stock.Place(item, "L1")], timeout_seconds=SECONDS)

    first, second = seller.run(twice, credentials=client)
    assert first == second and first[0].quantity == 7

    async def once(channel: Any) -> Any:
        return await channel.read([stock.Place(item, "L1")], timeout_seconds=SECONDS)

    refused = seller.run(once, credentials=client | {"refresh_token": "other-one"})
    assert isinstance(refused, Refused) and refused.reason == "authentication"
    assert "other-one" not in refused.message and "authorize" in refused.message
