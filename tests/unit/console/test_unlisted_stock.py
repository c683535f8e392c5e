"""The pages of stock where one side does not know the item: what a channel sells and nobody counts, and what it does not list."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.browse import Browser
from console.conftest import Desk
from console.stocked import MINUTE, show, stocked, stocked_strategy
from console.store import NOW_MS, Store

SOLD = "SCARF-1"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Browser]:
    """Shopify sells 1,100 scarves that nobody counts; Amazon lists no MUG-2."""
    store = stocked(tmp_path)
    _uncounted(store)
    show(store, "MUG-2", "amazon", "DEFAULT", 4, item="", seen=None, seen_us=0, written_us=0, trouble="STK001",
         said="amazon lists no item that is MUG-2")  # fmt: skip
    for channel in ("amazon", "shopify"):
        store.insert("stock_cause", channel=channel, cause="unmapped", positions=2, variance=5)
    made = Desk(store, runs=stocked_strategy())
    yield made.signed_in()
    made.views.close()
    store.close()


def _uncounted(store: Store) -> None:
    store.insert("stock_item", system="shopify", item="46870", sku=SOLD, tracked=1, seen_us=NOW_MS * 1_000)
    store.insert("stock_difference", channel="shopify", place="", sku=SOLD, location="", cause="unmapped", state="left", shown=1_100,
                 what=f"shopify sells 1100 of {SOLD}: no source of truth counts it", next_move="name it in inventory/items.toml",
                 item="46870", group_name="", price="", currency="", variance=0, since_ms=NOW_MS - MINUTE, last_ms=NOW_MS - MINUTE, run=1)  # fmt: skip


def test_what_nobody_counts_is_no_position_that_is_wrong(shop: Browser) -> None:
    """The largest number on the page is not the largest mistake: an item without a place made the right ones fewer, and stood \"at ,\"."""
    said = shop.get("/inventory").page.said
    assert "26 of 30 positions are right. Shopify shows 44 of TEE-1 at cicero, and 37 is right; 3 others differ." in said
    assert "Also: 1 item is sold that no source of truth counts and 2 lines stopped." in said
    assert "name it in inventory/items.toml" in said and " at , " not in said
    assert "One side does not list it 4 positions, off by 10" in said, "each cause once, of all channels"


def test_nothing_is_to_be_fixed_where_one_side_lacks_the_item(shop: Browser) -> None:
    """A button that writes cannot make an item: the rows lead to what to do, and the page of the SKU has no form for it."""
    rows = shop.get("/inventory").page
    assert f"Look at {SOLD}" in rows.said and "Look at MUG-2" in rows.said
    assert rows.said.index("Fix TEE-1") < rows.said.index(f"Look at {SOLD}"), "what can be put right is not buried under what is not listed"
    assert f"Fix {SOLD}" not in rows.said and "Fix TEE-1" in rows.said
    assert "Amazon will show" not in shop.get("/inventory/sku/MUG-2").page.said
    assert "Shopify will show 37" in shop.get("/inventory/sku/TEE-1").page.said, "control: a number that can be written has its form"


def test_many_that_are_not_listed_leave_room_for_what_is_wrong(tmp_path: Path) -> None:
    """A marketplace that lists a twentieth of what is counted: the fifty worst were all items that it does not sell."""
    store = stocked(tmp_path)
    for number in range(60):
        show(store, f"HAT-{number}", "amazon", "DEFAULT", 9_000, item="", seen=None, seen_us=0, trouble="STK001", said="not listed")
    made = Desk(store, runs=stocked_strategy())
    said = made.signed_in().get("/inventory").page.said
    assert "Fix TEE-1" in said and "Fix MUG-1" in said and "Look at HAT-0" in said
    made.views.close()
    store.close()


def test_the_page_of_an_uncounted_item_says_who_sells_it(shop: Browser) -> None:
    """\"No channel shows it\" was said of an item that the list of differences had just led to."""
    said = shop.get(f"/inventory/sku/{SOLD}").page.said
    assert "Shopify lists it, no source of truth counts it: nothing of it is written." in said
    assert "No channel shows it" not in said
