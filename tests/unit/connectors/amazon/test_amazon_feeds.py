"""Writing many lines to Amazon: one feed at a time, read back line by line, and uncertain wherever nobody can say."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from interlock.connectors.amazon import feeds, visibility
from interlock.connectors.amazon.report import UNPACKED_BYTES_MAX, outcomes, read_report
from interlock.connectors.contract import Done, Refused, Retry, Uncertain, stock

FEEDS = "/feeds/2021-06-30/feeds"
SECONDS = 60.0
NAMES = {Done: "done", Refused: "refused", Retry: "retry", Uncertain: "uncertain"}


def names(found: Any) -> list[str]:
    return ["stale" if getattr(one, "code", "") == stock.STALE else NAMES[type(one)] for one in found]


@pytest.fixture
def many(sellers: Any) -> Any:
    """A seller for whom three lines are many."""

    def start(**config: Any) -> Any:
        found = sellers(**config)
        found.settings["feed_from_lines"] = 3
        return found

    return start


@pytest.fixture
def lines(line: Any) -> list[stock.Line]:
    return [line("MUG", 5), line("CUP/1", 1), line("TEA, GREEN", 2)]


@pytest.mark.parametrize("packed", [True, False])
def test_a_feed_is_read_back_line_by_line(many: Any, line: Any, packed: bool) -> None:
    """C60: Amazon's issue is the outcome of its own line; what we would not send is refused before; the others are written."""
    seller = many(compress_reports=packed)
    mixed = [line("MUG", 5), line("PLATE-1", -3), line("FBA", 4), line("CUP/1", 0), line("PLATE-2", 70)]
    underway = seller.write(*mixed)
    assert isinstance(underway, stock.Underway)
    found = seller.ended(underway.receipt, *mixed)
    assert names(found) == ["done", "refused", "refused", "done", "done"]
    assert [found[1].code, found[2].code] == ["QUANTITY", "4000003"]
    assert found[0].external_id == "MUG@DEFAULT"
    assert seller.sets() == [("MUG", 12, 5, "feed"), ("CUP/1", 3, 0, "feed"), ("PLATE-2", 2, 70, "feed")]


def test_few_lines_are_no_feed(many: Any, lines: Any) -> None:
    """Below the threshold each line has its answer at once; from it on they are a feed."""
    seller = many()
    assert names(seller.write(*lines[:2])) == ["done", "done"]
    assert seller.effects("feed.create") == []
    assert isinstance(seller.write(*lines), stock.Underway)


def test_nothing_but_unwritable_lines_makes_no_feed(many: Any, line: Any) -> None:
    """An empty feed is one that Amazon cannot read."""
    seller = many()
    assert names(seller.write(*(line(f"PLATE-{n}", -n) for n in range(1, 5)))) == ["refused"] * 4
    assert seller.effects("feed.create") == []


def test_a_second_feed_waits_for_the_first(many: Any, lines: Any, line: Any) -> None:
    """Order: a feed is followed to its end before another is made; the receipt survives a restart of ours."""
    seller = many()
    seller.call("POST", "/_twin/feeds/hold", {})
    first = seller.write(*lines)
    waits = seller.write(*(line(f"PLATE-{n}", 1) for n in range(1, 4)))
    assert {(one.code, one.status) for one in waits} == {("FEED-UNDERWAY", 429)}
    assert names(waits) == ["retry"] * 3
    assert isinstance(seller.look(first.receipt, *lines), stock.Underway)
    seller.call("POST", "/_twin/feeds/release", {})
    assert names(seller.ended(first.receipt, *lines)) == ["done"] * 3
    assert isinstance(seller.write(*lines), stock.Underway)


@pytest.mark.parametrize("waits", [True, False])
def test_a_feed_has_ended_when_its_numbers_are_seen(
    many: Any, line: Any, monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    """Its report says accepted, and for minutes the listings show what they did before: read then, thousands of items would be taken
    for sold. One report is fetched, however often is looked. Control: an end by the report alone shows the old number."""
    seller = many()
    seller.call("POST", "/_twin/delays", {"visible_after_seconds": 0.5})
    lines = [line("MUG", 40, change_from=12), line("CUP/1", 1, change_from=3), line("PLATE-9", 9, change_from=9)]
    fetched, read = [], feeds.read_report
    monkeypatch.setattr(feeds, "read_report", lambda body, **of: fetched.append(body) or read(body, **of))
    if not waits:
        monkeypatch.setattr(feeds, "is_seen", _at_once)

    async def followed(channel: Any) -> Any:
        under = await channel.write(lines, key="k", timeout_seconds=SECONDS, first=True)
        looks = 1
        while isinstance(said := await channel.look(under.receipt, lines, timeout_seconds=SECONDS), stock.Underway):
            looks += 1
        return looks, said, await channel.read([one.place for one in lines], timeout_seconds=SECONDS)

    looks, said, seen = seller.run(followed)
    assert names(said) == ["done"] * 3 and (looks > 1) is waits and len(fetched) == 1
    assert [one.quantity for one in seen] == ([40, 1, 9] if waits else [12, 3, 9])


async def _at_once(*_: Any, **__: Any) -> bool:
    return True


def test_numbers_that_stay_of_before_are_waited_for_a_quarter_of_an_hour(
    many: Any, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is still not seen then is not late any more: it is read as it is. Control: a moment before, the feed is waited for."""
    seller = many()
    seller.call("POST", "/_twin/delays", {"visible_after_seconds": 3600})
    lines = [line("MUG", 40, change_from=12), line("CUP/1", 1, change_from=3), line("PLATE-9", 90, change_from=9)]
    under = seller.write(*lines)
    assert isinstance(seller.look(under.receipt, *lines), stock.Underway)
    monkeypatch.setattr(feeds, "LATE_SECONDS_MAX", 0.0)
    assert names(seller.look(under.receipt, *lines)) == ["done"] * 3


@pytest.mark.parametrize(
    ("before", "after", "shown", "late"),
    [
        (5, 20, 5, True),
        (5, 20, 3, True),
        (5, 20, 18, False),
        (20, 5, 20, True),
        (20, 5, 4, False),
        (0, 1, 0, True),
        (0, 1, 1, False),
    ],
)
def test_a_number_is_of_before_when_it_is_nearer_to_that(
    line: Any, before: int, after: int, shown: int, *, late: bool
) -> None:
    """What sells meanwhile moves a number a little, a feed moves it a lot."""
    assert visibility._is_of_before(line("MUG", after, change_from=before), shown) is late


def test_those_are_looked_at_that_move_furthest(line: Any) -> None:
    """Twenty, as many as a search gives; what nobody had read, or what stays, tells nothing."""
    lines = [line(f"PLATE-{n}", n, change_from=0) for n in range(60)] + [
        line("MUG", 900),
        line("FBA", 800, change_from=800),
    ]
    assert [one.quantity for one in visibility._telling(lines)] == list(range(59, 39, -1))


def test_a_patch_beside_a_running_feed_is_written_over(many: Any, lines: Any, line: Any) -> None:
    """Why the hub holds back what changes at an item whose line is in a running feed: the older number would land after it."""
    seller = many()
    seller.call("POST", "/_twin/feeds/hold", {})
    under = seller.write(*lines)
    assert names(seller.write(line("MUG", 7))) == ["done"] and seller.shown("MUG") == [7]
    seller.call("POST", "/_twin/feeds/release", {})
    seller.ended(under.receipt, *lines)
    assert seller.shown("MUG") == [5]


def test_a_feed_whose_answer_was_lost_is_found_and_followed(many: Any, lines: Any) -> None:
    """C59: Amazon knows no key, so the only unfinished feed is ours. Control: who just tries again makes a second one."""
    seller = many()
    seller.call("POST", "/_twin/feeds/hold", {})
    seller.fail(kind="reset_after", count=1, match={"method": "POST", "path": FEEDS})
    underway = seller.write(*lines)
    assert isinstance(underway, stock.Underway)
    assert len(seller.effects("feed.create")) == 1
    seller.call("POST", "/_twin/feeds/release", {})
    assert names(seller.ended(underway.receipt, *lines)) == ["done"] * 3

    document = seller.effects("feed.create")[0]["detail"]["document"]
    again = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": ["ATVPDKIKX0DER"], "inputFeedDocumentId": document}
    seller.call("POST", FEEDS, again)
    assert len(seller.effects("feed.create")) == 2


def test_a_feed_that_may_or_may_not_have_been_made_is_uncertain(many: Any, lines: Any) -> None:
    """The request was lost and none is unfinished: one may have ended already, so nobody knows."""
    seller = many()
    seller.fail(kind="reset_before", count=1, match={"method": "POST", "path": FEEDS})
    assert names(seller.write(*lines)) == ["uncertain"] * 3
    assert seller.sets() == []


@pytest.mark.parametrize(
    "match",
    [
        {"method": "GET", "path": FEEDS}, {"method": "POST", "path": "/feeds/2021-06-30/documents"},
        {"method": "PUT", "path": "/documents-of-feeds"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("fault", [{"kind": "reset_after"}, {"kind": "status", "status": 500}])
def test_until_the_feed_is_made_nothing_can_have_changed(many: Any, lines: Any, match: Any, fault: Any) -> None:
    """A lost list, document or upload is a retry, not an uncertainty: no listing hears of it."""
    seller = many()
    seller.fail(**fault, count=1, match=match)
    assert names(seller.write(*lines)) == ["retry"] * 3
    assert seller.effects("feed.create") == []


@pytest.mark.parametrize(
    ("fate", "found"),
    [
        ({"status": "FATAL", "messages": 1, "report": False}, ["stale"] * 3),
        ({"status": "FATAL", "messages": 2, "report": True}, ["stale"] * 3),
        ({"status": "DONE", "messages": 2, "report": True}, ["stale"] * 3),
        ({"status": "DONE", "messages": 3, "report": False}, ["stale"] * 3),
        ({"status": "CANCELLED"}, ["retry"] * 3),
        ({"status": "FATAL", "messages": 3, "report": True}, ["done"] * 3),
    ],
)
def test_how_feeds_end(many: Any, lines: Any, fate: Any, found: Any) -> None:
    """Fault cases of feeds: done only where the report accounts for every line. A part was really applied in the first case:
    who calls it refused, or done, is wrong. A feed that has ended is asked in vain: what the places show is read anew."""
    seller = many()
    seller.call("POST", "/_twin/feeds/next", fate)
    underway = seller.write(*lines)
    assert names(seller.ended(underway.receipt, *lines)) == found
    assert len(seller.sets()) == (0 if fate["status"] == "CANCELLED" else fate["messages"])


def test_a_feed_that_stands_in_the_queue_is_taken_back(many: Any, lines: Any) -> None:
    """Feeds have waited for days: one that is still in the queue is cancelled, and nothing of it was done."""
    seller = many()
    seller.settings["feed_patience_seconds"] = 0.0
    seller.call("POST", "/_twin/feeds/hold", {})
    underway = seller.write(*lines)
    assert isinstance(seller.look(underway.receipt, *lines), stock.Underway)  # cancelled by this look
    seller.call("POST", "/_twin/feeds/release", {})
    assert names(seller.ended(underway.receipt, *lines)) == ["retry"] * 3
    assert seller.sets() == []


def test_a_feed_that_is_worked_on_for_too_long_is_not_waited_for(many: Any, lines: Any) -> None:
    """It cannot be taken back any more, and may still write: what the places show is read until then."""
    seller = many(feed_seconds=60)
    seller.settings["feed_patience_seconds"] = 0.0
    underway = seller.write(*lines)
    found = seller.ended(underway.receipt, *lines)
    assert names(found) == ["stale"] * 3
    assert "FEED-STUCK" in found[0].message


def test_many_lines_that_come_again_wait_for_a_feed_and_are_compared(many: Any, line: Any) -> None:
    """C59: the hub was killed before it knew the feed's name. The same lines wait until no feed is on its way, then each is
    looked at: what the feed wrote is done, what was sold since is stale. Control: a second feed puts the sale back."""
    seller = many()
    before = {"MUG": 12, "CUP/1": 3, "PLATE-9": 9}
    lines = [line(sku, 6, change_from=now) for sku, now in before.items()]
    seller.call("POST", "/_twin/feeds/hold", {})
    underway = seller.write(*lines)
    assert names(seller.write(*lines, first=False)) == ["retry"] * 3
    seller.call("POST", "/_twin/feeds/release", {})
    assert names(seller.ended(underway.receipt, *lines)) == ["done"] * 3
    seller.call("POST", "/_twin/sales", {"sku": "MUG", "quantity": 1})
    assert names(seller.write(*lines, first=False)) == ["stale", "done", "done"]
    assert seller.shown("MUG", "CUP/1") == [5, 6]
    seller.ended(seller.write(*lines).receipt, *lines)
    assert seller.shown("MUG") == [6]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (f"{FEEDS}/", {"kind": "status", "status": 429}),
        ("/feeds/2021-06-30/documents/", {"kind": "reset_after"}),
        ("/documents-of-feeds", {"kind": "status", "status": 500}),
    ],
)
def test_looking_changes_nothing(many: Any, lines: Any, path: str, fault: Any) -> None:
    """Whatever goes wrong with a look, the feed is as it is, and is asked about again."""
    seller = many()
    underway = seller.write(*lines)
    seller.fail(**fault, count=1, match={"method": "GET", "path": path})
    assert isinstance(seller.look(underway.receipt, *lines), Retry)
    assert names(seller.ended(underway.receipt, *lines)) == ["done"] * 3


def test_a_feed_that_amazon_forgot_is_read_anew(many: Any, lines: Any) -> None:
    """Feeds are kept for 90 days; a receipt of one that is gone says nothing of its lines."""
    found = many().look("4711", *lines)
    assert names(found) == ["stale"] * 3


# -- the report alone


def report(issues: list[Any], processed: int, accepted: int, feed: str = "1") -> bytes:
    summary = {"errors": 0, "warnings": 0, "messagesProcessed": processed, "messagesAccepted": accepted}
    return json.dumps({
        "header": {"sellerId": "A", "version": "2.0", "feedId": feed}, "issues": issues,
        "summary": summary | {"messagesInvalid": processed - accepted},
    }).encode()  # fmt: skip


def issue(number: int | None, severity: str = "ERROR") -> dict[str, Any]:
    told = {"severity": severity, "message": f"about {number}", "code": "90220"}
    return told if number is None else {"messageId": number, **told}


@pytest.mark.parametrize(
    ("issues", "processed", "accepted", "found"),
    [
        ([], 3, 3, ["done"] * 3),
        ([issue(2), issue(2)], 3, 2, ["done", "refused", "done"]),
        ([issue(1, "WARNING")], 3, 3, ["done"] * 3),
        ([issue(2)], 3, 3, ["uncertain", "refused", "uncertain"]),
        ([], 2, 2, ["uncertain"] * 3),
        ([], 3, 2, ["uncertain"] * 3),
        ([issue(None)], 0, 0, ["refused"] * 3),
        ([issue(None), issue(1)], 3, 1, ["refused", "uncertain", "uncertain"]),
        ([issue(7)], 3, 3, ["done"] * 3),
    ],
)
def test_what_a_report_says_of_each_line(lines: Any, issues: Any, processed: int, accepted: int, found: Any) -> None:
    """A line without an issue is done only when the counts say so; an issue without a message is about all of them. Control: who
    looks for issues alone would call seven of these lines done that nobody has accepted."""
    body = report(issues, processed, accepted)
    read = read_report(body, packed=False)
    assert read is not None
    assert names(outcomes(read, "1", lines)) == found
    assert names(outcomes(read, "2", lines)) == ["uncertain"] * 3


def test_a_report_that_cannot_be_read_is_none() -> None:
    """Cut, not packed although it should be, not JSON, or far larger than any report: nobody knows then."""
    good = gzip.compress(report([], 3, 3))
    assert read_report(good, packed=True) is not None
    for body in (good[:-10], report([], 3, 3), gzip.compress(b"{}"), gzip.compress(b"no"), b""):
        assert read_report(body, packed=True) is None
    assert read_report(gzip.compress(b" " * (UNPACKED_BYTES_MAX + 1)), packed=True) is None
