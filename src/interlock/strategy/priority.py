"""The priority matrix: impact against complexity gives each flow a rank and a phase, from the folder alone.

| impact | low complexity | medium | high |
|---|---|---|---|
| high | 1 quick wins | 2 strategic | 2 strategic |
| medium | 3 fill-ins | 3 fill-ins | 4 reconsider |
| low | 3 fill-ins | 4 reconsider | 4 reconsider |

Ranks go through the phases in their order; within a phase the higher impact comes first, then the lower complexity. Flows of
one cell are told apart by what stops when they stop: more destinations first, then the larger usual volume, then the
stricter promise, then the name. So the same folder gives the same ranks, and every flow of high impact is before all others.
"""

from collections.abc import Iterable

from msgspec import Struct

from interlock.strategy.model import Flow, Level

LEVELS: tuple[Level, ...] = ("high", "medium", "low")
TOP = 10
"""So many flows, by rank, must have owner, SLO, runbook and rollback."""


class Phase(Struct, frozen=True):
    """A step of the plan: what is done in it, and why then."""

    number: int
    name: str
    advice: str


QUICK_WINS = Phase(1, "quick wins", "do these first: they matter and cost little")
STRATEGIC = Phase(2, "strategic", "plan these: they matter and need time, an owner and a rehearsal")
FILL_INS = Phase(3, "fill-ins", "do these between the others: they cost little and can wait")
RECONSIDER = Phase(4, "reconsider", "simplify these, or leave them out: they cost more than they bring")
PHASES = (QUICK_WINS, STRATEGIC, FILL_INS, RECONSIDER)

PHASE_OF: dict[tuple[Level, Level], Phase] = {
    ("high", "low"): QUICK_WINS,
    ("high", "medium"): STRATEGIC,
    ("high", "high"): STRATEGIC,
    ("medium", "low"): FILL_INS,
    ("medium", "medium"): FILL_INS,
    ("low", "low"): FILL_INS,
    ("medium", "high"): RECONSIDER,
    ("low", "medium"): RECONSIDER,
    ("low", "high"): RECONSIDER,
}
"""(impact, complexity) -> phase, in the order of the ranks."""

_CELLS = {cell: place for place, cell in enumerate(PHASE_OF)}


class Priority(Struct, frozen=True, kw_only=True):
    """Where one flow stands. `rank` counts from 1."""

    rank: int
    phase: Phase
    flow: Flow

    @property
    def top(self) -> bool:
        """Whether it is among those that must be fit to be operated."""
        return self.rank <= TOP


class Matrix(Struct, frozen=True):
    """All flows by rank."""

    priorities: tuple[Priority, ...]

    def cell(self, impact: Level, complexity: Level) -> tuple[Priority, ...]:
        """The flows of one of the nine cells, by rank."""
        return tuple(one for one in self.priorities if (one.flow.impact, one.flow.complexity) == (impact, complexity))

    def phase(self, phase: Phase) -> tuple[Priority, ...]:
        """The flows of a phase, by rank."""
        return tuple(one for one in self.priorities if one.phase == phase)


def matrix(flows: Iterable[Flow]) -> Matrix:
    """Rank flows. One whose impact or complexity is no level (the loader tells it) is left out."""
    sound = sorted((flow for flow in flows if (flow.impact, flow.complexity) in PHASE_OF), key=_order)
    return Matrix(
        tuple(
            Priority(rank=rank, phase=PHASE_OF[flow.impact, flow.complexity], flow=flow)
            for rank, flow in enumerate(sound, 1)
        )
    )


def _order(flow: Flow) -> tuple[float | str, ...]:
    return (
        _CELLS[flow.impact, flow.complexity],
        -len(flow.destinations),
        -(flow.slo.expected_events_per_day or 0.0),
        flow.slo.latency_seconds_p95,
        flow.name,
    )


def headings(runbook: str) -> list[str]:
    """The headings of a Markdown text, without their signs; code blocks are passed over."""
    found, fenced = [], False
    for line in runbook.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif line.startswith("#") and not fenced:
            found.append(line.lstrip("#").strip())
    return found
