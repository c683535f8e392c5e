"""Markdown as HTML, for runbooks and for the pages of a strategy: what a text says, and never markup of its own."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

Link = Callable[[str], str | None]
"""The address that a link shall lead to; None takes the link away and leaves its words."""

_BREAK = "&lt;br&gt;"


def html(text: str, *, link: Link = lambda address: address, below: int = 0) -> Markup:
    """The text as HTML, safe to stand in a page, each heading with an id, each `below` as many levels lower (1: h1 becomes h2).

    HTML in the text is shown as it is written, except a line break within a cell; `javascript:` is no link.
    """
    tokens = _parser().parse(text)
    for inner in (child for token in tokens for child in token.children or ()):
        _lead(inner, link)
    for token, _, name in _heads(tokens):
        token.attrSet("id", name)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + below)}"
    _name_cells(tokens)
    rendered: str = _parser().renderer.render(tokens, _parser().options, {})
    return Markup(rendered.replace(_BREAK, "<br>"))  # noqa: S704  all that a text holds is escaped


def headings(text: str, level: int = 2) -> list[tuple[str, str]]:
    """Words and id of each heading of a level: a table of contents."""
    return [(words, name) for token, words, name in _heads(_parser().parse(text)) if token.tag == f"h{level}"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what stands in its cells may hold anything but a line of its own."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def cell(text: str) -> str:
    """One cell of a table: a bar is escaped, a new line is a space."""
    return " ".join(text.split()).replace("|", "\\|")


def plain(text: str) -> str:
    """Words that mean nothing but themselves: a title with a star in it stays a title with a star in it."""
    return re.sub(r"([\\`*_\[\]<>#~])", r"\\\1", " ".join(text.split()))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _lead(token: Token, link: Link) -> None:
    """Links lead where `link` says; a picture is its words, for it would be fetched from somewhere."""
    if token.type == "image":
        token.type, token.content, token.children = "text", token.content, None
    if token.type == "link_open":
        to = link(str(token.attrGet("href")))
        token.attrs = {} if to is None else {"href": to}


def _name_cells(tokens: list[Token]) -> None:
    """Each cell knows the head of its column, `data-head`: on a phone, where rows become lists, it stands before it."""
    heads: list[str] = []
    column = 0
    for token, inline in pairwise(tokens):
        if token.type == "table_open":
            heads = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            heads.append("".join(child.content for child in inline.children or ()))
        elif token.type == "td_open":
            token.attrSet("data-head", heads[column] if column < len(heads) else "")
            column += 1


def _heads(tokens: list[Token]) -> list[tuple[Token, str, str]]:
    """Each heading with its words and an id that no other has."""
    found: list[tuple[Token, str, str]] = []
    taken: set[str] = set()
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            words = "".join(child.content for child in inline.children or ())
            base = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "part"
            name = next(
                name for number in range(len(tokens)) if (name := f"{base}-{number}" if number else base) not in taken
            )
            taken.add(name)
            found.append((token, words, name))
    return found
