"""The pages of stock in a real Chromium, over one of each thing that can be wrong and over very much of everything: they fit, can be read
without seeing colours, and worked with the keyboard alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chrome import arrives, look_like, served
from console.conftest import TOKEN, Desk
from console.crowded import LONGEST, crowded, crowded_strategy
from console.stocked import stocked, stocked_strategy
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.keys import Keys
from test_looks import AA, CUT, PALE

pytestmark = pytest.mark.browser

FEW = ("/inventory", "/inventory/sku/TEE-1", "/inventory/sku/SET-1", "/inventory/sku/TEE-OLD", "/inventory/differences", "/issues",
       "/issues/STK001:shipbob", "/issues/lost_event:shopify", "/inventory/sync?channel=shopify")  # fmt: skip
MANY = ("/inventory", "/inventory/sku/TEE-1?changes=250", f"/inventory/sku/{LONGEST}", f"/inventory/sku/{LONGEST}X")
STRUCTURE = """
const found = [];
let level = 0;
for (const each of document.querySelectorAll("h1, h2, h3, h4")) {
  const now = Number(each.tagName[1]);
  if (now > level + 1) found.push(`${each.tagName} after h${level}: ${each.textContent.trim()}`);
  level = now;
}
for (const head of document.querySelectorAll("th")) if (!head.scope) found.push(`th without a scope: ${head.textContent}`);
for (const box of document.querySelectorAll(".scroll"))
  if (box.scrollWidth > box.clientWidth + 1 && box.tabIndex < 0) found.push("a box that scrolls and takes no focus");
for (const field of document.querySelectorAll(".heat .field")) if (!field.textContent.trim()) found.push("a field of colour alone");
for (const input of document.querySelectorAll("input:not([type=hidden]), select")) if (!input.labels.length) found.push(`no label: ${input.name}`);
const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`twice the id ${id}`);
return found;
"""
"""What a screen reader or a keyboard would stumble over."""


@pytest.fixture(scope="module", params=["few", "many"])
def shop(
    request: pytest.FixtureRequest, window: Chrome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The address of a console, and its pages."""
    folder: Path = tmp_path_factory.mktemp("stock")
    few = request.param == "few"
    store, runs = (stocked(folder), stocked_strategy()) if few else (crowded(folder), crowded_strategy())
    desk = Desk(store, runs=runs)
    with served(desk.app) as at:
        window.get(f"{at}/?token={TOKEN}")
        yield at, FEW if few else MANY
    desk.views.close()
    store.close()


def test_pages_of_stock_fit_and_can_be_read(window: Chrome, shop: tuple[str, tuple[str, ...]]) -> None:
    """CONSOLE principle 7, at both widths and in both themes: nothing reaches out of the page, all text passes AA, headings, heads of
    tables and labels are in order, and no field is told by its colour alone."""
    address, pages = shop
    for path in pages:
        for width, theme in ((1440, "light"), (390, "dark")):
            look_like(window, width=width, theme=theme)
            window.get(address + path)
            assert window.execute_script("return document.documentElement.scrollWidth") <= width, (path, width)
            assert window.execute_script(PALE, AA) == [], (path, theme)
            assert window.execute_script(CUT) == [], (path, width)
            assert window.execute_script(STRUCTURE) == [], (path, width)
    told = [entry["message"] for entry in window.get_log("browser") if entry["level"] == "SEVERE"]
    assert [message for message in told if "404" not in message] == []


def test_a_number_is_reached_and_fixed_by_keys(window: Chrome, shop: tuple[str, tuple[str, ...]]) -> None:
    """j walks the rows, Enter opens one, Tab leads through the fix in the order in which it is read."""
    address, _ = shop
    look_like(window, width=1440, theme="light")
    window.get(address + "/inventory")
    keys = ActionChains(window)
    keys.send_keys("j").perform()
    keys.send_keys(Keys.ENTER).perform()
    arrives(window, "/inventory/sku/")
    window.execute_script("document.querySelector('form.fix input[name=why]').focus()")
    keys.send_keys("counted again").send_keys(Keys.TAB).perform()
    assert window.execute_script("return document.activeElement.textContent") == "Fix"
    assert window.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
