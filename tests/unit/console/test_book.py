"""A runbook is read at 3:00: its tables, lists and commands must look like it, and nothing in it may become markup."""

from interlock.console.book import Piece, blocks, pieces

TEXT = """# When it refuses

Look at the **code** first,
then here.

1. `interlock issues`
- see [intake.md](intake.md), not [this](https://evil.example)

| Symptom | Next move |
|---|:--|
| **Dead** | `interlock retry` |

```
interlock issues
# not a heading
```
"""


def test_a_runbook_in_blocks() -> None:
    """Headings, joined lines, lists, a table without its rule, code as it is written."""
    found = blocks(TEXT)
    assert [block.kind for block in found] == ["head", "text", "item", "bullet", "table", "code"]
    assert "".join(piece.text for piece in found[1].line) == "Look at the code first, then here."
    assert [[cell[0].text for cell in row] for row in found[4].rows] == [
        ["Symptom", "Next move"],
        ["Dead", "interlock retry"],
    ]
    assert found[5].text == "interlock issues\n# not a heading"


def test_what_stands_out_in_a_line() -> None:
    """Only links to other runbooks are links; any other address stays text that can be read."""
    assert pieces("a `b` **c** [d](e.md)") == (
        Piece("text", "a "), Piece("code", "b"), Piece("text", " "), Piece("bold", "c"), Piece("text", " "), Piece("link", "d", "e.md"),
    )  # fmt: skip
    assert pieces("[this](https://evil.example)") == (Piece("text", "[this](https://evil.example)"),)
    assert pieces("<script>`") == (Piece("text", "<script>`"),)
