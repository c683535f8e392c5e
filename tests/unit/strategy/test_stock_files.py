"""inventory/items.toml and inventory/items/*.toml are one map, however many files it takes; what is no place of ours is ignored."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from interlock.strategy.decode import decode, decode_large
from interlock.strategy.inventory import ItemsFile
from interlock.strategy.snapshot import read_folder

from .example_folder import SOUND, findings_on_disk, load_files
from .test_stock_folder import CICERO, GUIDE, ITEMS, LOCATIONS, STOCK

CAPS, TEES = "inventory/items/caps.toml", "inventory/items/tees.toml"
CAP = '[[item]]\nsku = "CAP-1"\nnames = { erp = ["C1"] }\n'
TEE = '[[item]]\nsku = "TEE-1"\nnames = { erp = ["T1"] }\n'


def told(folder: Path, **more: str) -> list[tuple[str, str, int]]:
    """(code, file, line) of every finding in a sound folder with these files beside it."""
    named = {"items": ITEMS, "caps": CAPS, "tees": TEES, "locations": LOCATIONS}
    files = {**SOUND, **STOCK, **{named[name]: text for name, text in more.items()}}
    return [(one.code, one.file, one.line) for one in findings_on_disk(folder, files)]


def test_all_files_of_items_are_one_map() -> None:
    """A map of 100,000 items fits into no file; its parts are read in the order of their names, items.toml first."""
    rest = 'ignore = ["PKG-*"]\n[[kit]]\nsku = "SET"\nof = { "CAP-1" = 1, "TEE-1" = 1 }\n'
    group = 'ignore = ["BOX-*"]\n[[group]]\nname = "shirts"\nskus = ["TEE-*"]\n'
    found = load_files({**SOUND, **STOCK, TEES: group + TEE, CAPS: CAP, ITEMS: rest}).inventory
    assert [item.sku for item in found.items] == ["CAP-1", "TEE-1"]
    assert found.ignore == ("PKG-*", "BOX-*")
    assert [kit.sku for kit in found.kits] == ["SET"]
    assert found.group_of("TEE-1").name == "shirts"


@pytest.mark.parametrize("text", [TEE, '[[kit]]\nsku = "SET"\nof = { "A" = 1 }\n', '[[group]]\nname = "mugs"\n'])
def test_what_two_files_say_names_both_places(text: str, tmp_path: Path) -> None:
    """Who merges two maps finds the other half at once; in files of their own each would be right, which is the control."""
    assert told(tmp_path / "one", items="\n" + text) == []
    files = {**SOUND, **STOCK, ITEMS: "\n" + text, TEES: "\n\n" + text}
    (found,) = [one for one in findings_on_disk(tmp_path / "two", files) if "written twice" in one.what]
    assert (found.code, found.where.rpartition(":")[0]) == ("STR377", f"{TEES}:4")
    assert f"{ITEMS}:3" in found.next_move


def test_one_name_of_two_items_in_two_files_names_both(tmp_path: Path) -> None:
    """The same for names and barcodes."""
    files = {**SOUND, **STOCK, CAPS: CAP, TEES: TEE.replace("T1", "C1")}
    (found,) = findings_on_disk(tmp_path, files)
    assert found.what == f'{TEES}: the name at erp "C1" is CAP-1 and TEE-1'
    assert f"{CAPS}:3" in found.next_move


def test_each_mistake_stands_where_it_was_written(tmp_path: Path) -> None:
    """A large map is corrected file by file; the places of one file never stand for another's."""
    caps = CAP + 'group = "hats"\n[[kit]]\nsku = "SET"\nof = { SET = 1 }\n'
    tees = (
        "\n" + TEE.replace("erp", "epr") + 'rouding = "up"\n[[group]]\nname = "mugs"\nat = ["narnia"]\nowner = "crm"\n'
    )
    assert told(tmp_path, items="[[item]\n", caps=caps, tees=tees) == [
        ("STR002", ITEMS, 1), ("STR378", CAPS, 4), ("STR376", CAPS, 7),
        ("STR370", TEES, 4), ("STR004", TEES, 5), ("STR378", TEES, 8), ("STR371", TEES, 9),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("inventory/items/tees.csv", "items stand in TOML"),
        ("inventory/item.toml", 'did you mean "inventory/items.toml"?'),
        ("inventory/items/summer/tees.toml", "no folder deeper"),
    ],
)
def test_a_file_of_stock_that_is_not_read_is_told(path: str, says: str, tmp_path: Path) -> None:
    """A map that has no effect would show up as thousands of stopped lines."""
    (found,) = findings_on_disk(tmp_path, {**SOUND, **STOCK, path: TEE})
    assert (found.code, found.file) == ("STR009", path) and says in found.next_move


def test_a_release_is_another_when_one_of_its_files_is(tmp_path: Path) -> None:
    """What runs is known by its id: a changed file of items must not run under the old one."""
    findings_on_disk(tmp_path, {**SOUND, **STOCK, TEES: TEE})
    before = read_folder(tmp_path).id
    (tmp_path / TEES).write_text(TEE + 'barcode = "1"\n')
    assert read_folder(tmp_path).id != before


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        ({"item": [{"sku": "A", "names": {"erp": ["1"]}, "units": {"CS": 12}}], "ignore": ["P-*"]}, []),
        ({"item": [{"sku": "A", "pack": {"erp": 0}}, {"names": {}}, {"sku": 7, "colour": "red"}]},
         ["bad-value", "missing-key", "unknown-key", "wrong-type"]),
        ({"item": {"sku": "A"}}, ["wrong-type"]),
    ],
)  # fmt: skip
def test_a_large_file_is_read_as_a_small_one(data: dict[str, Any], kinds: list[str]) -> None:
    """The quick way for thousands of tables must neither take nor refuse anything that the thorough one does not."""
    assert decode_large(ItemsFile, data) == decode(ItemsFile, data)
    assert sorted(problem.kind for problem in decode_large(ItemsFile, data)[1]) == kinds


def test_places_that_are_no_stock_are_named_above_the_tables() -> None:
    """A returns desk of the warehouse has an id and levels like any other place; both ways of TOML to write the table are one."""
    for above in ('ignore = { wms = ["999"], shop = ["7"] }\n', '[ignore]\nwms = ["999"]\nshop = ["7"]\n'):
        found = load_files({**SOUND, **STOCK, LOCATIONS: above + CICERO}).inventory
        assert found.ignored_places == {("wms", "999"), ("shop", "7")} and list(found.locations) == ["cicero"]


@pytest.mark.parametrize(
    ("above", "finding"),
    [
        ('ignore = { wms = ["999"] }', None),
        ('ignore = { wsm = ["999"] }', ("STR370", LOCATIONS, 1)),
        ('ignore = { wms = ["999", "156"] }', ("STR389", LOCATIONS, 1)),
        ('ignore = { wms = "999" }', ("STR006", LOCATIONS, 1)),
        ('ignore = { wms = [999] }', ("STR006", LOCATIONS, 1)),
        ("ignore = []", ("STR006", LOCATIONS, 1)),
    ],
)  # fmt: skip
def test_what_is_ignored_is_no_location(above: str, finding: tuple[str, str, int] | None, tmp_path: Path) -> None:
    """Of a place that is both nobody could say whether its stock counts."""
    assert told(tmp_path, locations=f"{above}\n{CICERO}") == ([finding] if finding else [])


def test_the_guide_makes_a_file_of_a_spreadsheet(tmp_path: Path) -> None:
    """People run what the guide shows over their own map: zeros, quotes and empty cells must come through."""
    (text,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    sheet = 'sku,netsuite,amazon\n00123,"A ""1"", red",\nTEE-1,T1,tée-1\n'
    made = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", text], input=sheet, capture_output=True, check=True, text=True,
        encoding="utf-8", cwd=tmp_path,
    ).stdout  # fmt: skip
    found, problems = decode(ItemsFile, tomllib.loads(made))
    assert problems == []
    assert [(item.sku, item.names) for item in found.item] == [
        ("00123", {"netsuite": ['A "1", red']}),
        ("TEE-1", {"netsuite": ["T1"], "amazon": ["tée-1"]}),
    ]


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        (TEES, TEE + 'ignore = ["PKG-*"]\n', "before the first table"),
        (LOCATIONS, CICERO + 'ignore = { wms = ["9"] }\n', "before the first table"),
        (LOCATIONS, CICERO.replace("cicero", "Cicero"), "lower-case"),
    ],
)
def test_what_people_write_wrong_most_has_its_own_way_out(path: str, text: str, says: str, tmp_path: Path) -> None:
    """In TOML a key below a table belongs to it, which nobody expects who writes it twice a year."""
    found = [one for one in findings_on_disk(tmp_path, {**SOUND, **STOCK, path: text}) if one.file == path]
    assert [one.code for one in found] in (["STR004"], ["STR007"]) and says in found[0].next_move
