"""The priority matrix: every cell has its phase, ranks are the same each time, and the first ten are fit to be operated."""

import random
from itertools import product

import pytest

from interlock.strategy import Flow, Slo, StrategyErrors
from interlock.strategy.matrix_text import as_markdown, drawn
from interlock.strategy.priority import LEVELS, PHASE_OF, TOP, headings, matrix

from .example_folder import SOUND, load_files


def flow(name: str, impact: str = "high", complexity: str = "low", **more) -> Flow:
    """A flow of which only the place in the matrix matters."""
    given = {"destinations": ["erp"], "owner": "ops", **more}
    return Flow(
        name=name, title=name, source="shop", trigger=["orders/create"], object="order.v1", pattern="event-driven",
        rationale="It is news.", impact=impact, complexity=complexity, runbook="erp.md", **given,
    )  # fmt: skip


NINE = [flow(f"{impact}-{complexity}", impact, complexity) for impact, complexity in product(LEVELS, LEVELS)]


def test_each_of_the_nine_cells_has_a_phase() -> None:
    """A level that is added to the model without a phase would drop its flows from the matrix."""
    assert set(PHASE_OF) == set(product(LEVELS, LEVELS))
    found = matrix(NINE)
    assert [one.flow.name for one in found.priorities][:3] == ["high-low", "high-medium", "high-high"]
    assert [one.phase.number for one in found.priorities] == sorted(one.phase.number for one in found.priorities)


def test_high_impact_comes_before_everything_else() -> None:
    """The first ten are those whose stop hurts most, however cheap another one is."""
    impacts = [one.flow.impact for one in matrix(NINE).priorities]
    assert impacts[:3] == ["high"] * 3 and "high" not in impacts[3:]


def test_ranks_do_not_depend_on_the_order_of_the_files() -> None:
    """A rank that moves by itself would be argued about."""
    chance = random.Random(1)
    expected = [one.flow.name for one in matrix(NINE).priorities]
    for _ in range(20):
        assert [one.flow.name for one in matrix(chance.sample(NINE, len(NINE))).priorities] == expected


def test_ties_go_to_what_stops_more() -> None:
    """More destinations, then volume, then the stricter promise, then the name."""
    flows = [
        flow("e"),
        flow("d"),
        flow("c", slo=Slo(latency_seconds_p95=5)),
        flow("b", slo=Slo(expected_events_per_day=900)),
        flow("a", destinations=["erp", "wms"]),
    ]
    assert [one.flow.name for one in matrix(flows).priorities] == ["a", "b", "c", "d", "e"]


def test_the_boxes_hold_every_flow_with_its_rank() -> None:
    """In 80 columns, and in a narrow terminal too."""
    found = matrix([*NINE, flow("a-flow-with-a-name-that-is-much-longer-than-a-box")])
    for width in (80, 50, 200):
        text = "\n".join(drawn(found, width))
        assert all(f"#{one.rank} " in text for one in found.priorities)
        assert len({line.count("+") for line in text.splitlines() if "+" in line}) == 1
    assert max(map(len, drawn(found, 80))) <= 80


def test_the_page_names_the_way_back_of_each_flow() -> None:
    """A pipe in a title would break the table of the Markdown page."""
    text = as_markdown(matrix([flow("a"), flow("b", "low", "high", owner="x|y")]))
    assert "## Phase 1: quick wins" in text and "**none**" in text and "x\\|y" in text


def test_an_important_flow_without_a_way_back_stops_production_only() -> None:
    """STR161 is a warning while a folder is tried, and an error where orders are real."""
    files = {**SOUND, "flows/order-to-erp.toml": SOUND["flows/order-to-erp.toml"].partition("[rollback]")[0]}
    assert [finding.code for finding in load_files(files).warnings] == ["STR161"]
    files["strategy.toml"] = files["strategy.toml"].replace("staging", "production")
    with pytest.raises(StrategyErrors) as raised:
        load_files(files)
    (found,) = (finding for finding in raised.value.findings if finding.severity == "error")
    assert (found.code, found.where.partition(":")[0]) == ("STR161", "flows/order-to-erp.toml")
    assert found.line > 0 and "[rollback]" in found.next_move


def test_the_eleventh_flow_may_do_without() -> None:
    """The control of the two checks: they are about the first ten, not about all."""
    bare = SOUND["flows/order-to-erp.toml"].replace('impact = "high"', 'impact = "low"').partition("[slo]")[0]
    whole = SOUND["flows/order-to-erp.toml"]
    files = dict(SOUND)
    for number in range(TOP):
        titled = whole.replace('title = "Orders"', f'title = "Orders {number}"')
        files[f"flows/order-{number}.toml"] = f"when = \"order.name != '{number}'\"\n{titled}"
    files["flows/order-to-erp.toml"] = bare.replace('"orders/create"', '"orders/updated"')
    assert [finding.code for finding in load_files(files).warnings] == []


def test_headings_pass_over_code() -> None:
    """`# comment` in a code block is no heading."""
    assert headings("# A\n```\n# no\n```\n## Going back\n") == ["A", "Going back"]
