"""How one try of a delivery went, and what the outcome of a call means for it."""

import msgspec

from interlock.errors import MappingError
from interlock.messaging.dead_letter import HELD_BY
from interlock.messaging.delivery import Failure
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.stock import STALE
from interlock.messaging.write import Once, RefusedField, Write

SEND_WITHIN_SECONDS = 5.0
"""After its intent was committed a call must leave within this time, or it does not leave at all: a paused process may
be replaced."""

NOT_SENT = "HUB-PAUSED"
"""Our own process came too late to call: it says nothing of the destination."""


class Finished(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How one delivery went, before the outlet decides about time.

    `answered`: the destination as a whole is well. `unanswered`: it did not answer. Neither: no call was made.
    `held_by`: what of ours the destination refused, credentials or permission; the document is not to blame.
    `wakes`: what others wait for and may look at again, once this is kept as done.
    """

    state: str
    version: int = 0
    failure: Failure | None = None
    owner: str = ""
    unchanged: bool = False
    counted: bool = False
    answered: bool = False
    unanswered: bool = False
    retry_after_seconds: float = 0.0
    pause_seconds: float = 0.0
    held_by: str = ""
    not_before_ms: int = 0
    warnings: tuple[str, ...] = ()
    refused: tuple[RefusedField, ...] = ()
    retry: RetryPolicy | None = None
    """The flow's own, in place of the destination's."""
    wakes: str = ""


class Stop(Exception):  # noqa: N818  control flow of one trip, not an error
    """Ends a try before its plan is carried out."""

    def __init__(self, finished: Finished) -> None:
        super().__init__(finished.state)
        self.finished = finished


def stopped(outcome: Outcome, write: Write, now_ms: int) -> Stop:
    """What an outcome that is not done means for the delivery."""
    match outcome:
        case Refused() if outcome.reason in HELD_BY:
            failure = held(outcome, outcome.message)
            return Stop(Finished(state="waiting", failure=failure, unanswered=True, held_by=failure.waiting_for))
        case Refused() if outcome.waiting_for:
            failure = Failure(
                reason=outcome.reason, code=outcome.code, message=outcome.message, waiting_for=outcome.waiting_for
            )
            return Stop(Finished(state="waiting", failure=failure, answered=True))
        case Refused():
            failure = Failure(reason=outcome.reason, code=outcome.code, message=outcome.message, body=write.body)
            return Stop(Finished(state="dead", failure=failure, counted=True, answered=True))
        case Retry(code=code) if code == STALE:  # the channel is well, and what it shows now is read before the next try
            failure = failure_of("stale", code, outcome.message)
            rested_ms = now_ms + round(outcome.retry_after_seconds * 1000)
            return Stop(Finished(state="waiting", failure=failure, answered=True, not_before_ms=rested_ms))
        case Retry(code=code) if code == NOT_SENT:
            return Stop(Finished(state="retrying", failure=failure_of("unavailable", code, outcome.message)))
        case Retry():
            limited = outcome.status == 429
            failure = Failure(
                reason="rate_limit" if limited else "unavailable",
                code=outcome.code,
                message=outcome.message,
                body=write.body,
            )
            pause = outcome.retry_after_seconds if outcome.destination_wide else 0.0
            return Stop(Finished(
                state="retrying", failure=failure, counted=not limited, answered=limited, unanswered=not limited,
                retry_after_seconds=outcome.retry_after_seconds, pause_seconds=pause,
            ))  # fmt: skip
        case Uncertain():
            failure = Failure(reason="uncertain", code=outcome.code, message=outcome.message, body=write.body)
            quiet = write.quiet_period_seconds if write.once is Once.LOOK_UP else 0.0
            not_before = now_ms + round((quiet + SEND_WITHIN_SECONDS) * 1000) if quiet else 0
            return Stop(Finished(
                state="uncertain", failure=failure, counted=True, unanswered=True, not_before_ms=not_before,
            ))  # fmt: skip
        case Done():
            raise AssertionError("done does not stop a trip")


def failure_of(reason: str, code: str, message: str) -> Failure:
    """A failure with nothing to show of a document."""
    return Failure(reason=reason, code=code, message=message)


def paused(flow: str, words: str = "") -> Failure:
    """What is paused, by the folder or (in `words`) by a person, goes on when it may: that is of now, not of the event's time."""
    said = words or f"flow {flow} is paused in the folder"
    return Failure(reason="paused", code="HUB-STOPPED", message=said, waiting_for=f"flow:{flow}")


def held(refused: Refused, message: str) -> Failure:
    """A refusal that is about us: the delivery waits for the credentials, or for the permission."""
    return Failure(reason=refused.reason, code=refused.code, message=message, waiting_for=HELD_BY[refused.reason])


def dead(reason: str, code: str, message: str) -> Stop:
    """A person must see to it."""
    return Stop(Finished(state="dead", failure=failure_of(reason, code, message)))


def mapping_stop(error: MappingError) -> Stop:
    """The document cannot be translated."""
    return dead("mapping", error.code, words_of(error))


def words_of(error: MappingError) -> str:
    """What is wrong, and at which path."""
    return f"{error.what} at {error.path}" if error.path else error.what
