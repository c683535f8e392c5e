"""EXPERIENCE 3.5 at 4:20: one wrong number among the right ones. The page names it and its cause, a person fixes it, the shop is asked."""

import json
from collections.abc import Iterator
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from demo import Demo, running
from person import Person, wait_until

from interlock.cli.demo_stock import MISCOUNTED, ON_HAND, SHOP_PLACES, SURPLUS

pytestmark = pytest.mark.browser

RIGHT = ON_HAND["more"][1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("stock")) as made:
        yield made


def shown(demo: Demo) -> int:
    """What the shop's twin itself shows of the item at its second location."""
    with urlopen(f"{demo.twins['shopify']}/_twin/stock?item={quote(MISCOUNTED)}", timeout=30) as answer:
        levels = json.loads(answer.read())["levels"]
    return int(next(row["available"] for row in levels if row["location"] == SHOP_PLACES[1]))


def test_a_wrong_number_its_cause_and_the_fix(person: Person, demo: Demo) -> None:
    """A person opens the page, sees which number is wrong, where and why, whose number counts, and queues the correction."""
    person.opens(demo.link)
    person.presses("Inventory")
    person.reads("31 of 32 positions are right.", f"Shopify shows 2 040 of {MISCOUNTED} at ottawa, and 2 000 is right.")
    assert shown(demo) == RIGHT + SURPLUS
    person.reads("somebody else wrote it", "differs", where="#worst")
    assert "90 % 1 of 10" in person.reads("apparel", "100 %", where="#heat")
    person.reads("ShipBob", "fresh", where="#sources")
    person.presses(f"Fix {MISCOUNTED}")
    person.reads(
        "Shopify at ottawa shows 2 040, and should show 2 000: somebody else wrote it.", "2 000 available by ShipBob at 9",
        "Shopify will show 2 000, not 2 040. The source of truth is ShipBob.",
    )  # fmt: skip
    person.types("why", "counted again: the warehouse is right")
    person.presses("Fix")
    person.reads("All 2 places show what ShipBob counts", "Written by us", "available 2 040 → 2 000")
    wait_until(lambda: shown(demo) == RIGHT, lambda: f"the shop shows {shown(demo)}")
    person.presses("Inventory")
    person.reads("All 32 positions show what they should")
    assert person.complaints() == []


def test_the_search_finds_an_item(person: Person, demo: Demo) -> None:
    """Support knows the SKU; a part of it lists what may be meant."""
    person.opens(demo.link)
    person.opens(f"{demo.console}/search?q=LAMP-07")
    person.reads("In every system", "ShipBob counts here")
    person.opens(f"{demo.console}/inventory/sku/lamp")
    person.reads("No system counts, shows or lists “lamp”.", "LAMP-07")
