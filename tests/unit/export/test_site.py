"""The site: complete, the same bytes for the same folder, every link leads somewhere, and nothing in a folder becomes markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from interlock.connectors.registry import facts
from interlock.export import site
from interlock.release.paper import PaperBuild
from interlock.strategy import load, snapshot_of
from interlock.strategy.starter import starter_files

NOW = datetime(2026, 11, 23, 9, 2, tzinfo=UTC)
HREF = re.compile(r'href="([^"]*)"')


def written(directory: Path, changes: dict[str, str] | None = None) -> dict[str, str]:
    """The site of the starter folder with some texts changed, by path."""
    files = {**starter_files(), **(changes or {})}
    strategy = load(snapshot_of({path: text.encode() for path, text in files.items()}), connectors=facts())
    site.write(directory, PaperBuild(strategy), (), NOW)
    return {str(file.relative_to(directory)): file.read_text("utf-8") for file in sorted(directory.rglob("*.*"))}


@pytest.fixture(name="pages", scope="module")
def _pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("site"))


def test_every_part_of_the_strategy_has_its_page(pages: dict[str, str]) -> None:
    """What the issue of the article lists: records, matrix, patterns, contracts, mappings, security, promises, changes, runbooks."""
    wanted = {
        "index",
        "records",
        "systems",
        "priorities",
        "patterns",
        "contracts",
        "mappings",
        "security",
        "promises",
        "changes",
        "runbooks",
    }
    assert wanted <= {path.removesuffix(".html") for path in pages}
    assert {
        "flows/order-to-erp.html",
        "contracts/order.v1.html",
        "mappings/order.html",
        "runbooks/erp-refusals.html",
    } <= pages.keys()


def test_the_same_folder_gives_the_same_bytes(pages: dict[str, str], tmp_path: Path) -> None:
    """So that a site under version control changes when the strategy does, and only then."""
    assert written(tmp_path) == pages


def test_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    """Relative, within the site, to a heading that is there."""
    for path, text in pages.items():
        for address in HREF.findall(text) if path.endswith(".html") else ():
            parts = urlsplit(address)
            if parts.scheme:
                continue
            target = (
                str((Path("/") / path).parent.joinpath(parts.path).resolve().relative_to("/")) if parts.path else path
            )
            assert target in pages, f"{path}: {address}"
            if parts.fragment:
                assert f'id="{parts.fragment}"' in pages[target], f"{path}: {address}"


def test_a_link_to_nothing_becomes_its_words(tmp_path: Path) -> None:
    """A runbook may name a file of a wiki or of a disk; on the site that would lead nowhere. Another runbook is led to."""
    text = "# Help\n\n[other](erp-refusals.md) [wiki](old-page.md) [disk](/etc/passwd) [net](https://example.com/x)\n"
    page = written(tmp_path, {"runbooks/intake.md": text})["runbooks/intake.html"]
    assert '<a href="../runbooks/erp-refusals.html">other</a>' in page
    assert '<a href="https://example.com/x">net</a>' in page
    assert "old-page.md" not in page and "/etc/passwd" not in page and "wiki" in page


def test_no_server_and_no_script_is_needed(pages: dict[str, str]) -> None:
    """It is opened from a disk, in a mail, behind a wall."""
    for path, text in pages.items():
        assert "<script" not in text and "src=" not in text, path
        assert "http://127" not in text, path


def test_what_a_folder_says_becomes_no_markup(tmp_path: Path) -> None:
    """Titles are people's words; a hostile one is told as it stands."""
    flow = starter_files()["flows/order-to-erp.toml"]
    hostile = 'title = "<script>alert(1)</script> [x](javascript:alert(1)) *a|b*"'
    pages = written(
        tmp_path, {"flows/order-to-erp.toml": re.sub(r"^title = .*$", lambda _: hostile, flow, flags=re.MULTILINE)}
    )
    for path, text in pages.items():
        assert "<script" not in text and 'href="javascript' not in text, path
    assert "*a|b*" in pages["index.html"]


def test_no_secret_is_told(pages: dict[str, str]) -> None:
    """References to credentials stay in the folder."""
    assert not any("file:secrets" in text for text in pages.values())
