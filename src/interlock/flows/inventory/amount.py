"""Whole numbers out of units, packs and shares, without losing a piece: what does not fit is kept as a remainder."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact
from fractions import Fraction
from typing import NamedTuple

from interlock.strategy.inventory import REST, Location, Rounding

LIMIT = 1_000_000_000
"""The most that Shopify takes of one item at one place (F44: quantities beyond +-1e9 are refused); no count is larger."""

_LIMIT = Decimal(LIMIT)
_NONE = Decimal(0)
_EXACT = Context(prec=60, traps=[Inexact])
_ROUNDINGS: Mapping[Rounding, str] = {"down": ROUND_FLOOR, "up": ROUND_CEILING}


class Share(NamedTuple):
    """A place of a channel and which part of the location it shows, exactly; the parts of a location add up to 1."""

    place: str
    part: Fraction


def in_bounds(told: Decimal) -> bool:
    """Whether it is a number at all and within +-1e9. Asked before anything is computed: 1E+999999999 is a Decimal too."""
    return told.is_finite() and -_LIMIT <= told <= _LIMIT


def pieces(told: Decimal, factor: int, rounding: Rounding) -> tuple[int, Decimal] | None:
    """What was told in units of `factor` pieces as whole pieces, and what rounding took away (below zero: added). None when
    it has to be exact and is not, or has more than 60 digits. `told * factor == pieces + remainder` always."""
    whole = int(told)
    if whole == told:
        return whole * factor, _NONE
    try:
        exact = _EXACT.multiply(told, Decimal(factor))
    except Inexact:
        return None
    if exact == int(exact):
        return int(exact), _NONE
    if rounding == "exact":
        return None
    rounded = exact.to_integral_value(_ROUNDINGS[rounding])
    return int(rounded), _EXACT.subtract(exact, rounded)


def packed(quantity: int, pack: int) -> tuple[int, int]:
    """Full packs and the pieces beside them: 25 pieces are 2 packs of 12 and 1 piece, which stays with the owner."""
    return divmod(quantity, pack)


def shares_of(location: Location, channel: str) -> tuple[Share, ...]:
    """The channel's places that show the location. The last takes the rest: of the shares, and of rounding."""
    places = location.places.get(channel, [])
    split = location.split.get(channel, {})
    if len(places) < 2 or not split:
        return tuple(Share(place, Fraction(1)) for place in places[:1])
    parts = {place: Fraction(str(part)) for place, part in split.items() if part != REST}
    last = next((place for place, part in split.items() if part == REST), places[-1])
    parts.pop(last, None)
    return (*(Share(*pair) for pair in parts.items()), Share(last, Fraction(1) - sum(parts.values())))


def allotted(quantity: int, shares: Sequence[Share]) -> dict[str, int]:
    """Whole numbers by place whose sum is the quantity: each its part rounded down, the last what is left."""
    found = {place: quantity * part.numerator // part.denominator for place, part in shares[:-1]}
    if shares:
        found[shares[-1].place] = quantity - sum(found.values())
    return found
