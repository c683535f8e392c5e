"""A contract as Markdown and as HTML: whole, escaped, in the order in which a reader meets the objects."""

from html.parser import HTMLParser

import pytest

from interlock.canonical import load_contracts, parse_contract
from interlock.canonical.table import HEADS, html, markdown, need_words, sections, type_words

RISKY = """
name = "thing"
version = 1
meaning = "A <b>thing</b> | another"
[fields]
parts = { type = "list", of = "part", meaning = "Parts" }
size = { type = "decimal", unit = "cm", nullable = true, meaning = "Size & more", since = "2", deprecated = { since = "3", use = "parts[]" }, example = "1.5" }
[objects.loose.fields]
x = { type = "string", meaning = "Nobody holds it" }
[objects.part.fields]
colour = { type = "enum", values = ["a", "b|c"], required = false, meaning = "Colour", example = "b|c" }
"""
THING = parse_contract(RISKY, "thing.v1.toml")
each_contract = pytest.mark.parametrize("key", sorted(load_contracts()))


@each_contract
def test_every_field_has_its_line(key: str) -> None:
    """What is not in the table is not documented."""
    contract = load_contracts()[key]
    told = {(section.name, line.name) for section in sections(contract) for line in section.lines}
    assert told == {(shape, name) for shape in ("", *contract.objects) for name in contract.fields_of(shape)}


@each_contract
def test_every_row_of_markdown_has_all_columns(key: str) -> None:
    """A cell that holds a bar would shift the rest of its row."""
    for contract in (load_contracts()[key], THING):
        rows = [line.replace("\\|", "") for line in markdown(contract).splitlines() if line.startswith("|")]
        assert {row.count("|") for row in rows} == {len(HEADS) + 1}


class Tags(HTMLParser):
    """The tags that are open, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the base class's signature
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_escaped_and_closed() -> None:
    """A meaning is text that a person of the shop wrote; it must not become markup."""
    page = Tags()
    page.feed(html(THING))
    assert page.open == [] and "b" not in page.seen
    assert "A <b>thing</b> | another." in page.text
    assert "Size & more (since 2; deprecated since 3, use parts[])" in page.text


def test_nested_objects_come_after_what_holds_them() -> None:
    """A reader goes from the object to its parts; one that nobody holds is not forgotten."""
    assert [section.name for section in sections(THING)] == ["", "part", "loose"]
    assert [section.name for section in sections(load_contracts()["order.v1"])][:3] == ["", "customer", "address"]


def test_words() -> None:
    """The words of the columns Type and Needed."""
    size, colour = THING.field("size"), THING.field("parts[].colour")
    assert (type_words(size), need_words(size)) == ("decimal in cm", "required, may be null")
    assert (type_words(colour), need_words(colour)) == ("enum: a, b|c", "optional")
    assert type_words(THING.field("parts")) == "list of part"
