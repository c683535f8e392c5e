"""Every rule of advice contradicts its bad example and suits its good one; figures come before declarations."""

import tomllib

import pytest

from interlock.strategy import Flow, Slo
from interlock.strategy.advise import ALL, FlowFacts, Measured, Rule, advise
from interlock.strategy.advise.page import advice_page
from interlock.strategy.advise.rule import Example
from interlock.strategy.decode import decode

from .test_reference import DOCS

BASE = {
    "title": "Orders", "source": "shop", "trigger": ["orders/create"], "object": "order.v1", "destinations": ["erp"],
    "pattern": "event-driven", "rationale": "It is news.", "impact": "high", "complexity": "low", "owner": "ops", "runbook": "erp.md",
}  # fmt: skip


def facts(example: Example) -> FlowFacts:
    """The example laid over the small flow."""
    flow, problems = decode(Flow, BASE | tomllib.loads(example.text), "order-to-erp")
    assert problems == []
    return FlowFacts(flow, example.measured)


each_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.code)


@each_rule
def test_the_bad_example_is_contradicted(rule: Rule) -> None:
    """By this rule and no other, with its figures, and with a pattern that would suit."""
    advice = advise(facts(rule.bad))
    (point,) = advice.open
    assert (point.code, point.suggests) == (rule.code, rule.patterns)
    assert point.because and point.because in advice.sentence()


@each_rule
def test_the_good_example_fits(rule: Rule) -> None:
    """The pattern that the documentation shows must be one that the rule is content with."""
    advice = advise(facts(rule.good))
    assert advice.open == ()
    assert rule.code in {point.code for point in advice.points if point.fits}


@each_rule
def test_an_answer_is_taken(rule: Rule) -> None:
    """`accepts` says: we know, because; it answers this code and no other (the control is the bad example itself)."""
    example = rule.bad
    answered = rule.code if "accepts" not in example.text else f'{rule.code}", "ADV003'
    lines = [line for line in example.text.splitlines() if not line.startswith("accepts")]
    text = "\n".join([f'accepts = ["{answered}"]', *lines])
    advice = advise(facts(Example(text, example.measured)))
    assert advice.open == () and "argued for" in advice.sentence()


def test_what_is_measured_goes_before_what_is_declared() -> None:
    """A flow that declares 200 events a day and has 5,000 is not small any more."""
    text = "[slo]\nexpected_events_per_day = 200"
    assert [point.code for point in advise(facts(Example(text))).open] == ["ADV005"]
    assert advise(facts(Example(text, Measured(days=3, events_per_day=5_000)))).open == ()


def test_without_figures_nothing_is_claimed() -> None:
    """A rule that needs a figure says nothing while there is none."""
    advice = advise(facts(Example('impact = "low"\n[slo]\nlatency_seconds_p95 = 1')))
    assert advice.points == () and "no rule speaks" in advice.sentence()


def test_a_pattern_that_does_not_run_yet_is_said_to() -> None:
    """Advice that the loader would refuse must say so itself."""
    advice = advise(facts(Example('impact = "low"\npattern = "middleware"\n[slo]\nexpected_events_per_day = 20')))
    assert "ipaas (does not run here yet), or point-to-point" in advice.sentence()


def test_the_page_is_up_to_date() -> None:
    """Written by `python -m interlock.strategy.reference`; a rule that is not on the page cannot be looked up."""
    assert (DOCS / "advice.md").read_text(encoding="utf-8") == advice_page()
    assert all(f"## {rule.code} " in advice_page() for rule in ALL)
    codes = [rule.code for rule in ALL]
    assert codes == sorted(set(codes)) and Slo().latency_seconds_p95 == 60.0
