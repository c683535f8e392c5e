"""What Square answers to a batch of changes: the counts that came of it, or which changes spoil it.

Facts: api.json BatchChangeInventoryResponse ("the current counts for all objects referenced"), Error.field ("the name of
the field provided in the original request").
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from interlock.connectors.contract import Answer, Done, Outcome, Refused, Uncertain, stock
from interlock.connectors.square.counts import IN_STOCK, Count
from interlock.connectors.square.writing import id_of

NAMED: Final = re.compile(r"changes\[(\d+)\]")


class Problem(msgspec.Struct):
    """One of the errors of a refused batch."""

    code: str = ""
    detail: str = ""
    field: str = ""


class _Answered(msgspec.Struct):
    counts: list[Count] | None = None


class _Problems(msgspec.Struct):
    errors: list[Problem] = []


def read(counts: dict[stock.Place, Count], answer: Answer) -> Done | None:
    """Reads a success into `counts`; None when it is not as documented."""
    try:
        found = msgspec.json.decode(answer.body, type=_Answered)
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None
    if found.counts is None:
        return None
    counts.update({one.place: one for one in found.counts if one.state == IN_STOCK})
    return Done(status=answer.status)


def done(line: stock.Line, count: Count | None) -> Outcome:
    """The change is in the history. What the place shows may be less already: a sale came between."""
    if count is None:
        words = "a success that does not tell the count of this place"
        return Uncertain(code="ANSWER_NOT_UNDERSTOOD", message=words, status=200)
    detail = "" if count.quantity == line.quantity else f"shows {count.quantity}: sold or counted meanwhile"
    return Done(external_id=id_of(line.place), detail=detail, status=200)


def named(answer: Answer) -> dict[int, Problem]:
    """The changes that the errors name: `changes[3].adjustment.quantity`. Empty when any error names none."""
    try:
        problems = msgspec.json.decode(answer.body, type=_Problems).errors
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return {}
    found = [(NAMED.search(one.field), one) for one in problems]
    if any(match is None for match, _ in found):
        return {}
    return {int(match[1]): one for match, one in reversed(found) if match is not None}


def refused(problem: Problem, outcome: Refused) -> Refused:
    """The outcome of a line that is named."""
    reason = "missing_reference" if problem.code == "NOT_FOUND" else "validation"
    return Refused(
        reason=reason, code=problem.code or outcome.code, message=f"{problem.field} {problem.detail}".strip(),
        status=outcome.status,
    )  # fmt: skip
