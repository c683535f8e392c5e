"""How true the shown stock is: comparisons of channels with what they should show, their differences, and the port to both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, Protocol, Self

import msgspec

from interlock.messaging.stock import Place, Seen
from interlock.messaging.stock_book import Wish

Cause = Literal[
    "late", "refused", "foreign", "unmapped", "rounding", "source_stale", "lost_event", "unknown", "in_flight"
]
"""Why a channel shows another number than it should. `in_flight` is no difference: it is looked at again next time."""

CAUSES: Mapping[Cause, str] = {
    "late": "our write has not gone out yet",
    "refused": "the channel refuses our number",
    "foreign": "somebody else wrote it",
    "unmapped": "one side does not list it",
    "rounding": "a pack that is not whole",
    "source_stale": "its source of truth is silent",
    "lost_event": "the source had not told us",
    "unknown": "nothing explains it",
    "in_flight": "it moved while it was compared",
}

Kind = Literal["compare", "sync"]
Healing = Literal["found", "healing", "asked", "left"]
"""Only found (a dry run, or nothing can be done here); a delivery brings it right; a person is asked; the policy leaves it."""


class Run(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One comparison of a channel, or one full sync to it. `sku` is a pattern, `location` one of ours, "" is all. `at_us` is the
    instant that the numbers are compared as of. `stale`: which source of truth was silent, in words. `opened` deliveries;
    `asked` differences are left to a person; `strangers` are items of the channel that are no SKU of ours. `error`: why it failed,
    and while it runs, what it waits for and since when."""

    id: int
    kind: Kind
    channel: str
    why: str
    dry: bool = False
    sku: str = ""
    location: str = ""
    state: str = "asked"
    asked_ms: int = 0
    began_ms: int = 0
    ended_ms: int = 0
    at_us: int = 0
    listed: int = 0
    compared: int = 0
    equal: int = 0
    in_flight: int = 0
    opened: int = 0
    asked: int = 0
    strangers: int = 0
    stale: str = ""
    error: str = ""
    reached: str = ""

    @property
    def different(self) -> int:
        """Positions that were compared and show another number."""
        return self.compared - self.equal

    @property
    def whole(self) -> bool:
        """Of all SKUs and locations."""
        return not self.sku and not self.location


class Accuracy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The number, of one run: for a channel as a whole (`place` ""), or one of its places, which shows `location` (ours; several
    are joined by +). `variance` is the sum of what the positions differ by, in selling units; `value` the same in money at the
    channel's own prices, "" when none is known; `unpriced` differing positions are without a price. `oldest_ms`: since when the
    oldest difference is known, 0 for none."""

    run: int
    channel: str
    place: str
    location: str
    at_ms: int
    compared: int
    equal: int
    in_flight: int
    variance: int
    value: str = ""
    currency: str = ""
    unpriced: int = 0
    oldest_ms: int = 0

    @property
    def share(self) -> float:
        """Of the compared positions, those that are equal; 1.0 when nothing was compared."""
        return self.equal / self.compared if self.compared else 1.0

    def plus(self, other: "Accuracy") -> "Accuracy":
        """Both together, such as two places of one location."""
        worth = [Decimal(one.value) for one in (self, other) if one.value]
        return msgspec.structs.replace(
            self, compared=self.compared + other.compared, equal=self.equal + other.equal,
            in_flight=self.in_flight + other.in_flight, variance=self.variance + other.variance,
            value=str(sum(worth)) if worth else "", unpriced=self.unpriced + other.unpriced,
            oldest_ms=min((one.oldest_ms for one in (self, other) if one.oldest_ms), default=0),
        )  # fmt: skip


class Heat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One field of the heat map: a group of items ("" has none) at one place of a channel."""

    channel: str
    group: str
    place: str
    location: str
    compared: int
    equal: int
    variance: int


class Difference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One position that shows another number than it should. `wanted` by our sum (None: not known), `shown` by the channel (None: it
    does not list it), `known` is what it showed when we looked or wrote last. `what` is the cause in words with its numbers."""

    channel: str
    place: str
    sku: str
    location: str
    cause: Cause
    what: str
    next_move: str
    state: Healing
    wanted: int | None = None
    shown: int | None = None
    known: int | None = None
    item: str = ""
    group: str = ""
    price: str = ""
    currency: str = ""
    since_ms: int = 0
    last_ms: int = 0
    run: int = 0

    @property
    def by(self) -> int:
        """What it differs by, without its sign."""
        return 0 if self.wanted is None else abs((self.shown or 0) - self.wanted)


class CauseCount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many positions of a channel differed for one cause in its last whole run, and by how much."""

    channel: str
    cause: Cause
    positions: int
    variance: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What one run leaves behind. `gone`: differences of the slice that stand no more are forgotten."""

    run: Run
    accuracy: Sequence[Accuracy] = ()
    heat: Sequence[Heat] = ()
    causes: Sequence[CauseCount] = ()


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A difference that stood before this run."""

    cause: Cause
    wanted: int | None
    shown: int | None
    since_ms: int


class Work(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The delivery to a place: its state, its last trouble, and since when it is open, or goes on after its source was silent."""

    state: str
    reason: str
    error: str
    since_ms: int
    attempts: int


class SyncPlace(msgspec.Struct, frozen=True, gc=False):
    """A place that a full sync brings right."""

    place: str
    sku: str
    flow: str
    written_us: int


class SyncPreview(msgspec.Struct, frozen=True, gc=False):
    """What a full sync would do: all places, those whose shown number is not known, those that differ; what it leaves out: refused or
    not listed, and suspended. `open` deliveries to the channel are under way already."""

    places: int
    unknown: int
    different: int
    refused: int
    suspended: int
    open: int


class Silent(msgspec.Struct, frozen=True, gc=False):
    """A source of truth that has said nothing for longer than a flow allows, and who was called for it."""

    system: str
    since_us: int
    paged_ms: int
    problem: str


class Differs(msgspec.Struct, frozen=True, gc=False):
    """A place whose number is not what it should be, as it was listed; `shown` None: not listed. `moved`: it changed after the
    listing of its page began."""

    number: int
    place: str
    sku: str
    item: str
    wanted: int | None
    shown: int | None
    moved: bool


class Side(Protocol):
    """Where the two sides of one comparison lie beside each other. A context: it is thrown away at its end."""

    totals: dict[str, int]
    """Place -> how many positions take part, after `compare`."""
    group_totals: dict[tuple[str, str], int]
    """(place, group) -> how many."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def take(self, began_us: int, seen: Iterable[Seen]) -> int:
        """A page of the listing, which was asked for at that instant; returns how many places it has."""

    def at_most(self, limit: int) -> bool:
        """Whether no more positions than that take part."""

    def places(self) -> list[Place]:
        """Those that take part."""

    def skus(self) -> list[str]:
        """Their SKUs, each once."""

    async def compare(self, began_us: int, groups: Mapping[str, str] | None, news: Iterable[str] = ()) -> None:
        """Both sides as of now. `groups`: SKU -> its group, None when there are none; SKUs of `news` count as different."""

    def some(self, after: int, limit: int) -> list[Differs]:
        """The next that differ, the worst first."""

    def strangers(self, limit: int) -> list[tuple[str, int, str]]:
        """Item, what it shows in sum, and its SKU at the channel, of those that are no SKU of ours."""


OpenSide = Callable[[str, str, Mapping[str, str]], Side]
"""For a channel, a pattern of SKUs ("" for all), and the places that take part with our location."""


class AccuracyBook(Protocol):
    """Durable. A comparison that a crash ends has failed and is made again; a sync goes on where it had reached."""

    async def ask(self, wanted: Run, *, by: str, now_ms: int) -> int:
        """Let the hub do it soon; its id. Audited."""

    async def open_runs(self) -> list[Run]:
        """What was asked for, in that order, and syncs that have begun."""

    async def begin(self, run: Run) -> int:
        """Write down that it runs; its id."""

    async def note(self, run: Run) -> None:
        """How far it is."""

    async def end(self, measured: Measured) -> None:
        """Its end, its numbers, and the trimming of old ones."""

    async def differ(self, found: Sequence[Difference]) -> None:
        """Keep some differences, each in the place of what stood there."""

    def oldest(self, channel: str, run: int) -> dict[str, int]:
        """Place -> since when its oldest difference stands, of those that the run has kept."""

    def known(self, channel: str, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Known]:
        """What stood already of some (sku, place)."""

    def work_of(self, channel: str, keys: Iterable[str]) -> dict[tuple[str, str], Work]:
        """(flow, key) -> its delivery."""

    def prices(self, channel: str, items: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Item -> price and currency, of those that have one."""

    async def sync(
        self, run: Run, places: Sequence[str], limit: int, wish: Callable[[SyncPlace], Wish], now_ms: int
    ) -> Run:
        """Open the next deliveries of a full sync, and note how far it is; the state is `done` at the end."""

    async def silent(self) -> list[Silent]:
        """Sources of truth that say nothing."""

    async def fall_silent(self, system: str, since_us: int) -> None:
        """It says nothing."""

    async def called(self, system: str, now_ms: int, problem: str) -> None:
        """Somebody was called for it, or (0) could not be."""

    async def speak_again(self, system: str) -> None:
        """It is over."""

    async def interrupted(self, now_ms: int) -> None:
        """Comparisons that the last process left running have failed."""

    async def last_began(self, channel: str) -> int:
        """When the last whole comparison began, in milliseconds; 0 when none did."""

    async def failures(self, channel: str) -> int:
        """How many whole comparisons failed in a row."""
