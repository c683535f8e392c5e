"""A sum as it is told: its terms in words, each with the time when it was so."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from interlock.messaging.stock_book import Counted, Reserved
from interlock.strategy.inventory import Publish

NEVER_COUNTED: Final = "no system of truth has counted it yet"
NO_LESS: Final = "no channel shows less than 0"


class Term(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of the sum. `amount` is added; `what` in words; `at_us` is when it was so, 0 for a policy. Of a kit, what is free of
    each `part` is told but not added: whole kits are."""

    what: str
    amount: int
    system: str = ""
    location: str = ""
    at_us: int = 0
    part: str = ""


class Sum(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`quantity` is what the place should show, in the channel's selling units; `suspended` says why nothing is shown now:
    what is not known is never zero. `as_of_us` is the oldest count in it."""

    quantity: int = 0
    terms: tuple[Term, ...] = ()
    suspended: str = ""
    as_of_us: int = 0
    counted: bool = True
    """False: no system of truth has said anything of it at this place."""


At = tuple[str, str, str]
"""A channel, its place, and the SKU there."""


class Gone(NamedTuple):
    """Pieces that a place showed and shows no more, though no order has told of them, and since when."""

    at: At
    pieces: int
    at_us: int


def term_of(one: Counted) -> Term:
    """What an owner counts."""
    words = f"available by {one.system} at {one.place}"
    return Term(what=words, amount=one.available, system=one.system, location=one.location, at_us=one.as_of_us)


def term_of_sale(line: Reserved, pieces: int, location: str, owner: str) -> Term:
    """What a sale takes there that the owner has not counted since; with the place, where the channel says which."""
    place = f" from {line.place}" if line.place else ""
    words = f"sold at {line.channel} as {line.name or line.sale}{place}, not yet seen by {owner}"
    return Term(what=words, amount=-pieces, system=line.channel, location=location, at_us=line.accepted_us)


def term_of_gone(gone: Gone, amount: int, location: str = "") -> Term:
    """So many of these pieces, at a location of ours, or at the channel's place itself."""
    words = f"gone at {gone.at[0]}, no order has told of it yet"
    return Term(what=words, amount=-amount, system=gone.at[0], location=location, at_us=gone.at_us)


def kept_words(policy: Publish) -> str:
    """What is not shown: `safety stock 3 and buffer 2`."""
    words = [
        f"{name} {amount}"
        for name, amount in (("safety stock", policy.safety_stock), ("buffer", policy.buffer))
        if amount
    ]
    return " and ".join(words)


def parts_words(parts: Mapping[str, int]) -> str:
    """What a kit is made of: `2 TEE-1, 1 CAP-1`."""
    return ", ".join(f"{count} {part}" for part, count in parts.items())
