"""Money: a decimal with its currency, rounded as ISO 4217 says, always in shop and in presentment currency together."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from functools import cache
from typing import Literal

from msgspec import Struct

from interlock.errors import MappingError

Side = Literal["shop", "presentment"]

ZERO = Decimal(0)

# ISO 4217 minor units, where they are not 2 (list one, amendment 177).
EXPONENTS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(),  # noqa: SIM905  # reads as a table
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


def exponent(currency: str) -> int:
    """How many digits stand after the point in this currency: 2 for EUR, 0 for JPY, 3 for KWD."""
    return EXPONENTS.get(currency, 2)


@cache
def quantum(currency: str) -> Decimal:
    """The smallest amount of the currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-exponent(currency))


class Money(Struct, frozen=True, gc=False):
    """An amount of one currency. Amounts of two currencies do not add (C32)."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + _same_currency(self, other).amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - _same_currency(self, other).amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __mul__(self, count: int) -> "Money":
        return Money(self.amount * count, self.currency)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def allocated(self, weights: Sequence[Decimal]) -> list["Money"]:
        """This amount in shares that add up to it exactly."""
        return [Money(share, self.currency) for share in allocate(self.amount, weights, quantum(self.currency))]


class MoneyPair(Struct, frozen=True, gc=False):
    """One amount in both currencies of an order: what the shop counts in, and what the customer saw (F51)."""

    shop: Money
    presentment: Money

    def __add__(self, other: "MoneyPair") -> "MoneyPair":
        return MoneyPair(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: "MoneyPair") -> "MoneyPair":
        return MoneyPair(self.shop - other.shop, self.presentment - other.presentment)

    def __neg__(self) -> "MoneyPair":
        return MoneyPair(-self.shop, -self.presentment)

    def __bool__(self) -> bool:
        return bool(self.shop.amount or self.presentment.amount)

    def on(self, side: Side) -> Money:
        return self.shop if side == "shop" else self.presentment


def allocate(amount: Decimal, weights: Sequence[Decimal], smallest: Decimal) -> list[Decimal]:
    """Split `amount` in proportion to `weights`, to the cent and without a rest: the largest remainders get the cents.

    Equal shares when all weights are zero. An amount finer than `smallest` is rounded by the first share.
    """
    if not weights:
        return []
    whole = sum(weights, ZERO)
    ideal = [amount * weight / whole for weight in weights] if whole else [amount / len(weights)] * len(weights)
    shares = [share.quantize(smallest, ROUND_DOWN) for share in ideal]
    rest = amount - sum(shares, ZERO)
    step = smallest if rest > 0 else -smallest
    by_remainder = sorted(range(len(shares)), key=lambda at: (-abs(ideal[at] - shares[at]), at))
    for at in by_remainder[: int(abs(rest) / smallest)]:
        shares[at] += step
    shares[by_remainder[0]] += amount - sum(shares, ZERO)
    return shares


def _same_currency(one: Money, other: Money) -> Money:
    if one.currency != other.currency:
        raise MappingError(
            f"{one.currency} and {other.currency} do not add",
            code="MAP002",
            why="an amount of one currency may never be written with the code of another",
            next_move="use shop amounts with shop amounts, presentment amounts with presentment amounts",
        )
    return other
