"""Every page at 1440 and 390 px, light and dark, in a real Chromium: nothing overflows, nothing is refused by the CSP, chips can be read."""

import re
from pathlib import Path

import pytest
from chrome import PATIENCE_SECONDS, arrives, look_like
from console.conftest import Desk
from console.store import NOW_MS, key_of, place
from console.test_pages import PATHS
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.browser

CSS = Path(__file__).parents[2] / "src" / "interlock" / "console" / "static" / "console.css"
AA = 4.5
CHAPTERS = (
    "/strategy/matrix", "/strategy/contracts", "/strategy/contracts/order.v1", "/strategy/mappings?closed=1", "/flows/order-to-erp/advice",
)  # fmt: skip
CUT = """
return [...document.querySelectorAll(".scroll:has(> .stacks)")].filter((each) => each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.firstElementChild.className);
"""
"""Tables that became lists on the phone and still reach out of their card, where nobody looks."""
PALE = """
const paper = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const mixed = (colours) => {
  paper.clearRect(0, 0, 1, 1);
  for (const colour of colours) { paper.fillStyle = colour; paper.fillRect(0, 0, 1, 1); }
  return [...paper.getImageData(0, 0, 1, 1).data];
};
const light = (colour) => {
  const [red, green, blue] = colour.map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const pale = new Set();
for (const each of document.querySelectorAll("body *:not(svg *, option)")) {
  const words = [...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
  if (!words || each.disabled || !each.checkVisibility() || getComputedStyle(each).clipPath !== "none") continue;
  const grounds = [];
  for (let behind = each; behind; behind = behind.parentElement) grounds.unshift(getComputedStyle(behind).backgroundColor);
  const [high, low] = [mixed(grounds), mixed([...grounds, getComputedStyle(each).color])].map(light).sort((one, two) => two - one);
  if ((high + 0.05) / (low + 0.05) < arguments[0]) pale.add(`${words.slice(0, 40)} (${each.className || each.tagName})`);
}
return [...pale];
"""
"""Every visible text whose colour is too near to what really lies behind it, mixed colours and tints of rows included."""


@pytest.mark.parametrize("path", dict.fromkeys((*PATHS, *CHAPTERS)))
def test_page_fits_and_is_quiet(window: Chrome, address: str, path: str) -> None:
    """CONSOLE principle 7: no sideways scrolling at 390 px, none at 1440; every text as it is drawn passes AA; no error and no CSP
    refusal in the browser's log."""
    for width, theme in ((1440, "light"), (390, "dark")):
        look_like(window, width=width, theme=theme)
        window.get(address + path)
        assert window.execute_script("return document.documentElement.scrollWidth") <= width, width
        grounds = window.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", grounds)[:3])) > 380) == (theme == "light")
        assert window.execute_script(PALE, AA) == [], theme
        assert window.execute_script(CUT) == [], width
    assert [entry["message"] for entry in window.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_zoomed_to_200_percent_nothing_overflows(window: Chrome, address: str) -> None:
    """CONSOLE principle 7: 200 % of a 1440 px window is a 720 px page."""
    look_like(window, width=720, theme="light")
    for path in ("/", "/deliveries", f"/objects/order/{key_of(1210)}", *CHAPTERS):
        window.get(address + path)
        assert window.execute_script("return document.documentElement.scrollWidth") <= 720


def test_keys_walk_and_open(window: Chrome, address: str) -> None:
    """j, k and Enter walk a list and open a row; / goes to the search; r opens the replay sheet, which asks before it acts."""
    look_like(window, width=1440, theme="light")
    window.get(address + "/deliveries?state=dead")
    keys = ActionChains(window)
    keys.send_keys("j").send_keys("j").send_keys("j").send_keys("k").perform()
    rows = window.find_elements(By.CSS_SELECTOR, "[data-row]")
    assert [place for place, row in enumerate(rows) if "at" in row.get_attribute("class")] == [1]
    ActionChains(window).send_keys("/").perform()
    assert window.switch_to.active_element.get_attribute("id") == "find"
    ActionChains(window).send_keys(Keys.ESCAPE).perform()
    window.execute_script("document.activeElement.blur()")
    ActionChains(window).send_keys(Keys.ENTER).perform()
    arrives(window, "/objects/order/")
    ActionChains(window).send_keys("r").perform()
    arrives(window, "/bulk?action=replay")


def test_live_home_changes_in_place(window: Chrome, address: str, desk: Desk) -> None:
    """A pulse makes Home ask for itself again through htmx, without a reload: what the page holds beside it stays."""
    look_like(window, width=1440, theme="light")
    window.get(address + "/")
    window.execute_script(
        "document.querySelector('#count').value = '7'; document.querySelector('.tile').dataset.old = '1'"
    )
    window.execute_script("document.querySelector('#home .answer h1').textContent = 'old'")
    window.execute_script("document.body.dispatchEvent(new CustomEvent('pulse'))")
    WebDriverWait(window, PATIENCE_SECONDS).until(lambda w: w.find_element(By.CSS_SELECTOR, "#home .answer h1").text != "old")
    assert window.find_element(By.ID, "count").get_attribute("value") == "7"


def test_a_list_says_what_is_new_and_does_not_jump(window: Chrome, address: str, desk: Desk) -> None:
    """The stream reaches the page; a list under somebody's eyes keeps its rows and offers the new ones in a bar."""
    window.get(address + "/orders")
    first = window.find_element(By.CSS_SELECTOR, "[data-row] a").text
    WebDriverWait(window, PATIENCE_SECONDS).until(lambda w: _placed(desk) and w.find_element(By.ID, "new").is_displayed())
    assert "new" in window.find_element(By.ID, "new").text
    assert window.find_element(By.CSS_SELECTOR, "[data-row] a").text == first


def _placed(desk: Desk) -> bool:
    """One more order, each time that the page is asked."""
    number = 3000 + desk.store.inbox.execute("SELECT max(position) FROM event").get
    place(desk.store, number, NOW_MS)
    return True


def test_chart_is_drawn(window: Chrome, address: str) -> None:
    """uPlot draws under the strict policy; without it the sparkline would stay."""
    window.get(address + "/flows/order-to-erp")
    WebDriverWait(window, PATIENCE_SECONDS).until(lambda w: w.find_elements(By.CSS_SELECTOR, ".uplot canvas"))


def tokens(theme: int) -> dict[str, str]:
    """The colours of the style sheet: 0 light, 1 dark."""
    found = re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS.read_text())
    return {name: colours[theme] for name, *colours in found}


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast of two colours."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_and_chips_pass_aa(theme: int) -> None:
    """CONSOLE: AA in both themes, computed from the tokens, for text, links, buttons and every status on chip and surface."""
    colours = tokens(theme)
    pairs = [(name, ground) for name in ("ink", "ink-2", "accent") for ground in ("surface", "ground", "inset")]
    pairs += [("on-accent", "accent"), ("on-accent", "accent-hover")]
    states = [name.removesuffix("-ground") for name in colours if name.endswith("-ground")]
    assert len(states) == 11
    pairs += [(state, ground) for state in states for ground in (f"{state}-ground", "surface", "ground")]
    low = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: value for pair, value in low.items() if value < AA} == {}


def test_the_contrast_check_can_fail() -> None:
    """The control: grey on white is not AA."""
    assert contrast("#999999", "#ffffff") < AA < contrast("#000000", "#ffffff")


def test_the_look_for_pale_text_can_fail(window: Chrome, address: str) -> None:
    """The control: a chip whose ground is its own colour is found, and nothing else of the page."""
    look_like(window, width=1440, theme="light")
    window.get(address + "/strategy/matrix")
    window.execute_script(
        "const h1 = document.querySelector('h1'); h1.className = 'chip is-done'; h1.style.color = '#a0d0b0'"
    )
    (found,) = window.execute_script(PALE, AA)
    assert found.endswith("(chip is-done)")
