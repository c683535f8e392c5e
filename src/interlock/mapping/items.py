"""The crosswalk of items: which item at a destination a line of an order is (C25, C26, C27).

    [netsuite]
    rule = "listed"                # or "sku": our SKU is their item; or "variant": our variant id is
    generic_item = "999"           # lines whose product was deleted
    [netsuite.variants]
    "808950810" = "1207"
    [netsuite.skus]
    "SKU2006-001" = "1201"

The variant id is looked up first, then the SKU, then the rule applies. SKUs are neither unique nor stable.
"""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from interlock.errors import UnmappedReference
from interlock.mapping.language import MappingFileError

Rule = Literal["sku", "variant", "listed"]


class Line(Protocol):
    """What is read of a line."""

    @property
    def variant_id(self) -> str | None: ...
    @property
    def sku(self) -> str | None: ...
    @property
    def product_exists(self) -> bool: ...
    @property
    def title(self) -> str: ...


class Match(Struct, frozen=True, gc=False):
    """The item found, and how: `listed` is the destination's id, `rule` our SKU or variant id, `generic` a stand-in."""

    item: str
    how: Literal["listed", "rule", "generic"]


class Items(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The items of one destination."""

    rule: Rule = "listed"
    generic_item: str | None = None
    variants: Mapping[str, str] = {}
    skus: Mapping[str, str] = {}
    system: str = ""

    def find(self, line: Line) -> Match:
        """The item of a line. UnmappedReference holds the delivery until the item is mapped."""
        listed = self.variants.get(line.variant_id or "") or self.skus.get(line.sku or "")
        if listed:
            return Match(listed, "listed")
        ours = line.sku if self.rule == "sku" else line.variant_id if self.rule == "variant" else None
        if ours:
            return Match(ours, "rule")
        if not line.product_exists and self.generic_item:
            return Match(self.generic_item, "generic")
        raise UnmappedReference("item", line.sku or line.variant_id or line.title, system=self.system)

    def conflicts(self, lines: Sequence[Line]) -> tuple[str, ...]:
        """What a person should look at: one SKU on two variants, or a variant and its SKU listed as different items."""
        variants_of: dict[str, set[str]] = {}
        found: list[str] = []
        for line in lines:
            if line.sku and line.variant_id:
                variants_of.setdefault(line.sku, set()).add(line.variant_id)
                by_variant, by_sku = self.variants.get(line.variant_id), self.skus.get(line.sku)
                if by_variant and by_sku and by_variant != by_sku:
                    found.append(
                        f"variant {line.variant_id} is item {by_variant}, its SKU {line.sku!r} is item {by_sku}"
                    )
        shared = {sku: sorted(ids) for sku, ids in variants_of.items() if len(ids) > 1}
        found += [f"SKU {sku!r} is on variants {', '.join(ids)}" for sku, ids in shared.items()]
        return tuple(found)


def load_items(text: str, file_name: str = "mappings/items.toml") -> dict[str, Items]:
    """The items of every destination in `mappings/items.toml`, by system."""
    try:
        systems = msgspec.convert(tomllib.loads(text), dict[str, Items])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MappingFileError("the items cannot be read", where=file_name, why=str(error)) from error
    return {name: msgspec.structs.replace(items, system=name) for name, items in systems.items()}
