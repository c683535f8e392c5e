"""What Square publishes as examples is read as documented, and what we send has no member that they lack."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from interlock.connectors.contract import Answer, Done, stock
from interlock.connectors.square import answers, client, counts, writing

FIXTURES = Path(client.__file__).parent / "fixtures"
PLACE = stock.Place("W62UWFY35CWMYGVWK6TWJDNI", "C6W5YS5QM06F5")
CALCULATED_US = 1_479_335_281_223_000  # 2016-11-16T22:28:01.223Z


def published(name: str) -> Any:
    return json.loads((FIXTURES / name).read_bytes())


def count(**more: Any) -> counts.Count:
    return counts.Count(
        PLACE.item, PLACE.location, **({"quantity": Decimal(50), "calculated_at": "2016-11-16T22:28:01.223Z"} | more)
    )


def test_the_answer_to_a_change() -> None:
    """The published answer is a success that tells the count."""
    found: dict[stock.Place, counts.Count] = {}
    body = (FIXTURES / "inventory.batch-change.answer.json").read_bytes()
    assert isinstance(answers.read(found, Answer(200, {}, body)), Done)
    assert (found[PLACE].whole, found[PLACE].at_us) == (53, CALCULATED_US)
    assert answers.read(found, Answer(200, {}, b'{"errors": []}')) is None


def test_what_we_send_is_shaped_as_published() -> None:
    """A member that Square does not know would be refused, or silently lost."""
    example = published("inventory.batch-change.request.json")["changes"][0]
    line = stock.Line(place=PLACE, quantity=53, reference="change-1")
    sent = writing.decide(line, count(), key="k", now_us=CALCULATED_US + 1000, decrease_to="SOLD")
    assert isinstance(sent, writing.Change)
    assert sent.body["type"] == example["type"] and set(sent.body) == set(example)
    assert set(sent.body["physical_count"]) == set(example["physical_count"]) - {"team_member_id"}
    assert sent.body["physical_count"]["occurred_at"] == "2016-11-16T22:28:01.223000Z"


def test_the_moment_of_a_change() -> None:
    """That of the last change that was read; of what changed longer ago than Square takes, the same within the hour, 22 to 23
    hours ago; of a place that was never counted, that of the number, and never in the future."""
    hour = writing.HOUR_US
    now = 500_000 * hour + 17 * 60 * 1_000_000
    line = stock.Line(place=PLACE, quantity=1, reference="r", as_of_us=now - hour)

    def at(one: counts.Count | None, now_us: int = now, **more: Any) -> int:
        asked = stock.Line(place=PLACE, quantity=1, reference="r", **more) if more else line
        return counts.moment_us(writing.occurred_at(one, asked, now_us))

    recent = count(calculated_at=counts.text_of(now - 5 * hour))
    assert at(recent) == now - 5 * hour
    old = at(count())
    assert now - 23 * hour <= old <= now - 22 * hour and at(count(), now + 40 * 60 * 1_000_000) == old
    assert at(None) == now - hour
    assert at(None, as_of_us=now + hour) == now and at(None, as_of_us=1) == old


def test_marks_tell_lines_and_keys_apart() -> None:
    """Two lines of one key, or one line under two keys, are two writes; a long reference leaves room for the mark."""
    one, other = (
        stock.Line(place=stock.Place("A", location), quantity=1, reference="r" * 300) for location in ("L1", "L2")
    )
    marks = {writing.mark_of(line, key) for line in (one, other) for key in ("k1", "k2")}
    assert len(marks) == 4
    sent = writing.decide(one, None, key="k1", now_us=CALCULATED_US, decrease_to="SOLD")
    assert isinstance(sent, writing.Change)
    reference = sent.body["physical_count"]["reference_id"]
    assert len(reference) == writing.REFERENCE_CHARACTERS_MAX and reference.endswith(writing.mark_of(one, "k1"))
    assert len(writing.derived("k" * 500, [one.place])) <= 128
