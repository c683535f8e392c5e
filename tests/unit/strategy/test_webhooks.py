"""Which subscriptions the flows declare: one for each topic, as all its flows together need it."""

from types import SimpleNamespace
from typing import Any

from interlock.strategy.model import Subscription
from interlock.strategy.webhooks import ALWAYS, NAME_LENGTH_MAX, Wanted, trimmed, wanted


def strategy(*flows: tuple[str, list[str], Subscription]) -> Any:
    """Flows of one shop: name, topics, what they ask for."""
    made = {
        name: SimpleNamespace(name=name, source="shop", trigger=topics, subscription=subscription, publish=None)
        for name, topics, subscription in flows
    }
    return SimpleNamespace(flows=made)


def only(*flows: tuple[str, list[str], Subscription]) -> Wanted:
    (found,) = wanted(strategy(*flows))["shop"]
    return found


def test_flows_of_a_topic_share_one_subscription() -> None:
    """C02: two subscriptions of one topic would tell each event twice."""
    found = wanted(strategy(("a", ["orders/create", "orders/updated"], Subscription()), ("b", ["orders/create"], Subscription())))
    assert [one.topic for one in found["shop"]] == ["orders/create", "orders/updated"]


def test_fields_are_those_of_all_flows_and_always_the_time() -> None:
    """F08, C16: without updated_at the second of two changes is dropped by the sender."""
    found = only(
        ("a", ["orders/create"], Subscription(fields=["total_price"])), ("b", ["orders/create"], Subscription(fields=["name"]))
    )
    assert found.fields == (*ALWAYS, "total_price", "name")


def test_one_flow_that_needs_everything_gets_it() -> None:
    """Another flow's wish for less does not take fields away from it."""
    found = only(("a", ["orders/create"], Subscription(fields=["total_price"])), ("b", ["orders/create"], Subscription()))
    assert found.fields == ()


def test_a_filter_holds_when_all_say_it() -> None:
    """What one flow does not want another may need."""
    dear = Subscription(filter="total_price:>=100")
    assert only(("a", ["orders/create"], dear), ("b", ["orders/create"], dear)).filter == "total_price:>=100"
    assert only(("a", ["orders/create"], dear), ("b", ["orders/create"], Subscription())).filter == ""


def test_metafields_are_sent_along_for_whoever_asks() -> None:
    """They add to the body, so nobody loses by them."""
    found = only(
        ("a", ["orders/create"], Subscription(metafields=["custom.gift"])), ("b", ["orders/create"], Subscription())
    )
    assert found.metafields == ("custom.gift",)


def test_names_fit() -> None:
    """A name is at most 50 characters of A-Z, a-z, 0-9, - and _ (F02)."""
    topic = "customers/email_marketing_consent_update_of_a_longer_kind"
    name = only(("a", [topic], Subscription())).name
    assert len(name) <= NAME_LENGTH_MAX
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")


def test_what_is_trimmed_is_known_by_its_object() -> None:
    """A webhook that lacks fields must never be taken for the whole object; a flow that needs all of a topic keeps it whole."""
    few = Subscription(fields=["email"])

    def cut(*flows: tuple[str, list[str], Subscription]) -> set[str]:
        made = strategy(*flows)
        for flow in made.flows.values():
            flow.object_name = "order" if flow.trigger[0].startswith(("orders", "refunds")) else "customer"
        return set(trimmed(made)["shop"])

    assert cut(("a", ["customers/update"], few)) == {"customer"}
    assert cut(("a", ["orders/create", "orders/updated"], few), ("b", ["orders/create"], Subscription())) == {"order"}
    assert cut(("a", ["refunds/create"], few)) == {"order", "refund"}
    assert cut(("a", ["orders/create"], few), ("b", ["orders/create"], Subscription())) == set()


def test_a_topic_beside_is_told_whole() -> None:
    """C46: `fulfillment_orders/hold_released` cut to the fields of an order names nothing any more, and no hold would end."""
    asked = Subscription(filter="total_price:>=100", fields=["total_price"], metafields=["custom.gift"])
    released = "fulfillment_orders/hold_released"
    made = strategy(("a", ["orders/create"], asked))
    by_topic = {one.topic: one for one in wanted(made, {"a": [released]})["shop"]}
    beside, own = by_topic[released], by_topic["orders/create"]
    assert (beside.filter, beside.fields, beside.metafields) == ("", (), ())
    assert (own.filter, own.fields[-1], own.metafields) == ("total_price:>=100", "total_price", ("custom.gift",))
