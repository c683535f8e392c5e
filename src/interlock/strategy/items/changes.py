"""Item 7: change management and versioning. Changes are written down, what runs can be taken back, and somebody did it lately."""

from collections.abc import Iterator

from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import Running, Seen, day_ms
from interlock.strategy.items.base import NO_STORE, Case, Evidence, Gap, Rule, RunningRule, counted, listed

_OVER = """\
title = "The second version of an order"
kind = "compatible"
owner = "finance-systems"
replaces = "order.v1"
sunset_on = 2020-01-01
rollback = "keep both"
"""
ROLLED_BACK = "rollback"
"""The action of the audit that `interlock rollback` leaves."""


class ChangesAreWrittenDown(Rule):
    code = "CHK701"
    title = "Changes are written down, with owner, window and way back"
    why = "a change that nobody announced is an incident at somebody else's"
    bad = Case("no change file", (Example("changes/0001.toml", "", absent=True),))
    good = Case("the first change is written down")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        changes = seen.strategy.changes
        no_way_back = [number for number, one in changes.items() if not one.rollback]
        for number in no_way_back:
            yield self.gap(
                f"change {number} has no way back", f"changes/{number}.toml", "rollback = how, and until when"
            )
        if not changes:
            put = "the next change that others must prepare for, with owner, review window, sunset and rollback"
            yield self.gap("no change is written down", "changes/0001.toml", put)
        elif len(changes) > len(no_way_back):
            breaking = sum(one.kind == "breaking" for one in changes.values())
            yield Evidence(
                f"{counted(len(changes), 'change')} written down, {breaking} of them breaking, each with an owner"
            )


class RollbackIsRehearsed(Rule):
    code = "CHK702"
    title = "A rollback was done lately"
    why = "a way back that nobody went is a guess"
    bad = Case("the last one was years ago", running=Running(actions_ms={ROLLED_BACK: 1}))
    good = Case("somebody rolled back this month")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        days = seen.fresh.rollback_rehearsal_days
        done_ms = seen.running.actions_ms.get(ROLLED_BACK, 0) if seen.running else 0
        written = [flow.rollback.rehearsed_on for flow in seen.strategy.flows.values() if flow.rollback]
        if seen.running is None and not any(written):
            yield self.gap(f"{NO_STORE}, so it is not known whether anybody can go back", put="interlock run")
            return
        at_ms = max([done_ms, *(day_ms(day) for day in written if day is not None and day_ms(day) <= seen.now_ms)])
        if seen.within(at_ms, days=days):
            yield Evidence("a release was rolled back", at_ms)
        else:
            text = f"no rollback for {days} days" if at_ms else "nobody has rolled back yet"
            yield self.gap(text, put="interlock apply a small change in staging, then interlock rollback")


class ThereIsAWayBack(RunningRule):
    code = "CHK703"
    title = "There is a release to go back to"
    why = "the first release has none before it; from the second on, one command undoes it"
    bad = Case("the store holds one release", running=Running(releases=1))
    good = Case("it holds two")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:  # noqa: ARG002
        if running.releases > 1:
            yield Evidence(f"{counted(running.releases, 'release')} kept, the newest applied", running.release_ms)
        else:
            yield self.gap("no release to go back to", put="it comes with the second: interlock apply")


class SunsetsAreKept(Rule):
    code = "CHK704"
    colour = "red"
    title = "Nothing is used beyond its sunset"
    why = "after it the old version is refused: what still uses it stands"
    bad = Case("a flow moves a version that was to end in 2020", (Example("changes/0002.toml", _OVER, whole=True),))
    good = Case("none does")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        dated = {number: one for number, one in seen.strategy.changes.items() if one.sunset_on and one.replaces}
        for number, change in dated.items():
            late = [flow.name for flow in seen.strategy.flows.values() if flow.object == change.replaces]
            if change.sunset_on and day_ms(change.sunset_on) <= seen.now_ms and late:
                text = f"{change.replaces} ended on {change.sunset_on.isoformat()}, and is moved by {listed(late)}"
                yield self.gap(text, f"flows/{late[0]}.toml", f"object = the version that change {number} brings")
                return
        if dated:
            yield Evidence(f"{counted(len(dated), 'sunset')} ahead or kept")


RULES = (ChangesAreWrittenDown(), RollbackIsRehearsed(), ThereIsAWayBack(), SunsetsAreKept())
