"""Item 2: the top ten flows and the priority matrix. Somebody chose what comes first, and what comes first is fit to run, and runs."""

from collections.abc import Iterator

from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import FlowRan, Running, Seen
from interlock.strategy.items.base import Case, Evidence, Gap, Rule, RunningRule, counted, listed

ENOUGH_TO_RANK = 4
"""Fewer flows than this may well matter the same."""

_ORDER_AGAIN = """\
title = "{title}"
source = "shop"
trigger = ["{topic}"]
object = "order.v1"
destinations = ["erp"]
pattern = "event-driven"
rationale = "Words of its own, because {topic} is another matter."
impact = "{impact}"
complexity = "low"
owner = "finance-systems"
runbook = "erp-refusals.md"
[slo]
success_percent = 99.5
silence_after_minutes = 60
[rollback]
how = "interlock rollback"
"""


def _four_flows(impact: str) -> tuple[Example, ...]:
    """Two beside the two that are there; the last one of the given impact."""
    new = (("change", "orders/updated", "high"), ("cancellation", "orders/cancelled", impact))
    return tuple(
        Example(
            f"flows/{name}-to-erp.toml", _ORDER_AGAIN.format(title=name.title(), topic=topic, impact=level), whole=True
        )
        for name, topic, level in new
    )


class FlowsAreRanked(Rule):
    code = "CHK201"
    colour = "red"
    title = "There are flows, and impact and complexity tell them apart"
    why = "where everything is equally important, nobody knows what to save first"
    bad = Case("four flows, all of high impact", _four_flows("high"))
    good = Case("four flows, one of them of low impact", _four_flows("low"))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        flows = seen.strategy.flows
        levels = {(flow.impact, flow.complexity) for flow in flows.values()}
        if not flows:
            yield self.gap("there is no flow", "flows/order-to-erp.toml", "the movement that the business misses first")
        elif len(flows) >= ENOUGH_TO_RANK and len({impact for impact, _ in levels}) == 1:
            text = f"all {len(flows)} flows have the same impact"
            yield self.gap(
                text, f"flows/{next(iter(flows))}.toml", "impact = high, medium or low, as its stop would cost"
            )
        else:
            phases: dict[str, int] = {}
            for one in seen.top:
                phases[one.phase.name] = phases.get(one.phase.name, 0) + 1
            said = ", ".join(f"{count} {name}" for name, count in phases.items())
            yield Evidence(f"{counted(len(flows), 'flow')} ranked; of the first {len(seen.top)}: {said}")


class TopTenAreFit(Rule):
    code = "CHK202"
    title = "Each of the top ten has owner, bounds of its silence, runbook and rollback"
    why = "what the business misses first must be operable first"
    bad = Case(
        "a flow of the top ten says no bound of its silence",
        (Example("flows/order-to-erp.toml", "[slo]\n# silence_after_minutes"),),
    )
    good = Case(
        "it says when it is silent, and how to go back",
        (
            Example(
                "flows/order-to-erp.toml", '[slo]\nsilence_after_minutes = 60\n[rollback]\nhow = "interlock rollback"'
            ),
        ),
    )

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        fit = 0
        for one in seen.top:
            flow = one.flow
            bounded = flow.slo.silence_after_minutes is not None or flow.slo.expected_events_per_day is not None
            wanted = {
                '[rollback] with how = "what is undone, in which order"': flow.rollback is not None,
                "silence_after_minutes or expected_events_per_day under [slo]": bounded,
            }
            missing = [what for what, there in wanted.items() if not there]
            fit += not missing
            if missing:
                yield self.gap(
                    f"{flow.name}, rank {one.rank}, is not fit", f"flows/{flow.name}.toml", " and ".join(missing)
                )
        if fit:
            yield Evidence(f"{fit} of the first {len(seen.top)} with owner, SLO, runbook and rollback")


class TopTenRun(RunningRule):
    code = "CHK203"
    title = "Each of the top ten has delivered lately"
    why = "a flow that is enabled and silent fails nothing and does nothing"
    bad = Case("a flow delivered years ago", running=Running(flows={"order-to-erp": FlowRan(success_ms=1)}))
    good = Case("both flows delivered today")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        days = seen.fresh.flow_ran_days
        idle, newest = [], []
        for one in seen.top:
            at_ms = running.flows.get(one.flow.name, FlowRan()).success_ms
            if one.flow.paused:
                continue
            if seen.within(at_ms, days=days):
                newest.append(at_ms)
            else:
                idle.append(one.flow.name)
        if idle:
            text = f"{counted(len(idle), 'flow')} delivered nothing for {days} days: {listed(idle)}"
            yield self.gap(text, put="interlock status; pause what is not used, or take it out of the folder")
        if newest:
            yield Evidence(f"{counted(len(newest), 'flow')} of the top ten delivered", min(newest))


RULES = (FlowsAreRanked(), TopTenAreFit(), TopTenRun())
