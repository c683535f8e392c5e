"""What places of a channel came to, added up: how many are equal, what the others differ by, and what that is worth."""

from decimal import Decimal

import msgspec

from interlock.flows.inventory.causes import Verdict
from interlock.messaging.stock_book import Shown


class Compared(msgspec.Struct, kw_only=True):
    """What a place came to, as it is added up."""

    compared: int = 0
    equal: int = 0
    in_flight: int = 0
    variance: int = 0
    value: Decimal | None = None
    unpriced: int = 0


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One place that differed in the listing, and what became of it: `verdict` None is equal after all, `aside` is no position."""

    row: Shown
    shown: int | None = None
    wanted: int | None = None
    verdict: Verdict | None = None
    aside: bool = False


def book_in(total: Compared, one: Judged, by: int, price: tuple[str, str] | None) -> None:
    """One place that was listed as different, out of the equal ones that the total begins with. `price`: of one, and its currency."""
    if one.verdict is None and not one.aside:
        return
    total.equal -= 1
    if one.aside or (one.verdict and one.verdict.cause == "in_flight"):
        total.compared -= 1
        total.in_flight += not one.aside
        return
    total.variance += by
    if price is None:
        total.unpriced += 1
    else:
        total.value = (total.value or Decimal(0)) + Decimal(price[0]) * by


def add_up(whole: Compared, one: Compared) -> None:
    """One place's sums into those of its channel."""
    for name in ("compared", "equal", "in_flight", "variance", "unpriced"):
        setattr(whole, name, getattr(whole, name) + getattr(one, name))
    if one.value is not None:
        whole.value = (whole.value or Decimal(0)) + one.value
