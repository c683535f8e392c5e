"""What is said of people's requests: one sentence for all, a line for each, and a request that is made by hand."""

from collections.abc import Sequence
from typing import Final

from interlock.errors import SettingsError
from interlock.messaging.privacy import ALARM_DAYS, DAY_MS, DUE_DAYS, PrivacyRequest, uid_of
from interlock.strategy.model import Strategy

WORDS: Final = {"export": "wants a copy of their data", "redact": "is to be forgotten", "shop": "is to be forgotten as a whole"}


def is_late(request: PrivacyRequest, now_ms: int) -> bool:
    """Not done on the first day for which somebody is told."""
    return request.state != "done" and request.day(now_ms) >= ALARM_DAYS[0]


def who_of(request: PrivacyRequest) -> str:
    """By their key at the source: their name is what must not be shown."""
    return f"customer {request.person} of {request.system}" if request.person else f"the shop {request.system}"


def owner_of(strategy: Strategy, request: PrivacyRequest) -> str:
    """The team that answers for the source; "" when the folder has it no more."""
    system = strategy.systems.get(request.system)
    return system.owner if system else ""


def late_sentence(request: PrivacyRequest, now_ms: int) -> str:
    """What stands among the issues from day 20 on."""
    return f"Request {request.id} is not done on day {request.day(now_ms)} of {DUE_DAYS}: {who_of(request)} {WORDS[request.kind]}"


def line_of(request: PrivacyRequest, now_ms: int) -> str:
    """State, and what it waits for or what it found."""
    if request.state != "done":
        days = -((now_ms - request.due_ms) // DAY_MS)
        due = f"{-days} days overdue" if request.overdue(now_ms) else f"due in {days} days"
        waits = request.note or ("waits for a person to hand it over" if request.kind == "export" else "the hub does it")
        return f"{due}; {waits}"
    if request.kind == "export":
        return f"handed over by {request.done_by}"
    return proof_of(request)


def proof_of(request: PrivacyRequest) -> str:
    """What the look through everything found."""
    result = request.result
    if not result.proven_ms:
        return f"said to be done by {request.done_by}; nothing was proven"
    removed = ", ".join(f"{count} {kind}" for kind, count in result.removed.items()) or "nothing was there"
    others = f"; {result.namesakes} texts have only the same name" if result.namesakes else ""
    return f"0 traces left in {result.looked_at} rows and all files; removed: {removed}{others}"


def sentence(requests: Sequence[PrivacyRequest], now_ms: int) -> str:
    """The worst first."""
    overdue = [one for one in requests if one.overdue(now_ms)]
    copies = [one for one in requests if one.state != "done" and one.kind == "export"]
    erasures = [one for one in requests if one.state != "done" and one.kind != "export"]
    if overdue:
        return f"{_requests(len(overdue))} overdue: {who_of(overdue[0])} {WORDS[overdue[0].kind]}."
    said = []
    if copies:
        days = max(0, -((now_ms - min(one.due_ms for one in copies)) // DAY_MS))
        said.append(f"{_persons(len(copies))} for a copy of their data, the first due in {days} days")
    if erasures:
        said.append(f"{len(erasures)} {'erasure is' if len(erasures) == 1 else 'erasures are'} under way")
    if said:
        return f"{'; '.join(said)}."
    return f"All {len(requests)} requests of people are done." if requests else "Nobody has asked for their data, or to be forgotten."


def _requests(count: int) -> str:
    return "1 request is" if count == 1 else f"{count} requests are"


def _persons(count: int) -> str:
    return "1 person waits" if count == 1 else f"{count} people wait"


def by_hand(strategy: Strategy, system: str, person: str, *, by: str, why: str, now_ms: int) -> PrivacyRequest:
    """A redaction that no webhook asked for. Raises SettingsError PRV010."""
    if system not in strategy.systems or not person.strip():
        raise SettingsError(
            f"no system {system!r}" if person.strip() else "no customer is named", code="PRV010", where="privacy redact",
            why=f"the systems are {', '.join(strategy.systems)}; the customer is named by the key at the source",
            next_move="interlock systems",
        )  # fmt: skip
    person = person.strip()
    return PrivacyRequest(
        uid=uid_of(system, f"hand/{person}/{now_ms}"), kind="redact", system=system, person=person, received_ms=now_ms,
        due_ms=now_ms + DUE_DAYS * DAY_MS, by=by, why=why,
    )  # fmt: skip
