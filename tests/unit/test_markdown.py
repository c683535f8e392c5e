"""A runbook is read at 3:00: its tables, lists and commands must look like it, and nothing in a text may become markup of its own."""

from hypothesis import given
from hypothesis import strategies as st

from interlock.markdown import headings, html, plain, table

TEXT = """# When it refuses

Look at the **code** first,
then here.

1. `interlock issues`

- see [intake](intake.md), not [this](javascript:alert(1))

| Symptom | Next move |
|---|:--|
| **Dead** | `interlock retry` |

```
interlock issues
# not a heading
```
"""


def test_a_runbook_as_html() -> None:
    """Headings, lists, a table, code as it is written; links lead where they are told to."""
    found = html(TEXT, link=lambda to: f"/runbooks/{to}" if to.endswith(".md") else None, below=1)
    assert '<h2 id="when-it-refuses">When it refuses</h2>' in found
    assert '<a href="/runbooks/intake.md">intake</a>' in found
    assert "javascript:" not in found or "<a href" not in found.partition("javascript:")[0].rpartition("<")[2]
    assert "<td" in found and "# not a heading" in found and "<strong>Dead</strong>" in found
    assert 'data-head="Next move"' in found


def test_nothing_becomes_markup() -> None:
    """A title, a name or a note may hold anything; pictures would be fetched from somewhere."""
    hostile = "<script>alert(1)</script> <img src=x onerror=alert(1)> ![p](https://evil.example/p.png) [l](javascript:alert(1))"
    found = html(hostile)
    assert "<script" not in found and "<img" not in found and 'href="javascript' not in found


@given(st.text(max_size=200))
def test_plain_words_mean_themselves(words: str) -> None:
    """What is taken from a folder is told as it stands, whatever signs are in it."""
    found = html(f"a {plain(words)} b")
    assert not any(sign in found for sign in ("<em", "<strong", "<a ", "<code", "<del", "<h1", "<ul", "<pre"))


def test_headings_have_ids_of_their_own() -> None:
    """Two of the same name can both be led to."""
    text = "## Triage\n\nx\n\n## Triage\n\n## Ünïcode & <b>\n"
    assert [name for _, name in headings(text)] == ["triage", "triage-1", "n-code-b"]
    assert all(f'id="{name}"' in html(text) for _, name in headings(text))


def test_cells_hold_anything() -> None:
    """A bar or a new line in a cell breaks no row."""
    found = html(table(("A", "B"), [("a|b", "c\nd")]))
    assert found.count("<td") == 2 and "a|b" in found and "c d" in found
