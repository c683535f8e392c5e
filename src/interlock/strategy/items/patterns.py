"""Item 3: the pattern decision table. Each flow says why it runs the way it does, in words of its own, and what was measured agrees."""

from collections.abc import Iterator

from interlock.strategy.advise import FlowFacts, Measured, advise
from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import PROMISE_DAYS, FlowRan, Running, Seen
from interlock.strategy.items.base import Case, Evidence, Gap, Rule, RunningRule, counted, listed

FEWEST_WORDS = 4


class RationaleOfItsOwn(Rule):
    code = "CHK301"
    title = "Each flow argues for its pattern in words of its own"
    why = "a rationale that is copied, or says nothing, was not thought about"
    bad = Case("a rationale of one word", (Example("flows/order-to-erp.toml", 'rationale = "Events."'),))
    good = Case(
        "a reason that is the flow's own",
        (
            Example(
                "flows/order-to-erp.toml",
                'rationale = "The store must not wait for the ERP, which closes at month\'s end."',
            ),
        ),
    )

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        first: dict[str, str] = {}
        argued: dict[str, int] = {}
        for flow in seen.strategy.flows.values():
            words = flow.rationale.casefold().split()
            other = first.setdefault(" ".join(words), flow.name)
            if len(words) < FEWEST_WORDS:
                said = f'{flow.name} says only "{flow.rationale}" for {flow.pattern}'
            elif other != flow.name:
                said = f"{flow.name} has the rationale of {other}"
            else:
                argued[flow.pattern] = argued.get(flow.pattern, 0) + 1
                continue
            yield self.gap(said, f"flows/{flow.name}.toml", "rationale: what made this pattern right for this flow")
        if argued:
            table = ", ".join(f"{count} {pattern}" for pattern, count in argued.items())
            yield Evidence(f"{counted(sum(argued.values()), 'decision')} with a rationale: {table}")


class NothingSpeaksAgainst(Rule):
    code = "CHK302"
    title = "No rule speaks against the pattern of a flow, or its file answers"
    why = "a pattern that contradicts what is declared and measured was right once, or never"
    bad = Case(
        "a flow of 200 events a day goes through events",
        (Example("flows/order-to-erp.toml", "[slo]\nexpected_events_per_day = 200"),),
    )
    good = Case(
        "its file answers the advice",
        (Example("flows/order-to-erp.toml", 'accepts = ["ADV005"]\n[slo]\nexpected_events_per_day = 200'),),
    )

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        answered = 0
        for flow in seen.strategy.flows.values():
            found = advise(FlowFacts(flow, seen.measured.get(flow.name, Measured())))
            answered += not found.open
            if found.open:
                put = f'another pattern, or accepts = ["{found.open[0].code}"] and the answer in the rationale'
                yield self.gap(f"{flow.name}: {found.sentence()}", f"flows/{flow.name}.toml", put)
        if answered:
            yield Evidence(f"no advice open for {counted(answered, 'flow')}")


class PatternsAreMeasured(RunningRule):
    code = "CHK303"
    title = "The pattern was tried against what really moves"
    why = "whether a pattern fits is said by events a day and by fan-out, not by the drawing"
    bad = Case(
        "a flow has moved nothing within 30 days",
        running=Running(flows={"order-to-erp": FlowRan(success_ms=1), "customer-to-crm": FlowRan(success_ms=1)}),
    )
    good = Case("each flow has figures")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        measured, silent, newest = 0, [], []
        for flow in seen.strategy.flows.values():
            ran = running.flows.get(flow.name, FlowRan())
            if ran.ended_well + ran.dead:
                measured += ran.ended_well + ran.dead
                newest.append(ran.minute_ms)
            elif not flow.paused:
                silent.append(flow.name)
        if silent:
            text = f"nothing was measured in {PROMISE_DAYS} days for {counted(len(silent), 'flow')}: {listed(silent)}"
            yield self.gap(text, put="interlock advise, once something has moved")
        if measured:
            yield Evidence(
                f"{counted(measured, 'delivery', 'deliveries')} measured within {PROMISE_DAYS} days", min(newest)
            )


RULES = (RationaleOfItsOwn(), NothingSpeaksAgainst(), PatternsAreMeasured())
