"""Two stores that number alike: each order has its own page, and no list or address takes one for the other (C47)."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from console.browse import Browser
from console.changing import written
from console.conftest import Desk
from console.drifting import DRIFT
from console.store import MINUTE, NOW_MS, Store, deliver, give_up, key_of, order_body, place, strategy
from interlock.strategy.model import Strategy

NUMBER = 1301
PAGE = f"/objects/order/{key_of(NUMBER)}"


def with_two_stores() -> Strategy:
    """The Monday's strategy, and a second shop with a flow of its own."""
    runs = strategy()
    store = msgspec.structs.replace(runs.systems["shopify"], name="shop-us", title="Shopify US")
    flow = msgspec.structs.replace(
        runs.flows["order-to-erp"], name="us-order-to-erp", title="US orders", source="shop-us"
    )
    return msgspec.structs.replace(
        runs, systems=runs.systems | {"shop-us": store}, flows=runs.flows | {"us-order-to-erp": flow}
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One number, sold in both stores: done for the first, dead for the second, with bodies that tell them apart."""
    store = Store(tmp_path)
    for at, (system, state) in enumerate((("shopify", "done"), ("shop-us", "dead"))):
        at_ms = NOW_MS - (2 - at) * MINUTE
        position = place(store, NUMBER, at_ms, system=system, body=order_body(NUMBER, source_name=f"sold-by-{system}"))
        delivery = deliver(store, NUMBER, position, "order-to-erp", at_ms, state, system=system)
        if state == "dead":
            give_up(store, delivery, NUMBER, position, "order-to-erp", at_ms, "validation", "INVALID", "no such item")
    made = Desk(store, runs=with_two_stores())
    yield made
    made.views.close()
    store.close()


@pytest.fixture
def browser(desk: Desk) -> Browser:
    return desk.signed_in()


def test_each_store_has_a_page_of_its_own(browser: Browser) -> None:
    """C47: one page has one store's events, payloads and states, and names the other. Without the store in what is asked for,
    both orders stood on one page: the control is that either word is only on its own."""
    first, second = (browser.get(f"{PAGE}?system={system}") for system in ("shopify", "shop-us"))
    assert "sold-by-shopify" in first.text
    assert "sold-by-shop-us" not in first.text
    assert "sold-by-shop-us" in second.text
    assert "sold-by-shopify" not in second.text
    assert ("needs a person" in first.page.said, "needs a person" in second.page.said) == (False, True)
    assert "The same number is another order in Shopify US" in first.page.said
    assert f"{PAGE}?system=shop-us" in first.page.links()


def test_an_address_without_a_store_asks_which(browser: Browser) -> None:
    """C47: an old bookmark or a link from outside is never answered with a guess."""
    asked = browser.get(PAGE)
    assert "2 systems have order" in asked.page.said
    assert {f"{PAGE}?system=shopify", f"{PAGE}?system=shop-us"} <= set(asked.page.links())
    assert browser.get(f"{PAGE}?system=nobody").status == 404


@pytest.mark.parametrize("path", ["/orders", "/deliveries", f"/search?q=%23{NUMBER}"])
def test_lists_lead_to_either(browser: Browser, path: str) -> None:
    """C47: wherever the orders are listed there are two rows, each with its store and its own link."""
    found = browser.get(path)
    assert {f"{PAGE}?system=shopify", f"{PAGE}?system=shop-us"} <= set(found.page.links())
    assert "Shopify US" in found.page.said or path == "/deliveries"


def test_rows_of_other_pages_lead_to_their_store(browser: Browser, desk: Desk) -> None:
    """C47: what failed, what was missed, what a release wrote and where a field changed is of one store each."""
    desk.store.insert(
        "missed", sweep=1, system="shop-us", object="order", key=str(key_of(NUMBER)), name=f"#{NUMBER}", kind="missing", version=1, found_ms=NOW_MS - MINUTE,
    )  # fmt: skip
    desk.mappings.rows = [msgspec.structs.replace(DRIFT[0], system="shop-us", key=str(key_of(NUMBER)))]
    (issue,) = [link for link in browser.get("/issues").page.links() if link.startswith("/issues/")]
    for path in (issue, "/reconciliation", "/strategy/mappings"):
        links = browser.get(path).page.links()
        assert f"{PAGE}?system=shop-us" in links, path
        assert not {PAGE, f"{PAGE}?system=shopify"} & set(links), path
    (wrote, *_) = written()
    assert f"/objects/order/{wrote.key}?system=shopify" in browser.get(f"/changes/releases/{wrote.release}").page.links()


def test_what_is_revealed_of_one_store_stays_hidden_of_the_other(browser: Browser) -> None:
    """C47: the reason that a person gave was for one customer."""
    page = browser.get(f"{PAGE}?system=shopify").page
    shown = browser.post("/reveal", page.form("/reveal")["fields"] | {"why": "the customer asks"})
    assert shown.url.partition("#")[0].endswith(f"{PAGE}?system=shopify")
    assert "personal values are shown" in browser.get(f"{PAGE}?system=shopify").page.said
    assert "personal values are shown" not in browser.get(f"{PAGE}?system=shop-us").page.said


def test_with_one_store_addresses_stay_short(tmp_path: Path) -> None:
    """Where nothing can collide, no address carries what nobody needs."""
    store = Store(tmp_path)
    place(store, NUMBER, NOW_MS - MINUTE)
    made = Desk(store)
    try:
        assert PAGE in made.signed_in().get("/orders").page.links()
        assert made.browser.get(PAGE).status == 200
    finally:
        made.views.close()
        store.close()
