"""The command reconcile inventory: what channels show beside what they should show, compared by the hub now."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import needs_a_hub
from interlock.cli.stock_runs import ask, channels_of, follow, rules_of, sliced
from interlock.cli.store import ask_store
from interlock.cli.times import took
from interlock.cli.writing import store_of

if TYPE_CHECKING:
    from interlock.messaging.accuracy import Difference, Run

ROWS = 50


@click.command()
@sliced
@click.option("--dry-run", is_flag=True, help="Only compare: correct nothing. Exit code 1 when something differs.")
@speaks
def inventory(channel: str, sku: str, location: str, dry_run: bool, why: str, folder: Path, out: Output) -> None:
    """Compare the stock that channels show with what they should.

    The hub reads both sides, names the cause of each difference, and corrects what the flow's `heal` allows; the rest becomes
    an issue. What moves while it is compared is no difference. It does so by itself every `reconcile_every_hours`. A system that gives
    no answer for a minute is not compared; until then the progress says who is waited for, since when and why.

    Exit code 1 when a channel could not be compared, a source of truth is silent, or a difference is left to a person; with
    --dry-run when anything differs.

    \b
    Examples: interlock reconcile inventory --dry-run
              interlock reconcile inventory --channel shopify --sku 'TEE-*' --json
    """
    channels = channels_of(rules_of(folder), channel, location)
    needs_a_hub(folder, "the hub does the comparing")
    numbers = [ask(folder, "compare", one, sku=sku, location=location, why=why, dry=dry_run) for one in channels]
    ended, told = [], 0
    for number in numbers:  # each is told as soon as it has ended: the next may have to be waited for
        run = follow(folder, out, number, _progress)
        differences = _differences(folder, run)
        for one in differences:
            out.row(_line(one), **fields_of(one))
        out.row(_sentence(run), event="compared", **fields_of(run), different=run.different)
        ended.append(run)
        told += len(differences)
    _tell_end(out, ended, told)


def _progress(run: "Run") -> str:
    if run.error:
        return f"{run.channel}: {run.error}"
    if not run.listed:
        return f"{run.channel}: its sources of truth are read, then what it lists"
    return f"{run.channel}: {counted(run.listed, 'place')} listed"


def _differences(folder: Path, run: "Run") -> "list[Difference]":
    found = ask_store(store_of(folder), lambda views: views.stock_differences(channel=run.channel, limit=10_000))
    return [one for one in found if one.run == run.id][:ROWS]


def _line(one: "Difference") -> str:
    at = f"{one.channel} {one.location or one.place}"
    return f"{one.sku or one.item:<20} {at:<24} {one.cause:<12} {one.what}; {one.next_move}"


def _sentence(run: "Run") -> str:
    if run.state == "failed":
        tried = took(run.ended_ms - run.began_ms)
        return f"{run.channel} could not be compared, tried for {tried}: {run.error}"
    if not run.compared + run.in_flight:
        return f"{run.channel}: nothing to compare: it lists none of these items at these places"
    share = _percent(run.equal, run.compared)
    silent = f"; {run.stale}" if run.stale else ""
    flight = f", {run.in_flight} were moving" if run.in_flight else ""
    return (
        f"{run.channel}: {share} of {counted(run.compared, 'place')} show what they should, {run.different} do not{flight}; "
        f"{took(run.ended_ms - run.began_ms)}{silent}"
    )


def _percent(equal: int, compared: int) -> str:
    """`96.87%`; as the console does, never rounded up to 100."""
    return "100%" if equal == compared else f"{equal * 10_000 // compared / 100:.2f}%"


def _tell_end(out: Output, ended: "list[Run]", told: int) -> None:
    different, opened, asked = (sum(getattr(run, name) for run in ended) for name in ("different", "opened", "asked"))
    dry = any(run.dry for run in ended)
    done = "; nothing is corrected" if dry else f"; {counted(opened, 'correction')} on the way" if opened else ""
    left = f"; {asked} left to a person" if asked else ""
    moves = ["the same without --dry-run"] if dry and different else []
    moves += ["interlock issues"] if asked and not dry else []
    moves += ["interlock stock SKU"] if told else []
    failed = [run.channel for run in ended if run.state == "failed"]
    made = [run.channel for run in ended if run.state != "failed"]
    moves += ["interlock status"] if failed else []
    moves += [f"interlock reconcile inventory --channel {channel}" for channel in failed]
    found = [f"{counted(different, 'difference')} at {', '.join(made)}{done}{left}"] if made else []
    text = "; ".join([*found, *(f"{channel} could not be compared" for channel in failed)])
    out.summary(text, *moves, different=different, opened=opened, asked=asked, failed=failed)
    if failed or asked or (dry and different) or any(run.stale for run in ended):
        fail()
