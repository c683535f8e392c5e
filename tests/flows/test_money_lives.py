"""Generated orders through generated lives: after every edit, refund and cancellation each system's document is the shop's total.

The shop's side is the twin's generator, which shares no code with the product; what must hold is said here with Decimal.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from content import CHARGES, CODES
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from interlock.canonical import Money, MoneyPair, load_contracts
from interlock.errors import MappingError
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping
from interlock.twins.shopify import changes
from interlock.twins.shopify.catalogue import PRODUCTS, VAT_19
from interlock.twins.shopify.draft import Draft, DraftDiscount, DraftLine
from interlock.twins.shopify.money import Currencies, currencies_of
from interlock.twins.shopify.orders import DEFAULT_PLACED_AT, make_order
from interlock.twins.shopify.scenarios import SCENARIOS, Scenario
from interlock.twins.shopify.totals import current_unallocated, net_received

CONTRACTS = load_contracts()
SIDES = ("shop", "presentment")
PLUS = ("items", "shipping", "tax", "tips", "gift_cards", "duties", "additional_fees", "cash_rounding", "difference")
EVENTS_OF_A_LIFE = 6
LIVES_OF_A_SCENARIO = 6
PAIRS = (
    ("USD", "JPY", "149.73"),
    ("EUR", "KWD", "0.3571"),
    ("GBP", "ISK", "174.9"),
    ("JPY", "USD", "0.00668"),
    ("KWD", "EUR", "2.801"),
)
"""Shop, customer, rate: digits that differ on the two sides."""
DOCUMENTS = (
    ("netsuite", "order", "salesOrder"),
    ("netsuite", "refund", "creditMemo"),
    ("klaviyo", "order", "placed_order"),
    ("shipbob", "order", "order"),
)
READ = {
    name: compile_in(
        connector_mapping("shopify").table_in(name), CONTRACTS[f"{name}.v1"], connector_functions("shopify")
    )
    for name in ("order", "refund")
}
Order = dict[str, Any]


class Step(NamedTuple):
    """A moment of a life: what was done, the order before and after, and the refund when there was one."""

    done: str
    before: Order
    after: Order
    refund: Order | None


def bound(vendor: str, name: str, document: str, side: str) -> Any:
    """A mapping that ships, with an item for each kind of charge."""
    mapping = connector_mapping(vendor)
    given: dict[str, Any] = {} if vendor == "shipbob" else {"order_currency": side}
    if vendor == "netsuite":
        given |= {f"{charge}_item": charge for charge in (*CHARGES, "refund_adjustment")}
        given |= {"guest_entity": "1", "currencies": {code: code for code in (*CODES, "SEK")}}
    items = Items(rule="sku" if name == "refund" else "variant", generic_item="999", system=vendor)
    context = Context(system=vendor, settings=mapping.settings_with(given), items=items, timezone=ZoneInfo("UTC"))
    table = mapping.table_out(name, document)
    return compile_out(table, CONTRACTS[f"{name}.v1"], connector_functions(vendor)).bound(context)


WRITE = {
    (vendor, document, side): bound(vendor, name, document, side)
    for vendor, name, document in DOCUMENTS
    for side in SIDES
}


# -- lives


def abroad(shop: str, presentment: str, rate: str) -> Callable[[Draft, random.Random], None]:
    """An order with discount, tax inside and shipping, by a customer who pays in another currency."""

    def bend(draft: Draft, rng: random.Random) -> None:
        draft.money, draft.taxes_included, draft.taxes = Currencies(shop, presentment, Decimal(rate)), True, VAT_19
        draft.lines = [DraftLine(product, rng.randint(1, 3)) for product in rng.sample(PRODUCTS, 2)]
        draft.discounts = [DraftDiscount("Summer", "percentage", Decimal(15), code="SUMMER15")]

    return bend


ABROAD = {f"{shop}_{to}": Scenario(abroad(shop, to, rate), 0) for shop, to, rate in PAIRS}
KINDS = sorted((SCENARIOS.keys() | ABROAD.keys()) - {"lines_300"})


@pytest.fixture(autouse=True, scope="module")
def _more_scenarios() -> Iterator[None]:
    """The generator knows these for the time of this module."""
    with pytest.MonkeyPatch.context() as patch:
        for name, scenario in ABROAD.items():
            patch.setitem(SCENARIOS, name, scenario)
        yield


def life(scenario: str, seed: int) -> Iterator[Step]:
    """What happens to one order; what the shop refuses does not happen."""
    rng = random.Random(f"{scenario} {seed}")
    order = make_order(rng, seed + 1, scenario)
    yield Step("placed", order, order, None)
    at = DEFAULT_PLACED_AT
    for _ in range(EVENTS_OF_A_LIFE):
        at += timedelta(hours=1)
        name = rng.choice(tuple(HAPPENS))
        try:
            change = HAPPENS[name](order, rng, at)
        except changes.ChangeRefused:
            continue
        refund = next((body for topic, body in change.events if topic == "refunds/create"), None)
        yield Step(name, order, change.order, refund)
        order = change.order


def _some(order: Order, rng: random.Random, limit: str) -> dict[int, int]:
    """Some pieces of some lines."""
    return {line["id"]: rng.randint(0, line[limit]) for line in order["line_items"] if rng.random() < 0.6}


def _added(order: Order, rng: random.Random) -> list[DraftLine]:
    gift = rng.random() < 0.2
    return [DraftLine(rng.choice(PRODUCTS), rng.randint(1, 4), taxable=not gift, gift_card=gift)]


HAPPENS: dict[str, Callable[[Order, random.Random, Any], changes.Change]] = {
    "added": lambda order, rng, at: changes.edit(order, rng, at, add=_added(order, rng)),
    "removed": lambda order, rng, at: changes.edit(order, rng, at, remove=_some(order, rng, "fulfillable_quantity")),
    "refunded in part": lambda order, rng, at: changes.refund(
        order, at, lines=_some(order, rng, "current_quantity"), restock=rng.choice(("return", "cancel", "no_restock"))
    ),
    "shipping refunded": lambda order, rng, at: changes.refund(order, at, lines={}, shipping=True),
    "refunded": lambda order, rng, at: changes.refund(order, at),
    "cancelled": lambda order, rng, at: changes.cancel(order, at),
    "paid": lambda order, rng, at: changes.pay(order, at),
    "sent": lambda order, rng, at: changes.fulfil(order, at),
}


# -- what must hold


def check_order(order: Order) -> None:
    """C28-C36, C40: the parts make the total in both currencies, and so do the documents of three systems."""
    canonical = read("order", order)
    parts = canonical.components
    for side in SIDES:
        total = Decimal(order["current_total_price_set"][f"{side}_money"]["amount"])
        code = order["currency" if side == "shop" else "presentment_currency"]
        assert of(parts.total, side) == total
        assert sum(of(getattr(parts, name), side) for name in PLUS) - of(parts.discounts, side) == total
        assert of(parts.difference, side) == discrepancies(order, side)
        nets = sum(of(row.net, side) for row in (*canonical.lines, *canonical.shipping))
        sold = sum(of(getattr(parts, name), side) for name in ("items", "gift_cards", "shipping"))
        assert nets == sold - of(parts.discounts, side)
        booked = json.loads(WRITE["netsuite", "salesOrder", side](canonical), parse_float=Decimal, parse_int=Decimal)
        assert sum(row["amount"] for row in booked["item"]["items"]) == total
        assert booked["currency"] == {"id": code}
        check_event(canonical, order, side, total, code)
    check_parcel(canonical, order)
    check_codes(canonical, canonical.currency, canonical.presentment_currency)


def check_event(canonical: Any, order: Order, side: str, total: Decimal, code: str) -> None:
    if order["customer"] is None and not order["email"]:
        return  # nobody to tell it of
    event = json.loads(WRITE["klaviyo", "placed_order", side](canonical), parse_float=Decimal, parse_int=Decimal)
    told = event["data"]["attributes"]
    assert (told["value"], told["value_currency"]) == (total, code)
    rows = sum(row["RowTotal"] for row in told["properties"]["Items"])
    goods = sum(of(line.net, side) for line in canonical.lines)
    assert rows == goods


def check_parcel(canonical: Any, order: Order) -> None:
    try:
        parcel = json.loads(WRITE["shipbob", "order", "shop"](canonical), parse_float=Decimal, parse_int=Decimal)
    except MappingError:  # no address, nothing to send
        return
    total = Decimal(order["current_total_price"])
    assert parcel.get("financials") == ({"total_price": total} if order["currency"] == "USD" else None)


def check_refund(step: Step) -> None:
    """C53, C30: a refund's parts make its total, the credit memo too, and the order goes down by exactly the parts."""
    assert step.refund is not None
    canonical = read("refund", as_read(step))
    check_codes(canonical, canonical.currency, canonical.presentment_currency)
    assert (canonical.currency, canonical.presentment_currency) == (
        step.after["currency"],
        step.after["presentment_currency"],
    )
    for side in SIDES:
        taken = sum(of(row.net, side) + of(row.tax, side) for row in (*canonical.lines, *canonical.adjustments))
        parts = taken + of(canonical.shipping, side) + of(canonical.duties, side)
        assert parts + of(canonical.difference, side) == of(canonical.total, side)
        beside = unlisted(step.before, side) - unlisted(step.after, side)
        assert total_of(step.before, side) - total_of(step.after, side) == parts + beside
        written = json.loads(WRITE["netsuite", "creditMemo", side](canonical), parse_float=Decimal, parse_int=Decimal)
        assert sum(row["amount"] for row in written["item"]["items"]) == of(canonical.total, side)


def check_codes(value: Any, shop: str, presentment: str) -> None:
    """C32: no amount has the code of the other currency, wherever it stands."""
    if isinstance(value, MoneyPair):
        assert (value.shop.currency, value.presentment.currency) == (shop, presentment)
    elif isinstance(value, Money):
        raise AssertionError("an amount of one currency alone")
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            check_codes(getattr(value, name), shop, presentment)
    elif isinstance(value, tuple | list):
        for element in value:
            check_codes(element, shop, presentment)


def read(name: str, document: Order) -> Any:
    return READ[name](json.dumps(document).encode(), Context(system="shopify", timezone=ZoneInfo("UTC")))


def of(money: MoneyPair, side: str) -> Decimal:
    amount: Decimal = getattr(money, side).amount
    return amount


def total_of(order: Order, side: str) -> Decimal:
    return Decimal(order["current_total_price_set"][f"{side}_money"]["amount"])


def as_read(step: Step) -> Order:
    """The refund with what a read tells beside the webhook: how the prices are, and the payments in both currencies."""
    assert step.refund is not None
    refund: Order = json.loads(json.dumps(step.refund)) | {"taxes_included": step.after["taxes_included"]}
    for payment in refund["transactions"]:  # one at most
        shop = {
            "amount": str(net_received(step.before) - net_received(step.after)),
            "currency_code": step.after["currency"],
        }
        presentment = {"amount": payment["amount"], "currency_code": step.after["presentment_currency"]}
        payment["amount_set"] = {"shop_money": shop, "presentment_money": presentment}
    return refund


def unlisted(order: Order, side: str) -> Decimal:
    """What a refund changes without saying so: fees, and the share of a discount that no line carries."""
    fee = order["current_total_additional_fees_set"]
    share = current_unallocated(order, currencies_of(order))
    return (Decimal(fee[f"{side}_money"]["amount"]) if fee else Decimal(0)) - getattr(share, side)


def discrepancies(order: Order, side: str) -> Decimal:
    """What was paid back beyond the parts of the order, such as a tip: it has no part, so it is the entry for it (C31)."""
    rows = (row for refund in order["refunds"] for row in refund["order_adjustments"])
    return sum((Decimal(row["amount_set"][f"{side}_money"]["amount"]) for row in rows), Decimal(0))


def check(step: Step) -> None:
    check_order(step.after)
    if step.refund is not None:
        check_refund(step)


# -- the tests


@pytest.mark.parametrize("scenario", KINDS)
def test_a_life_adds_up(scenario: str) -> None:
    """C28-C36, C40, C53, C55: every kind of order, through lives of its own, in both currencies."""
    for seed in range(LIVES_OF_A_SCENARIO):
        for step in life(scenario, seed):
            check(step)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 10**9))
def test_any_life_adds_up(scenario: str, seed: int) -> None:
    """The same with orders that nobody chose; what fails is shrunk to a scenario and a seed."""
    for step in life(scenario, seed):
        check(step)


def test_the_lives_are_worth_it() -> None:
    """A property over lives in which nothing happens would prove nothing: each kind of change is met often."""
    met = Counter(step.done for scenario in KINDS for seed in range(2) for step in life(scenario, seed))
    assert met.keys() == {"placed", *HAPPENS}
    assert min(met.values()) >= 8, met


def steps_until(wanted: Callable[[Step], bool]) -> Step:
    """The first step of any life that is so."""
    return next(step for seed in range(50) for scenario in KINDS for step in life(scenario, seed) if wanted(step))


@pytest.mark.parametrize("field", ["current_total_price_set", "current_total_tax_set", "line_items"])
def test_control_a_broken_sum_is_seen(field: str) -> None:
    """Control: a cent moved in one of the shop's own sums is a difference, which the property above does not allow."""
    step = steps_until(lambda step: step.done == "added" and not step.after["taxes_included"])
    broken = json.loads(json.dumps(step.after))
    if field == "line_items":
        price = next(line for line in broken["line_items"] if line["current_quantity"])["price_set"]["shop_money"]
    else:
        price = broken[field]["shop_money"]
    price["amount"] = str(Decimal(price["amount"]) + Decimal("1.00"))
    with pytest.raises(AssertionError):
        check_order(broken)


def test_control_a_refund_with_a_wrong_part_is_seen() -> None:
    """Control: shipping that a refund keeps silent about breaks the sum of order before and after."""
    step = steps_until(
        lambda step: step.done == "shipping refunded" and bool(step.refund and step.refund["transactions"])
    )
    assert step.refund is not None
    check_refund(step)
    with pytest.raises(AssertionError):
        check_refund(step._replace(refund=step.refund | {"refund_shipping_lines": []}))


def test_control_mixed_currencies_are_seen() -> None:
    """Control for C32: one presentment amount under the shop's code."""
    order = make_order(random.Random(1), 1, "multi_currency")
    canonical = read("order", order)
    check_codes(canonical, order["currency"], order["presentment_currency"])
    with pytest.raises(AssertionError):
        check_codes(canonical, order["presentment_currency"], order["currency"])
