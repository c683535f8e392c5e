"""Stock as data: where it lies and who counts it, what an item is called and packed as, kits, groups, what a channel may show.

`inventory/locations.toml`, `inventory/items.toml` and `inventory/items/*.toml` say what is the same thing in systems that name it
differently; `[publish]` in a flow says how much of it a channel shows. Quantities are whole base units (each) throughout.
"""

from collections.abc import Sequence
from fnmatch import translate
from functools import cached_property
from re import Pattern
from re import compile as compiled
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

OBJECT = "inventory_level"
"""The object that flows of stock move."""

REST = "rest"
"""In a split: the place that takes what the shares of the others leave, to the last unit."""

SystemName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", max_length=64)]
PlaceName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", max_length=64)]
Word = Annotated[str, Meta(min_length=1, max_length=255)]
Share = Annotated[float, Meta(gt=0, le=1)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Units = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Rounding = Literal["down", "up", "exact"]
Heal = Literal["auto", "ask"]


class Location(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of inventory/locations.toml: one place where stock lies. The table's name is ours, in every system's stead."""

    owner: Annotated[
        SystemName, Meta(description="The system that counts here: its numbers are the truth, all others' are signals.")
    ]
    places: Annotated[
        dict[SystemName, Annotated[list[Word], Meta(min_length=1, max_length=100)]],
        Meta(
            min_length=1,
            description=(
                "System = its ids of this location, as texts; `DEFAULT` at a channel that knows none. Several at the owner are added "
                "up. Two locations may name the same place of a channel, which then shows their sum."
            ),
        ),
    ]
    split: Annotated[
        dict[SystemName, dict[Word, Share | Literal["rest"]]],
        Meta(
            description=(
                "Channel = how its several places share this location: a share for each (0.7), and `rest` for one. Whole units; the "
                "total is kept. Without `rest` the last place takes what rounding leaves."
            )
        ),
    ] = {}


class NoStock(Struct, frozen=True, forbid_unknown_fields=True):
    """inventory/locations.toml above its tables: places that are no stock of ours."""

    ignore: Annotated[
        dict[SystemName, Annotated[list[Word], Meta(min_length=1, max_length=10_000)]],
        Meta(
            description=(
                "System = its ids of places that are no stock (a returns desk, a virtual place): what it tells of them is passed "
                "over, and no stopped lines. Stands before the tables, or is the table `[ignore]`."
            )
        ),
    ] = {}


class ItemRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[item]]`: an item that is not called the same everywhere, or not counted in pieces everywhere."""

    sku: Annotated[Word, Meta(description="Our SKU of it.")]
    names: Annotated[
        dict[SystemName, Annotated[list[Word], Meta(min_length=1, max_length=100)]],
        Meta(description="System = its SKUs or ids of the item; at a channel the first is what is written."),
    ] = {}
    barcode: Annotated[
        str, Meta(max_length=64, description="Its barcode, for a system that tells no SKU that anybody knows.")
    ] = ""
    units: Annotated[dict[Word, Count], Meta(description="A unit that systems tell = so many pieces: `CS = 12`.")] = {}
    pack: Annotated[
        dict[SystemName, Count], Meta(description="System = it counts or sells the item in packs of so many pieces.")
    ] = {}
    rounding: Annotated[
        Rounding,
        Meta(
            description=(
                "What becomes of a part of a piece: `down` or `up` to a whole one (the remainder is kept and shown), or `exact`: the "
                "line stops."
            )
        ),
    ] = "down"
    group: Annotated[
        str, Meta(max_length=64, description="Its group, before any group whose patterns would take it.")
    ] = ""


class Kit(Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[kit]]`: sold as one, kept as its parts. Its stock is derived; nobody counts or writes it."""

    sku: Annotated[Word, Meta(description="SKU of the kit.")]
    of: Annotated[
        dict[Word, Count], Meta(min_length=1, max_length=200, description="SKU of a component = pieces in one kit.")
    ]


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[group]]`: items that share a rule of `[publish]`, or another source of truth."""

    name: Annotated[PlaceName, Meta(description="Its name, for `[[publish.rule]]` and `group` of an item.")]
    skus: Annotated[
        list[Word],
        Meta(
            max_length=10_000,
            description="SKUs or patterns (`TEE-*`). Of two groups that fit, the first that is written.",
        ),
    ] = []
    owner: Annotated[
        str, Meta(max_length=64, description="The system that counts these items, in place of the location's owner.")
    ] = ""
    at: Annotated[
        list[PlaceName], Meta(max_length=1_000, description="Locations where that holds; empty means all.")
    ] = []


class ItemsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """inventory/items.toml and each inventory/items/*.toml: the exceptions. An item with the same SKU everywhere, counted in
    pieces, needs no entry."""

    ignore: Annotated[
        list[Word],
        Meta(
            max_length=10_000,
            description="SKUs or patterns that are never stock (`PKG-*`): passed over, and no stopped lines. Stands before the tables.",
        ),
    ] = []
    item: Annotated[
        list[ItemRule], Meta(max_length=100_000, description="Items with other names, units or packs: `[[item]]`.")
    ] = []
    kit: Annotated[list[Kit], Meta(max_length=100_000, description="Kits and bundles: `[[kit]]`.")] = []
    group: Annotated[list[Group], Meta(max_length=1_000, description="Groups of items: `[[group]]`.")] = []


class Inventory(Struct, frozen=True, dict=True):
    """All files, as the rest of the hub reads them; items, kits and groups in the order of the files' names."""

    locations: dict[str, Location] = {}
    items: tuple[ItemRule, ...] = ()
    kits: tuple[Kit, ...] = ()
    groups: tuple[Group, ...] = ()
    ignore: tuple[str, ...] = ()
    ignored_places: frozenset[tuple[str, str]] = frozenset()
    """(system, its place) that is no stock."""

    @cached_property
    def _own_group(self) -> dict[str, Group]:
        by_name = {group.name: group for group in self.groups}
        return {rule.sku: by_name[rule.group] for rule in self.items if rule.group in by_name}

    @cached_property
    def _fitting(self) -> tuple[tuple[Pattern[str], Group], ...]:
        return tuple((pattern_of(group.skus), group) for group in self.groups if group.skus)

    def group_of(self, sku: str) -> Group | None:
        """The item's group: its own, else the first whose patterns fit."""
        return self._own_group.get(sku) or next(
            (group for pattern, group in self._fitting if pattern.fullmatch(sku)), None
        )


def owner_of(name: str, location: Location, group: Group | None) -> str:
    """The system whose count of the group's items (None: of items without one) is the truth at this location."""
    if group and group.owner and (not group.at or name in group.at):
        return group.owner
    return location.owner


def is_shown_by(source: str, name: str, inventory: Inventory, *, channel: str, sources: Sequence[str]) -> bool:
    """Whether a flow from `source` shows the location at a channel; `sources` are those of all flows to it.

    Never where the channel itself counts. The only flow shows everything; of several the one whose source owns the location, and
    where none does, the one whose source counts a group there: all items of a place are shown by one flow.
    """
    location = inventory.locations[name]
    if location.owner == channel:
        return False
    if len(sources) == 1 or location.owner == source:
        return True
    return location.owner not in sources and any(
        owner_of(name, location, group) == source for group in inventory.groups
    )


def counters(inventory: Inventory) -> frozenset[str]:
    """Systems that are the truth of stock somewhere: each is the record there, whoever is it elsewhere."""
    owners = {location.owner for location in inventory.locations.values()} | {group.owner for group in inventory.groups}
    return frozenset(owners - {""})


def pattern_of(words: list[str] | tuple[str, ...]) -> Pattern[str]:
    """One expression for SKUs and patterns with `*`, `?` and `[...]`; capitals count. Nothing fits an empty list."""
    return compiled("|".join(translate(word) for word in words) or r"(?!)")


class PublishRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[publish.rule]]`: other terms for a channel, a group, a location, or where all that are named hold."""

    channel: Annotated[str, Meta(max_length=64, description="For this destination only; empty means all.")] = ""
    group: Annotated[str, Meta(max_length=64, description="For items of this group only; empty means all.")] = ""
    location: Annotated[str, Meta(max_length=64, description="For this location only; empty means all.")] = ""
    safety_stock: Annotated[Units, Meta(description="In place of the flow's own.")] | None = None
    buffer: Annotated[Units, Meta(description="In place of the flow's own.")] | None = None
    share: Annotated[float, Meta(ge=0, le=1, description="In place of the flow's own.")] | None = None
    cap: Annotated[Units, Meta(description="In place of the flow's own.")] | None = None
    floor: Annotated[Units, Meta(description="In place of the flow's own.")] | None = None
    settle_seconds: Annotated[float, Meta(ge=0, le=3_600, description="In place of the flow's own.")] | None = None
    unexplained_seconds: Annotated[float, Meta(ge=0, le=86_400, description="In place of the flow's own.")] | None = (
        None
    )
    source_stale_minutes: Annotated[float, Meta(gt=0, le=44_640, description="In place of the flow's own.")] | None = (
        None
    )
    heal: Annotated[Heal, Meta(description="In place of the flow's own.")] | None = None
    sales_seen_by: Annotated[str, Meta(max_length=64, description="In place of the flow's own.")] | None = None
    sales_seen_after_minutes: (
        Annotated[float, Meta(ge=0, le=44_640, description="In place of the flow's own.")] | None
    ) = None

    @property
    def is_about_sales(self) -> bool:
        """Whether it says when owners know of sales."""
        return self.sales_seen_by is not None or self.sales_seen_after_minutes is not None


class Publish(Struct, frozen=True, forbid_unknown_fields=True):
    """`[publish]` of a flow of stock: what a channel shows of what its source of truth says is available."""

    safety_stock: Annotated[Units, Meta(description="Pieces of each item at each location that nobody is shown.")] = 0
    buffer: Annotated[
        Units, Meta(description="Pieces kept back beside it, for a channel whose sales are heard of late.")
    ] = 0
    share: Annotated[float, Meta(ge=0, le=1, description="Share of what is left that the channel shows.")] = 1.0
    cap: Annotated[Units, Meta(description="It never shows more than this; 0 means no cap.")] = 0
    floor: Annotated[Units, Meta(description="Less than this is shown as 0.")] = 0
    settle_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3_600,
            description="A place is written once in so long at most: what changes meanwhile is gathered.",
        ),
    ] = 5.0
    unexplained_seconds: Annotated[
        float,
        Meta(ge=0, le=86_400, description="How long a channel's foreign number may wait for a sale that explains it."),
    ] = 300.0
    read_every_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="How often sources, and channels that send no webhooks, are asked what changed.",
        ),
    ] = 30.0
    source_stale_minutes: Annotated[
        float,
        Meta(gt=0, le=44_640, description="When its source has said nothing for so long, nothing is published of it."),
    ] = 60.0
    reconcile_every_hours: Annotated[
        float,
        Meta(
            ge=0,
            le=8_760,
            description="How often everything that a channel shows is compared; 0 is only when asked for.",
        ),
    ] = 24.0
    heal: Annotated[
        Heal, Meta(description="A difference that is found: `auto` corrects it, `ask` leaves it to a person.")
    ] = "auto"
    sales_seen_by: Annotated[
        str,
        Meta(
            max_length=64,
            description=(
                "The flow that tells the owner of a channel's orders: a sale is subtracted until that flow has delivered it and the "
                "owner has counted since. Empty: until `sales_seen_after_minutes`."
            ),
        ),
    ] = ""
    sales_seen_after_minutes: Annotated[
        float,
        Meta(ge=0, le=44_640, description="How long after that the owner's count is taken to know of the sale."),
    ] = 0.0
    rule: Annotated[
        list[PublishRule],
        Meta(max_length=1_000, description="Other terms for some: later rules win over earlier ones, key by key."),
    ] = []

    def terms(self, channel: str, group: str, location: str) -> "Publish":
        """The terms for an item of this group ("" for none) at this location and channel: all rules that fit, laid over."""
        said: dict[str, object] = {}
        for rule in self.rule:
            if rule.channel in ("", channel) and rule.group in ("", group) and rule.location in ("", location):
                said |= {key: value for key in TERMS if (value := getattr(rule, key)) is not None}
        return structs.replace(self, **said, rule=[])


OF_A_WHOLE_PLACE = ("cap", "floor", "settle_seconds", "unexplained_seconds", "heal")
"""Terms about the number that a place of a channel shows, however many locations are in it."""

TERMS = tuple(field for field in PublishRule.__struct_fields__ if field not in ("channel", "group", "location"))
"""What each `[[publish.rule]]` may say in place of `[publish]`."""
