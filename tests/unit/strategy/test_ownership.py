"""Who is record of a field: the longest name first, then the exception that holds at the place, then the rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import Struct

from interlock.canonical import parse_contract
from interlock.connectors import registry
from interlock.strategy.facts import DocumentFact, RowFact
from interlock.strategy.left_out import left_out
from interlock.strategy.model import RecordException, System
from interlock.strategy.ownership import (
    EVERYWHERE,
    Claim,
    Foreign,
    Ownership,
    Place,
    ownership_of,
    place_of,
    read_from,
)

FIELDS = (
    "order",
    "order.note",
    "order.lines",
    "order.lines.net",
    "order.shipping_address",
    "order.shipping_address.zip",
)


def system(name: str, *things: str, own: tuple[str, ...] = (), where: tuple[RecordException, ...] = ()) -> System:
    """A system that is record of these."""
    return System(
        name=name, title=name.upper(), connector=name, owner="team", url="https://x.example", record_of=list(things),
        record_of_own=list(own), record_of_where=list(where),
    )  # fmt: skip


def held(*systems: System) -> Ownership:
    return ownership_of({one.name: one for one in systems})


def test_the_longest_name_decides() -> None:
    """C89: price list B is the ERP's while the product is the PIM's; neither may pass for the other's."""
    found = held(system("pim", "product"), system("erp", "product.variants.cost"))
    asked = ("", "title", "variants[].cost", "variants", "variants[].price")
    assert [found.record_of("product", path) for path in asked] == ["pim", "pim", "erp", "pim", "pim"]
    assert found.record_of("order", "note") == ""


def test_an_exception_goes_before_the_rule() -> None:
    """The shop at location 12 counts its own shelves; an exception with more conditions goes before one with fewer."""
    shelves = RecordException(of=["inventory_level.on_hand"], locations=["12", "14"])
    online = RecordException(of=["inventory_level.on_hand"], locations=["12"], channels=["web"])
    found = held(
        system("wms", "inventory_level"), system("pos", where=(shelves,)), system("shop", where=(online,))
    )  # fmt: skip
    assert found.record_of("inventory_level", "on_hand") == "wms"
    assert found.record_of("inventory_level", "on_hand", location="12") == "pos"
    assert found.record_of("inventory_level", "on_hand", location="12", channel="web") == "shop"
    assert found.record_of("inventory_level", "on_hand", location="13") == "wms"
    assert found.record_of("inventory_level", "reserved", location="12") == "wms"


def test_each_store_keeps_what_began_there() -> None:
    """C47: two stores of one kind are each record of their own orders, and of nobody else's."""
    found = held(system("shop", "order"), system("belgium", own=("order",)))
    assert found.foreign("belgium", "order", "note", read_from("belgium")) == ()
    assert found.foreign("shop", "order", "note", read_from("shop")) == ()
    assert found.foreign("belgium", "order", "note", read_from("shop")) == (Foreign("order.note", "shop"),)


def test_a_renamed_field_keeps_its_record() -> None:
    """Two versions side by side, a field renamed in the second: whichever name a mapping reads, finance's word counts."""
    fields = 'ship = { type = "object", of = "ship", meaning = "x" }\n[objects.ship.fields]\n'
    head = 'name = "parcel"\nversion = 2\nmeaning = "x"\n[fields]\n'
    text = f'{head}{fields}postcode = {{ type = "string", meaning = "x", renamed_from = "zip" }}\n'
    second = parse_contract(text.replace('of = "ship", meaning', 'of = "ship", renamed_from = "address", meaning'))
    systems = {one.name: one for one in (system("shop", "parcel"), system("erp", "parcel.address.zip"))}
    found = ownership_of(systems, [second])
    asked = ("address.zip", "ship.zip", "ship.postcode", "address.city", "ship")
    assert [found.record_of("parcel", path) for path in asked] == ["erp", "erp", "erp", "shop", "shop"]
    assert found.foreign("shop", "parcel", "address") == (Foreign("parcel.ship.postcode", "erp"),)


def test_identity_is_nobodys_truth() -> None:
    """An external id names the object: whoever may write any field of it may say which object is meant."""
    found = held(system("crm", "customer"))
    assert found.foreign("shop", "customer", "id") == found.foreign("shop", "customer", "origin") == ()


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"location": "12", "source": "pos"}, Place("12", None, "pos")),
        ({"location": "99", "source": None}, EVERYWHERE),
        ({}, EVERYWHERE),
    ],
)  # fmt: skip
def test_an_object_says_where_it_is(said: dict[str, str | None], place: Place) -> None:
    """Only values that an exception names count: all others are one place, and are compiled once."""
    value = type("Value", (Struct,), {"__annotations__": dict.fromkeys(said, object)})(**said)
    assert place_of(value, {"location": frozenset({"12"}), "channel": frozenset({"pos"})}) == place


def test_a_row_goes_when_any_of_its_fields_is_foreign() -> None:
    """Half of a name is a wrong name; what merely opens a list stays, unless the vendor's whole list would be replaced."""
    rows = (RowFact("name", ("first", "last")), RowFact("items[a]", ("lines",), whole=False), RowFact("items[a].n", ("lines.net",)),
            RowFact("items[a].q", ("lines.quantity",)))  # fmt: skip
    found = held(system("shop", "order"), system("erp", "order.last", "order.lines.net"))
    appended = DocumentFact("order", "doc", rows, requires=("items[a].q",))
    replaced = DocumentFact("order", "doc", rows, requires=("items[a].q",), replaces=("items",))
    assert left_out(appended, found, "shop").rows.keys() == {"name", "items[a].n"}
    assert left_out(replaced, found, "shop").rows.keys() == {"name", "items[a]", "items[a].n", "items[a].q"}
    assert (left_out(appended, found, "shop").missing, left_out(replaced, found, "shop").missing) == (
        (),
        ("items[a].q",),
    )


@given(some.lists(some.tuples(some.sampled_from(("shop", "erp", "crm")), some.sampled_from(FIELDS)), max_size=6))
def test_what_is_kept_is_the_sources_own(claims: list[tuple[str, str]]) -> None:
    """Invariant 7, for any claims: no row that stays takes a field, or a part of one, of another record or of nobody's."""
    first = {thing: Claim(name, thing) for name, thing in reversed(claims)}
    found = Ownership(first.values())
    for document in registry.documents("netsuite", ""):
        left = left_out(document, found, "shop")
        for row in document.rows:
            if row.target not in left.rows and document.object == "order":
                for path in (path for path in row.reads if path not in ("id", "origin")):
                    below = [one for one in first if row.whole and one.startswith(f"order.{path}.")]
                    assert {found.record_of("order", path), *(found.record_of("order", one[6:]) for one in below)} == {
                        "shop"
                    }


def test_a_store_that_keeps_its_own_sends_nothing_of_another_store() -> None:
    """C47: two stores, each record of what began there; the places of one are no places of the other. The ERP sees both."""
    found = held(system("eu", own=("order",)), system("us", own=("order",)), system("erp"))
    assert {place.origin for place in found.places("eu", "order")} == {"eu"}
    assert {place.origin for place in found.places("erp", "order")} == {"erp", "eu", "us"}
