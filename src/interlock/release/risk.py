"""How much a change may do harm: low, medium or high, always with the reasons."""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from interlock.release.change import Change
from interlock.release.effect import Effect

Level = Literal["low", "medium", "high"]
LEVELS: tuple[Level, ...] = ("low", "medium", "high")

OPENS = frozenset({"environment", "console.mask_personal", "record_of", "egress.allow", "egress.production_hosts"})
"""Keys that decide who may reach, see or write what."""
REACHES = frozenset({"connector", "url", "credentials"})
DECIDES = frozenset({"mapping", "items", "flow", "function", "object"})
"""Kinds of which recorded orders show what they do."""


class Risk(Struct, frozen=True):
    """The highest level that a reason has, and every reason, the gravest first."""

    level: Level
    reasons: tuple[str, ...]


Rule = Callable[[Sequence[Change], Effect], str]


def _breaking(changes: Sequence[Change], _: Effect) -> str:
    broken = [change for change in changes if change.breaking]
    return f"{len(broken)} breaking: {broken[0].about}, {broken[0].breaking}" if broken else ""


def _failing(_: Sequence[Change], effect: Effect) -> str:
    count = effect.most("fails")
    return f"{_objects(count, effect)} can no longer be translated" if count else ""


def _missing(_: Sequence[Change], effect: Effect) -> str:
    count = effect.most("stays")
    return f"{_objects(count, effect)} no longer reach a destination" if count else ""


def _opening(changes: Sequence[Change], _: Effect) -> str:
    keys = sorted({change.key for change in changes if change.key in OPENS or change.key.startswith("record")})
    return f"who may reach, see or write what is changed: {', '.join(keys)}" if keys else ""


def _rewriting(_: Sequence[Change], effect: Effect) -> str:
    lines = [line for line in effect.lines if line.what == "field" and line.words != "filled in"]
    count = max((line.count for line in lines), default=0)
    return f"values that are sent today are other ones in {_objects(count, effect)}" if count else ""


def _reaching(_: Sequence[Change], effect: Effect) -> str:
    count = effect.most("goes", "writes", "spares")
    return f"{_objects(count, effect)} cause calls that they did not, or none where they did" if count else ""


def _elsewhere(changes: Sequence[Change], _: Effect) -> str:
    keys = sorted(
        {
            f"{change.about} {change.key}"
            for change in changes
            if change.kind == "system" and change.key.split(".")[0] in REACHES
        }
    )
    return (
        f"calls go elsewhere, or under other credentials, which is tried out by nothing here: {', '.join(keys)}"
        if keys
        else ""
    )


def _untried(changes: Sequence[Change], effect: Effect) -> str:
    deciding = any(change.kind in DECIDES for change in changes)
    return "it is not tried on any recorded order" if deciding and not effect.untouched and not effect.objects else ""


def _unseen(_: Sequence[Change], effect: Effect) -> str:
    if not effect.unseen:
        return ""
    return f"{effect.unseen} of {effect.events} events run a process that changes with this, and its steps are not tried here"


def _filling(_: Sequence[Change], effect: Effect) -> str:
    count = effect.most("field")
    return f"only fills in what was empty, in {_objects(count, effect)}" if count else ""


RULES: tuple[tuple[Level, Rule], ...] = (
    ("high", _breaking), ("high", _failing), ("high", _missing), ("high", _opening), ("medium", _rewriting),
    ("medium", _reaching), ("medium", _elsewhere), ("medium", _untried), ("medium", _unseen), ("low", _filling),
)  # fmt: skip
"""Level and rule; a rule says why it holds, or nothing."""

NO_REASON = "no recorded order is treated otherwise"
NO_REASON_UNTRIED = "nothing that changed decides what is sent"


def risk_of(changes: Sequence[Change], effect: Effect) -> Risk:
    """The gravest level that holds, with all its reasons and those below."""
    held = [(level, reason) for level, rule in RULES if (reason := rule(changes, effect))]
    reasons = tuple(reason for level, reason in held if level != "low" or held[0][0] == "low")
    return Risk(held[0][0], reasons) if held else Risk("low", (NO_REASON if effect.untouched or effect.objects else NO_REASON_UNTRIED,))


def _objects(count: int, effect: Effect) -> str:
    return f"{count} of {effect.objects} {effect.noun}{'' if effect.objects == 1 else 's'}"
