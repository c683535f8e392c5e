"""An order is read without the parts that the app has no scope for, and nothing else changes by that."""

from __future__ import annotations

from typing import Any

from graphql import parse, print_ast
from scripted_store import Store, connection, cost, errors, run

from interlock.clock import VirtualClock
from interlock.connectors.contract import Refused
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.optional import decided, parts_of
from interlock.connectors.shopify.rights import KEPT_SECONDS
from interlock.connectors.shopify.scopes import missing, needed, wished

GRANTED = ["read_orders", "read_customers", "read_products"]
PARTS = {"locations": False, "paymentTerms": False, "fulfillmentOrders": False}
ORDER = {"id": "gid://shopify/Order/1"}


class Shop:
    """Denies an order as long as a part is asked for whose scope it did not grant."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = list(scopes)

    def __call__(self, operation: str, variables: dict[str, Any]) -> Any:
        if operation == "access_scopes":
            found: Any = {"currentAppInstallation": {"accessScopes": [{"handle": one} for one in self.scopes]}}
        else:
            kept = {part for part in PARTS if variables.get(part, True)}
            lacking = {"read_payment_terms": "paymentTerms", "read_locations": "locations",
                       "read_merchant_managed_fulfillment_orders": "fulfillmentOrders"}  # fmt: skip
            if "read_orders" not in self.scopes or any(lacking[one] in kept for one in lacking.keys() - set(self.scopes)):
                return errors("ACCESS_DENIED", path=["order", "paymentTerms"])
            found = {"order": {"id": variables["id"]}}
        return {"data": found, "extensions": cost(actual=1, available=2000)}


def test_an_order_is_read_without_what_the_app_may_not_read() -> None:
    """The document as a whole is refused for one part; asked again without it, it is read, and the next time at once."""
    store = Store(Shop(*GRANTED))
    admin = Admin(connection(store, VirtualClock()))
    assert run(admin.run("order", ORDER, timeout_seconds=10)) == {"order": ORDER}
    assert [name for name, _ in store.asked] == ["Order", "access_scopes", "Order"]
    assert {part: value for part, value in store.asked[-1][1].items() if part in PARTS} == PARTS
    assert run(admin.run("order", ORDER, timeout_seconds=10)) == {"order": ORDER}
    assert len(store.asked) == 4, "what was learnt is not asked again"
    assert admin.observed.unread("shopify")["paymentTerms"] == "read_payment_terms"


def test_nothing_is_asked_of_an_app_that_may_read_all() -> None:
    """Most may: for them a read stays one call."""
    store = Store(Shop(*GRANTED, "read_payment_terms", "read_locations", "read_merchant_managed_fulfillment_orders"))
    admin = Admin(connection(store, VirtualClock()))
    run(admin.run("order", ORDER, timeout_seconds=10))
    assert [name for name, _ in store.asked] == ["Order"]
    assert admin.observed.unread("shopify") == {}


def test_a_scope_that_was_granted_later_counts_within_the_hour() -> None:
    """Nobody restarts the hub for it."""
    clock, shop = VirtualClock(), Shop(*GRANTED)
    store = Store(shop)
    admin = Admin(connection(store, clock))
    run(admin.run("order", ORDER, timeout_seconds=10))
    shop.scopes += ["read_payment_terms", "read_locations", "read_merchant_managed_fulfillment_orders"]
    run(clock.advance(KEPT_SECONDS + 1))
    run(admin.run("order", ORDER, timeout_seconds=10))
    assert not PARTS.keys() & store.asked[-1][1].keys()
    assert admin.observed.unread("shopify") == {}, "what is read now is not called unread"


def test_what_no_order_can_do_without_is_refused_still() -> None:
    """The control: without read_orders there is nothing to leave out, and the refusal stands."""
    store = Store(Shop("read_payment_terms"))
    outcome = run(Admin(connection(store, VirtualClock())).run("order", ORDER, timeout_seconds=10))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "permission"


def test_the_three_scopes_of_the_manifest_suffice() -> None:
    """What must be granted is what the documents always ask for; the rest is of the optional parts."""
    for name in ("order", "orders_page", "order_lines_page", "refund", "refund_lines_page", "fulfillment"):
        assert missing(needed([name], "2026-07"), GRANTED) == []
    assert missing(wished(["order", "refund"], "2026-07"), GRANTED) != []


def test_a_part_that_is_cut_out_takes_its_fragments_along() -> None:
    """A bulk operation has no variables: parts are decided in its text, and no fragment is left that nobody uses."""
    tree = parse(
        "query Q($a: Boolean! = true, $b: Boolean! = true, $n: Int) { order(id: 1) { id one @include(if: $a) { ...F } "
        "two(first: $n) @include(if: $b) { id } } } fragment F on T { ...G } fragment G on U { id }"
    )
    assert parts_of(tree) == ("a", "b")
    assert " ".join(print_ast(decided(tree, {"a"})).split()) == "query Q($n: Int) { order(id: 1) { id two(first: $n) { id } } }"
    assert "@include" not in print_ast(decided(tree, ()))
    assert "fragment G" in print_ast(decided(tree, {"b"}))
