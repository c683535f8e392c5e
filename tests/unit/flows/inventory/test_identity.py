"""Which SKU an item is: by id, then by rule, never by name, and conflicts are told."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from book_stage import START_US, BookStage
from stock_folder import CICERO, ItemRule, Location, level, listed, normaliser, stopped, taken

from interlock.flows.inventory.line import Ignored
from interlock.flows.inventory.rules import BookCatalogue
from interlock.messaging.sqlite.stock_book import SqliteStockWork
from interlock.messaging.stock import Item
from interlock.strategy.inventory import Inventory


def test_the_same_sku_everywhere_needs_no_entry() -> None:
    """Most items of most shops: nobody should have to write them down."""
    assert taken(normaliser().level("wms", level())).sku == "TEE-1"


def test_two_variants_with_one_sku_are_a_conflict_that_is_told() -> None:
    """C27: neither may be guessed, or one item's stock is sold as the other's."""
    catalogue = listed(shop=[Item(item="shop-second", sku="TEE-1")])
    found = normaliser(catalogue).sku("shop", "shop-TEE-1", "TEE-1")
    assert stopped(found) == "STK005"
    assert "shop-TEE-1" in found.what and "shop-second" in found.what
    assert stopped(normaliser(catalogue).item_at("shop", "TEE-1")) == "STK005"


def test_an_id_in_the_file_decides_before_any_sku() -> None:
    """C27: map by the id first. The second variant is another item whatever SKU it shows, and the first is free again."""
    catalogue = listed(shop=[Item(item="shop-second", sku="TEE-1")])
    items = [ItemRule(sku="TEE-2", names={"shop": ["shop-second"]})]
    subject = normaliser(catalogue, items=items)
    assert subject.sku("shop", "shop-second", "TEE-1") == "TEE-2"
    assert subject.sku("shop", "shop-TEE-1", "TEE-1") == "TEE-1"
    assert (subject.item_at("shop", "TEE-2"), subject.item_at("shop", "TEE-1")) == ("shop-second", "shop-TEE-1")


def test_an_id_that_is_not_among_the_twins_is_not_guessed() -> None:
    """C27: a sale may name the variant where the catalogue lists items; one of two with its SKU cannot be picked for it."""
    catalogue = listed(shop=[Item(item="shop-second", sku="TEE-1")])
    items = [ItemRule(sku="TEE-2", names={"shop": ["shop-second"]})]
    assert stopped(normaliser(catalogue, items=items).sku("shop", "variant-9", "TEE-1")) == "STK005"


def test_an_alias_is_the_item_where_it_is_named_and_nowhere_else() -> None:
    """The same text at another system may be another item: an alias is true at its own system only."""
    catalogue = listed(amazon=[Item(item="A1", sku="tee-amz")], wms=[Item(item="9", sku="tee-amz")])
    subject = normaliser(catalogue, items=[ItemRule(sku="TEE-1", names={"amazon": ["tee-amz"]})])
    assert subject.sku("amazon", "A1", "tee-amz") == "TEE-1"
    assert subject.item_at("amazon", "TEE-1") == "A1"
    found = subject.sku("wms", "9", "tee-amz")
    assert stopped(found) == "STK001"
    assert "another system calls TEE-1 so" in found.what


def test_an_item_with_names_at_a_system_is_not_also_what_bears_its_sku_there() -> None:
    """Two items of the warehouse would be one of ours, and the later count would erase the earlier."""
    catalogue = listed(wms=[Item(item="8", sku="TEE-1-US")])
    subject = normaliser(catalogue, items=[ItemRule(sku="TEE-1", names={"wms": ["TEE-1-US"]})])
    assert subject.sku("wms", "8", "TEE-1-US") == "TEE-1"
    found = subject.sku("wms", "wms-TEE-1", "TEE-1")
    assert stopped(found) == "STK001"
    assert found.what.startswith('wms tells of "TEE-1", and inventory/items.toml has "TEE-1-US" as its name at wms')
    assert 'wms = ["TEE-1-US", "TEE-1"] under names of TEE-1' in found.next_move, "not that the file does not name it: it does"


def test_a_number_that_is_an_sku_of_one_and_the_id_of_another_is_a_conflict() -> None:
    """At NetSuite both are numbers: a name in the file that fits two items says nothing."""
    catalogue = listed(erp=[Item(item="55", sku="1001"), Item(item="1001", sku="CAP-9")])
    subject = normaliser(catalogue, items=[ItemRule(sku="TEE-1", names={"erp": ["1001"]})])
    assert stopped(subject.sku("erp", "1001", "CAP-9")) == "STK005"


def test_a_changed_sku_is_the_item_of_before_until_both_mean_something() -> None:
    """C27: the id stays when the SKU changes. Where both SKUs are ours, which is meant cannot be said."""
    subject = normaliser()
    assert subject.sku("wms", "wms-TEE-1", "TEE-1-NEW") == "TEE-1"
    found = subject.sku("wms", "wms-TEE-1", "CAP-1")
    assert stopped(found) == "STK005"
    assert "TEE-1" in found.what and "CAP-1" in found.what


def test_an_empty_sku_is_found_by_its_id_then_by_its_barcode() -> None:
    """C27: a system that shows no SKU still has an item; without any mark it stops and is never zero."""
    catalogue = listed(wms=[Item(item="7")], shop=[Item(item="S7", sku="BAG-1", barcode="4006381333931")])
    subject = normaliser(catalogue)
    assert subject.sku("wms", "wms-TEE-1", "") == "TEE-1"
    assert subject.sku("wms", "7", "", "4006381333931") == "BAG-1"
    assert stopped(subject.sku("wms", "7", "")) == "STK001"


def test_a_barcode_of_the_file_goes_before_what_others_list() -> None:
    """A box and its content share a barcode more often than they should: the file settles it."""
    subject = normaliser(items=[ItemRule(sku="TEE-1", barcode="4006381333931")])
    assert subject.sku("wms", "77", "", "4006381333931") == "TEE-1"


def test_a_barcode_of_two_items_is_a_conflict() -> None:
    """C27: the first that is found would be a guess."""
    twins = [Item(item="a", sku="TEE-1", barcode="1"), Item(item="b", sku="CAP-1", barcode="1")]
    assert stopped(normaliser(listed(shop=twins)).sku("wms", "77", "", "1")) == "STK005"
    assert stopped(normaliser(listed(wms=twins)).sku("wms", "77", "", "1")) == "STK005"


@pytest.mark.parametrize("sku", ["tee-1", "TEE-1 ", "TEE 1"])
def test_nearly_the_same_is_not_the_same(sku: str) -> None:
    """C27: nothing is matched by likeness; a line that stops is cheaper than stock of another item."""
    found = normaliser().sku("wms", "77", sku)
    assert stopped(found) == "STK001"
    assert "inventory/items.toml" in found.next_move


def test_what_only_the_system_itself_lists_is_unknown() -> None:
    """A typing error at the warehouse is an item there too: only somebody else's word makes it known."""
    catalogue = listed(wms=[Item(item="9", sku="TEE-11")])
    assert stopped(normaliser(catalogue).level("wms", level(item="9", sku="TEE-11"))) == "STK001"


def test_what_is_ignored_is_no_stopped_line() -> None:
    """Packaging is not a problem to look at; an item that the file names is never ignored."""
    subject = normaliser(listed(wms=[Item(item="p", sku="PKG-7")]), ignore=["PKG-*"])
    assert isinstance(subject.level("wms", level(item="p", sku="PKG-7")), Ignored)
    assert isinstance(subject.level("wms", level(item="p", sku="PKG-7", location="nowhere")), Ignored)
    assert isinstance(subject.level("wms", level(item="p", sku="")), Ignored)
    assert stopped(subject.level("wms", level(item="q", sku="XPKG-7"))) == "STK001"


def test_a_channel_that_does_not_list_an_item_says_so() -> None:
    """C63: a reason, and what to do, in place of a write that fails for ever. What the folder names there is missing; all else is
    not sold there."""
    catalogue = listed(without=("MUG-1",), wms=[Item(item="m", sku="MUG-1")])
    found = normaliser(catalogue).item_at("shop", "MUG-1")
    assert stopped(found) == "STK013"
    assert "create it there" in found.next_move
    named = normaliser(catalogue, items=[ItemRule(sku="MUG-1", names={"shop": ["MUG-1-SHOP"]})])
    assert stopped(named.item_at("shop", "MUG-1")) == "STK001"


def test_a_system_that_takes_no_part_makes_nothing_known() -> None:
    """What a system lists that has no place anywhere is no reason to take a line."""
    here = {"cicero": Location("wms", {"wms": ["156"], "shop": ["1"]})}
    catalogue = listed(erp=[Item(item="e", sku="ERP-ONLY")])
    assert stopped(normaliser(catalogue, locations=here).sku("wms", "e", "ERP-ONLY")) == "STK001"
    assert normaliser(catalogue, locations={"cicero": CICERO}).sku("wms", "e", "ERP-ONLY") == "ERP-ONLY"


def test_a_renamed_item_moves_in_the_catalogue(tmp_path: Path) -> None:
    """An item that is listed again under another SKU is gone from the first: otherwise each rename made a conflict."""

    async def run() -> None:
        async with BookStage(tmp_path, Inventory(locations={"cicero": CICERO})) as stage:
            for item in (
                Item(item="i", sku="TEE-9", barcode="5", variant="v"),
                Item(item="i", sku="TEE-8", barcode="6"),
            ):
                await stage.run(partial(SqliteStockWork.list_items, system="shop", items=[item], seen_us=START_US))
            catalogue = BookCatalogue(stage.book)
            assert (catalogue.items_of("shop", "TEE-9"), catalogue.items_of("shop", "TEE-8")) == ((), ("i",))
            assert (catalogue.with_barcode("shop", "5"), catalogue.with_barcode("shop", "6")) == ((), ("i",))
            assert (catalogue.sku_of("shop", "v"), catalogue.sku_of("shop", "i")) == ((), ("TEE-8",))

    asyncio.run(run())
