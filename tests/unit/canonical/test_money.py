"""Money: currencies that do not mix, digits per currency, shares that add up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.canonical.money import Money, MoneyPair, allocate, exponent, quantum
from interlock.errors import MappingError

CENT = Decimal("0.01")
AMOUNTS = st.decimals(min_value=-100_000, max_value=100_000, places=2)
WEIGHTS = st.lists(st.decimals(min_value=0, max_value=10_000, places=2), min_size=1, max_size=12)


def test_amounts_of_two_currencies_do_not_add() -> None:
    """C32: the error names both, so that nobody books ISK as GBP."""
    with pytest.raises(MappingError, match="GBP and ISK do not add") as raised:
        Money(Decimal(1), "GBP") + Money(Decimal(1), "ISK")
    assert raised.value.code == "MAP002"


def test_pairs_add_side_by_side() -> None:
    """Both currencies are summed on their own and never converted into each other."""
    pair = MoneyPair(Money(Decimal("1.10"), "GBP"), Money(Decimal(193), "ISK"))
    assert pair + pair == MoneyPair(Money(Decimal("2.20"), "GBP"), Money(Decimal(386), "ISK"))
    assert not pair - pair
    assert (-pair).shop.amount == Decimal("-1.10")


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("JPY", 0), ("ISK", 0), ("KWD", 3), ("CLF", 4), ("XXX", 2)]
)
def test_digits_follow_iso_4217(currency: str, digits: int) -> None:
    """C33: cents exist in some currencies only."""
    assert exponent(currency) == digits
    assert quantum(currency) == Decimal(1).scaleb(-digits)


@given(AMOUNTS, WEIGHTS)
def test_shares_add_up_to_the_cent(amount: Decimal, weights: list[Decimal]) -> None:
    """C30, C31: an allocation loses nothing, whatever the weights."""
    shares = allocate(amount, weights, CENT)
    assert sum(shares) == amount
    assert all(share == share.quantize(CENT) for share in shares)


def test_shares_by_rounding_each_lose_a_cent() -> None:
    """Control: the naive way, each share rounded on its own, fails the property above."""
    naive = [(Decimal("0.10") * weight / 3).quantize(CENT) for weight in (1, 1, 1)]
    assert sum(naive) != Decimal("0.10")
    assert sum(Money(Decimal("0.10"), "USD").allocated([Decimal(1)] * 3), Money(Decimal(0), "USD")).amount == Decimal(
        "0.10"
    )


def test_quantum() -> None:
    """What a smallest coin is."""
    assert [quantum(code) for code in ("EUR", "JPY", "KWD")] == [CENT, Decimal(1), Decimal("0.001")]
