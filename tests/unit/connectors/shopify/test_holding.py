"""What holds an order back is asked of a store that may answer anything; no answer may end the asker (C46)."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_store import Store, connection, cost, errors, run

from interlock.clock import VirtualClock
from interlock.connectors.contract import Held, Refused, Retry
from interlock.connectors.shopify.source import ShopifySource

PART = {"id": "gid://shopify/FulfillmentOrder/7", "status": "ON_HOLD", "fulfillmentHolds": [{"reason": "OTHER"}]}
PART_SCOPE = "read_merchant_managed_fulfillment_orders"
LAST: dict[str, Any] = {"hasNextPage": False, "endCursor": None}
MORE = {"hasNextPage": True, "endCursor": "x"}


def order(parts: Any, info: Any = LAST, **changes: Any) -> dict[str, Any]:
    """The answer to the first question."""
    whole = {"tags": [], "risk": None, "fulfillmentOrders": {"nodes": parts, "pageInfo": info}}
    return {"order": whole | changes}


def held(*answers: Any) -> Any:
    """What the source says, when the store's answers have this data, one after the other."""
    left = list(answers)
    store = Store(lambda *_: {"data": left.pop(0), "extensions": cost()})
    source = ShopifySource(connection(store, VirtualClock()))
    return run(source.held("order", "1", timeout_seconds=5))


def test_the_holds_of_all_pages() -> None:
    """The control: what is well-formed is understood, on every page."""
    found = held(order([], MORE), order([PART]))
    assert [(type(one), one.part) for one in found] == [(Held, "7")]


def test_holds_that_nobody_may_look_at_hold() -> None:
    """C46: an app without the scope of fulfilment orders reads the advice still; what it cannot see is not free.

    The control: with the scope the same order has nothing that holds it."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def shop(scopes: list[str]) -> Any:
        def answer(operation: str, variables: dict[str, Any]) -> Any:
            asked.append((operation, variables))
            if operation == "access_scopes":
                found: Any = {"currentAppInstallation": {"accessScopes": [{"handle": one} for one in scopes]}}
            elif variables.get("fulfillmentOrders", True) and len(scopes) == 1:
                return errors("ACCESS_DENIED", path=["order", "fulfillmentOrders"])
            else:
                found = order([], risk={"recommendation": "CANCEL"})
                if len(scopes) == 1:
                    del found["order"]["fulfillmentOrders"]
            return {"data": found, "extensions": cost()}

        return ShopifySource(connection(Store(answer), VirtualClock()))

    for scopes, kinds in (["read_orders"], ["holds", "risk"]), (["read_orders", PART_SCOPE], ["risk"]):
        found = run(shop(scopes).held("order", "1", timeout_seconds=5))
        assert [one.kind for one in found] == kinds
    assert [operation for operation, _ in asked] == ["OrderRelease", "access_scopes", "OrderRelease", "OrderRelease"]


def test_an_order_that_is_gone_between_two_pages() -> None:
    """Null is gone, on a later page as on the first; what the shop has not, it does not hold."""
    for answers in ([{"order": None}], [order([PART], MORE), {"order": None}]):
        outcome = held(*answers)
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.code) == ("gone", "NOT_FOUND")


@pytest.mark.parametrize(
    "answers",
    [
        [{}],
        [{"order": {}}],
        [{"order": {"tags": [], "fulfillmentOrders": None}}],
        [{"order": "?"}],
        [order(None)],
        [order([None])],
        [order([{"id": None, "status": "ON_HOLD", "fulfillmentHolds": []}])],
        [order([], {})],
        [order([], risk="HIGH")],
        [order([], risk={"recommendation": "CANCEL"}, tags=None)],
        [order([], risk={"recommendation": ["CANCEL"]})],
        [order([], MORE), {}],
        [order([], MORE), {"order": {"fulfillmentOrders": None}}],
    ],
    ids=lambda answers: str(answers)[:60],
)
def test_what_is_not_understood_is_asked_again(answers: list[Any]) -> None:
    """A malformed answer says neither held nor free, so nothing leaves, and nothing is raised."""
    outcome = held(*answers)
    assert isinstance(outcome, Retry), outcome
    assert outcome.code == "ANSWER_NOT_UNDERSTOOD"
