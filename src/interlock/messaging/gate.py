"""The gate before a first write: an object that its source holds back waits, and goes on by itself."""

import logging

from interlock.messaging.dead_letter import HELD_BY
from interlock.messaging.delivery import Delivery, Failure
from interlock.messaging.finished import Finished, Stop, failure_of, held
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.releases import Document, Holding, Release
from interlock.messaging.source import Held

LOG = logging.getLogger("interlock.messaging")

FINAL_TAXES = "final_taxes"
ON_HOLD = "HUB-HELD"
CLIENT = "HUB-CLIENT"
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
    for one in _known(delivery, await _asked(delivery, release, timeout_seconds)):
        if one.kind in wanted:
            raise _waits(one.words, f"{HOLD}{delivery.system}:{one.part or delivery.key}")


async def _asked(delivery: Delivery, release: Release, timeout_seconds: float) -> Holding:
    """The source's answer. One whose client raises has said nothing: its own deliveries wait, and every other goes on."""
    try:
        return await release.held(delivery.system, delivery.object, delivery.key, timeout_seconds=timeout_seconds)
    except Exception as error:  # noqa: BLE001  its message may hold personal data: only its kind is told
        LOG.error("%s %s while %s was asked what it holds back", CLIENT, type(error).__name__, delivery.system)
        return Retry(code=CLIENT, message=f"{type(error).__name__} in the client of {delivery.system}")


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
