"""The stock book: positions, sales that their owner has not seen, and what channels show. What is kept, and the port to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from interlock.messaging.delivery import Delivery
from interlock.messaging.releases import Document
from interlock.messaging.stock import QUANTITIES, Item, Level, Line, Sale
from interlock.messaging.write import Destination

SHOWN = "stock:"
"""Destination of the deliveries that bring a channel's numbers up to date, before the channel's name: stock has a lane of its
own there, so that a full sync never delays a fulfilment."""

DIALECT = "stock"
"""Of events that the hub made of what it read itself; their body is a Reading."""

CURSOR = "stock"

NOT_SOLD_THERE = "STK013"
"""The trouble of a place whose channel does not list the item, and the folder does not say that it should: no position."""
FOREIGN = "STK012"
"""Trouble of a place that somebody else wrote, where the folder leaves such differences to a person (`heal = "ask"`)."""

ToldMark = tuple[int, str, str]
"""When a system was told of a sale, in milliseconds, its channel and its key there."""
LineMark = tuple[str, str, str]
"""A line of a system: its name, and its own ids of the item and of the place."""
UnseenMark = tuple[int, str, str, str, str]
"""Of a line of a sale: when it was accepted, its SKU, channel, sale and place."""

Kind = Literal["counted", "written", "foreign", "refused", "sold", "placed", "seen", "asked"]
"""`placed`: a sale is taken from there and not from elsewhere, as its channel says by now. `asked` is no row of the book: a person had
asked for what follows, as the audit has it."""
_T = TypeVar("_T")


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an event that the hub made: levels or sales, as a system told them; `how` they were read, in words."""

    levels: tuple[Level, ...] = ()
    sales: tuple[Sale, ...] = ()
    how: str = ""


class Counted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of stock_position, or of stock_signal where another system counts. Quantities in base units, by the names of QUANTITIES;
    `remainder` JSON or ""."""

    sku: str
    location: str
    system: str
    place: str
    item: str
    quantities: Mapping[str, int]
    as_of_us: int
    told_us: int
    event: int
    remainder: str = ""
    unit: str = ""
    version: str = ""

    @property
    def available(self) -> int:
        """What may be sold: as told, else what is there and not promised."""
        told = self.quantities
        if "available" in told:
            return told["available"]
        promised = sum(told.get(name, 0) for name in QUANTITIES if name not in ("available", "on_hand", "incoming"))
        return told.get("on_hand", 0) - promised


class Reserved(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of stock_reservation: so many pieces that a channel has sold. `place` is the channel's, "" when it does not say."""

    sku: str
    channel: str
    sale: str
    place: str
    quantity: int
    version: int
    accepted_us: int
    name: str = ""
    event: int = 0
    seen: int = 0
    """Of which its owner knows: what is left is subtracted."""


class Shown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of stock_place: what a channel shows of a SKU at one of its places. `seen` is what it showed when
    we looked or wrote last (None: never), `seen_us` 0 or less: it has to be read before anything is written (less: since the
    event of that number)."""

    channel: str
    place: str
    sku: str
    flow: str
    item: str = ""
    wanted: int | None = None
    wanted_us: int = 0
    change: int = 0
    seen: int | None = None
    seen_us: int = 0
    written: int | None = None
    written_us: int = 0
    sold: int = 0
    missing: int = 0
    missing_us: int = 0
    stocked: bool = True
    trouble: str = ""
    said: str = ""


class Happened(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of stock_change."""

    at_us: int
    kind: Kind
    sku: str
    system: str
    place: str
    name: str
    before: int | None
    after: int | None
    as_of_us: int = 0
    why: str = ""
    event: int = 0


class Halted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of stock_stopped: a line that could not be said in our words."""

    system: str
    item: str
    place: str
    sku: str
    code: str
    reason: str
    next_move: str
    line: Level
    event: int
    since_us: int = 0
    last_us: int = 0
    times: int = 1


class Wish(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A place of a channel that has to be looked at again: a level-triggered delivery. `system` is the flow's source."""

    flow: str
    system: str
    channel: str
    sku: str
    place: str
    release: str
    event: int = 0
    priority: int = 0
    not_before_ms: int = 0

    @property
    def key(self) -> str:
        """The object key of its delivery."""
        return key_of(self.sku, self.place)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One call to a channel. `line_keys` are the deliveries' own idempotency keys, in the order of the lines."""

    key: str
    channel: str
    lines: tuple[Line, ...]
    line_keys: tuple[str, ...] = ()
    receipt: str = ""
    at_us: int = 0


class Read(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a system was read. `what`: levels, items, sales. Fresh: read to the end as of then;
    whole: whatever had changed by then is known; listed: when the last reading of everything began."""

    cursor: str = ""
    fresh_us: int = 0
    tried_us: int = 0
    error: str = ""
    whole_us: int = 0
    listed_us: int = 0


class StockWork(Protocol):
    """What can be done in one transaction."""

    def counted(self, sku: str) -> list[Counted]:
        """All positions of a SKU."""

    def counted_as(self, system: str, item: str, place: str) -> list[Counted]:
        """Positions that came of one line of a system, under whatever SKU."""

    def count(self, position: Counted) -> None:
        """Put a position in the place of the older one."""

    def uncount(self, position: Counted) -> None:
        """Take a position away: its line means another SKU now."""

    def signals(self, sku: str) -> list[Counted]:
        """What systems say of a SKU where another one counts it: to be looked at, and part of no sum."""

    def signals_after(self, after: LineMark, limit: int) -> list[Counted]:
        """All that is kept of these, in the order of their lines."""

    def skus_said(self, system: str, item: str) -> list[str]:
        """SKUs of which signals are kept by this id of a system."""

    def signal(self, said: Counted) -> None:
        """Keep it in place of what the same line said before; of an older state only that the line is told still."""

    def unsignal(self, system: str, item: str, place: str) -> None:
        """The line is no signal any more."""

    def halt(self, halted: Halted) -> None:
        """Keep a stopped line, or raise its count."""

    def resume(self, system: str, item: str, place: str) -> None:
        """The line is taken again."""

    def halted(self, limit: int, tried_before_us: int) -> list[Halted]:
        """Stopped lines that were not tried since, the longest untried first."""

    def tried(self, halted: Halted, now_us: int) -> None:
        """A stopped line was tried again."""

    def has_unknown(self, since_us: int) -> bool:
        """Whether a line has stopped since for an item that nobody knew."""

    def reserved(self, sku: str) -> list[Reserved]:
        """What channels have sold of a SKU and its owner has not seen."""

    def reserved_of(self, channel: str, sale: str) -> list[Reserved]:
        """The lines of one sale that stand."""

    def sold(self, channel: str, sale: str, version: int) -> bool:
        """Remember how far a sale was told; False when a newer version was told already."""

    def reserve(self, line: Reserved) -> None:
        """Subtract it from now on."""

    def see(self, line: Reserved) -> None:
        """Its owner knows of all of it: nothing is subtracted any more."""

    def rename_sales(self, sku: str, now: str) -> None:
        """What was sold of a SKU was sold of another: it has that name now."""

    def release(self, line: Reserved) -> None:
        """The sale takes nothing of it any more, from this version on; its owner has to count it anew."""

    def reserved_told(self, sku: str, owner: str) -> list[Reserved]:
        """Of these, those of sales that were delivered to the owner."""

    def unseen(self, after: UnseenMark, until_us: int, limit: int) -> list[Reserved]:
        """Lines that their owner does not know all of, in the order of their marks, of sales that were accepted by then."""

    def told_after(self, owner: str, after: ToldMark, until_ms: int, limit: int) -> list[ToldMark]:
        """Orders that were delivered to the owner by then, as it was told of them last."""

    def told_owner_us(self, owner: str, channel: str, sale: str, version: int) -> int:
        """When the sale was delivered to its owner in at least this version, 0 when it was not."""

    def foreign_us(self, channel: str, place: str, sku: str) -> int:
        """When it was found last that somebody else had written the place, 0 for never."""

    def shown(self, channel: str, place: str, sku: str) -> Shown | None:
        """One place."""

    def shown_of(self, sku: str) -> list[Shown]:
        """All places of a SKU."""

    def shown_as(self, channel: str, item: str, place: str) -> list[Shown]:
        """The rows of a channel's own ids."""

    def skus(self, after: str, limit: int) -> list[str]:
        """SKUs that are counted, in their order."""

    def untold(self, system: str, before_us: int, after: str, limit: int) -> list[str]:
        """SKUs of positions that the system has not told of since, in their order."""

    def suspended(self, after: str, limit: int) -> list[str]:
        """SKUs of places of which nothing is published now, in their order."""

    def waited_out(self, channel: str, place: str, sku: str) -> None:
        """Nothing is missing there any more."""

    def overdue(self, now_us: int) -> list[tuple[str, str, str, int]]:
        """Channel, place, SKU and `missing_us` of places where something is missing that no sale explains."""

    def show(self, row: Shown) -> None:
        """Put a row in the place of the older one."""

    def unshow(self, row: Shown) -> None:
        """The folder shows the SKU there no more."""

    def placed(self, after: str, limit: int) -> list[str]:
        """SKUs that are shown anywhere, in their order."""

    def happened(self, change: Happened) -> None:
        """Write down what happened."""

    def wish(self, wish: Wish, now_ms: int) -> None:
        """Open its delivery, or raise what the open one wants."""

    def reading(self, system: str, what: str) -> Read:
        """How far it was read."""

    def read(self, system: str, what: str, state: Read) -> None:
        """It was read so far."""

    def list_items(self, system: str, items: Sequence[Item], seen_us: int) -> list[str]:
        """What a page of a listing says of items; returns those that are new, or another SKU, or written otherwise now."""

    def drop_items(self, system: str, seen_before_us: int) -> list[str]:
        """Forget what the listing that began then did not show; returns them."""

    def skus_as(self, system: str, item: str) -> list[str]:
        """SKUs that are counted or shown by this id of a system."""

    def again(self, system: str, object_name: str, key: str, event: int, due_us: int) -> None:
        """To be read again from the system."""

    def ask(self, system: str, item: str, since_us: int, due_us: int) -> None:
        """The levels of an item are to be read again: its system was told at that time of what they lack."""

    def to_read(self, system: str, now_us: int, limit: int) -> list[tuple[str, str, int, int]]:
        """Object, key, event and tries of what is due at a system."""

    def put_off(self, system: str, object_name: str, key: str, event: int, due_us: int) -> None:
        """It is to be read as of this event, but later; what a later one asks for stays as it is."""

    def was_read(self, system: str, object_name: str, key: str, event: int) -> None:
        """It was read as of this event; what a later one asks for stays to be read."""

    def move(self, cursor: int) -> None:
        """Everything in the inbox up to there is taken in."""

    def sku_of(self, system: str, item: str) -> tuple[str, ...]:
        """SKU texts that the system lists for an item or a variant."""

    def items_of(self, system: str, sku: str) -> tuple[str, ...]:
        """Items that the system lists with a SKU."""

    def unwritable(self, system: str, item: str) -> str:
        """Why nobody may write this item's number there, "" when it may be written: not counted, or derived there."""

    def with_barcode(self, system: str, barcode: str) -> tuple[str, ...]:
        """Items that the system lists with a barcode."""

    def keep_batch(self, batch: Batch) -> None:
        """On the disk before the call."""

    def batch_of(self, line_key: str) -> tuple[Batch, int] | None:
        """The batch that a line went out in, and its number there."""

    def batch_under_way(self, key: str, receipt: str) -> None:
        """The channel has taken it and will say later."""


class StockBook(Protocol):
    """Durable: a piece of work is one transaction with others of the same moment."""

    async def run(self, work: Callable[[StockWork], _T]) -> _T:
        """Change the book."""

    def look(self, work: Callable[[StockWork], _T]) -> _T:
        """Ask the book what is committed."""

    async def trim(self, now_us: int, changes_before_us: int) -> bool:
        """Forget batches that no channel remembers any more, and what happened before a time; True while there is more."""


class Showing(Protocol):
    """What the courier asks about a delivery to `stock:CHANNEL`."""

    def destination(self, delivery: Delivery, release: Any) -> Destination:
        """The channel, as the courier writes to it."""

    async def document(self, delivery: Delivery, release: Any, timeout_seconds: float) -> Document:
        """What the place should show now. Raises Stop."""


def key_of(sku: str, place: str) -> str:
    """`TEE-1@24826418`."""
    return f"{sku}@{place}"


def place_of(key: str) -> tuple[str, str]:
    """SKU and place of a key; a place has no @."""
    sku, _, place = key.rpartition("@")
    return sku, place


def shown_at(channel: str) -> str:
    """The destination of stock at a channel."""
    return f"{SHOWN}{channel}"


def channel_of(destination: str) -> str:
    """The channel of such a destination."""
    return destination.removeprefix(SHOWN)
