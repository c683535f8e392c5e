"""One GraphQL call: what it may cost, what its answer means (C15, C71, C73, C80)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from scripted_store import Store, connection, cost, errors, run

from interlock.clock import VirtualClock
from interlock.connectors.allowance import Allowance
from interlock.connectors.contract import Answer, Refused, Retry, Uncertain
from interlock.connectors.http import CUT, NOT_CONNECTED
from interlock.connectors.shopify.cost import points
from interlock.connectors.shopify.graphql import DEARER_MAX, Admin, bucket_name
from interlock.connectors.shopify.reply import carried_out

FULL = {"data": {"customer": {"id": "gid://shopify/Customer/1"}}, "extensions": cost()}


def asked(answer: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> tuple[Any, Admin, Store]:
    """The outcome of a query that is answered so."""
    store = Store(lambda *_: answer, status=status, headers=headers)
    admin = Admin(connection(store, VirtualClock()))
    return run(admin.run("customer", {"id": "gid://shopify/Customer/1"}, timeout_seconds=5)), admin, store


def changed(answer: Any, *, status: int = 200) -> Any:
    """The outcome of a mutation that is answered so."""
    admin = Admin(connection(Store(lambda *_: answer, status=status), VirtualClock()))
    return run(
        admin.change("webhook_subscription_delete", {"id": "gid://shopify/WebhookSubscription/1"}, timeout_seconds=5)
    )


def test_the_data_of_a_query() -> None:
    """Integers above 2^53 and fractions come as they were sent; the version and the token are in the request."""
    answer = b'{"data": {"customer": {"number": 820982911946154508, "rate": 0.0725}}}'
    data, _, store = asked(answer)
    assert data == {"customer": {"number": 820982911946154508, "rate": Decimal("0.0725")}}
    url, headers = store.sent[0]
    assert url.endswith("/admin/api/2026-07/graphql.json")
    assert headers["X-Shopify-Access-Token"] == "shpat_x"


@pytest.mark.parametrize(
    ("requested", "available", "rate", "seconds"), [(500, 100, 100, 4.0), (60, 10, 1000, 0.1), (1000, 0, 50, 20.0)]
)
def test_throttled_is_a_200_that_says_when(requested: float, available: float, rate: float, seconds: float) -> None:
    """C71: an error in a 200; the wait is what lacks over the restore rate, never a guess. It is no fault of the object."""
    answer = errors("THROTTLED", "Throttled") | {"extensions": cost(requested, None, available, restoreRate=rate)}
    outcome, admin, _ = asked(answer)
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.status, outcome.destination_wide) == ("THROTTLED", 429, True)
    assert outcome.retry_after_seconds == pytest.approx(seconds)
    assert admin._allowance.bucket(admin.bucket).available <= available


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        (errors("ACCESS_DENIED", "Access denied for customer field."), 200, "permission"),
        (errors("ACCESS_DENIED", path=["customer"]) | {"data": {"customer": None}}, 200, "permission"),
        (errors("MAX_COST_EXCEEDED", "Query cost is 1050"), 200, "too_large"),
        (errors("SHOP_INACTIVE"), 200, "permission"),
        (errors("undefinedField", "Field 'x' doesn't exist on type 'Order'"), 200, "validation"),
        ({"errors": "[API] Invalid API key or access token"}, 401, "authentication"),
        ({"errors": "Payment Required"}, 402, "permission"),
        ({"errors": "[API] This action requires merchant approval for read_orders scope."}, 403, "permission"),
        ({"errors": "Not Found"}, 404, "gone"),
        ({"errors": "Locked"}, 423, "permission"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused(answer: Any, status: int, expected: str) -> None:
    """Each by the table of connector.toml; a person has to act, so it is not tried again."""
    outcome, *_ = asked(answer, status=status)
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason == expected
    written = changed(answer, status=status)
    assert isinstance(written, Refused)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (errors("INTERNAL_SERVER_ERROR"), 200),
        (errors("NEVER_HEARD_OF"), 200),
        ({"data": None}, 200),
        ({"data": {"customer": None}, "errors": [{"message": "partly"}]}, 200),
        (b"<html>", 200),
        (b"[]", 200),
        (b"", 502),
        (Answer(0, {}, b"", error="cut", code=CUT), 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_nobody_can_tell(answer: Any, status: int) -> None:
    """Unknown is never success: uncertain for what changes something, tried again where nothing could change."""
    assert isinstance(asked(answer, status=status)[0], Retry)
    assert isinstance(changed(answer, status=status), Uncertain)


def test_what_never_left() -> None:
    """No connection: nothing was applied, and no point was used."""
    answer = Answer(0, {}, b"", sent=False, error="no connection", code=NOT_CONNECTED)
    outcome, admin, _ = asked(answer)
    assert isinstance(outcome, Retry)
    assert isinstance(changed(answer), Retry)
    bucket = admin._allowance.bucket(admin.bucket)
    assert (bucket.available, bucket.in_flight) == (2000.0, [])


def test_user_errors_are_refusals() -> None:
    """A mutation that was read and not carried out says so in its payload, with a 200 and data."""
    payload = {"deletedWebhookSubscriptionId": None, "userErrors": [{"field": ["id"], "message": "does not exist"}]}
    outcome = changed({"data": {"webhookSubscriptionDelete": payload}})
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.status) == ("validation", 422)
    assert "does not exist" in outcome.message
    coded = {"field": None, "message": "stale", "code": "CHANGE_FROM_QUANTITY_STALE"}
    assert isinstance(changed({"data": {"inventorySetQuantities": {"userErrors": [coded]}}}), Retry)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"webhookSubscriptionDelete": None},
        {"webhookSubscriptionDelete": []},
        {"webhookSubscriptionDelete": "ok"},
        {"webhookSubscriptionDelete": True},
        {"webhookSubscriptionDelete": {}, "another": None},
    ],
    ids=str,
)
def test_a_mutation_without_its_payload_is_uncertain(data: Any) -> None:
    """A 200 without errors proves nothing was wrong, not that anything was done. The control has its payload."""
    assert isinstance(changed({"data": data}), Uncertain)
    assert carried_out(Answer(200, {}, msgspec.json.encode({"data": data}))) is None
    done: dict[str, Any] = {"webhookSubscriptionDelete": {"userErrors": []}}
    assert changed({"data": done}) == done


def test_words_of_an_order_are_no_codes() -> None:
    """A discount code may be called THROTTLED: verdicts are read from errors alone."""
    answer = {
        "data": {"order": {"code": "THROTTLED"}},
        "errors": [{"message": "denied", "extensions": {"code": "ACCESS_DENIED"}}],
    }
    assert isinstance(asked(answer)[0], Refused)


def test_an_answer_of_another_version_is_counted() -> None:
    """C15: the store falls forward when the version asked for has ended; the answer is used, and the operator is told."""
    data, admin, _ = asked(FULL, headers={"x-shopify-api-version": "2026-10"})
    assert isinstance(data, dict)
    (other,) = admin.observed.other_versions("shopify")
    assert (other.asked, other.answered, other.count) == ("2026-07", "2026-10", 1)
    _, admin, _ = asked(FULL, headers={"x-shopify-api-version": "2026-07"})
    assert not admin.observed.other_versions("shopify")


def test_the_bucket_follows_the_answer() -> None:
    """Points are taken as computed, and what was not used comes back with the answer."""
    _, admin, _ = asked({**FULL, "extensions": cost(11, 8, available=1500, maximumAvailable=4000, restoreRate=200)})
    bucket = admin._allowance.bucket(admin.bucket)
    assert (bucket.maximum, bucket.restore_rate, bucket.available, bucket.in_flight) == (4000, 200, 1500, [])


def test_a_call_that_turns_out_dearer_is_planned_dearer() -> None:
    """Should Shopify's rule change, the next call takes what the last one was asked for."""

    async def go() -> float:
        clock = VirtualClock()
        allowance = Allowance(clock)
        store = Store(lambda *_: {**FULL, "extensions": cost(requested=33)})
        admin = Admin(connection(store, clock, allowance))
        for _ in range(2):
            await admin.run("customer", {"id": "gid://shopify/Customer/1"}, timeout_seconds=5)
        return admin._dearer["customer"]

    assert run(go()) == pytest.approx(33 / points("customer", {}, "2026-07"))


def costs(*requested: float) -> tuple[list[Any], Admin, Store]:
    """The outcomes of one query again and again, which the store says to cost so much each time that it is asked."""
    left = list(requested)
    store = Store(lambda *_: {**FULL, "extensions": cost(requested=left.pop(0))})
    admin = Admin(connection(store, VirtualClock()))

    async def go() -> list[Any]:
        gid = {"id": "gid://shopify/Customer/1"}
        return [await admin.run("customer", gid, timeout_seconds=5) for _ in range(20) if left]

    return run(go()), admin, store


def test_one_odd_cost_is_believed_little_and_forgotten() -> None:
    """A document must not become too dear until a restart by one odd number; the control is a rule that did change."""
    usual = points("customer", {"id": "gid://shopify/Customer/1"}, "2026-07")
    outcomes, admin, _ = costs(60_000)
    assert admin._dearer["customer"] == DEARER_MAX
    outcomes, admin, _ = costs(60_000, *[usual] * 10)
    assert all(isinstance(one, dict) for one in outcomes)
    assert admin._dearer["customer"] == 1.0
    _, admin, _ = costs(*[usual * 3] * 10)
    assert admin._dearer["customer"] == pytest.approx(3)


def test_what_only_an_odd_cost_makes_too_dear_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not sent, it could never be seen cheap again: it is believed less at each try, until the store is asked and tells."""
    monkeypatch.setattr("interlock.connectors.shopify.graphql.points", lambda *_: 400)
    outcomes, _, store = costs(60_000, 400)
    told = [outcome.code for outcome in outcomes if isinstance(outcome, Retry)]
    assert not any(isinstance(outcome, Refused) for outcome in outcomes)
    assert set(told) == {"COST-DOUBTED"} and 1 <= len(told) <= 3
    assert isinstance(outcomes[-1], dict) and len(store.asked) == 2


def test_a_query_that_is_too_dear_is_split_before_it_is_sent() -> None:
    """C73: pages become smaller until the call fits, and nothing is sent that would be refused."""
    store = Store(lambda *_: {"data": {"order": None}, "extensions": cost()})
    clock = VirtualClock()
    allowance = Allowance(clock)
    admin = Admin(connection(store, clock, allowance))
    allowance.give_back(admin.bucket, _hold(), used=0, level=_level(maximum=120, available=120))  # a small store
    whole = points("order", {}, "2026-07")
    assert whole > 120, "the order's document costs more than that bucket holds"
    assert isinstance(run(admin.run("order", {"id": "gid://shopify/Order/1"}, timeout_seconds=5)), dict)
    _, variables = store.asked[0]
    assert points("order", variables, "2026-07") <= 120
    assert variables["lines"] < 20


def test_a_query_that_cannot_be_split_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """C73: what no smaller page makes affordable is our own defect, and the store is not asked."""
    monkeypatch.setattr("interlock.connectors.shopify.graphql.points", lambda *_: 1001)
    outcome, _, store = asked(FULL)
    assert isinstance(outcome, Refused)
    assert (outcome.code, store.asked) == ("MAX_COST_EXCEEDED", [])


def test_a_call_without_points_is_told_when() -> None:
    """C70: a live call waits at most half of its time for points; then it is tried later, and no attempt is spent."""
    store = Store(lambda *_: FULL)
    clock = VirtualClock()
    allowance = Allowance(clock)
    admin = Admin(connection(store, clock, allowance))
    allowance.give_back(admin.bucket, _hold(), used=0, level=_level(maximum=2000, available=1))
    outcome = run(admin.run("order", {"id": "gid://shopify/Order/1"}, timeout_seconds=1))
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.status, store.asked) == ("NO-POINTS", 429, [])
    assert outcome.retry_after_seconds == pytest.approx(points("order", {}, "2026-07") / 100, abs=0.1)


def test_buckets_are_by_app_and_store() -> None:
    """C72: the same app at the same store is one bucket, whatever token it has today; the token is not in the name."""
    one = connection(Store(lambda *_: FULL), VirtualClock())
    names = {
        bucket_name(one),
        bucket_name(_with(one, client_id="a", access_token="x")),
        bucket_name(_with(one, client_id="a", access_token="y")),
        bucket_name(_with(one, client_id="b")),
    }
    assert len(names) == 3
    assert not any("shpat" in name for name in names)


def _with(one: Any, **credentials: str) -> Any:
    import msgspec

    return msgspec.structs.replace(one, credentials=credentials)


def _hold() -> Any:
    from interlock.connectors.allowance import Hold

    return Hold(id="none", points=0, until=0, used_before=0)


def _level(**level: float) -> Any:
    from interlock.connectors.allowance import Level

    return Level(**{"restore_rate": 100.0, **level})  # type: ignore[arg-type]
