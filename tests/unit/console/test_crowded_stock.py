"""The pages of stock where there is much of everything: what needs somebody stays in sight, and all of it can be reached."""

from collections.abc import Iterator

import pytest

from console import test_pages
from console.browse import Browser
from console.conftest import Desk
from console.crowded import CHANGES, LONGEST, crowded, crowded_strategy

PAGE = "/inventory/sku/TEE-1"
FOLDED = "13 locations more, where nothing differs"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Signed in over the crowded store; nothing here changes it."""
    store = crowded(tmp_path_factory.mktemp("crowded"))
    made = Desk(store, runs=crowded_strategy())
    yield made.signed_in()
    made.views.close()
    store.close()


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}?all=1&changes=1000", f"/inventory/sku/{LONGEST}", f"/inventory/sku/{LONGEST}X", "/inventory",
                                  "/inventory?places=all", "/inventory/differences"])  # fmt: skip
def test_each_page_renders_in_the_houses_way(shop: Browser, path: str) -> None:
    """One heading, an answer, links that exist, however much there is."""
    if path.endswith("X"):
        assert (shop.get(path).status, f"/inventory/sku/{LONGEST}" in shop.get(path).page.links()) == (404, True)
    else:
        test_pages.test_page_renders_in_the_houses_way(shop, path)


def test_what_differs_stays_in_sight_of_twenty_locations(shop: Browser) -> None:
    """Forty-one sums are no answer: the gravest are told in full, the others are rows with the way to their sum."""
    answer = shop.get(PAGE)
    said = answer.page.said
    assert "Shopify at store-03 shows 19, and should show 12: somebody else wrote it." in said and FOLDED in said
    for words in ("Why Shopify should show 12 at store-03, and shows 19", "Why Square should show 16 at store-07, and shows 11",
                  "Why Amazon should show 350 at store-01 + 19 more, and shows 407", "37 places, each with its sum"):  # fmt: skip
        assert words in said, words
    assert said.count("should be shown") == 4
    assert FOLDED not in shop.get(f"{PAGE}?all=1").page.said
    link = next(link for link in answer.page.links() if "place=square" in link and "L19" in link)
    chosen = shop.get(link.partition("#")[0]).page.said
    assert "Why Square shows 28 at store-19" in chosen and "Why Square shows 28 at store-19" not in said


def test_the_sum_of_many_locations_is_told_location_by_location(shop: Browser) -> None:
    """Forty lines hide the one that is wrong: each location is one line, with its terms in words, and they still add up."""
    said = shop.get(PAGE).page.said
    assert "11 available by ShipBob at 1, \u22123 safety stock 1 and buffer 2 (store-01)" in said
    assert sum(10 + at - 3 for at in range(1, 21)) == 350


def test_the_newest_of_a_thousand_changes_come_first_by_day(shop: Browser) -> None:
    """An item that moves every few minutes: today is on the page, older days are a link away, and the end is told."""
    first = shop.get(PAGE).page.said
    assert "the newest 50" in first and first.index("Today") < first.index("Yesterday")
    assert f"{PAGE}?changes=250#timeline" in shop.get(PAGE).page.links()
    most = shop.get(f"{PAGE}?changes={CHANGES}").page.said
    assert most.count("Written by us") == CHANGES // 4 and "Older ones" not in most
    for odd in ("x", "-1", "9" * 30):
        assert "the newest" in shop.get(f"{PAGE}?changes={odd}").page.said


def test_a_place_that_was_never_read_is_not_called_wrong(shop: Browser) -> None:
    """Of a new item one place differs and forty wait for their first look: the answer tells them apart."""
    said = shop.get(f"/inventory/sku/{LONGEST}").page.said
    assert "shows 40, and should show 10" in said and "40 other places have not been read yet." in said and "not as it should be" not in said
