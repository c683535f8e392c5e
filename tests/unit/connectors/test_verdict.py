"""Verdicts: Retry-After in its two forms, rows of a vendor's table, and masks."""

from __future__ import annotations

import math

import msgspec
import pytest

from interlock.connectors.http import Answer
from interlock.connectors.problem import mask, read_problem
from interlock.connectors.verdict import (
    RETRY_AFTER_SECONDS_MAX,
    ErrorRule,
    ErrorTable,
    classify,
    retry_after_seconds,
)
from interlock.messaging.outcome import Done, Refused, Retry, Uncertain

NOON_MS = 1_767_268_800_000  # 2026-01-01 12:00 UTC


def nothing(_: Answer) -> Done | None:
    return None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "2.5"}, 2.5),
        ({"x-retry-after": "9"}, 9),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Thu, 01 Jan 2026 13:00:30 GMT", "date": "Thu, 01 Jan 2026 13:00:00 GMT"}, 30),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "inf"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "999999999"}, RETRY_AFTER_SECONDS_MAX),
        ({}, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float) -> None:
    """The vendor's clock counts, ours may be wrong (fault case 42); nonsense must not stop a destination for ever."""
    found = retry_after_seconds(Answer(429, headers, b""), NOON_MS)
    assert math.isclose(found, seconds)


def test_the_first_row_that_fits_decides() -> None:
    """The order of the file is the order of judgement, special before general."""
    special = ErrorRule(
        code="X", text="item (\\d+)", verdict="wait", reason="missing_reference", waiting_for="item:{}", next="map it"
    )
    general = ErrorRule(code="X", verdict="refused", reason="validation", next="correct it")
    table = ErrorTable((special, general))
    first = classify(Answer(400, {}, b'{"code": "X", "message": "no item 12"}'), table, nothing)
    second = classify(Answer(400, {}, b'{"code": "X", "message": "bad"}'), table, nothing)
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert (first.waiting_for, second.waiting_for, second.reason) == ("item:12", "", "validation")
    assert second.message.endswith("correct it")


def test_a_row_of_another_status_is_not_asked() -> None:
    """A text may mean two things in two statuses."""
    table = ErrorTable((ErrorRule(status=503, verdict="retry", reason="unavailable", next="wait"),))
    assert isinstance(classify(Answer(503, {}, b""), table, nothing), Retry)
    assert isinstance(classify(Answer(502, {}, b""), table, nothing), Uncertain)


def test_a_row_without_a_matcher_is_refused() -> None:
    """It would swallow every answer."""
    with pytest.raises(msgspec.ValidationError, match="to match by"):
        msgspec.convert({"verdict": "retry", "reason": "unknown", "next": "x"}, ErrorRule)


def test_a_reader_is_asked_for_success_only() -> None:
    """A 4xx whose body looks right is still no success."""
    answer = Answer(404, {}, b'{"id": 1}')
    assert isinstance(classify(answer, ErrorTable(), lambda _: Done(external_id="1")), Refused)


def test_problems_of_many_shapes_are_read() -> None:
    """One reader for all vendors: codes, texts and the path of the field."""
    graphql = read_problem(b'{"errors": [{"message": "no", "path": ["a", 0], "extensions": {"code": "THROTTLED"}}]}')
    assert (graphql.codes, graphql.text, graphql.path) == (("THROTTLED",), "no", "a.0")
    fields = read_problem(b'{"Recipient.Name": ["is required"]}')
    assert (fields.text, fields.path) == ("Recipient.Name: is required", "Recipient.Name")
    page = read_problem(b"<html><title>502  Bad\nGateway</title></html>")
    assert (page.text, page.readable) == ("502 Bad Gateway", False)


def test_personal_values_of_the_request_are_masked_and_others_stay() -> None:
    """A person needs the SKU to act, and must not need the name."""
    sent = b'{"recipient": {"name": "Zoe Quinn", "email": "z@q.io"}, "products": [{"name": "Aviator"}], "sku": "A-1"}'
    text = mask("cannot ship Aviator A-1 to Quinn (z@q.io, +49 170 1234567)", sent)
    assert text == "cannot ship Aviator A-1 to *** (***, ***)"


@pytest.mark.parametrize(
    ("status", "kind"), [(301, Uncertain), (302, Uncertain), (303, Uncertain), (307, Refused), (308, Refused)]
)
def test_a_redirect_may_come_after_the_work(status: int, kind: type) -> None:
    """Invariant 2: "see other" is how many answer a POST that they have carried out; only 307 and 308 did nothing."""
    answer = Answer(
        status, {"location": "https://elsewhere.example/"}, b"", error="redirects are not followed", code="EGR002"
    )
    assert type(classify(answer, ErrorTable(), nothing)) is kind
