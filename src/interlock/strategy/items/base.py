"""What a rule of the checklist is: a code, what it wants to see, and either the evidence for it or what is missing and where to write it.

A rule never asks anybody. `bad` and `good` are tried by the tests: lines of one file laid over a sound folder, or facts
of a store, of contracts, or several of these. docs/reference/checklist.md is written from them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import Around, ContractFact, Running, Seen

Colour = Literal["green", "amber", "red"]
WORST: tuple[Colour, ...] = ("green", "amber", "red")
NO_STORE = "nothing has run here yet"


class Evidence(Struct, frozen=True):
    """What was seen, and when: `at_ms` is 0 for what stands in the folder now."""

    text: str
    at_ms: int = 0


class Gap(Struct, frozen=True):
    """What is missing: what to write or do, and where. `file` is empty when it is a command that is missing."""

    code: str
    colour: Colour
    text: str
    file: str = ""
    put: str = ""


class Case(NamedTuple):
    """One example: in words, with what makes it so. The facts of a sound hub stand for what is None."""

    says: str
    examples: tuple[Example, ...] = ()
    running: Running | None = None
    around: Around | None = None
    contracts: Mapping[str, ContractFact] | None = None


class Rule(ABC):
    """One thing that an item of the checklist wants to see. Subclasses are found by `interlock.strategy.checklist.RULES`."""

    code: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    bad: ClassVar[Case]
    good: ClassVar[Case]
    colour: ClassVar[Colour] = "amber"

    @abstractmethod
    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        """What was found and what is missing."""

    def gap(self, text: str, file: str = "", put: str = "") -> Gap:
        return Gap(self.code, self.colour, text, file, put)

    def red(self, text: str, file: str = "", put: str = "") -> Gap:
        """Worse than this rule usually is."""
        return replace(self.gap(text, file, put), colour="red")


class RunningRule(Rule):
    """A rule about what ran. Without a store it is a gap: an item is green only by evidence."""

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        if seen.running is None:
            yield self.gap(f"{NO_STORE}, so it is not known whether {self.wanted}", put="interlock run")
        else:
            yield from self.ran(seen, seen.running)

    @property
    def wanted(self) -> str:
        """What a store would show."""
        return f"{self.title[0].lower()}{self.title[1:]}"

    @abstractmethod
    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        """The same, with what the store says."""


def listed(names: list[str], most: int = 3) -> str:
    """`a, b and 4 more`."""
    shown, more = names[:most], len(names) - most
    return f"{', '.join(shown)} and {more} more" if more > 0 else ", ".join(shown)


def counted(number: int, word: str, words: str = "") -> str:
    """`1 flow`, `2 flows`."""
    return f"{number:,} {word if number == 1 else words or f'{word}s'}"
