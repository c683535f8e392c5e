"""ADV001 onward: which pattern suits which flow, as the integration strategy has it."""

from interlock.strategy.advise.facts import FlowFacts, Measured
from interlock.strategy.advise.rule import Example, Rule

OFTEN_CHANGES_PER_OBJECT = 2.0
OFTEN_TOPICS = 3
MANY_SYSTEMS = 3
WAITED_FOR_SECONDS = 2.0
READ_HEAVY_SHARE = 0.8
LONG_TAIL_EVENTS_PER_DAY = 100.0
SMALL_EVENTS_PER_DAY = 1_000.0
STABLE_CHANGES_PER_OBJECT = 1.5


class ChangesOften(Rule):
    code = "ADV001"
    title = "What changes often goes by events"
    why = (
        f"an object that changes {OFTEN_CHANGES_PER_OBJECT:g} times or more, a flow that {OFTEN_TOPICS} or more topics start, or one "
        "for which each event counts, is news: whoever asks for it asks too often or too late, and who waits for a destination loses it"
    )
    patterns = ("event-driven", "middleware", "hybrid")
    bad = Example('pattern = "point-to-point"', Measured(days=6, changes_per_object=3.4))
    good = Example('pattern = "event-driven"', Measured(days=6, changes_per_object=3.4))

    def because(self, facts: FlowFacts) -> str:
        flow, changes = facts.flow, facts.measured.changes_per_object
        if changes is not None and changes >= OFTEN_CHANGES_PER_OBJECT:
            return f"each {flow.object_name} changes {changes:.1f} times (measured)"
        if flow.every:
            return "each event counts (every = true)"
        if changes is None and len(flow.trigger) >= OFTEN_TOPICS:
            return f"{len(flow.trigger)} topics start it"
        return ""


class ManySystems(Rule):
    code = "ADV002"
    title = "More than three systems need somebody in the middle"
    why = (
        f"with more than {MANY_SYSTEMS} systems in one movement, who waits for whom and what is undone when one refuses must stand in one "
        "place: a process of named steps"
    )
    patterns = ("middleware", "hybrid")
    bad = Example('pattern = "event-driven"\ndestinations = ["erp", "wms", "crm"]')
    good = Example('pattern = "middleware"\ndestinations = ["erp", "wms", "crm"]')

    def because(self, facts: FlowFacts) -> str:
        reached = max(len(facts.systems), (facts.measured.fan_out or 0) + 1)
        return f"{reached} systems take part: {', '.join(facts.systems)}" if reached > MANY_SYSTEMS else ""


class AskedFor(Rule):
    code = "ADV003"
    title = "What people read and wait for is a synchronous API"
    why = (
        f"a flow that promises an answer within {WAITED_FOR_SECONDS:g} s and mostly reads has a person waiting at its end: "
        "a queue in between only makes the answer later"
    )
    patterns = ("api-gateway", "hybrid")
    watch = "the destination's rate limit: readers come in crowds, and take it from the flows that write"
    bad = Example('pattern = "event-driven"\n[slo]\nlatency_seconds_p95 = 1', Measured(days=3, read_share=0.93))
    good = Example('pattern = "api-gateway"\n[slo]\nlatency_seconds_p95 = 1', Measured(days=3, read_share=0.93))

    def because(self, facts: FlowFacts) -> str:
        promised, share = facts.flow.slo.latency_seconds_p95, facts.measured.read_share
        if share is None or share < READ_HEAVY_SHARE or promised > WAITED_FOR_SECONDS:
            return ""
        return f"{share:.0%} of its deliveries only read (measured), and it promises {promised:g} s"


class LongTail(Rule):
    code = "ADV004"
    title = "The long tail belongs on a ready-made platform"
    why = (
        f"a flow of low impact and low complexity with at most {LONG_TAIL_EVENTS_PER_DAY:g} events a day is one of many that "
        "a standard connector does as well; what is built for it must be kept for years"
    )
    patterns = ("ipaas", "point-to-point")
    bad = Example('pattern = "middleware"\nimpact = "low"\n[slo]\nexpected_events_per_day = 20')
    good = Example('pattern = "ipaas"\nimpact = "low"\n[slo]\nexpected_events_per_day = 20')

    def because(self, facts: FlowFacts) -> str:
        flow, volume = facts.flow, facts.volume
        if flow.every or (flow.impact, flow.complexity) != ("low", "low") or volume is None:
            return ""
        return f"impact and complexity are low, with {volume[1]}" if volume[0] <= LONG_TAIL_EVENTS_PER_DAY else ""


class SmallAndStable(Rule):
    code = "ADV005"
    title = "What is small and stable goes straight"
    why = (
        f"one destination, low complexity, at most {SMALL_EVENTS_PER_DAY:,.0f} events a day and objects that hardly change: an object in "
        "between is more to understand and nothing to gain"
    )
    patterns = ("point-to-point",)
    bad = Example('pattern = "event-driven"\n[slo]\nexpected_events_per_day = 200')
    good = Example('pattern = "point-to-point"\n[slo]\nexpected_events_per_day = 200')

    def because(self, facts: FlowFacts) -> str:
        flow, volume, changes = facts.flow, facts.volume, facts.measured.changes_per_object
        stable = len(flow.trigger) < OFTEN_TOPICS if changes is None else changes < STABLE_CHANGES_PER_OBJECT
        small = volume is not None and volume[0] <= SMALL_EVENTS_PER_DAY
        if flow.every or flow.impact == "low" or flow.complexity != "low" or len(flow.destinations) > 1:
            return ""
        if volume is None or not (stable and small):
            return ""
        known = f" and {changes:.1f} changes per {flow.object_name}" if changes is not None else ""
        return f"one destination, low complexity, {volume[1]}{known}"


SINGLE: tuple[Rule, ...] = (ChangesOften(), ManySystems(), AskedFor(), LongTail(), SmallAndStable())


class MixedStack(Rule):
    code = "ADV006"
    title = "A mixed stack needs more than one pattern"
    why = "when what applies to a flow is suited by no single pattern, each part runs on its own: reads at once, changes by events"
    patterns = ("hybrid",)
    bad = Example(
        'pattern = "middleware"\naccepts = ["ADV003"]\ndestinations = ["erp", "wms", "crm"]\n[slo]\nlatency_seconds_p95 = 1',
        Measured(days=3, read_share=0.9),
    )
    good = Example(
        'pattern = "hybrid"\ndestinations = ["erp", "wms", "crm"]\n[slo]\nlatency_seconds_p95 = 1',
        Measured(days=3, read_share=0.9),
    )

    def because(self, facts: FlowFacts) -> str:
        applying = [rule for rule in SINGLE if rule.because(facts)]
        common = set.intersection(*(set(rule.patterns) for rule in applying)) if applying else {""}
        if len(applying) < 2 or common - {"hybrid"}:
            return ""
        return f"no other pattern suits {' and '.join(rule.code for rule in applying)} at once"


ALL: tuple[Rule, ...] = (*SINGLE, MixedStack())
"""Every rule, in the order of their codes."""
