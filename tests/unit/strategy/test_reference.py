"""The reference pages say what the code does."""

from pathlib import Path

from interlock.strategy.checklist import RULES
from interlock.strategy.checklist_page import checklist_page
from interlock.strategy.checks import ALL
from interlock.strategy.reference import checks_page, main, with_keys
from interlock.strategy.secrets import SecretError

DOCS = Path(__file__).parents[3] / "docs" / "reference"


def test_the_page_of_checks_is_up_to_date() -> None:
    """Written by `python -m interlock.strategy.reference`; a check that is not on the page cannot be looked up."""
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == checks_page()
    assert all(f"## {check.code} " in checks_page() for check in ALL)


def test_the_page_of_the_checklist_is_up_to_date() -> None:
    """Each rule with its reason and examples: whoever is told of a gap looks its code up there."""
    assert (DOCS / "checklist.md").read_text(encoding="utf-8") == checklist_page()
    assert all(f"### {rule.code} " in checklist_page() for rule in RULES)


def test_the_tables_of_keys_are_up_to_date() -> None:
    """Each key with its type, default and meaning, as in the model."""
    page = (DOCS / "strategy-folder.md").read_text(encoding="utf-8")
    assert page == with_keys(page)
    assert SecretError.default_code in page


def test_a_stale_page_is_told(tmp_path: Path) -> None:
    """The control: `--check` fails when a page differs, and writing mends it."""
    (tmp_path / "strategy-folder.md").write_text((DOCS / "strategy-folder.md").read_text(encoding="utf-8"))
    (tmp_path / "checks.md").write_text("old")
    assert main(["--check"], tmp_path) == 1
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
