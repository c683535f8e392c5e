"""When a source's documents have really changed, and when a field only comes and goes."""

import json
import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from interlock.mapping.profile import Change, Profile
from interlock.mapping.shape import NULL, NUMBER, OBJECT, STRING, shape_of
from interlock.twins.shopify import changes as changed
from interlock.twins.shopify.orders import DEFAULT_PLACED_AT, make_order
from interlock.twins.shopify.scenarios import SCENARIOS

Document = dict[str, Any]
ORDERS = 20_000 if os.environ.get("INTERLOCK_TIER") == "nightly" else 700


def document(number: int) -> Document:
    """A guest's order now and then has no customer; a note is there and mostly null."""
    return {
        "id": number,
        "note": "ring twice" if number % 7 == 0 else None,
        "customer": None if number % 3 == 0 else {"email": "a@b.example", "phone": None},
        "lines": [{"sku": "A", "price": "1.00"}, {"sku": None, "price": "2.00"}],
    }


def learned(count: int, change: Callable[[Document, int], None] = lambda _document, _number: None) -> Profile:
    """A profile of so many documents; `change` bends each by its number."""
    profile = Profile()
    learn(profile, 1, count, change)
    return profile


def learn(profile: Profile, first: int, last: int, change: Callable[[Document, int], None]) -> None:
    for number in range(first, last + 1):
        made = document(number)
        change(made, number)
        profile.learn(shape_of(json.dumps(made).encode()), number)


def found(profile: Profile) -> dict[tuple[str, str], Change]:
    return {(change.kind, change.path): change for change in profile.changes()}


def test_the_shape_has_names_and_types_and_no_value() -> None:
    """What is stored for months must hold nothing personal."""
    shape = shape_of(json.dumps(document(7)).encode())
    assert shape[""] == {"id": NUMBER, "note": STRING, "customer": OBJECT, "lines": 32}
    assert shape["lines[]"] == {"sku": STRING | NULL, "price": STRING}
    assert shape["customer"] == {"email": STRING, "phone": NULL}
    assert b"ring" not in msgspec.msgpack.encode(learned(20))


def test_a_renamed_field_has_vanished_after_ten_documents_and_its_new_name_is_told() -> None:
    """A renamed field must not become silent nulls. Nothing is said after nine, all is said after ten."""

    def renamed(made: Document, number: int) -> None:
        if number > 400:
            made["remark"] = made.pop("note")

    assert found(learned(409, renamed)).keys() == {("new", "remark")}
    change = found(learned(410, renamed))["vanished", "note"]
    assert (change.count, change.first_event, change.last_event) == (10, 401, 410)
    assert (change.was, change.perhaps) == ("text", "remark")


def test_a_field_of_the_elements_of_a_list_and_one_below_an_object_are_followed_too() -> None:
    """Most of what a mapping reads stands in lists and nested objects; only documents that have the holder count."""

    def cut(made: Document, number: int) -> None:
        if number > 500:
            for line in made["lines"]:
                del line["price"]
            if made["customer"]:
                del made["customer"]["email"]

    changes = found(learned(512, cut))
    assert changes["vanished", "lines[].price"].count == 12
    assert ("vanished", "customer.email") not in changes  # eight of twelve had a customer
    changes = found(learned(516, cut))
    assert changes["vanished", "customer.email"].count == 10


def test_a_field_that_comes_and_goes_never_vanishes() -> None:
    """Control of the rule: missing 45 times in a row is usual for a field that was missing before."""

    def sometimes(made: Document, number: int) -> None:
        if (number // 45) % 2:
            del made["note"]

    profile = Profile()
    for block in range(40):
        learn(profile, block * 45, block * 45 + 44, sometimes)
        assert found(profile).keys() <= set()


def test_what_is_almost_always_there_needs_fifty_in_a_row() -> None:
    """99 of 100 is steady, 97 of 100 is not."""

    def missing(every: int) -> Callable[[Document, int], None]:
        def bend(made: Document, number: int) -> None:
            if number % every == 0 or number > 600:
                del made["note"]

        return bend

    assert ("vanished", "note") not in found(learned(648, missing(120)))
    assert found(learned(649, missing(120)))["vanished", "note"].count == 50  # the 600th was missing as well
    assert ("vanished", "note") not in found(learned(700, missing(30)))


def test_a_new_type_and_a_new_field_and_a_value_that_is_always_null_now() -> None:
    """Each is another mistake at the source, with its own count."""

    def bent(made: Document, number: int) -> None:
        made["number"] = number if number <= 400 else None
        if number > 400:
            made["id"] = str(number)
            made["lines"][0]["tax_code"] = "T1"

    changes = found(learned(500, bent))
    assert {key for key in changes if key[0] != "new"} == {("retyped", "id"), ("emptied", "number")}
    assert (changes["retyped", "id"].was, changes["retyped", "id"].now) == ("number", "text")
    assert changes["retyped", "id"].count == 100
    assert (changes["emptied", "number"].count, changes["emptied", "number"].first_event) == (100, 401)
    assert changes["new", "lines[].tax_code"].now == "text"


def test_an_object_that_was_never_there_before_brings_no_news() -> None:
    """The first discount code after months is no new field of the source; nor is the first of anything optional."""

    def campaign(made: Document, number: int) -> None:
        made["codes"] = [{"code": "SPRING", "amount": "5.00"}] if number > 300 else []

    assert found(learned(400, campaign)) == {}


def test_accepted_changes_are_not_told_again_and_a_field_that_is_back_is_known_to_be() -> None:
    """A person decides once; a vendor who repairs a field ends the drift by that."""

    def without(made: Document, number: int) -> None:
        if 400 < number <= 450:
            del made["note"]

    profile = learned(450, without)
    assert not profile.back("note")
    learn(profile, 451, 459, without)
    assert not profile.back("note")
    learn(profile, 460, 460, without)
    assert profile.back("note")
    gone = learned(450, without)
    gone.accept("note", "vanished")
    assert found(gone) == {}


def test_a_profile_survives_being_stored() -> None:
    """It is learned over weeks, and a restart must not begin anew."""

    def without(made: Document, number: int) -> None:
        if number > 400:
            del made["note"]

    whole = learned(420, without)
    half = learned(405, without)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(half), type=Profile)
    learn(again, 406, 420, without)
    assert found(again) == found(whole)


def test_a_table_by_name_is_data_and_not_shape() -> None:
    """Stock by SKU has a new name with every product; nobody is told of each, and memory stays bounded."""

    def stock(made: Document, number: int) -> None:
        made["stock"] = {f"SKU-{number + at}": 1 for at in range(20)}

    profile = learned(900, stock)
    assert found(profile) == {}
    assert len(profile.holders["stock"].fields) < 450


def test_names_that_are_somebodys_data_are_not_kept() -> None:
    """A table of consents by mail address would otherwise put addresses into the store and onto a page."""

    def consents(made: Document, number: int) -> None:
        made["consents"] = {"anna@shop.example": True, "x" * 65: True, "bert@shop.example": {"sms": True}, "sms": True}

    profile = learned(200, consents)
    assert set(profile.holders["consents"].fields) == {"sms"}
    assert b"shop.example" not in msgspec.msgpack.encode(profile)


def traffic(seed: int, orders: int) -> Iterator[Document]:
    """The twin's everyday mix, with bursts of one kind of order, and refunds, cancellations and fulfilments among them."""
    chance, kind, left = random.Random(seed), "", 0
    kinds = sorted(SCENARIOS.keys() - {"lines_300"})
    for number in range(1, orders + 1):
        if not left and chance.random() < 0.02:
            kind, left = chance.choice(kinds), chance.randint(20, 80)
        order = make_order(chance, number, kind if left else None)
        left = max(0, left - 1)
        yield order
        yield from changes_of(order, chance.random())


def changes_of(order: Document, drawn: float) -> Iterator[Document]:
    act = changed.refund if drawn < 0.1 else changed.cancel if drawn < 0.2 else changed.fulfil if drawn < 0.4 else None
    if act is not None:
        try:
            yield act(order, DEFAULT_PLACED_AT + timedelta(hours=1)).order
        except changed.ChangeRefused:
            return


def without_nulls(value: Any) -> Any:
    """As a vendor would send it who leaves out what is null: every optional field comes and goes."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("sent", ["as it is", "without nulls"])
def test_no_alarm_over_generated_traffic(sent: str) -> None:
    """Optional fields that come and go must not cry wolf: 34 kinds of orders, in the mix and in bursts of up to 80."""
    profile, alarms, news = Profile(), set(), set()
    for number, order in enumerate(traffic(seed=11, orders=ORDERS), 1):
        body = json.dumps(order if sent == "as it is" else without_nulls(order)).encode()
        profile.learn(shape_of(body), number)
        if number % 5 == 0:
            alarms |= {key for key in found(profile) if key[0] != "new"}
            news |= {key for key in found(profile) if key[0] == "new"}
    assert profile.documents > 800
    assert alarms == set()
    assert len(news) <= 6  # low, and each a field that really was not there before


def test_each_field_of_an_order_would_be_missed() -> None:
    """The control of the one above: over the same traffic, every field that is always there is missed when it goes."""
    orders = list(traffic(seed=11, orders=420))
    steady = set.intersection(*(set(order) for order in orders))
    profile = Profile()
    for number, order in enumerate(orders[:-12], 1):
        profile.learn(shape_of(json.dumps(order).encode()), number)
    for number, order in enumerate(orders[-12:], len(orders)):
        profile.learn(shape_of(json.dumps({"id": order["id"]}).encode()), number)
    assert {path for kind, path in found(profile) if kind == "vanished"} == steady - {"id"}
    assert len(steady) > 60
