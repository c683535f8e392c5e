"""A line in our words, or a named reason: locations, units, packs, kits, owners; and back to what a channel shows."""

from decimal import Decimal

import pytest
from stock_folder import CICERO, Group, ItemRule, Kit, Location, level, listed, normaliser, stopped, taken

from interlock.flows.inventory.line import REASONS, Ignored, Position
from interlock.messaging.stock import Item

SPLIT = Location("wms", {"wms": ["156", "157"], "shop": ["1", "2"]}, {"shop": {"1": 0.7, "2": "rest"}})


def test_a_line_is_a_position_in_base_units() -> None:
    """What the stock book keeps, whole: our SKU, our location, and the owner's own names of both."""
    found = taken(normaliser().level("wms", level(quantities={"available": Decimal(3), "on_hand": Decimal("5.0")})))
    assert (found.sku, found.location, found.place, found.item) == ("TEE-1", "cicero", "156", "wms-TEE-1")
    assert found.quantities == {"available": 3, "on_hand": 5}
    assert (found.remainder, dict(found.remainders)) == (0, {})


def test_an_unknown_location_stops_the_line() -> None:
    """C63: stock at a place that nobody declared is shown nowhere and counted nowhere, with a reason."""
    found = normaliser().level("wms", level(location="999"))
    assert stopped(found) == "STK002"
    assert (found.item, found.sku, found.location, found.reason) == ("wms-TEE-1", "TEE-1", "999", "unknown location")


def test_several_places_of_the_owner_are_one_location() -> None:
    """Many to one: each place stays a position of its own, so that the second does not erase the first."""
    subject = normaliser(locations={"cicero": SPLIT})
    found = [taken(subject.level("wms", level(location=place))) for place in ("156", "157")]
    assert {(one.location, one.place) for one in found} == {("cicero", "156"), ("cicero", "157")}


def test_two_locations_may_be_one_place_of_a_channel() -> None:
    """A channel that shows one number for all: the place stands for both, and each shows its part there."""
    reno = Location("wms", {"wms": ["158"], "amazon": ["DEFAULT"]})
    subject = normaliser(locations={"cicero": CICERO, "reno": reno})
    assert subject.locations("amazon", "DEFAULT") == ("cicero", "reno")
    assert subject.location("amazon", "DEFAULT") == "cicero"
    assert [subject.shown("amazon", name, "TEE-1", 5) for name in ("cicero", "reno")] == [({"DEFAULT": 5}, 0)] * 2


@pytest.mark.parametrize("quantity", [0, 1, 2, 9, 10, 25, 999, -3])
def test_a_split_shows_every_piece_once(quantity: int) -> None:
    """One to many: whole numbers, the rest to one place, the total kept."""
    shown, remainder = normaliser(locations={"cicero": SPLIT}).shown("shop", "cicero", "TEE-1", quantity)
    assert sum(shown.values()) + remainder == quantity
    assert shown["1"] == quantity * 7 // 10


def test_shares_are_exact() -> None:
    """0.29 of 100 is 29: a binary fraction would make it 28."""
    place = Location("wms", {"wms": ["1"], "shop": ["a", "b"]}, {"shop": {"a": 0.29, "b": 0.71}})
    assert normaliser(locations={"x": place}).shown("shop", "x", "TEE-1", 100) == ({"a": 29, "b": 71}, 0)


def test_25_pieces_are_two_packs_of_12_and_one_stays_with_the_owner() -> None:
    """C65: a third pack would sell eleven pieces that are not there; the odd one is not lost."""
    subject = normaliser(items=[ItemRule(sku="TEE-1", pack={"shop": 12})])
    assert subject.shown("shop", "cicero", "TEE-1", 25) == ({"1": 2}, 1)
    assert subject.pack("shop", "TEE-1") == 12
    assert subject.taken("shop", "TEE-1", 2) == {"TEE-1": 24}


def test_units_and_packs_of_the_owner_become_pieces() -> None:
    """C65 the other way: a case is twelve, a system that counts in packs need not say its unit."""
    subject = normaliser(items=[ItemRule(sku="TEE-1", units={"CS": 12}, pack={"wms": 6})])
    told = {unit: taken(subject.level("wms", level(unit=unit))).quantities["available"] for unit in ("CS", "", "EA")}
    assert told == {"CS": 120, "": 60, "EA": 10}


def test_an_unknown_unit_stops_the_line() -> None:
    """C65: ten of nobody knows what are not ten."""
    found = normaliser().level("wms", level(unit="PAL"))
    assert stopped(found) == "STK003"
    assert "PAL" in found.what and "units of TEE-1" in found.next_move


@pytest.mark.parametrize(
    ("rounding", "told", "quantity", "remainder"),
    [
        ("down", "2.55", 30, "0.60"),
        ("up", "2.55", 31, "-0.40"),
        ("down", "-2.55", -31, "0.40"),
        ("exact", "2.5", 30, "0"),
    ],
)
def test_part_of_a_piece_is_kept_as_a_remainder(rounding: str, told: str, quantity: int, remainder: str) -> None:
    """C64: rounding is a rule and what it took is kept: pieces and remainder are what was told."""
    subject = normaliser(items=[ItemRule(sku="TEE-1", units={"CS": 12}, rounding=rounding)])
    found = taken(subject.level("wms", level(told=told, unit="CS")))
    assert (found.quantities["available"], found.remainder) == (quantity, Decimal(remainder))


def test_where_it_must_be_exact_a_part_of_a_piece_stops_the_line() -> None:
    """C64: refuse by rule, visibly."""
    subject = normaliser(items=[ItemRule(sku="TEE-1", units={"CS": 12}, rounding="exact")])
    assert stopped(subject.level("wms", level(told="2.55", unit="CS"))) == "STK004"


@pytest.mark.parametrize("told", ["1000000001", "-1000000001", "NaN", "Infinity", "1E+999999999"])
def test_what_no_channel_could_take_stops_the_line(told: str) -> None:
    """C64: more than 1,000,000,000 is a mistake of somebody; nothing that a system says costs us our time either."""
    assert stopped(normaliser().level("wms", level(told=told))) == "STK007"


@pytest.mark.parametrize("told", ["1E-999999999", "0." + "1" * 80])
def test_a_part_too_small_to_keep_exactly_stops_the_line(told: str) -> None:
    """C64: the remainder is exact or there is none: a part that we would round ourselves is not taken."""
    assert stopped(normaliser().level("wms", level(told=told))) == "STK004"


def test_a_number_that_is_too_large_in_pieces_stops_the_line() -> None:
    """C64: the bound is of pieces, whatever the unit."""
    subject = normaliser(items=[ItemRule(sku="TEE-1", units={"CS": 1_000_000})])
    assert stopped(subject.level("wms", level(told="1001", unit="CS"))) == "STK007"


def test_below_zero_is_true_of_what_may_be_oversold_and_of_nothing_else() -> None:
    """C64: an owner that has oversold says -3 and means it; -3 damaged pieces are nobody's."""
    assert taken(normaliser().level("wms", level(told="-3"))).quantities == {"available": -3}
    assert stopped(normaliser().level("wms", level(quantities={"damaged": Decimal(-3)}))) == "STK007"


def test_no_number_is_not_zero() -> None:
    """C66: a line that says nothing changes nothing."""
    assert stopped(normaliser().level("wms", level(quantities={}))) == "STK004"


def test_a_kit_is_derived_and_never_counted() -> None:
    """C60: a parent's stock is that of its parts; a count of it is told and not taken."""
    kits = [Kit(sku="SET-1", of={"TEE-1": 2, "CAP-1": 1})]
    catalogue = listed(wms=[Item(item="k", sku="SET-1")])
    assert stopped(normaliser(catalogue, kits=kits).level("wms", level(item="k", sku="SET-1"))) == "STK008"


def test_a_kit_that_another_owner_shows_is_a_signal() -> None:
    """A shop that counts nothing there tells what it shows of a kit: no stopped line, which would wait for a person for ever."""
    catalogue = listed(shop=[Item(item="k", sku="SET-1")])
    subject = normaliser(catalogue, kits=[Kit(sku="SET-1", of={"TEE-1": 2, "CAP-1": 1})])
    told = level(item="k", sku="SET-1", location="1")
    assert stopped(subject.level("shop", told)) == "STK006"
    assert subject.signal("shop", told) is None


def test_kits_inside_kits_are_taken_apart() -> None:
    """C60: whatever lies between, a kit is pieces of items that are counted, and each of them knows its kits."""
    kits = [Kit(sku="GIFT", of={"SET-1": 2, "MUG-1": 1}), Kit(sku="SET-1", of={"TEE-1": 2, "CAP-1": 1})]
    subject = normaliser(kits=kits, items=[ItemRule(sku="GIFT", pack={"shop": 3})])
    assert subject.components("GIFT") == {"TEE-1": 4, "CAP-1": 2, "MUG-1": 1}
    assert (subject.components("MUG-1"), subject.kits_with("CAP-1")) == ({}, ("GIFT", "SET-1"))
    assert subject.taken("shop", "GIFT", 1) == {"TEE-1": 12, "CAP-1": 6, "MUG-1": 3}


def test_only_the_owner_is_believed() -> None:
    """C67: what another system counts there is a signal, and says whose count is the truth."""
    found = normaliser().level("shop", level(item="shop-TEE-1", location="1"))
    assert stopped(found) == "STK006"
    assert "wms counts it there" in found.what


def test_a_group_may_have_another_owner_at_some_locations() -> None:
    """Of the same location one system may count the shirts and another the rest."""
    groups = [Group(name="apparel", skus=["TEE-*"], owner="erp", at=["cicero"])]
    subject = normaliser(groups=groups)
    assert (subject.owner("TEE-1", "cicero"), subject.owner("CAP-1", "cicero")) == ("erp", "wms")
    assert stopped(subject.level("wms", level())) == "STK006"
    assert isinstance(subject.level("erp", level(item="erp-TEE-1", location="4")), Position)
    assert subject.group("TEE-1").name == "apparel" and subject.group("CAP-1") is None


def test_an_item_may_name_its_group() -> None:
    """What no pattern fits belongs where the file puts it, before any pattern."""
    groups = [Group(name="apparel", skus=["*"]), Group(name="drinks")]
    subject = normaliser(groups=groups, items=[ItemRule(sku="MUG-1", group="drinks")])
    assert [subject.group(sku).name for sku in ("MUG-1", "TEE-1")] == ["drinks", "apparel"]


def test_a_channel_that_does_not_show_a_location_keeps_nothing_of_it() -> None:
    """All of it stays with the owner; an empty answer is not a zero that somebody writes."""
    subject = normaliser(locations={"cicero": Location("wms", {"wms": ["156"]})})
    assert subject.shown("shop", "cicero", "TEE-1", 7) == ({}, 7)
    assert subject.places("shop", "cicero", "TEE-1") == ()


def test_a_place_that_is_no_stock_is_passed_over() -> None:
    """A returns desk counts what nobody sells, also items that nobody knows: no stopped line each day (C64). Unnamed it stops
    (STK002), which is the control; the same id at another system is another place."""
    returned = level(location="999", item="wms-OLD", sku="OLD")
    assert stopped(normaliser().level("wms", level(location="999"))) == "STK002"
    subject = normaliser(ignored_places=[("wms", "999")])
    assert isinstance(subject.level("wms", returned), Ignored)
    assert stopped(subject.level("erp", level(location="999", item="erp-TEE-1"))) == "STK002"
    assert isinstance(subject.level("wms", level()), Position)


def test_every_reason_has_a_word() -> None:
    """A list of stopped lines is read by people."""
    assert all(REASONS[f"STK00{number}"] for number in range(1, 9))
