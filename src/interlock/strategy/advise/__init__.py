"""Advice: the strategy's rules about patterns, applied to what a flow declares and to what was measured.

for point in advise(FlowFacts(flow, measured)).points:
    point.contradicts       # the chosen pattern does not suit, and nobody said: we know, because ...
"""

from msgspec import Struct

from interlock.strategy.advise.facts import FlowFacts, Measured
from interlock.strategy.advise.rule import Rule
from interlock.strategy.advise.rules import ALL
from interlock.strategy.model import RUNNING_PATTERNS, Flow, Pattern

__all__ = ["ALL", "Advice", "FlowFacts", "Measured", "Point", "Rule", "advise"]


class Point(Struct, frozen=True, kw_only=True):
    """One rule that applies to a flow, with the figures; `accepted`: the flow's file answers it."""

    code: str
    title: str
    because: str
    suggests: tuple[Pattern, ...]
    fits: bool
    accepted: bool
    watch: str = ""

    @property
    def contradicts(self) -> bool:
        """The chosen pattern does not suit, and no rationale answers that."""
        return not self.fits and not self.accepted

    @property
    def suggestion(self) -> str:
        """`ipaas (does not run here yet), or point-to-point`."""
        named = [name if name in RUNNING_PATTERNS else f"{name} (does not run here yet)" for name in self.suggests]
        return ", or ".join(named)

    @property
    def verdict(self) -> str:
        """`fits`, `accepted` or `contradicts`."""
        return "fits" if self.fits else "accepted" if self.accepted else "contradicts"


class Advice(Struct, frozen=True):
    """All that the rules say of one flow."""

    flow: Flow
    measured: Measured
    points: tuple[Point, ...]

    @property
    def open(self) -> tuple[Point, ...]:
        """What contradicts the chosen pattern and is not answered."""
        return tuple(point for point in self.points if point.contradicts)

    def sentence(self) -> str:
        """One line for a page or a list."""
        if self.open:
            first = self.open[0]
            more = f"; and {len(self.open) - 1} more" if len(self.open) > 1 else ""
            return f"{self.flow.pattern} contradicts {first.code}: {first.because}; {first.suggestion} suits it{more}"
        answered = [point.code for point in self.points if not point.fits]
        if answered:
            return f"{self.flow.pattern} is argued for against {', '.join(answered)}"
        if self.points:
            return f"{self.flow.pattern} fits: {self.points[0].because}"
        return f"no rule speaks for or against {self.flow.pattern}"


def advise(facts: FlowFacts) -> Advice:
    """Ask every rule."""
    flow = facts.flow
    points = tuple(
        Point(
            code=rule.code, title=rule.title, because=because, suggests=rule.patterns, watch=rule.watch,
            fits=flow.pattern in rule.patterns, accepted=rule.code in flow.accepts,
        )
        for rule in ALL
        if (because := rule.because(facts))
    )  # fmt: skip
    return Advice(flow, facts.measured, points)
