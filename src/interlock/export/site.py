"""The whole strategy as a static site that anybody can read: relative links, no script, the same bytes for the same folder."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from interlock import markdown
from interlock.export import chapters
from interlock.export.chapters import Chapter
from interlock.release.build import Build
from interlock.strategy import Strategy
from interlock.strategy.checklist import Result

STYLE = "style.css"


class Written(Struct, frozen=True):
    """What was written, relative to the site's folder."""

    pages: tuple[str, ...]


def write(directory: Path, build: Build, results: tuple[Result, ...], now: datetime) -> Written:
    """Write every page and the style sheet into `directory`, which is made when missing. Files of others are left alone."""
    found = {chapter.path: chapter for chapter in chapters.of(build, results)}
    for path, chapter in found.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_page(chapter, found, build.strategy, now), encoding="utf-8")
    (directory / STYLE).write_text(_style(), encoding="utf-8")
    return Written(tuple(found))


def _page(chapter: Chapter, all_: Mapping[str, Chapter], strategy: Strategy, now: datetime) -> str:
    root = "../" * chapter.path.count("/")
    body = markdown.html(chapter.text, link=lambda address: _link(address, chapter, all_, root))
    contents = markdown.headings(chapter.text)
    page: str = _environment().get_template("page.html").render(
        chapter=chapter, body=body, contents=contents, root=root, style=STYLE, strategy=strategy,
        rail=[one for one in all_.values() if one.leads], section=chapter.path.partition("/")[0].removesuffix(".html"),
        when=f"{now:%Y-%m-%d %H:%M} {now.tzname()}",
    )  # fmt: skip
    return page


def _link(address: str, chapter: Chapter, all_: Mapping[str, Chapter], root: str) -> str | None:
    """Addresses in texts are from the site's root (`flows/NAME.html`); runbooks name each other as files."""
    parts = urlsplit(address)
    if parts.scheme in ("http", "https", "mailto"):
        return address
    path = parts.path
    if chapter.path.startswith("runbooks/") and path.endswith(".md"):
        path = f"runbooks/{path.rpartition('/')[2].removesuffix('.md')}.html"
    if path not in all_:
        return f"#{parts.fragment}" if parts.fragment and not path else None
    return f"{root}{path}" + (f"#{parts.fragment}" if parts.fragment else "")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("interlock.export"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _style() -> str:
    return files("interlock.export").joinpath("templates", STYLE).read_text(encoding="utf-8")
