"""What `interlock check` says of the eight items: a line each with what is missing, or all of it; and the badge."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output
from interlock.cli.store import ask_store, exists
from interlock.cli.times import ago, now_ms
from interlock.data_folder import data_folder

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.strategy import Strategy
    from interlock.strategy.checklist import Counts, Evidence, Gap, Result

SHOWN_GAPS = 1
COLOURS = {"green": "green", "amber": "yellow", "red": "red"}
BADGE_COLOURS = {"green": "#146b3a", "amber": "#855000", "red": "#ab2118"}
KINDS = (".svg", ".md")
_LABEL, _CHARACTER_PX, _PAD_PX = "strategy", 6.6, 10
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {text}">
<title>{label}: {text}</title><rect width="{width}" height="20" rx="3" fill="#485461"/>
<rect x="{left}" width="{right}" height="20" rx="3" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{label_x}" y="14">{label}</text><text x="{text_x}" y="14">{text}</text></g></svg>
"""


def tell_items(strategy: "Strategy", folder: Path, out: Output, *, whole: bool) -> "tuple[Result, ...]":
    """Judge the eight items, and say each."""
    now = now_ms()
    results = judge_items(strategy, folder, now)
    for one in results:
        out.row(_text(one, now, whole=whole), **_fields(one))
    if not out.as_json:
        click.echo()
    return results


def judge_items(strategy: "Strategy", folder: Path, now: int) -> "tuple[Result, ...]":
    """The eight items by the folder and, where a hub has run, by its store."""
    from interlock.operations.checklist import judged

    data = data_folder(folder)

    async def with_store(views: "SqliteViews") -> "tuple[Result, ...]":
        return await judged(strategy, folder, views, now)

    return ask_store(data, with_store) if exists(data) else asyncio.run(judged(strategy, folder, None, now))


def count_of(results: "tuple[Result, ...]") -> "Counts":
    """How many items have each colour."""
    from interlock.strategy.checklist import count

    return count(results)


def refuse_unknown_badge(file: Path | None) -> None:
    """Raises UsageError for a file that is neither a picture nor Markdown, before anything is done."""
    if file and file.suffix not in KINDS:
        raise click.UsageError(f"--badge {file}: name a file that ends in {' or '.join(KINDS)}")


def write_badge(file: Path, counts: "Counts") -> None:
    """Write the sum for a README, as a picture or as a line."""
    text = "8 of 8 items green" if counts.complete else str(counts)
    colour = "red" if counts.red else "amber" if counts.amber else "green"
    line = f"**Strategy:** {text} (`interlock check`)\n"
    file.write_text(_svg(text, BADGE_COLOURS[colour]) if file.suffix == ".svg" else line, encoding="utf-8")


def _svg(text: str, colour: str) -> str:
    left, right = (round(len(words) * _CHARACTER_PX + _PAD_PX) for words in (_LABEL, text))
    return _SVG.format(
        width=left + right, left=left, right=right, colour=colour, label=_LABEL, text=text,
        label_x=left / 2, text_x=left + right / 2,
    )  # fmt: skip


def _text(one: "Result", now: int, *, whole: bool) -> str:
    head = f"{click.style(f'{one.colour:<5}', fg=COLOURS[one.colour])}  {one.item.number} {one.item.title}"
    if whole:
        return "\n".join([head, *(_gap(gap) for gap in one.gaps), *(_evidence(each, now) for each in one.evidence)])
    lines = [f"{head:<48}{_essence(one, now)}".rstrip()]
    lines += [_gap(gap) for gap in one.told[:SHOWN_GAPS]]
    more = len(one.told) - SHOWN_GAPS
    return "\n".join([*lines, *([f"         and {more} more"] if more > 0 else [])])


def _essence(one: "Result", now: int) -> str:
    """The strongest evidence of a green item in a few words; what is missing speaks for the others."""
    if one.colour != "green" or not one.evidence:
        return ""
    oldest = f"; oldest evidence {ago(one.oldest_ms, now)}" if one.oldest_ms else ""
    return f"{one.evidence[0].text}{oldest}"


def _gap(gap: "Gap") -> str:
    mark = click.style("-", fg=COLOURS[gap.colour])
    move = f"{gap.file}: {gap.put}" if gap.file and gap.put else gap.file or gap.put
    return f"       {mark} {gap.code} {gap.text}" + (f"\n                -> {move}" if move else "")


def _evidence(one: "Evidence", now: int) -> str:
    when = f" ({ago(one.at_ms, now)})" if one.at_ms else ""
    return f"       {click.style('+', fg='green')} {one.text}{when}"


def _fields(one: "Result") -> dict[str, object]:
    return {
        "item": one.item.number,
        "title": one.item.title,
        "colour": one.colour,
        "oldest_ms": one.oldest_ms,
        "evidence": [{"text": each.text, "at_ms": each.at_ms} for each in one.evidence],
        "gaps": [
            {"code": gap.code, "colour": gap.colour, "text": gap.text, "file": gap.file, "put": gap.put}
            for gap in one.gaps
        ],
    }
