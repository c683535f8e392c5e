"""Whole objects: every page is read, as of one moment, and what is not there is said to be gone (C21, C39)."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_store import Store, connection, cost, run

from interlock.clock import VirtualClock
from interlock.connectors.contract import Refused, Retry
from interlock.connectors.shopify import whole
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.order_shape import _tips
from interlock.connectors.shopify.shape import amount, number
from interlock.connectors.shopify.source import ShopifySource
from interlock.connectors.shopify.whole import KINDS, NotRead, Reading

T1, T2 = "2026-07-01T16:17:28Z", "2026-07-01T16:17:29Z"
ORDER = "gid://shopify/Order/820982911946154508"


class Pages:
    """A shop with one object of many pages: connection -> how many nodes; `changes`: after which calls it changes."""

    def __init__(self, root: str, sizes: dict[str, int], page: int = 10, changes: tuple[int, ...] = ()) -> None:
        self.root, self.sizes, self.page, self.changes = root, sizes, page, changes
        self.calls = 0
        self.extra: dict[str, Any] = {}

    def __call__(self, operation: str, variables: dict[str, Any]) -> Any:
        self.calls += 1
        moment = sum(self.calls > at for at in self.changes)
        after = int(variables.get("after") or 0)
        node = {"id": variables["id"], "updatedAt": f"2026-07-01T16:17:{moment:02}Z"} | self.extra
        pages = {name: self._from(after, count) for name, count in self.sizes.items()}
        return {"data": {self.root: node | pages}, "extensions": cost(actual=1, available=2000)}

    def _from(self, after: int, count: int) -> dict[str, Any]:
        upto = min(after + self.page, count)
        info = {"hasNextPage": upto < count, "endCursor": str(upto)}
        return {"nodes": [{"id": at} for at in range(after, upto)], "pageInfo": info}


def reading(pages: Any, seconds: float = 30) -> Reading:
    clock = VirtualClock()
    return Reading(Admin(connection(Store(pages), clock)), clock, timeout_seconds=seconds)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("order", {"lineItems": 301, "shippingLines": 12, "discountApplications": 23, "fulfillmentOrders": 25}),
        ("refund", {"refundLineItems": 130}),
        ("fulfillment", {"fulfillmentLineItems": 101}),
        ("product", {"variants": 2048}),
    ],
)
def test_all_pages_are_read(kind: str, sizes: dict[str, int]) -> None:
    """C39: more than 250 lines, 10 fulfilment orders, 100 lines of a refund, and all of 2,048 variants (F27), in order."""
    pages = Pages(KINDS[kind].name, sizes, page=20)
    node = run(reading(pages).whole(KINDS[kind], ORDER))
    assert {name: [one["id"] for one in node[name]["nodes"]] for name in sizes} == {
        name: list(range(count)) for name, count in sizes.items()
    }
    assert set(KINDS[kind].pages) == set(sizes), "every connection that can be longer than its first page"


def test_the_control_reads_one_page_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """C39: without the page documents, lines are lost and nobody is told."""
    bare = whole.Kind(name="order", gid="Order")
    node = run(reading(Pages("order", {"lineItems": 301})).whole(bare, ORDER))
    assert len(node["lineItems"]["nodes"]) == 10


def test_an_order_that_changes_between_two_pages_is_begun_anew() -> None:
    """Lines of before an edit and of after it are no order: all pages are of one moment, or it is tried later."""
    sizes = {"lineItems": 30, "shippingLines": 1, "discountApplications": 1, "fulfillmentOrders": 1}
    pages = Pages("order", sizes, changes=(2,))
    node = run(reading(pages).whole(KINDS["order"], ORDER))
    assert len(node["lineItems"]["nodes"]) == 30
    assert (node["updatedAt"], pages.calls) == (T2.replace("29", "01"), 6)
    with pytest.raises(NotRead) as stopped:
        run(reading(Pages("order", sizes, changes=tuple(range(1, 50)))).whole(KINDS["order"], ORDER))
    assert isinstance(stopped.value.outcome, Retry)
    assert stopped.value.outcome.code == "CHANGING"


def test_pages_without_an_end_do_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """C21: a cursor that goes in circles."""
    monkeypatch.setattr(whole, "PAGES_MAX", 5)
    with pytest.raises(NotRead) as stopped:
        run(reading(Pages("product", {"variants": 10_000})).whole(KINDS["product"], "gid://shopify/Product/1"))
    assert stopped.value.outcome.code == "ENDLESS"


def test_what_is_not_there_is_gone() -> None:
    """Null where an object was asked for by its id: deleted, or, for an order, beyond the 60 days (C76)."""
    source = ShopifySource(connection(Store(lambda *_: {"data": {"order": None, "refund": None}}), VirtualClock()))
    outcome = run(source.read("order.v1", "1", timeout_seconds=5))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.status) == ("gone", 404)
    assert "read_all_orders" in outcome.message
    assert isinstance(run(source.read("refund", "1", timeout_seconds=5)), Refused)


@pytest.mark.parametrize(
    "data", [{}, {"customer": {}}, {"customer": {"id": None}}, {"customer": []}, {"customer": {"id": "x"}}]
)
def test_null_where_something_must_be(data: dict[str, Any]) -> None:
    """An answer that is not as its document asks for is taken for nothing: it is read again."""
    source = ShopifySource(connection(Store(lambda *_: {"data": data}), VirtualClock()))
    outcome = run(source.read("customer", "1", timeout_seconds=5))
    assert isinstance(outcome, Retry)
    assert outcome.code == "ANSWER_NOT_UNDERSTOOD"


@pytest.mark.parametrize(
    ("name", "key"), [("order", "1/2"), ("order", ""), ("order", "\u0663"), ("inventory_level", "1"), ("x", "1")]
)
def test_a_key_that_is_no_id_is_never_sent(name: str, key: str) -> None:
    """A key becomes part of a gid."""
    store = Store(lambda *_: {})
    outcome = run(ShopifySource(connection(store, VirtualClock())).read(name, key, timeout_seconds=5))
    assert isinstance(outcome, Refused)
    assert store.asked == []


@pytest.mark.parametrize(
    ("given", "currency", "written"),
    [
        ("10.0", "USD", "10.00"),
        ("1250.0", "JPY", "1250"),
        ("12.5", "KWD", "12.500"),
        ("0.0125", "USD", "0.0125"),
        ("-3", "EUR", "-3.00"),
    ],
)
def test_money_is_written_with_the_digits_of_its_currency(given: str, currency: str, written: str) -> None:
    """C33: GraphQL writes 10.0 where the webhook writes 10.00; a document must not differ by how it was learnt."""
    assert amount({"amount": given, "currencyCode": currency}) == written


def test_ids_stay_exact() -> None:
    """C12: above 2^53, and of addresses, whose gid goes on after a question mark."""
    assert number(ORDER) == 820982911946154508
    assert number("gid://shopify/MailingAddress/9007199254740993?model_name=Address") == 9007199254740993
    assert number(None) is None


def test_the_line_of_a_tip_is_told_by_what_it_is() -> None:
    """C34: GraphQL has no mark for it. A product that is called Tip is goods, and so is a line that is not what was given."""
    from decimal import Decimal

    def line(title: str, price: str, product: Any = None) -> dict[str, Any]:
        money = {"shopMoney": {"amount": price, "currencyCode": "USD"}}
        return {
            "id": f"{title} {price}",
            "title": title,
            "product": product,
            "variant": None,
            "quantity": 1,
            "originalUnitPriceSet": money,
        }

    lines = [line("Shirt", "20.00"), line("Tip", "3.50")]
    assert _tips(lines, Decimal("3.50")) == {"Tip 3.50"}
    assert _tips(lines, Decimal("0.00")) == frozenset()
    assert _tips(lines, Decimal("5.00")) == frozenset()
    assert _tips([line("Tip", "3.50", {"id": "gid://shopify/Product/1"})], Decimal("3.50")) == frozenset()
