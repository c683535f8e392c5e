"""A plan: what a folder would change in what runs, what that does to recorded orders, how risky it is, and the way back."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from interlock.errors import InterlockError
from interlock.messaging.event import Event
from interlock.release.build import Build
from interlock.release.change import Change
from interlock.release.difference import differences
from interlock.release.effect import Effect, Hide
from interlock.release.end_difference import UNSEEN, ends_sooner
from interlock.release.former_names import under_new_names
from interlock.release.paper import on_paper
from interlock.release.rehearsal import rehearse
from interlock.release.risk import Risk, risk_of
from interlock.release.windows import with_windows
from interlock.strategy import Snapshot

SHOWN_HEX_DIGITS = 12


class Plan(Struct, frozen=True, kw_only=True):
    """`running` and `wanted` are releases; `running` is "" before the first. `not_tried` says why there is no effect."""

    running: str
    wanted: str
    changes: tuple[Change, ...] = ()
    effect: Effect = Effect(untouched=True)
    risk: Risk = Risk("low", ())
    not_tried: str = ""

    @property
    def breaking(self) -> int:
        """How many of the changes break something."""
        return sum(bool(change.breaking) for change in self.changes)

    @property
    def rollback(self) -> str:
        """The command that undoes it."""
        return f'interlock rollback {self.running[:SHOWN_HEX_DIGITS]} --why "..."' if self.running else ""

    @property
    def summary(self) -> str:
        """`1 change, 0 breaking; 3 of 51 orders differ; risk low`."""
        if not self.running:
            return "no release runs yet: this folder would be the first"
        if not self.changes:
            same = (
                "nothing has changed"
                if self.running == self.wanted
                else "nothing but comments and white space has changed"
            )
            return f"{same}; release {self.running[:SHOWN_HEX_DIGITS]} runs"
        count = len(self.changes)
        return f"{count} change{'' if count == 1 else 's'}, {self.breaking} breaking; {self._effect}; risk {self.risk.level}"

    @property
    def _effect(self) -> str:
        effect = self.effect
        if self.not_tried:
            return "not tried on recorded orders"
        if effect.untouched:
            return "no recorded order is treated otherwise"
        if not effect.objects:
            return "no recorded order to try it on"
        return f"{effect.differ} of {effect.objects} {effect.noun}{'' if effect.objects == 1 else 's'} differ"


HideFor = Callable[[Build, Build], Hide]
"""What is personal in the documents of two releases."""


def plan(
    running: Snapshot | None, wanted: Snapshot, events: Iterable[Event] | None, hide_for: HideFor | None = None
) -> Plan:
    """Compare and rehearse (not without events). Raises StrategyErrors and MappingFileError for a wanted folder that cannot run.

    A running release that this Interlock cannot build any more is compared by its files alone.
    """
    new = on_paper(wanted)
    if running is None:
        return Plan(running="", wanted=wanted.id)
    changes = with_windows(differences(running, wanted), wanted)
    if not changes:
        return Plan(running=running.id, wanted=wanted.id)
    if events is None:
        return _untried(running, wanted, changes, "it was not asked for")
    try:
        old = on_paper(under_new_names(running, wanted)[0])
    except InterlockError as error:
        why = f"the running release cannot be built by this Interlock any more: {error.what}"
        return _untried(running, wanted, changes, why)
    effect = rehearse(old, new, events, hide_for(old, new) if hide_for else None)
    if effect.untouched and any(ends_sooner(change) for change in changes):
        return _untried(running, wanted, changes, UNSEEN)
    return Plan(
        running=running.id, wanted=wanted.id, changes=changes, effect=effect, risk=risk_of(changes, effect)
    )  # fmt: skip


def _untried(running: Snapshot, wanted: Snapshot, changes: tuple[Change, ...], why: str) -> Plan:
    """What is not tried is judged as if nothing were known of it."""
    nothing = Effect()
    return Plan(
        running=running.id, wanted=wanted.id, changes=changes, effect=nothing, risk=risk_of(changes, nothing), not_tried=why
    )  # fmt: skip
