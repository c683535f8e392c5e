"""Every rule of the checklist finds its bad example, and only it, and lets its good one pass; evidence ages; nothing is ticked by hand."""

import pytest
from msgspec.structs import replace

from interlock.strategy.checklist import ITEMS, OPEN, RULES, checklist, count
from interlock.strategy.evidence import DAY_MS, Running
from interlock.strategy.items.base import NO_STORE, Gap, RunningRule

from .sound_hub import NOW_MS, seen

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def gaps(case=None, **how):
    found = seen(case, **how)
    return [gap for rule in RULES for gap in rule.look(found) if isinstance(gap, Gap)]


def test_the_sound_hub_is_green() -> None:
    """The control of all others: the checklist can be complete, and every item says by what."""
    results = checklist(seen())
    assert [(one.item.number, gap.text) for one in results for gap in one.gaps] == []
    assert count(results).complete and str(count(results)) == "8 green, 0 amber, 0 red"
    assert all(one.evidence for one in results)


@each_rule
def test_the_bad_example_gives_this_code(rule) -> None:
    """A rule that sees nothing lets a hole look green; the gap says what is missing, and the file or the command."""
    found = [gap for gap in gaps(rule.bad) if gap.code == rule.code]
    assert found, f"{rule.code} sees nothing in: {rule.bad.says}"
    assert all(gap.text and (gap.file or gap.put) for gap in found)
    assert all(gap.colour in ("amber", "red") for gap in found)


@each_rule
def test_the_bad_example_gives_no_stranger(rule) -> None:
    """What one example breaks is told by the rules of its own item or by those that watch the same fact."""
    others = {gap.code for gap in gaps(rule.bad)} - {rule.code}
    known = SAME_FACT.get(rule.code, set())
    assert others <= known, f"{rule.code}: {others - known}"


SAME_FACT = {
    "CHK201": {"CHK203", "CHK303"},
    "CHK202": {"CHK602"},
    "CHK203": {"CHK303", "CHK604"},
    "CHK303": {"CHK203", "CHK604"},
    "CHK404": {"CHK606", "CHK804"},
    "CHK602": {"CHK202"},
    "CHK604": {"CHK203", "CHK303"},
    "CHK605": {"CHK203", "CHK303", "CHK604", "CHK606"},
    "CHK801": {"CHK803"},
    "CHK804": {"CHK606"},
}


@each_rule
def test_the_good_example_gives_none(rule) -> None:
    """What the documentation shows as right must be so."""
    assert [str(gap) for gap in gaps(rule.good) if gap.code == rule.code] == []


def test_codes_are_unique_and_tell_the_item() -> None:
    """The first digit of a code is the item's number; codes are addresses in the documentation."""
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes)) >= 30
    assert all(rule.code.startswith(f"CHK{item.number}") for item in ITEMS for rule in item.rules)
    assert all(rule.title[0].isupper() and not rule.title.endswith(".") for rule in RULES)


def test_without_a_store_nothing_that_must_run_is_green() -> None:
    """A folder alone proves nothing of what runs: each rule about running says that it does not know."""
    results = checklist(seen(runs=False))
    assert {gap.code for one in results for gap in one.gaps} == {
        rule.code for rule in RULES if isinstance(rule, RunningRule)
    } | {"CHK702"}
    assert all(gap.text.startswith(NO_STORE) for one in results for gap in one.gaps)
    assert all(len(one.told) == 1 for one in results if one.gaps), "they are told as one"


@pytest.mark.parametrize(("days", "colour"), [(1, "green"), (89, "green"), (91, "amber")])
def test_evidence_ages(days: int, colour: str) -> None:
    """A rollback that was rehearsed a quarter ago proves nothing: its item turns amber by itself."""
    found = seen()
    found = replace(found, running=replace(found.running, actions_ms={"rollback": NOW_MS - days * DAY_MS}))
    assert checklist(found)[6].colour == colour


def test_evidence_of_tomorrow_is_none() -> None:
    """A date ahead would keep an item green for ever."""
    found = seen()
    found = replace(found, running=replace(found.running, actions_ms={"rollback": NOW_MS + DAY_MS}))
    assert checklist(found)[6].colour == "amber"


def test_an_empty_store_breaks_no_rule() -> None:
    """The first minute of a new hub: everything is amber or red, and nothing fails."""
    results = checklist(replace(seen(), running=Running()))
    assert not count(results).complete
    assert not any(gap.text.startswith(NO_STORE) for one in results for gap in one.gaps)


def test_open_decisions_belong_to_their_item() -> None:
    """A starter's guess makes the item amber whose file it stands in, with file and line."""
    results = {one.item.number: one for one in checklist(seen(OPEN.bad))}
    assert [(gap.code, gap.file) for gap in results[8].gaps] == [("CHK001", "runbooks/holidays.md:3")]
    assert all(one.colour == "green" for number, one in results.items() if number != 8)
