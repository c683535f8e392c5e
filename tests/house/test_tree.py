"""The house rules that a linter does not know: the tree tells the story, and nothing points to where it was made."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "src").rglob("*.py"))

VAGUE = re.compile(r"^(utils?|common|helpers?|managers?|misc)$|_(utils?|helpers?|manager)$")
DIGEST = re.compile(r"(digest|signature|hmac|mac)$", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|Users)/\w")
BINARY = {".png", ".svg", ".ico", ".woff2", ".gz"}


def opening(source: str) -> str:
    """The first line of the module's docstring."""
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Call(func=inner):
            return name_of(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def compared_digests(source: str) -> list[int]:
    """Lines that compare something named like a MAC with == or !=, whose time tells how much of it was right."""
    module = ast.parse(source)
    imports = [ast.unparse(node) for node in ast.walk(module) if isinstance(node, ast.Import | ast.ImportFrom)]
    if not any("hmac" in line for line in imports):
        return []
    compares = [node for node in ast.walk(module) if isinstance(node, ast.Compare)]
    equalities = [node for node in compares if isinstance(node.ops[0], ast.Eq | ast.NotEq)]
    sides = [(node.lineno, (node.left, *node.comparators)) for node in equalities]
    return [line for line, both in sides if any(DIGEST.search(name_of(side)) for side in both)]


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the list of files is not known")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if name]
    return [ROOT / name for name in names if Path(name).suffix not in BINARY and "vendor" not in Path(name).parts]


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        if file.is_file() and file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT / "src" / "interlock")))
def test_a_module_says_in_its_first_line_what_it_is(file: Path) -> None:
    """Reading only first lines gives the story of the whole."""
    assert len(opening(file.read_text(encoding="utf-8"))) >= 15


def test_no_name_is_vague() -> None:
    """A name that fits everything holds everything."""
    folders = {file.parent for file in MODULES}
    assert [str(path.relative_to(ROOT)) for path in [*MODULES, *folders] if VAGUE.search(path.stem)] == []


def test_test_files_have_names_of_their_own() -> None:
    """Outside of packages pytest knows a test module by its bare name: two of one name stop the whole run."""
    files = [file for file in (ROOT / "tests").rglob("test_*.py") if not (file.parent / "__init__.py").exists()]
    names = [file.name for file in files]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_digests_are_compared_in_constant_time() -> None:
    """A comparison that ends at the first wrong byte lets a forger guess a signature byte by byte."""
    found = {str(file.relative_to(ROOT)): compared_digests(file.read_text(encoding="utf-8")) for file in MODULES}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_nothing_is_left_unfinished_in_a_comment() -> None:
    """What is missing stands in the README or an issue, where people look."""
    assert lines_with(UNFINISHED, [*MODULES, *sorted((ROOT / "scripts").iterdir())]) == []


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    """The project stands alone."""
    assert lines_with(MACHINE_PATH, tracked()) == []


def test_the_locks_pin_hashes_and_name_no_registry() -> None:
    """Installed is what was tested, wherever packages are fetched from."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pinned = re.findall(r"^\S+==\S+.*\\\n((?:    --hash=\S+.*\n)+)", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^\S+==", text, re.MULTILINE)) > 10
        assert "://" not in text
        assert "--index" not in text


def test_the_rules_can_fail() -> None:
    """The controls: each rule finds the thing that it forbids."""
    assert opening("x = 1\n") == ""
    assert VAGUE.search("order_helper")
    assert VAGUE.search("utils")
    assert compared_digests("import hmac\nif signature == mac.hexdigest():\n    pass\n") == [2]
    assert compared_digests("import hmac\nif hmac.compare_digest(signature, mac):\n    pass\n") == []
    assert UNFINISHED.search("# " + "TODO later")
    assert MACHINE_PATH.search("see /" + "home/ann/x")
