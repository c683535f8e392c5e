"""Markdown, as little as a runbook needs: headings, lists, tables, code, bold words, links to other runbooks. All else stays text."""

import re
from collections.abc import Iterator

import msgspec

_INLINE = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\[(?P<link>[^\]]+)\]\((?P<to>[\w.-]+\.md)\)")
_RULE = re.compile(r"\|?[\s:|-]+\|?")


class Piece(msgspec.Struct, frozen=True):
    """A stretch of a line: text, code, bold or link; `to` is the runbook that a link names."""

    kind: str
    text: str
    to: str = ""


Line = tuple[Piece, ...]


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """head, text, bullet, item (numbered) or code; a table has `rows` of cells, the first of them its heading."""

    kind: str
    line: Line = ()
    text: str = ""
    rows: tuple[tuple[Line, ...], ...] = ()


def blocks(text: str) -> list[Block]:
    """The blocks of a text, in its order. No input is an error."""
    return [_block(kind, lines) for kind, lines in _grouped(text)]


def pieces(text: str) -> Line:
    """One line of text with what stands out in it."""
    found: list[Piece] = []
    at = 0
    for match in _INLINE.finditer(text):
        found += [Piece("text", text[at : match.start()])] if match.start() > at else []
        kind = match.lastgroup if match.lastgroup != "to" else "link"
        found.append(Piece(kind or "text", match[kind or 0], match["to"] or ""))
        at = match.end()
    return (*found, Piece("text", text[at:])) if at < len(text) else tuple(found)


def _grouped(text: str) -> Iterator[tuple[str, list[str]]]:
    """Lines that belong together, with their kind."""
    kind, lines = "", list[str]()
    for found, line in _kinds(text):
        joins = found == kind and found in {"text", "code", "table"}
        if lines and not joins:
            yield kind, lines
            lines = []
        kind = found
        lines = [*lines, line] if found else []
    if lines:
        yield kind, lines


def _kinds(text: str) -> Iterator[tuple[str, str]]:
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            yield "", ""
        else:
            yield _kind(line) if not fenced else ("code", line)


def _kind(line: str) -> tuple[str, str]:
    bare = line.strip()
    if not bare:
        return "", ""
    if bare.startswith("#"):
        return "head", bare.lstrip("# ")
    if bare.startswith(("- ", "* ")):
        return "bullet", bare[2:]
    if re.match(r"\d{1,2}\. ", bare):
        return "item", bare
    return ("table", bare) if bare.startswith("|") else ("text", bare)


def _block(kind: str, lines: list[str]) -> Block:
    if kind == "code":
        return Block(kind=kind, text="\n".join(lines))
    if kind == "table":
        rows = [line.strip("|").split("|") for line in lines if not _RULE.fullmatch(line)]
        return Block(kind=kind, rows=tuple(tuple(pieces(cell.strip()) for cell in row) for row in rows))
    return Block(kind=kind, line=pieces(" ".join(lines)))
