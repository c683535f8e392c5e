"""The four outcomes of a write, never two: done, refused, retry, uncertain."""

from typing import Literal

import msgspec


class Done(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The destination has it. `external_id` is its own id for the record; `detail` is a phrase for the story of the
    order."""

    external_id: str = ""
    detail: str = ""
    status: int = 0


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The destination said no and will say no again. Needs a person, or (`waiting_for`) a thing that is not there yet.

    `reason` is one of the classes of dead_letter.REASONS; `code` is the vendor's own code; `waiting_for` such as
    `item:TSHIRT-OLD`.
    """

    reason: str
    code: str
    message: str
    status: int = 0
    waiting_for: str = ""


class Retry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Nothing was applied, and it may work later. `retry_after_seconds` is a floor. `destination_wide`: pause all
    writes, not this one only."""

    code: str
    message: str
    status: int = 0
    retry_after_seconds: float = 0.0
    destination_wide: bool = False


class Uncertain(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """We do not know whether it was applied: a timeout, a reset, a 5xx after the body was sent, an answer nobody can
    read."""

    code: str
    message: str
    status: int = 0


Outcome = Done | Refused | Retry | Uncertain

Verdict = Literal["done", "refused", "retry", "uncertain"]


def verdict(outcome: Outcome) -> Verdict:
    """The word that is stored for an outcome."""
    match outcome:
        case Done():
            return "done"
        case Refused():
            return "refused"
        case Retry():
            return "retry"
        case Uncertain():
            return "uncertain"
