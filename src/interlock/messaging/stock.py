"""What a system that counts stock, or shows it to buyers, must be able to do: the two ports between stock and the vendors."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

import msgspec

from interlock.messaging.outcome import Outcome, Refused, Retry

QUANTITIES = (
    "available", "on_hand", "committed", "reserved", "incoming", "damaged", "safety_stock", "quality_control",
)  # fmt: skip
"""The names of quantities (F40): on_hand is available, committed, reserved, damaged, safety_stock and quality_control."""


class Level(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What one system says of one item at one of its locations, in its own words and its own unit.

    `item` is the system's id of the item (what it does not count by an id, by its SKU); `sku` and `barcode` as it shows
    them. `quantities` has only names of QUANTITIES that it knows; in `unit` ("" is the unit declared for the item, `each`
    when none is). `as_of_us` is when these numbers held, in microseconds by the system's clock: an older state never
    overwrites a newer one; 0 when it does not say. `version` is its own mark of the state. `why` is what it says of why it is
    so, in some words, for the history; `changed_us` when it changed it, where it says that apart from as_of_us, 0 where not.
    """

    item: str
    location: str
    quantities: dict[str, Decimal]
    sku: str = ""
    barcode: str = ""
    unit: str = ""
    as_of_us: int = 0
    version: str = ""
    why: str = ""
    changed_us: int = 0


class LevelPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Some levels; `after` is the cursor of the next page, "" at the end. `cursor` is what to save: the next reading of
    what changed begins with it. `rest_seconds`: ask no sooner than that. `complete_us`, with the cursor: whatever had changed by
    then has been told, by the system's way of telling; 0 is the beginning of this reading. A vendor that does not tell of every
    change names its last whole reading: a sale counts as seen only by what is complete. `whole`, on each page: this reading
    tells every level there is, so that at its end what it did not tell is told no more."""

    levels: tuple[Level, ...]
    after: str = ""
    cursor: str = ""
    rest_seconds: float = 0.0
    complete_us: int = 0
    whole: bool = False


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One item as a system lists it. `variant` is what is sold of it where that has an id of its own; `kit`: its stock is
    derived from its components and cannot be written; `tracked` False: not counted; `locations` where it is stocked,
    empty when the system does not say. `price` is what one costs a buyer there, in `currency`: a wrong number of it is worth so
    much; None when the system does not say."""

    item: str
    sku: str = ""
    barcode: str = ""
    variant: str = ""
    tracked: bool = True
    kit: bool = False
    locations: tuple[str, ...] = ()
    price: Decimal | None = None
    currency: str = ""


class ItemPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Some items; `after` is the cursor of the next page, "" at the end."""

    items: tuple[Item, ...]
    after: str = ""


class SaleLine(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """So many of one item, in the channel's selling unit (each); `location` where the channel takes them from, "" when it
    does not say."""

    item: str
    quantity: int
    sku: str = ""
    location: str = ""


class Sale(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An order as it takes stock: what it still takes now, after edits, cancellations and refunds (no lines: nothing any
    more). `key` is the order's id at the channel, `version` in microseconds as its order events have it, `accepted_us`
    when the channel took it. `unrouted`: where its lines are taken from the channel decides, or changes, without saying so here;
    a location that stands there all the same is a hint, and what was told before holds until the order is read."""

    key: str
    version: int
    accepted_us: int
    lines: tuple[SaleLine, ...] = ()
    name: str = ""
    unrouted: bool = False


class SalePage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Some sales; `after` is the cursor of the next page, "" at the end; `cursor` is what to save."""

    sales: tuple[Sale, ...]
    after: str = ""
    cursor: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one event of a system says about stock. `again` are items that have to be read, as the event does not say
    enough. `ends`: with it ends what the system had to tell, such as with the last part of a file: it is `fresh` as of
    `ends_us` (0: the event's time), or even `whole`: nothing that had changed by then is missing. `telling` names the telling of
    everything that this is a part of: what is in none of its parts is told no more, once it ends `whole`. `how` it was told, in
    words for the history, where that is not the webhook's topic."""

    levels: tuple[Level, ...] = ()
    sales: tuple[Sale, ...] = ()
    again: tuple[str, ...] = ()
    ends: Literal["", "fresh", "whole"] = ""
    ends_us: int = 0
    telling: str = ""
    how: str = ""


class Place(msgspec.Struct, frozen=True, gc=False):
    """One item at one location of a channel, by the channel's own ids; a channel that knows no locations has "DEFAULT"."""

    item: str
    location: str


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a channel shows at a place: the quantity that it sells from (`available`). `stocked` False: it does not carry
    the item there (yet). `at_us`: when this held, 0 when it does not say."""

    place: Place
    quantity: int = 0
    stocked: bool = True
    at_us: int = 0


class SeenPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Some places; `after` is the cursor of the next page, "" at the end."""

    seen: tuple[Seen, ...]
    after: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Set what one place shows. `change_from` is what it must show now for the write to count (compare-and-set), None where
    nobody knows, or the channel cannot compare. `activate`: the channel does not carry the item there yet. `reference`
    names our business change, for the channel's own history. `as_of_us`: when the number was true at its source. `sent_us`:
    when the line first went out, by our clock: nothing of it is older in the channel's history; 0 when that is not known."""

    place: Place
    quantity: int
    reference: str
    sku: str = ""
    change_from: int | None = None
    activate: bool = False
    as_of_us: int = 0
    sent_us: int = 0


STALE = "HUB-STALE"
"""The code of a Retry that says: the place showed something else than `change_from`; nothing was written."""

IN_WORK = "HUB-WORKS"
"""The code of a Retry of `listing` that says: the system works on the answer. It is a sign of life: whoever asks waits on."""


class Underway(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The channel has taken the lines and will say later what became of each (a feed). `receipt` is kept on the disk, then
    `StockChannel.look` is asked after `again_seconds`."""

    receipt: str
    again_seconds: float


LineOutcomes = tuple[Outcome, ...]
"""One Outcome per line, in the order of the lines. Done.external_id is the place's id at the channel, "item@location". A
stale compare is Retry(code=STALE)."""


class StockSource(Protocol):
    """A system that counts. Opened by `stock_source(connection)` in the vendor's client.py. Pages are bounded (some hundred
    rows), so that everything can be read with little memory. Answers other than a page: Retry (later), Refused (never).
    One that cannot be asked for levels, but tells them by itself, has `only_tells = True`. One whose levels are so old when they
    are read says so: `lag_seconds`; and `read` is asked no sooner than `read_rest_seconds` after the last time."""

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage | Retry | Refused:
        """All items, page by page from "" on."""

    async def levels(self, after: str, *, timeout_seconds: float) -> LevelPage | Retry | Refused:
        """All levels, page by page from "" on; the last page has the cursor from which `changed` goes on."""

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> LevelPage | Retry | Refused:
        """The levels that changed since a saved cursor, with the overlap that the vendor's clock needs; a vendor that does
        not list changes gives all levels."""

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> tuple[Level, ...] | Retry | Refused:
        """The levels of some items (at most 100) as they are now. What is missing does not exist there."""

    def told(self, topic: str, body: bytes) -> Told:
        """What a webhook or a dropped file says. Pure. Raises IntakeError or MappingError with the path for a body that
        cannot be read."""


class StockChannel(Protocol):
    """A system that shows stock to buyers. Opened by `stock_channel(connection)` in the vendor's client.py. One whose write takes
    several requests, as its vendor counts them, says so: `requests_per_write`. One that tells of its sales before it shows them
    less, or that compares nothing, `lists_late`."""

    lines_per_write: int
    """So many lines one call takes at most."""

    compares: bool
    """Whether a write can be refused because the place shows something else than `change_from`."""

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage | Retry | Refused:
        """All items, page by page from "" on."""

    async def read(self, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...] | Retry | Refused:
        """What some places (at most 250) show now, each answered: one that is not carried has stocked False."""

    async def listing(self, after: str, *, timeout_seconds: float) -> SeenPage | Retry | Refused:
        """What all places show, page by page from "" on, with little memory."""

    async def write(
        self, lines: Sequence[Line], *, key: str, timeout_seconds: float, first: bool = False
    ) -> LineOutcomes | Underway:
        """Set these places (at most `lines_per_write`, each place once). `key` is the idempotency key of exactly these lines,
        on the disk before this is called: the same lines come again with the same key after a crash or a lost answer, and
        must count once. `first`: they are sent for the first time, so that nothing of them can have counted.
        One line that cannot be written never spoils the others. What the vendor's three idempotency
        errors mean is decided here (wait: Retry; failed before: write under a key derived from this one; other
        parameters: Refused, a bug of ours)."""

    async def look(
        self, receipt: str, lines: Sequence[Line], *, timeout_seconds: float
    ) -> LineOutcomes | Underway | Retry:
        """What became of a write that was under way. A channel whose writes answer at once is never asked."""

    async def sales(self, cursor: str, after: str, *, timeout_seconds: float) -> SalePage | Retry | Refused:
        """Orders that changed since a saved cursor ("": of the last day); a channel whose orders come as events gives none."""

    def told(self, topic: str, body: bytes) -> Told:
        """What a webhook of the channel says: levels (also of our own writes) and sales. Pure, raises as StockSource.told."""


@runtime_checkable
class Routing(Protocol):
    """A channel that decides after a sale from which of its locations it is taken, and may change that."""

    async def sale(self, object_name: str, key: str, *, timeout_seconds: float) -> Sale | Retry | Refused:
        """One order as it takes stock now, each line with its location as far as that is decided; `unrouted` while some of it is
        not yet. `object_name` and `key` as an event of the channel names the order, or what of it has changed."""


def routing(channel: StockChannel) -> Routing | None:
    """The channel as one that can be asked where a sale is taken from; None for one that cannot."""
    found: object = channel
    return found if isinstance(found, Routing) else None


def is_asked(source: StockSource) -> bool:
    """False for a source that only tells."""
    return not getattr(source, "only_tells", False)


def lag_seconds(source: StockSource) -> float:
    """How old its levels are when they are read."""
    return float(getattr(source, "lag_seconds", 0.0))


def read_rest_seconds(source: StockSource) -> float:
    """So long after some items were read, it may be asked for others."""
    return float(getattr(source, "read_rest_seconds", 0.0))


def requests_of_write(channel: StockChannel) -> int:
    """So many requests of its vendor a write takes."""
    return int(getattr(channel, "requests_per_write", 1))


def lists_late(channel: StockChannel) -> bool:
    """Whether its newest sales may not be taken from its listing yet."""
    return bool(getattr(channel, "lists_late", not channel.compares))


def line_outcomes(lines: Sequence[Line], every: Outcome) -> LineOutcomes:
    """The same for each line: the call as a whole failed."""
    return (every,) * len(lines)
