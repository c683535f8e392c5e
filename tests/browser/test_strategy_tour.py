"""The strategy, walked through as somebody does who has just come: from Home by what can be pressed, with and without JavaScript."""

import csv
import io
import json

import pytest
from chrome import without_javascript
from person import Person
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser

ITEMS = 8
CHAPTERS = ("Checklist", "Records", "Matrix", "Contracts", "Mappings")


def fetched(person: Person, link: str) -> tuple[str, str]:
    """What the signed-in browser gets at a link: the kind of document and its text."""
    script = """
        const done = arguments[1];
        fetch(arguments[0]).then(async (answer) => done([answer.headers.get("content-type"), await answer.text()]));
    """
    kind, text = person.window.execute_async_script(script, link)
    return str(kind), str(text)


def links_of(person: Person, where: str) -> list[str]:
    return [str(each.get_attribute("href")) for each in person.sees(where)]


def test_from_home_to_each_item_of_the_checklist(person: Person, address: str) -> None:
    """Each of the eight cards says its colour, and its title opens the page where that is put right."""
    person.opens(address)
    person.presses("Strategy")
    person.reads("Systems of record", "Incident runbooks", "each card says what is missing, and where to write it")
    assert len(person.sees(".item")) == len(person.sees(".score a")) == ITEMS
    pages = links_of(person, ".item h2 a")
    for page in dict.fromkeys(pages):
        person.opens(page)
        assert person.said("h1")
    assert len(pages) == ITEMS
    assert person.complaints() == []


def test_every_chapter_leads_on(person: Person, address: str) -> None:
    """A record leads to its contract, the matrix to a flow, the flow to what it moves: no page is an end of the road."""
    person.opens(f"{address}/strategy")
    person.presses("Records")
    person.reads("each field that moves has one record", "customer.tags", "Whose it is")
    person.presses("inventory level")
    person.reads("How much of one item is at one location", "Written by ShipBob")
    person.presses("Matrix")
    person.presses("1 Orders to the ERP")
    person.reads("Orders to the ERP", "event-driven", "Orders must not wait for each other")
    person.presses("order.v1")
    person.reads("What a customer bought", "list of line")
    person.presses("Orders to the warehouse")
    person.reads("Flow order-to-wms")
    assert person.complaints() == []


def test_a_contract_and_a_mapping_are_taken_along(person: Person, address: str) -> None:
    """What the page shows is what the download holds: the schema of one contract, the table of one object."""
    person.opens(f"{address}/strategy/contracts")
    person.presses("Order")
    person.reads("JSON Schema", "presentment_currency")
    (link,) = links_of(person, "a[download]")
    kind, text = fetched(person, link)
    schema = json.loads(text)
    assert "json" in kind and schema["$schema"].endswith("2020-12/schema")
    assert {"name", "lines", "presentment_currency"} <= set(schema["properties"])

    person.presses("Mappings")
    shown = person.reads("Order v1", "Canonical", where="main")
    assert "otherRefNum" in shown
    (link,) = [each for each in links_of(person, "main a") if each.endswith("/order.csv")]
    kind, text = fetched(person, link)
    header, *rows = csv.reader(io.StringIO(text))
    assert kind.startswith("text/csv") and [name.lower() for name in header[:2]] == ["field", "shopify"]
    listed = [each.text for each in person.sees(".mapping td.first .lead")]
    assert len(listed) > 50 and {row[0] for row in rows} >= set(listed)
    assert person.complaints() == []


def test_the_keys_walk_the_strategy(person: Person, address: str) -> None:
    """CONSOLE principle 7: j and Enter open a row; Tab reaches the chapters; a folded count opens with Enter."""
    keys = ActionChains(person.window)
    person.opens(f"{address}/strategy/contracts")
    keys.send_keys("j").send_keys("j").send_keys(Keys.ENTER).perform()
    person.reads("What a customer bought", "JSON Schema")
    person.opens(f"{address}/strategy/matrix")
    reached = tabbed(person, 24)
    assert [each for each in reached if each in CHAPTERS] == list(CHAPTERS)
    person.opens(f"{address}/strategy/records")
    person.window.execute_script("document.querySelector('td details summary').focus()")
    ActionChains(person.window).send_keys(Keys.ENTER).perform()
    person.reads("components", where="td details[open]")


def tabbed(person: Person, times: int) -> list[str]:
    """The words of what the Tab key comes to."""
    words = []
    for _ in range(times):
        ActionChains(person.window).send_keys(Keys.TAB).perform()
        words.append(person.window.switch_to.active_element.text)
    return words


def test_the_strategy_is_read_without_javascript(person: Person, address: str) -> None:
    """CONSOLE principle 7: the same way through, and nothing is offered that would not work."""
    with without_javascript(person.window):
        person.opens(f"{address}/strategy")
        assert "js" not in str(person.sees("html")[0].get_attribute("class"))
        for chapter in CHAPTERS[1:]:
            person.presses(chapter)
            assert person.sees(".tabs [aria-current]")[0].text == chapter
            assert person.sees("h1")[0].text
        assert not any(each.is_displayed() for each in person.sees(".copy"))
        person.sees("td details summary")[0].click()
        assert person.sees("td details[open]")
