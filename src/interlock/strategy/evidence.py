"""What the checklist is computed from: the folder, what lies around it, and what ran. All given as plain facts; nothing is read here."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from msgspec import Struct

from interlock.strategy.advise import Measured
from interlock.strategy.facts import ConnectorFacts
from interlock.strategy.model import Flow, Strategy
from interlock.strategy.priority import Priority, matrix
from interlock.strategy.slos import Freshness

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PROMISE_DAYS = 30
"""What a flow promises, it promises over this long."""


class FlowRan(Struct, frozen=True, kw_only=True):
    """One flow over the last 30 days. `minute_ms` is the newest minute that a dashboard can draw, 0 when there is none."""

    ended_well: int = 0
    dead: int = 0
    minute_ms: int = 0
    success_ms: int = 0

    @property
    def success_percent(self) -> float | None:
        """None when nothing ended."""
        ended = self.ended_well + self.dead
        return 100 * self.ended_well / ended if ended else None


class Letters(Struct, frozen=True, kw_only=True):
    """Open dead letters of one flow and owner."""

    flow: str
    owner: str
    count: int
    oldest_ms: int
    reasons: tuple[str, ...] = ()


class Running(Struct, frozen=True, kw_only=True):
    """What the store says. Times in milliseconds since the epoch; what is not there was never seen."""

    release: str = ""
    release_ms: int = 0
    releases: int = 0
    heard_ms: Mapping[str, int] = {}
    """System -> its newest event; an event is kept only when its signature was right."""
    seen_ms: Mapping[tuple[str, str], int] = {}
    """(system, object) -> its newest sighting."""
    flows: Mapping[str, FlowRan] = {}
    letters: tuple[Letters, ...] = ()
    closed_ms: Mapping[str, int] = {}
    """Flow -> when a person last closed one of its dead letters: its runbook in earnest."""
    actions_ms: Mapping[str, int] = {}
    """Action of the audit -> its newest line."""
    down_ms: Mapping[str, int] = {}
    """Destination whose breaker is not closed -> since when."""
    per_minute: Mapping[str, int] = {}
    """Destination -> calls within the last minute."""
    silent_ms: Mapping[str, int] = {}
    """Flow that is enabled and silent, or far below its volume -> since when."""
    unpaged: Mapping[str, str] = {}
    """Such a flow of which nobody could be called -> why."""
    drifts: Mapping[tuple[str, str], int] = {}
    """(system, object) -> in how many ways its documents have changed, as nobody accepted."""
    oldest_body_ms: int = 0
    oldest_audit_ms: int = 0


class Around(Struct, frozen=True, kw_only=True):
    """What lies beside the folder. `secrets_ms` has `system.credential` -> the age of its file; `backup_ms` the newest copy."""

    secrets_ms: Mapping[str, int] = {}
    backup_ms: int = 0


class ContractFact(Struct, frozen=True, kw_only=True):
    """One contract: how many fields, which of them say nothing of themselves, and whether its version is published."""

    key: str
    fields: int
    undocumented: tuple[str, ...] = ()
    published: bool = True


class Seen(Struct, frozen=True, kw_only=True):
    """All that a rule may look at. `running` is None where no hub has run; `measured` has the traffic of each flow."""

    strategy: Strategy
    connectors: ConnectorFacts
    contracts: Mapping[str, ContractFact]
    now_ms: int
    around: Around = Around()
    running: Running | None = None
    measured: Mapping[str, Measured] = {}

    @property
    def fresh(self) -> Freshness:
        return self.strategy.slos.freshness

    @property
    def top(self) -> tuple[Priority, ...]:
        """The ten flows that matter most."""
        return tuple(one for one in matrix(self.strategy.flows.values()).priorities if one.top)

    @property
    def moving(self) -> dict[str, list[Flow]]:
        """Object (without its version) -> the flows that move it."""
        found: dict[str, list[Flow]] = {}
        for flow in self.strategy.flows.values():
            found.setdefault(flow.object_name, []).append(flow)
        return dict(sorted(found.items()))

    def records(self, thing: str) -> tuple[list[str], list[str]]:
        """The systems that are record of an object, and those that are record of parts of it."""
        whole, parts = [], []
        for name, system in self.strategy.systems.items():
            if thing in system.record_of or thing in system.record_of_own:
                whole.append(name)
            elif any(one.startswith(f"{thing}.") for one in system.record_of):
                parts.append(name)
        return whole, parts

    def within(self, at_ms: int, *, days: int = 0, hours: int = 0) -> bool:
        """Whether a time is no older than that. One that lies ahead proves nothing."""
        return 0 < at_ms <= self.now_ms and self.now_ms - at_ms <= days * DAY_MS + hours * HOUR_MS


def day_ms(day: date) -> int:
    """The first millisecond of a day, UTC."""
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def span(milliseconds: int) -> str:
    """A length of time in whole units: `4 min`, `3 h`, `12 days`."""
    seconds = max(0, milliseconds) // 1000
    for size, word in ((2 * 86_400, "days"), (2 * 3_600, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds * 2 // size} {word}"
    return f"{seconds} s"
