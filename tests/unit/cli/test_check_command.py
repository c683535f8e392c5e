"""interlock check: mistakes first, then eight items with what is missing and where to write it; exit codes, JSON, badge."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from commandline import call, said

from interlock.strategy.starter import write_starter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_starter(tmp_path / "shop")
    return tmp_path / "shop"


def test_eight_items_stand_between_the_mistakes_and_the_sum(folder: Path) -> None:
    """Who reads the last line knows how complete the strategy is; amber and red alone are no failure."""
    result = call("check", folder)
    assert result.exit_code == 0
    items = [line for line in result.stdout.splitlines() if line.startswith(("green", "amber", "red"))]
    assert len(items) == 8 and items[0].split() == ["amber", "1", "Systems", "of", "record"]
    assert result.stdout.splitlines()[-1] == "0 green, 8 amber, 0 red; 0 errors, 0 warnings"
    assert "next: interlock check --items" in result.stderr


def test_each_gap_names_the_file_and_what_to_put_there(folder: Path) -> None:
    """A colour without a next move is a scolding."""
    items = [one for one in said(call("check", folder, "--items", "--json")) if "item" in one]
    assert [one["item"] for one in items] == list(range(1, 9))
    assert all(gap["file"] or gap["put"] for one in items for gap in one["gaps"])
    security = items[4]
    assert ("CHK507", "security.toml") in {(gap["code"], gap["file"]) for gap in security["gaps"]}
    assert any("masked" in each["text"] for each in security["evidence"])
    told = call("check", folder, "--items").stdout
    assert "CHK507 nobody says where copies of the store lie\n                -> security.toml: folder = " in told


def test_the_days_of_a_version_are_said(folder: Path) -> None:
    """The day on which a vendor stops answering belongs into a calendar long before it comes (C78)."""
    (row,) = [one for one in said(call("check", folder, "--json")) if one.get("system") == "shopify"]
    assert (row["version"], row["ends"]) == ("2026-07", "2027-07-01") and isinstance(row["days"], int)


def test_strict_asks_for_green(folder: Path) -> None:
    """A pipeline that wants a complete strategy fails until it is; the words are the same."""
    assert call("check", folder, "--strict").exit_code == 1
    assert call("check", folder, "--strict").stdout == call("check", folder).stdout


def test_with_mistakes_the_items_wait(folder: Path) -> None:
    """A folder that does not load says nothing of its strategy: the mistakes come first, with exit code 1."""
    file = folder / "flows" / "order-to-erp.toml"
    file.write_text(file.read_text().replace('impact = "high"', 'impact = "hihg"'))
    result = call("check", folder, "--json")
    *findings, summary = said(result)
    assert result.exit_code == 1
    assert not any("item" in one for one in findings) and "green" not in summary


def test_the_badge_is_a_picture_or_a_line(folder: Path, tmp_path: Path) -> None:
    """What a README shows is the sum of the last line; another kind of file is refused before anything is done."""
    picture, line = tmp_path / "badge.svg", tmp_path / "badge.md"
    assert call("check", folder, "--badge", picture).exit_code == 0
    assert call("check", folder, "--badge", line).exit_code == 0
    drawn = ET.parse(picture).getroot()
    assert drawn.attrib["aria-label"] == "strategy: 0 green, 8 amber, 0 red"
    assert line.read_text() == "**Strategy:** 0 green, 8 amber, 0 red (`interlock check`)\n"
    refused = call("check", folder, "--badge", tmp_path / "badge.png")
    assert refused.exit_code == 2 and "ends in .svg or .md" in refused.stderr


def test_a_store_is_evidence(filled: Path) -> None:
    """Where a hub has run, what it did is seen: sources heard, flows that delivered, dashboards with data, signatures that were right."""
    items = {one["item"]: one for one in said(call("check", filled, "--json")) if "item" in one}
    said_of = {number: " ".join(each["text"] for each in one["evidence"]) for number, one in items.items()}
    assert "2 sources heard" in said_of[1] and "release" in said_of[1]
    assert (
        "delivered" in said_of[2] and "dashboards of" in said_of[6] and "signatures of 1 source verified" in said_of[5]
    )
    assert not any("nothing has run" in gap["text"] for one in items.values() for gap in one["gaps"])
    assert all(one["oldest_ms"] for number, one in items.items() if number in (1, 2, 3, 6))


def test_a_summary_of_a_script_has_the_counts(folder: Path) -> None:
    """A monitor reads numbers, not words."""
    summary = json.loads(call("check", folder, "--json").stdout.splitlines()[-1])
    assert (summary["green"], summary["amber"], summary["red"], summary["errors"]) == (0, 8, 0, 0)
