"""The checklist of an integration strategy: eight items, each green, amber or red by evidence and its age, never ticked by hand."""

from collections.abc import Iterator
from fnmatch import fnmatch

from msgspec import Struct

from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import Seen
from interlock.strategy.items import changes, contracts, flows, observability, patterns, records, runbooks, security
from interlock.strategy.items.base import NO_STORE, WORST, Case, Colour, Evidence, Gap, Rule

__all__ = ["ITEMS", "RULES", "Colour", "Counts", "Evidence", "Gap", "Item", "Result", "checklist", "count"]


class Item(Struct, frozen=True, kw_only=True):
    """One of the eight. `page` is the console's page about it; `files` are those whose open decisions are its gaps."""

    number: int
    title: str
    page: str
    files: tuple[str, ...]
    rules: tuple[Rule, ...]


class NothingIsLeftOpen(Rule):
    """Part of every item: what its files leave open."""

    code = "CHK001"
    title = "Nothing is left to be decided in its files"
    why = "a starter file holds guesses; a line `decide: ...` (in TOML behind a #) says which, until somebody decides and deletes it"
    bad = Case(
        "a file says what is still to be decided",
        (Example("runbooks/holidays.md", "# Holidays\n\ndecide: who is called between the years?", whole=True),),
    )
    good = Case("somebody decided and deleted the line")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        for one in seen.strategy.decisions:
            yield self.gap(f"to decide: {one.what}", f"{one.file}:{one.line}", "what was decided, in place of the line")


OPEN = NothingIsLeftOpen()
ITEMS = (
    Item(number=1, title="Systems of record", page="/strategy/records", files=("strategy.toml", "systems/*"), rules=records.RULES),
    Item(number=2, title="Top ten flows and priorities", page="/strategy/matrix", files=("flows/*",), rules=flows.RULES),
    Item(number=3, title="Pattern decisions", page="/strategy/matrix", files=(), rules=patterns.RULES),
    Item(
        number=4, title="Canonical model", page="/strategy/contracts",
        files=("objects/*", "mappings/*", "functions.py"), rules=contracts.RULES,
    ),
    Item(number=5, title="Security baseline", page="/systems", files=("security.toml",), rules=security.RULES),
    Item(number=6, title="Observability and SLOs", page="/", files=("slos.toml",), rules=observability.RULES),
    Item(number=7, title="Change management", page="/changes", files=("changes/*",), rules=changes.RULES),
    Item(number=8, title="Incident runbooks", page="/issues", files=("runbooks/*",), rules=runbooks.RULES),
)  # fmt: skip
RULES: tuple[Rule, ...] = (OPEN, *(rule for item in ITEMS for rule in item.rules))


class Result(Struct, frozen=True, kw_only=True):
    """One item, judged. `oldest_ms` is the age of its oldest evidence, 0 when all of it is of now."""

    item: Item
    colour: Colour
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]

    @property
    def oldest_ms(self) -> int:
        return min((one.at_ms for one in self.evidence if one.at_ms), default=0)

    @property
    def told(self) -> tuple[Gap, ...]:
        """The gaps that say something of their own, worst first: those that only wait for a hub that runs are one."""
        waiting = [one for one in self.gaps if one.text.startswith(NO_STORE)]
        others = sorted((one for one in self.gaps if one not in waiting), key=lambda one: -WORST.index(one.colour))
        return (*others, *waiting[:1])


class Counts(Struct, frozen=True):
    """How many items have each colour."""

    green: int
    amber: int
    red: int

    @property
    def complete(self) -> bool:
        return not self.amber and not self.red

    def __str__(self) -> str:
        return f"{self.green} green, {self.amber} amber, {self.red} red"


def checklist(seen: Seen) -> tuple[Result, ...]:
    """The eight items, in their order."""
    return tuple(_judged(item, seen) for item in ITEMS)


def count(results: tuple[Result, ...]) -> Counts:
    """The sum of the eight."""
    colours = [one.colour for one in results]
    return Counts(colours.count("green"), colours.count("amber"), colours.count("red"))


def _judged(item: Item, seen: Seen) -> Result:
    found = [one for rule in item.rules for one in rule.look(seen)]
    found += [gap for gap in OPEN.look(seen) if isinstance(gap, Gap) and _belongs(gap.file, item)]
    gaps = tuple(one for one in found if isinstance(one, Gap))
    return Result(
        item=item,
        colour=max((one.colour for one in gaps), key=WORST.index, default="green"),
        evidence=tuple(one for one in found if isinstance(one, Evidence)),
        gaps=gaps,
    )


def _belongs(place: str, item: Item) -> bool:
    file = place.rpartition(":")[0]
    return any(fnmatch(file, pattern) for pattern in item.files)
