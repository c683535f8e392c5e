"""Mistakes in the steps of a process are told with file, line and the nearest name, before anything runs."""

from pathlib import Path

import pytest

from interlock.connectors import registry
from interlock.strategy import read_folder
from interlock.strategy.folder import Folder
from interlock.strategy.load import check
from interlock.strategy.starter import write_starter
from interlock.strategy.steps import StepRule, in_words, meeting, ways

EXAMPLE = Path(__file__).parents[3] / "docs/guides/examples/order-process.toml"
FILE = "flows/order-process.toml"


def findings(folder: Path, text: str) -> list[tuple[str, int, str]]:
    """Code, line and next move of each error in the example."""
    write_starter(folder, {"environment": "staging", "title": "Acme"})
    (folder / FILE).write_text(text, "utf-8")
    found = check(Folder(read_folder(folder), registry.facts()))
    return [(one.code, one.line, one.next_move) for one in found if one.file == FILE and one.severity == "error"]


@pytest.mark.parametrize("example", sorted(EXAMPLE.parent.glob("*.toml")), ids=lambda path: path.stem)
def test_what_the_guide_shows_can_be_taken_as_it_is(tmp_path: Path, example: Path) -> None:
    """Whoever copies it into a folder is told of nothing but the flows that it stands in for (STR052)."""
    write_starter(tmp_path, {"environment": "staging", "title": "Acme"})
    (tmp_path / "flows" / example.name).write_text(example.read_text("utf-8"), "utf-8")
    found = check(Folder(read_folder(tmp_path), registry.facts()))
    assert [str(one) for one in found if example.name in one.file and one.code != "STR052"] == []


def test_the_example_is_sound(tmp_path: Path) -> None:
    """The control: what the guide shows has no mistake."""
    assert findings(tmp_path, EXAMPLE.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "hint"),
    [
        ('otherwise = "makers"', 'otherwise = "maker"', "STR185", 'did you mean "makers"?'),
        ('name = "together"', 'name = "book"', "STR185", "give it a name of its own"),
        ('by = "makers"', 'by = "makers"\nnext = "by-maker"', "STR186", 'let the last one go to "end"'),
        ('otherwise = "makers"', 'otherwise = "book"', "STR187", "name it in `next` or in a case, or take it out"),
        ('each = "order.lines"\nby', 'by', "STR188", "add each = ..."),
        ('kind = "aggregate"', 'kind = "aggregate"\nby = "x"', "STR188", "it takes count, next, timeout_minutes"),
        ('system = "shipbob"', 'system = "shipbop"', "STR189", 'did you mean "shipbob"?'),
        ('compensate = "order.cancel"', 'compensate = "order.cancl"', "STR191", 'did you mean "order.cancel"?'),
        ("message.buyer.category", "message.byer.category", "STR192", 'did you mean "buyer"?'),
        ('read = "customer"', 'read = "custmer"', "STR194", 'did you mean "customer"?'),
        ('key = "{item.sku}"', 'key = "{itm.sku}"', "STR195", 'did you mean "item"?'),
        ('each = "order.lines"\nby', 'each = "orders.lines"\nby', "STR195", 'did you mean "order"?'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, code: str, hint: str) -> None:
    """One mistake, one finding, at the line that has to be changed."""
    text = EXAMPLE.read_text("utf-8")
    assert old in text
    told = [one for one in findings(tmp_path, text.replace(old, new, 1)) if one[0] == code]
    assert told, f"{code} was not told"
    assert told[0][2] == hint
    line = text.replace(old, new, 1).splitlines()[told[0][1] - 1]
    assert line.strip(), "a finding points at something"


def test_where_parts_meet_and_what_follows() -> None:
    """The aggregate is found through routers; without one the parts end apart."""
    rules = [
        StepRule(name="split", kind="split", each="order.lines"),
        StepRule(name="ship", kind="write", system="wms"),
        StepRule(name="whole", kind="aggregate"),
        StepRule(name="book", kind="write", system="erp", next="end"),
    ]
    assert (meeting(rules, 0), ways(rules, 1), ways(rules, 3)) == ("whole", ["whole"], [])
    assert meeting(rules[:2], 0) == ""
    assert in_words(rules)[3] == "4. book: writes to erp; then the end"
