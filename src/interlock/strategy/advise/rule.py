"""What a rule of advice is: a code, a title, what it suggests and why, and a flow that it contradicts and one that it suits."""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from interlock.strategy.advise.facts import FlowFacts, Measured
from interlock.strategy.model import Pattern


class Example(NamedTuple):
    """Lines of a flow's file, laid over a small sound flow, and what its traffic shows."""

    text: str
    measured: Measured = Measured()


class Rule(ABC):
    """One rule. `patterns` are those that suit what it finds, the one that it suggests first."""

    code: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    patterns: ClassVar[tuple[Pattern, ...]]
    watch: ClassVar[str] = ""
    """What to keep an eye on when the suggestion is followed."""
    bad: ClassVar[Example]
    good: ClassVar[Example]

    @abstractmethod
    def because(self, facts: FlowFacts) -> str:
        """The figures for which the rule applies to this flow; "" when it does not."""
