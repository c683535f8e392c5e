"""What a folder leaves open is found in every kind of file, and nothing else is taken for it."""

from datetime import date

import pytest

from interlock.strategy.decisions import decisions_of
from interlock.strategy.evidence import day_ms
from interlock.strategy.items.runbooks import drilled_ms, section

from .sound_hub import NOW_MS


@pytest.mark.parametrize(
    ("file", "line", "what"),
    [
        ("slos.toml", "# decide: which share?", "which share?"),
        ("slos.toml", "  #decide: which share?", "which share?"),
        ("runbooks/x.md", "Decide: who is called?", "who is called?"),
        ("runbooks/x.md", "- decide: who is called?", "who is called?"),
        ("runbooks/x.md", "<!-- decide: who is called? -->", "who is called?"),
        ("functions.py", "# DECIDE: round up or down", "round up or down"),
    ],
)
def test_open_decisions_are_found(file: str, line: str, what: str) -> None:
    """People write the mark as their file allows; each is told with its place."""
    (found,) = decisions_of({file: f"\n{line}\n".encode()})
    assert (found.file, found.line, found.what) == (file, 2, what)


@pytest.mark.parametrize(
    "line", ['note = "x"  # decide: later', "We decide: nobody", "# decided: yes", "# decide:", 'title = "decide: x"']
)
def test_other_words_are_no_mark(line: str) -> None:
    """The control: what only mentions a decision keeps no item amber."""
    assert list(decisions_of({"slos.toml": line.encode()})) == []


def test_a_drill_is_a_line_that_begins_with_its_day() -> None:
    """A day in the prose around the list, or one that lies ahead, is no drill."""
    text = "# X\n## Drills\nBegun on 2026-11-01.\n- 2026-10-01 Ann: well\n- 2027-01-01 planned\n| 2026-10-05 | Bo |\n- 2026-13-77 no day\n"
    assert drilled_ms(text, NOW_MS) == day_ms(date(2026, 10, 5))
    assert drilled_ms("# X\n## Drills\nBegun on 2026-11-01.\n", NOW_MS) == 0


@pytest.mark.parametrize(
    "heading", ["## Rollback", "## Going back", "### The way back, step by step", "## Rolling back"]
)
def test_a_section_is_known_by_its_words(heading: str) -> None:
    """A runbook is written for people: other words for the same are as good, an empty section is none."""
    assert section(f"# X\n{heading}\nDo this.\n", "rollback") == "Do this."
    assert section(f"# X\n{heading}\n\n## Next\nmore", "rollback") == ""
