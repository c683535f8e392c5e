"""The scene at 3:00 of the demo: a mapping is edited in the folder, planned, applied, seen at the vendor, and taken back.

Once with commands, once in the browser, once more without JavaScript; what the vendor's twin holds decides whether it is true.
"""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest
from chrome import look_like, without_javascript
from demo import Demo, running
from person import Person, wait_until

pytestmark = pytest.mark.browser

MAPPING = '[order.out.salesOrder]\nmessage = { from = "note", omit_when_null = true }\n'
LINE = "mapping netsuite, order to salesOrder: message <- note, left out when null"
NOTE = "please ring twice"


class Shop:
    """The running demo, with its folder as it was written and what its twin of NetSuite holds."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.file = demo.folder / "mappings" / "netsuite.toml"

    @contextmanager
    def edited(self) -> Iterator[None]:
        """The folder with one more row in a mapping; it is as it was afterwards."""
        self.file.write_text(MAPPING)
        try:
            yield
        finally:
            self.file.unlink()

    def said_by(self, *arguments: object) -> list[str]:
        """The lines of a command that succeeds."""
        done = self.demo.told(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    def gets_an_order(self) -> str:
        """One with a note, as a signed webhook of the shop; returns its name when NetSuite has it."""
        sent, *_ = self.said_by("trigger", "orders/create", "--override", f"note={NOTE}", "--json")
        name = str(json.loads(sent)["name"])
        wait_until(lambda: name in self.messages(), lambda: f"{name} at NetSuite, which has {self.messages()}")
        return name

    def messages(self) -> dict[str, Any]:
        """What NetSuite's sales orders say, by the number in the shop."""
        with urlopen(f"{self.demo.twins['netsuite']}/_twin/records?kind=salesOrder", timeout=30) as answer:
            return {order["otherRefNum"]: order.get("message") for order in json.loads(answer.read())}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running(tmp_path_factory.mktemp("scene")) as demo:
        yield Shop(demo)


def test_planned_applied_and_taken_back_by_commands(shop: Shop) -> None:
    """EXPERIENCE 3.5 from 3:00 on, as it is typed: the edit is one line, `plan` says what it does and how to undo it, `apply` lets it
    run, the vendor has it, and one command goes back and says what stays."""
    first = shop.gets_an_order()
    with shop.edited():
        planned = shop.said_by("plan")
        assert planned[0] == f"+ {LINE}  mappings/netsuite.toml:2"
        effect, risk, undo = planned[3], planned[5], planned[6]
        assert effect.startswith("  netsuite salesOrder.upsert message: filled in 1 of ") and first in effect
        assert NOTE not in "".join(planned), "a plan is pasted into tickets: what customers wrote is masked"
        assert risk.startswith("risk low: only fills in what was empty")
        assert planned[-1].startswith("1 change, 0 breaking; 1 of ") and planned[-1].endswith("risk low")
        assert shop.messages()[first] is None, "a plan sends nothing"

        assert shop.said_by("apply", "--yes", "--why", "the accountants read it")[-1].endswith(" runs now")
        second = shop.gets_an_order()
        assert shop.messages()[second] == NOTE

        back = shop.said_by(*shlex.split(undo.partition("interlock ")[2]))
        assert any("netsuite" in line and second in line for line in back)
        assert not any(first in line for line in back)
        assert "runs again" in back[-1] and "netsuite 1 customer, 1 order" in back[-1]
        third = shop.gets_an_order()
        assert shop.messages()[third] is None
    assert shop.said_by("plan")[-1].startswith("nothing has changed; release ")


def test_planned_applied_and_taken_back_in_the_browser(person: Person, shop: Shop) -> None:
    """EXPERIENCE 7 and 10: the page shows the edit as one line and what it does, asks for a typed confirmation, and the way back is there."""
    shop.gets_an_order()
    person.opens(shop.demo.link)
    person.presses("Changes")
    running_at_first = person.reads("The folder is what runs: release", "Calendar").partition("release ")[2][:8]
    with shop.edited():
        wanted = the_edit_is_one_line(person)
        what_it_does_is_shown_first(person)
        it_runs_after_a_typed_confirmation(person, wanted)
        order = shop.gets_an_order()
        assert shop.messages()[order] == NOTE
        it_is_taken_back(person, running_at_first, order)
        the_newer_release_is_still_told_of(person, wanted, order)
    person.presses("Changes")
    person.reads(f"The folder is what runs: release {running_at_first}.")
    assert [each for each in person.complaints() if " 409 " not in each] == []  # the wrong confirmation


def the_edit_is_one_line(person: Person) -> str:
    """Returns the release that it would be, as it is typed."""
    person.presses("Changes")
    person.reads("The folder has 1 change that does not run yet, 0 breaking.")
    assert len(person.sees("#changed tbody tr")) == 1
    said = person.reads(
        "mapping netsuite, order to salesOrder",
        "note, left out when null",
        "mappings/netsuite.toml:2",
        where="#changed",
    )
    return said.partition(" runs, ")[2][:8]


def what_it_does_is_shown_first(person: Person) -> None:
    person.presses("Show what it does")
    person.reads("1 change, 0 breaking;", "risk low.", where="h1")
    said = person.reads(
        "NetSuite", "salesOrder.upsert message", "filled in", "nothing was sent", "interlock rollback", where="#effect"
    )
    assert NOTE not in said


def it_runs_after_a_typed_confirmation(person: Person, wanted: str) -> None:
    person.types("why", "the accountants read it")
    person.types("typed", "yes")
    person.presses("Apply 1 change")
    person.reads(f"Type {wanted} to confirm that this release is to run.")
    person.types("typed", wanted)
    person.presses("Apply 1 change")
    person.reads(f"The folder is what runs: release {wanted}.")
    newest = person.sees("#releases tbody tr")[0].text
    assert all(
        text in newest for text in (wanted, "runs", "note, left out when null", "operator", "the accountants read it")
    )


def it_is_taken_back(person: Person, first: str, order: str) -> None:
    person.presses("Go back to it")
    person.reads(f"Go back to release {first}? What newer ones wrote stays at its destinations:", "message (was note")
    assert order in person.reads("NetSuite", "salesOrder.upsert", "done", where="#wrote")
    person.types("why", "nobody reads it")
    person.types("typed", first)
    person.presses(f"Go back to {first}")
    person.reads("The folder has 1 change that does not run yet", "went back", "nobody reads it")
    assert f"release {first}" in person.said(".rail .foot")


def the_newer_release_is_still_told_of(person: Person, newer: str, order: str) -> None:
    person.presses(newer)
    person.reads(f"Release {newer} does not run.", "What it changed", "note, left out when null")
    person.presses(order)
    person.reads(order, "In sync in all 3 systems.")


def test_it_is_applied_and_taken_back_without_javascript(person: Person, shop: Shop) -> None:
    """CONSOLE principle 7: what is severe must not hang on a script that did not load."""
    with without_javascript(person.window), shop.edited():
        person.opens(shop.demo.link)
        wanted = the_edit_is_one_line(person)
        it_runs_after_a_typed_confirmation(person, wanted)
        person.presses("Go back to it")
        first = person.reads("Go back to release ", where="h1").partition("release ")[2][:8]
        person.types("why", "no script was needed")
        person.types("typed", first)
        person.presses(f"Go back to {first}")
        person.reads("The folder has 1 change that does not run yet", "no script was needed")


def test_a_folder_that_cannot_run_says_where_and_why(person: Person, shop: Shop) -> None:
    """Somebody sees it on a phone at night: what is wrong, in which line, that the old release runs on, and nothing to apply."""
    flow = shop.demo.folder / "flows" / "order-to-marketing.toml"
    text = flow.read_text()
    flow.write_text(text.replace('["klaviyo"]', '["klavio"]'))
    look_like(person.window, width=390, theme="dark")
    person.opens(shop.demo.link)
    person.opens(f"{shop.demo.console}/changes")
    flow.write_text(text)
    person.reads(
        "The folder cannot run as it is.",
        "runs on.",
        'unknown destination "klavio"',
        "order-to-marketing.toml:",
        "did you mean",
    )
    assert not person.sees("#apply")
    assert person.window.execute_script("return document.documentElement.scrollWidth") <= 390
