"""Compatibility of contract versions: each rule's own examples, the sentences people read, and the page of rules."""

from pathlib import Path

import pytest

from interlock.canonical import Contract, load_contracts, parse_contract
from interlock.canonical.compatibility import compare, compare_ladder
from interlock.canonical.compatibility_page import main, page
from interlock.canonical.compatibility_rules import MODES, RULES, Rule

DOCS = Path(__file__).parents[3] / "docs" / "reference"

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def contract(line: str, version: int = 1) -> Contract:
    """A contract with an id and the given lines; a line of the top replaces the name."""
    name = line if line.startswith("name") else 'name = "thing"'
    field = "" if line.startswith("name") else line
    return parse_contract(
        f'{name}\nversion = {version}\nmeaning = "It"\n[fields]\nid = {{ type = "id", meaning = "its id" }}\n{field}\n',
        f"contract.v{version}.toml",
    )


@each_rule
def test_the_bad_example_breaks_by_this_rule_and_no_other(rule: Rule) -> None:
    """What the page shows as breaking is what the checker calls so, in the modes that the rule names."""
    if not any(rule.bad):
        assert not (rule.backward or rule.forward)
        return
    compared = compare(contract(rule.bad[0]), contract(rule.bad[1], 2))
    assert [change.code for change in compared.breaking()] == [rule.code]
    assert compared.allowed("backward") == (not rule.backward)
    assert compared.allowed("forward") == (not rule.forward)


@each_rule
def test_the_good_example_breaks_nobody(rule: Rule) -> None:
    """The way out that the page shows must be one."""
    assert compare(contract(rule.good[0]), contract(rule.good[1], 2)).breaking() == ()


def test_a_change_is_one_plain_sentence() -> None:
    """A person who did not write the rule understands which field, what changed and what would go wrong."""
    order = """
name = "order"
version = {version}
meaning = "An order"
[fields]
lines = {{ type = "list", of = "line", meaning = "its lines" }}
[objects.line.fields]
sku = {{ type = "string", meaning = "its SKU", nullable = {nullable} }}
"""
    old = parse_contract(order.format(version=1, nullable="true"), "order.v1.toml")
    new = parse_contract(order.format(version=2, nullable="false"), "order.v2.toml")
    (change,) = compare(old, new).changes
    assert (change.path, change.kind, change.code, change.backward, change.forward) == (
        "lines[].sku", "nullable", "CMP014", False, True,
    )  # fmt: skip
    assert change.sentence == (
        "order.v2 lines[].sku: was nullable, may be null no more: old documents with null would be refused (CMP014)"
    )


def test_a_contract_is_compatible_with_itself_in_every_mode() -> None:
    """The control: the contracts that ship give no change when nothing changed."""
    for shipped in load_contracts().values():
        assert compare(shipped, shipped).changes == ()
        assert all(compare_ladder([shipped, shipped, shipped]).verdicts()[mode] for mode in MODES)


def test_the_page_of_rules_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by `python -m interlock.canonical.compatibility_page`; and the check of it can fail."""
    assert (DOCS / "compatibility.md").read_text(encoding="utf-8") == page()
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert (main(["--check"]), main([]), main(["--check"])) == (1, 0, 0)
