"""Item 8: incident runbooks. Each can be followed at night, somebody went through it lately, and no letter is left alone."""

import re
from collections.abc import Iterator
from datetime import date

from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import Letters, Running, Seen, day_ms, span
from interlock.strategy.items.base import Case, Evidence, Gap, Rule, RunningRule, counted, listed

SECTIONS = {
    "triage": "what to look at in the first minute",
    "rollback": "how to go back, step by step",
    "escalation": "who is called next, and when",
}
"""What a runbook must say, and what stands there."""
WORDS = {"rollback": ("rollback", "rollingback", "goingback", "wayback")}
"""Other headings that say the same, without their spaces."""
POSTMORTEM = "postmortem"
DRILLS = "drill"
_HEADING = re.compile(r"^#{2,6}\s+(.*)$", re.MULTILINE)
_DAY = re.compile(r"^\s*[-*|]\s*(20\d\d-\d\d-\d\d)\b", re.MULTILINE)


def sections_of(text: str) -> dict[str, str]:
    """Heading (in lower case) -> what stands under it."""
    parts = _HEADING.split(text)
    return {heading.strip().casefold(): body.strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def section(text: str, word: str) -> str:
    """What stands under the first heading with that word, '' when nothing does."""
    words = WORDS.get(word, (word,))
    found = ((heading.replace(" ", ""), body) for heading, body in sections_of(text).items())
    return next((body for heading, body in found if body and any(one in heading for one in words)), "")


def drilled_ms(text: str, now_ms: int) -> int:
    """The newest day that begins a line of the list under "Drills" and is not ahead, 0 when there is none."""
    found = []
    for written in _DAY.findall(section(text, DRILLS)):
        try:
            found.append(day_ms(date.fromisoformat(written)))
        except ValueError:
            continue
    return max((at_ms for at_ms in found if at_ms <= now_ms), default=0)


def runbooks_in_use(seen: Seen) -> dict[str, list[str]]:
    """Runbook -> its flows."""
    found: dict[str, list[str]] = {}
    for flow in seen.strategy.flows.values():
        found.setdefault(flow.runbook.removeprefix("runbooks/"), []).append(flow.name)
    return found


_SOUND = "# E\n## Triage\nLook.\n## Rollback\nGo back.\n## Escalation\nCall.\n"


class RunbooksCanBeFollowed(Rule):
    code = "CHK801"
    colour = "red"
    title = "Each runbook says triage, rollback and escalation"
    why = "who is woken at three reads, and does not think"
    bad = Case(
        "a runbook that does not say who is called next",
        (Example("runbooks/erp-refusals.md", _SOUND.partition("## Escalation")[0], whole=True),),
    )
    good = Case("all three sections are there")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        whole = 0
        for name, flows in runbooks_in_use(seen).items():
            text = seen.strategy.runbooks.get(name, "")
            missing = [word for word in SECTIONS if not section(text, word)]
            if missing:
                put = "; ".join(f"## {word.title()}: {SECTIONS[word]}" for word in missing)
                yield self.gap(f"{name} (of {listed(flows)}) lacks {listed(missing)}", f"runbooks/{name}", put)
            else:
                whole += 1
        if whole:
            yield Evidence(f"{counted(whole, 'runbook')} with triage, rollback and escalation")


class PostmortemsHaveAForm(Rule):
    code = "CHK802"
    title = "There is a form for postmortems"
    why = "what is not written down after an incident happens again"
    bad = Case("no form", (Example("runbooks/postmortem.md", "", absent=True),))
    good = Case("a form with its questions")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        texts = seen.strategy.runbooks
        if f"{POSTMORTEM}.md" in texts or any(section(text, POSTMORTEM) for text in texts.values()):
            yield Evidence("a form for postmortems")
        else:
            put = "what happened, who noticed, what it cost, why, what is changed by whom until when"
            yield self.gap("no form for postmortems", f"runbooks/{POSTMORTEM}.md", put)


class RunbooksAreDrilled(Rule):
    code = "CHK803"
    title = "Each runbook was drilled, or used in earnest"
    why = "a runbook that nobody followed since the systems changed leads somewhere else"
    bad = Case(
        "the last drill was years ago",
        (Example("runbooks/erp-refusals.md", f"{_SOUND}## Drills\n- 2019-02-01 Ann: went well\n", whole=True),),
        running=Running(closed_ms={"order-to-erp": 1}),
    )
    good = Case("it was drilled this month")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        days, times, stale = seen.fresh.runbook_drill_days, [], []
        for name, flows in runbooks_in_use(seen).items():
            earnest = [seen.running.closed_ms.get(flow, 0) for flow in flows] if seen.running else []
            at_ms = max([drilled_ms(seen.strategy.runbooks.get(name, ""), seen.now_ms), *earnest])
            if seen.within(at_ms, days=days):
                times.append(at_ms)
            else:
                stale.append(name)
        if stale:
            text = f"not drilled for {days} days: {listed(stale)}"
            yield self.gap(text, f"runbooks/{stale[0]}", "under ## Drills, once done: the day, who, what was found")
        if times:
            yield Evidence(f"{counted(len(times), 'runbook')} drilled or used in earnest", min(times))


class LettersHaveOwners(RunningRule):
    code = "CHK804"
    title = "No dead letter is nobody's, and none is left alone"
    why = "a dead letter is an order that is missing somewhere"
    bad = Case(
        "one is open since years",
        running=Running(letters=(Letters(flow="order-to-erp", owner="finance-systems", count=1, oldest_ms=1),)),
    )
    good = Case("none is older than the limit")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        days, left = seen.fresh.dead_letter_days, False
        for one in running.letters:
            if not one.owner:
                left = True
                put = "owner of the flow, then replay or discard them"
                yield self.red(
                    f"{counted(one.count, 'dead letter')} of {one.flow} without an owner", f"flows/{one.flow}.toml", put
                )
            elif not seen.within(one.oldest_ms, days=days):
                left = True
                text = f"{one.owner} left {counted(one.count, 'dead letter')} of {one.flow} for {span(seen.now_ms - one.oldest_ms)}"
                yield self.gap(text, put=f"interlock issues --flow {one.flow}")
        if not left:
            count = sum(one.count for one in running.letters)
            yield Evidence(
                f"{counted(count, 'open dead letter')}, each with an owner" if count else "no open dead letter"
            )


RULES = (RunbooksCanBeFollowed(), PostmortemsHaveAForm(), RunbooksAreDrilled(), LettersHaveOwners())
