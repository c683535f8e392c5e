"""The documentation keeps step with the code: every error code and every command is written down."""

import re
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "interlock"
REFERENCE = ROOT / "docs" / "reference"

NUMBERED = re.compile(r'"((?:STR|CHK|SET|STO|INT|MAP|CON|SEC|EGR|NET|HUB|REL|CLI|OPS|OWN|FLW|CMP|PLN|BFL|SWP|PRV|STK)\d{3})"')
NAMED = re.compile(r"\b(HUB-[A-Z]+)\b")
OUTCOME_CODE = re.compile(r'code="([A-Z][A-Z_-]+)"')


def codes_in(text: str) -> set[str]:
    """Error codes that a piece of source gives to an error."""
    return set(NUMBERED.findall(text)) | set(NAMED.findall(text)) | set(OUTCOME_CODE.findall(text))


def undocumented(source: dict[str, str], documents: str) -> dict[str, str]:
    """Code -> the file that uses it, for codes that no document mentions as a whole word."""
    known = set(re.findall(r"[A-Z][A-Z_-]*[A-Z0-9]*\d*", documents))
    return {code: name for name, text in source.items() for code in codes_in(text) if code not in known}


def sources() -> dict[str, str]:
    files = [file for pattern in ("*.py", "*.sql") for file in SOURCE.rglob(pattern) if "twins" not in file.parts]
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def reference() -> str:
    pages = ("errors.md", "checks.md", "checklist.md", "mapping.md", "compatibility.md")
    return "\n".join((REFERENCE / name).read_text(encoding="utf-8") for name in pages)


def test_every_error_code_is_in_the_reference() -> None:
    """A person who meets a code at night finds it; a new code without a line here is not finished."""
    assert undocumented(sources(), reference()) == {}


def test_an_unknown_code_would_be_found() -> None:
    """The control: the check above can fail."""
    assert undocumented({"x.py": 'raise StoreError("x", code="STO999")'}, reference()) == {"STO999": "x.py"}
    assert undocumented({"x.sql": "code = 'HUB-NOWHERE'"}, reference()) == {"HUB-NOWHERE": "x.sql"}


def test_the_errors_page_names_no_code_that_is_gone() -> None:
    """A reference that explains what cannot happen sends people the wrong way."""
    rows = re.findall(r"^\| ([A-Z][A-Z0-9_-]+) \|", (REFERENCE / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    used = set().union(*(codes_in(text) for text in sources().values()))
    assert [code for code in rows if code not in used] == []


def leaves(command: click.Command, path: str) -> list[str]:
    """The full names of the commands below one."""
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    children = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    shown = [(name, child) for name, child in children if child is not None and not child.hidden]
    return [leaf for name, child in shown for leaf in leaves(child, f"{path} {name}")]


def test_every_command_is_documented() -> None:
    """What the command line can do is told somewhere other than in the command line."""
    cli = pytest.importorskip("interlock.cli", reason="the command line does not exist yet")
    if not hasattr(cli, "main"):
        pytest.skip("the command line has no entry yet")
    texts = "\n".join(file.read_text(encoding="utf-8") for file in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    assert [leaf for leaf in leaves(cli.main, "interlock") if leaf not in texts] == []


def test_links_between_documents_lead_somewhere() -> None:
    """A broken link is a question without an answer."""
    broken = []
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        prose = re.sub(r"```.*?```|`[^`\n]+`", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
            if "://" not in target and not target.startswith("mailto:") and not (file.parent / target).exists():
                broken.append(f"{file.relative_to(ROOT)}: {target}")
    assert broken == []
