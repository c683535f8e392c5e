"""The gate before a first write: an object that its source holds back waits, and goes on by itself."""

from interlock.messaging.dead_letter import HELD_BY
from interlock.messaging.delivery import Delivery, Failure
from interlock.messaging.finished import Finished, Stop, failure_of, held
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.releases import Document, Holding, Release
from interlock.messaging.source import Held

FINAL_TAXES = "final_taxes"
ON_HOLD = "HUB-HELD"
HOLD = "hold:"
"""What a held delivery waits for begins so; the rest is the system and what holds it."""


async def until_released(delivery: Delivery, release: Release, document: Document, timeout_seconds: float) -> None:
    """Raises Stop while something holds it back that the flow waits for. A source that cannot be asked is asked again: what
    nobody knows to be free does not leave."""
    wanted = release.waits_for(delivery.flow, document)
    if not wanted:
        return
    if FINAL_TAXES in wanted:
        raise _waits("the taxes are estimates; it is told when they are final", f"{HOLD}{delivery.system}:{delivery.key}")
    answer = await release.held(delivery.system, delivery.object, delivery.key, timeout_seconds=timeout_seconds)
    for one in _known(delivery, answer):
        if one.kind in wanted:
            raise _waits(one.words, f"{HOLD}{delivery.system}:{one.part or delivery.key}")


def _known(delivery: Delivery, answer: Holding) -> tuple[Held, ...]:
    match answer:
        case Retry():
            failure = failure_of("unavailable", answer.code, f"whether it is on hold could not be asked: {answer.message}")
            seconds = answer.retry_after_seconds
            raise Stop(Finished(state="retrying", failure=failure, retry_after_seconds=seconds))
        case Refused() if answer.reason in HELD_BY:
            words = f"{delivery.system} does not let us ask whether it is on hold: {answer.message}"
            raise Stop(Finished(state="waiting", failure=held(answer, words)))
        case Refused():  # what the source does not have, it does not hold
            return ()
        case _:
            return answer


def _waits(words: str, what: str) -> Stop:
    return Stop(Finished(state="waiting", failure=Failure(reason="on_hold", code=ON_HOLD, message=words, waiting_for=what)))
