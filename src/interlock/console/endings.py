"""What people are told of versions that end: the notice on Home, the answer of the calendar, the ladder of a contract."""

from collections.abc import Sequence

from msgspec import Struct

from interlock.canonical import Contract
from interlock.canonical.compatibility import compare
from interlock.console.health import Answer
from interlock.console.wording import counted, sentence_list
from interlock.messaging.consumers import Consumer
from interlock.operations.endings import Ending, Using, endings, using
from interlock.strategy import Strategy, contracts_of

STATES = {"announced": "pending", "deprecated": "retrying", "brown-out": "waiting", "sunset": "dead"}
"""Stage of an old version -> the status that it is shown with."""
VERDICTS = {
    "full": "breaks nobody",
    "backward": "new readers take old objects; old readers break",
    "forward": "old readers take new objects; new readers break",
    "none": "breaks both sides",
}


class Rung(Struct, frozen=True, kw_only=True):
    """One version of an object: how it goes with the one before, how it ends, and who uses it."""

    contract: Contract
    verdict: str
    sentences: tuple[str, ...]
    ending: Ending | None
    state: str
    using: tuple[Using, ...]


def notice_words(found: Sequence[Ending]) -> str:
    """What Home says while somebody uses a version that is deprecated or has ended; "" otherwise."""
    for ending in found:
        names = sentence_list([one.words for one in ending.using])
        one = ending.retirement
        if ending.using and ending.stage == "sunset":
            return f"{one.key} has ended on {one.sunset_day}; what still uses it is refused: {names}."
        if ending.using and ending.stage == "brown-out":
            return f"{one.key} is in a brown-out: deliveries wait that use it: {names}."
        if ending.using and ending.stage == "deprecated":
            return f"{one.key} ends on {one.sunset_day} and is still used: {names}."
    return ""


def calendar_answer(found: Sequence[Ending]) -> Answer:
    """The soonest end that somebody has to prepare for."""
    words = notice_words(found)
    if words:
        state = next(STATES[one.stage] for one in found if one.using and one.stage != "announced")
        return Answer(state=state, text=words)
    coming = [one for one in found if one.stage == "announced"]
    if coming:
        one = coming[0].retirement
        return Answer(state="done", text=f"{one.key} will end on {one.sunset_day}; {one.replaced_by} takes its place.")
    if found:
        return Answer(
            state="done", text=f"{counted(len(found), 'old version')} ended or is ending; nobody was seen using it."
        )
    return Answer(state="done", text="No version is announced to end.")


def ladder_of(strategy: Strategy, object_name: str, consumers: Sequence[Consumer], now_ms: int) -> tuple[Rung, ...]:
    """The versions of one object, newest first."""
    versions = sorted(
        (each for each in contracts_of(strategy).values() if each.name == object_name), key=lambda each: each.version
    )
    ends = {one.retirement.key: one for one in endings(strategy, consumers, now_ms)}
    rungs = [
        _rung(contract, versions[at - 1] if at else None, ends.get(contract.key), consumers)
        for at, contract in enumerate(versions)
    ]
    return tuple(reversed(rungs))


def _rung(contract: Contract, before: Contract | None, ending: Ending | None, consumers: Sequence[Consumer]) -> Rung:
    compared = compare(before, contract) if before else None
    return Rung(
        contract=contract,
        verdict=VERDICTS[compared.verdict] if compared else "",
        sentences=tuple(change.sentence for change in compared.changes) if compared else (),
        ending=ending,
        state=STATES[ending.stage] if ending else "done",
        using=using(each for each in consumers if each.version == contract.key),
    )
