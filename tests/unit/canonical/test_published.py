"""Published versions: what counts as their meaning, the lock file, and the contracts that ship."""

import pytest

from interlock.canonical import Contract, load_contracts, parse_contract
from interlock.canonical.contract import ContractError
from interlock.canonical.published import departures, only_grew, published, read_lock, shipped_lock, with_published

WISH = """
name = "wish"
version = 1
meaning = "A wish"
[fields]
id = { type = "id", meaning = "its id" }
state = { type = "enum", values = ["open", "met"], class = "public", meaning = "its state" }
lines = { type = "list", of = "line", required = false, meaning = "what is wished for" }
[objects.line.fields]
weight = { type = "decimal", unit = "kg", nullable = true, meaning = "how heavy" }
"""


def wish(old: str = "", new: str = "") -> Contract:
    assert old in WISH
    return parse_contract(WISH.replace(old, new) if old else WISH, "wish.v1.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("how heavy", "its weight"),
        ('meaning = "A wish"', '# a comment\nmeaning   =   "Somebody\'s wish"'),
        ('values = ["open", "met"]', 'values = ["met", "open"]'),
        ('meaning = "its id"', 'meaning = "its id", example = "7", deprecated = { since = "1" }'),
        ("line", "row"),
    ],
    ids=["words", "white space", "order of values", "deprecation", "name of a nested object"],
)
def test_words_are_no_part_of_what_is_published(old: str, new: str) -> None:
    """A hash over the file would make every typing mistake a new version."""
    other = parse_contract(WISH.replace(old, new).replace("rows =", "lines ="), "wish.v1.toml")
    assert published(other) == published(wish())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"id", meaning', '"string", meaning', 'id was "id, internal", is "string, internal"'),
        ('"open", "met"', '"open"', 'state was "enum, one of met, open, public", is "enum, one of open, public"'),
        ("public", "personal", 'state was "enum, one of met, open, public", is "enum, one of met, open, personal"'),
        (
            "required = false",
            "required = true",
            'lines[] was "list of object, internal, optional", is "list of object, internal"',
        ),
        (
            '"kg", nullable = true',
            '"g"',
            'lines[].weight was "decimal, in kg, internal, nullable", is "decimal, in g, internal"',
        ),
        ('id = { type = "id", meaning = "its id" }', "", "id is gone"),
        ("id = {", 'no = { type = "id", meaning = "n" }\nid = {', "no is new"),
    ],
)
def test_everything_else_is(old: str, new: str, said: str) -> None:
    """The control: each property that a document or its meaning depends on changes the hash, and is told in words."""
    changed = wish(old, new)
    assert published(changed).sha256 != published(wish()).sha256
    assert list(departures(published(wish()), changed)) == [said]


def test_the_lock_file_grows_and_is_not_edited_by_hand() -> None:
    """A merge that takes half of each side is noticed, not believed."""
    second = parse_contract(WISH.replace("version = 1", "version = 2"), "wish.v2.toml")
    text = with_published(with_published("", wish()), second)
    lock = read_lock(text)
    assert list(lock) == ["wish.v1", "wish.v2"]
    assert lock["wish.v1"].fields == lock["wish.v2"].fields
    assert lock["wish.v1"].sha256 != lock["wish.v2"].sha256
    with pytest.raises(ContractError, match=r"wish\.v1 are not the ones that were published"):
        read_lock(text.replace("in kg", "in g", 1))


PART = '[objects.part.fields]\nid = { type = "id", meaning = "its id" }\n'


@pytest.mark.parametrize(
    ("new", "grew"),
    [
        ('no = { type = "string", required = false, meaning = "n" }', True),
        ('no = { type = "object", of = "part", required = false, meaning = "n" }', True),
        ('no = { type = "object", of = "part", meaning = "n" }', False),
        ('no = { type = "string", meaning = "n" }', False),
        ('no = { type = "string", nullable = true, meaning = "n" }', False),
    ],
    ids=["optional", "optional with parts", "required with parts", "required", "nullable"],
)
def test_what_ships_may_grow_by_optional_fields_only(new: str, grew: bool) -> None:
    """Old documents and old readers go on as before (CMP002); whatever else is added, changed or taken away needs a version."""
    parts = PART if 'of = "part"' in new else ""
    grown = parse_contract(WISH.replace("id = {", f"{new}\nid = {{", 1) + parts, "wish.v1.toml")
    assert only_grew(published(wish()), grown) is grew
    assert not only_grew(published(grown), wish())
    assert not list(departures(published(wish()), grown, published(grown).fields))


def test_the_contracts_that_ship_are_what_was_published() -> None:
    """Whoever runs Interlock counts on them: a change goes into the next version, and a new contract is published with
    `python -m interlock.canonical.published`."""
    shipped = load_contracts()
    assert set(shipped_lock()) == set(shipped)
    changed = {key: list(departures(entry, shipped[key])) for key, entry in shipped_lock().items()}
    assert {key: found for key, found in changed.items() if found} == {}
