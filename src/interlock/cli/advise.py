"""The command advise: the strategy's rules about patterns, held against each flow and what was measured of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import ask_store, exists
from interlock.cli.times import now_ms
from interlock.data_folder import data_folder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.strategy import Flow
    from interlock.strategy.advise import Advice, Point

COLOURS = {"fits": "green", "accepted": "cyan", "contradicts": "yellow"}


@click.command()
@click.argument("flow", required=False)
@folder_option
@speaks
def advise(flow: str | None, folder: Path, out: Output) -> None:
    """Say which pattern suits which flow, and why.

    By what the files declare and, where a store is, by what was measured in 7 days. Exit code 1 when a chosen pattern
    contradicts a rule and the flow's `accepts` does not answer it.

    \b
    Examples: interlock advise
              interlock advise order-to-erp --json
    """
    strategy = read_strategy(folder)
    if flow is not None and flow not in strategy.flows:
        raise SettingsError(f"there is no flow {flow!r}", code="SET028", where=str(folder / "flows"),
                            why=f"there are {', '.join(strategy.flows)}", next_move="interlock flows")  # fmt: skip
    chosen = [strategy.flows[flow]] if flow else list(strategy.flows.values())
    found = _advice(folder, chosen)
    for one in found:
        _tell(one, out)
    _sum_up(found, out)


def _advice(folder: Path, flows: "list[Flow]") -> "list[Advice]":
    """With the figures of the store, when there is one."""
    from interlock.strategy.advise import FlowFacts
    from interlock.strategy.advise import advise as asked

    data = data_folder(folder)
    if not exists(data):
        return [asked(FlowFacts(flow)) for flow in flows]
    from interlock.operations.measured import advice

    return list(ask_store(data, lambda views: advice(flows, views, now_ms())).values())


def _tell(one: "Advice", out: Output) -> None:
    measured = one.measured.words()
    head = f"{one.flow.name}: {one.flow.pattern}" + (f" ({measured})" if measured else "")
    lines = [head, *map(_line, one.points)] if one.points else [head, "  no rule speaks for or against it"]
    points = [{**fields_of(point), "verdict": point.verdict, "suggestion": point.suggestion} for point in one.points]
    out.row(
        "\n".join(lines), flow=one.flow.name, pattern=one.flow.pattern, measured=fields_of(one.measured), points=points,
        open=[point.code for point in one.open],
    )  # fmt: skip


def _line(point: "Point") -> str:
    verdict = click.style(f"{point.verdict:<11}", fg=COLOURS[point.verdict])
    better = "" if point.fits else f"; {point.suggestion} suits it"
    watch = f"; watch {point.watch}" if point.watch and not point.fits else ""
    return f"  {point.code} {verdict} {point.because}{better}{watch}"


def _sum_up(found: "list[Advice]", out: Output) -> None:
    contradicted = [one for one in found if one.open]
    text = f"{counted(len(found), 'flow')}, {len(contradicted) or 'none'} with a pattern that contradicts the rules"
    moves = []
    if contradicted:
        flow, code = contradicted[0].flow.name, contradicted[0].open[0].code
        moves = [f'change the pattern, or say why in the rationale of flows/{flow}.toml and write accepts = ["{code}"]']
    out.summary(text, *moves, flows=len(found), contradicted=[one.flow.name for one in contradicted])
    if contradicted:
        fail()
