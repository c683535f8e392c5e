"""Item 6: the observability plan and SLOs. Promises are chosen and kept, alerts watch for what breaks them, and dashboards have data."""

from collections.abc import Iterator

from interlock.strategy.alerts import alerts_now
from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import PROMISE_DAYS, FlowRan, Running, Seen
from interlock.strategy.items.base import Case, Evidence, Gap, Rule, RunningRule, counted, listed
from interlock.strategy.slos import Signal

SLOS = "slos.toml"
WATCHED: dict[Signal, str] = {
    "dead-letters": "a delivery that needs a person",
    "silence": "a flow that receives nothing",
    "destination-down": "a destination that does not answer",
    "promise": "a promise that is broken",
}
"""Each has an alert that watches every flow of high impact."""

_ALERT = '[alerts.{name}]\nsignal = "{signal}"\n'
_ALL = "".join(_ALERT.format(name=signal, signal=signal) for signal in WATCHED)


class AlertsCoverWhatBreaks(Rule):
    code = "CHK601"
    colour = "red"
    title = "Each kind of trouble of an important flow is an alert"
    why = "what nobody watches is found by customers"
    bad = Case(
        "nothing watches for silence",
        (Example(SLOS, _ALL.replace(_ALERT.format(name="silence", signal="silence"), ""), whole=True),),
    )
    good = Case("all four kinds are watched", (Example(SLOS, _ALL, whole=True),))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        alerts = seen.strategy.slos.alerts
        important = [flow.name for flow in seen.strategy.flows.values() if flow.impact == "high"]
        covered = 0
        for signal, what in WATCHED.items():
            watching = [one for one in alerts.values() if one.signal == signal]
            bare = [name for name in important if not any(not one.flows or name in one.flows for one in watching)]
            if not watching or bare:
                where = f", which concerns {listed(bare)}" if watching else ""
                yield self.gap(f"no alert watches for {what}{where}", SLOS, f'[alerts.NAME] with signal = "{signal}"')
            else:
                covered += 1
        if covered:
            yield Evidence(f"{counted(len(alerts), 'alert')} watch {covered} of {len(WATCHED)} kinds of trouble")


class SilenceIsBounded(Rule):
    code = "CHK602"
    colour = "red"
    title = "Each important flow says how long it may be silent"
    why = "a flow that receives nothing fails nothing, and looks healthy"
    bad = Case(
        "a flow of high impact without a bound", (Example("flows/order-to-erp.toml", "[slo]\n# silence_after_minutes"),)
    )
    good = Case("it has one", (Example("flows/order-to-erp.toml", "[slo]\nsilence_after_minutes = 60"),))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        important = [flow for flow in seen.strategy.flows.values() if flow.impact == "high"]
        bounded = 0
        for flow in important:
            if flow.slo.silence_after_minutes is None and flow.slo.expected_events_per_day is None:
                put = "silence_after_minutes or expected_events_per_day under [slo]"
                yield self.gap(f"the silence of {flow.name} would go unnoticed", f"flows/{flow.name}.toml", put)
            else:
                bounded += 1
        if bounded:
            yield Evidence(f"{counted(bounded, 'important flow')} with a bound of silence")


class SomebodyIsPaged(Rule):
    code = "CHK603"
    title = "A page reaches somebody"
    why = "an alert that is only drawn on a page wakes nobody"
    bad = Case("pages go nowhere", (Example("strategy.toml", "[alerts]\n# webhook"),))
    good = Case("they are posted", (Example("strategy.toml", '[alerts]\nwebhook = "env:PAGER"'),))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        paths = seen.strategy.alerts
        teams = {flow.owner for flow in seen.strategy.flows.values() if flow.impact == "high"}
        for flow, problem in (seen.running.unpaged if seen.running else {}).items():
            yield self.gap(f"nobody could be called for {flow}: {problem}", put="interlock doctor")
        unreached = sorted(team for team in teams if not paths.webhook and team not in paths.teams)
        if unreached:
            put = "webhook under [alerts]: a reference to the address that pages are posted to"
            yield self.gap(f"nobody is paged for {listed(unreached)}", "strategy.toml", put)
        else:
            minutes = f"{paths.escalate_after_minutes:g} min"
            yield Evidence(f"pages reach {counted(len(teams), 'owner')} of important flows, escalated after {minutes}")


class DashboardsHaveData(RunningRule):
    code = "CHK604"
    title = "The dashboards have data"
    why = "an empty chart looks like a quiet night"
    bad = Case(
        "the newest minute is years old",
        running=Running(
            flows={name: FlowRan(minute_ms=1, success_ms=1) for name in ("order-to-erp", "customer-to-crm")},
        ),
    )
    good = Case("minutes of today")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        hours = seen.fresh.dashboard_hours
        newest = max((ran.minute_ms for ran in running.flows.values()), default=0)
        if seen.within(newest, hours=hours):
            drawn = sum(seen.within(ran.minute_ms, hours=hours) for ran in running.flows.values())
            yield Evidence(f"dashboards of {counted(drawn, 'flow')} have data", newest)
        else:
            text = "no dashboard has data" + (f" of the last {hours} h" if newest else " yet")
            yield self.gap(text, put="interlock status: does anything arrive?")


class PromisesAreKept(RunningRule):
    code = "CHK605"
    title = "What the flows promise is kept"
    why = "an objective that is missed and not answered is a wish"
    bad = Case(
        "a fifth of the deliveries was given up",
        running=Running(flows={"order-to-erp": FlowRan(ended_well=80, dead=20)}),
    )
    good = Case("more ends well than was promised")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        kept = []
        for flow in seen.strategy.flows.values():
            ran = running.flows.get(flow.name, FlowRan())
            percent = ran.success_percent
            if percent is None:
                continue
            if percent < flow.slo.success_percent:
                text = f"{flow.name} kept {percent:.4g} % over {PROMISE_DAYS} days, and promises {flow.slo.success_percent:g} %"
                yield self.gap(
                    text, f"flows/{flow.name}.toml", "a promise that can be kept, or the cause out of the way"
                )
            else:
                kept.append(ran.minute_ms)
        if kept:
            yield Evidence(f"{counted(len(kept), 'promise')} kept over {PROMISE_DAYS} days", min(kept))


class AlertsAreQuiet(RunningRule):
    code = "CHK606"
    title = "No alert is on"
    why = "an alert that is always on is none"
    bad = Case("a destination is down", running=Running(down_ms={"erp": 1}))
    good = Case("all are quiet")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        standing = alerts_now(seen.strategy, running, seen.now_ms)
        on = [one for one in standing if one.on]
        for one in on:
            yield self.gap(
                f"alert {one.name}: {one.what}", put=f"interlock runbook {one.runbook}" if one.runbook else ""
            )
        if standing and not on:
            yield Evidence(f"{counted(len(standing), 'alert')} evaluated, all quiet")


RULES = (
    AlertsCoverWhatBreaks(), SilenceIsBounded(), SomebodyIsPaged(), DashboardsHaveData(), PromisesAreKept(), AlertsAreQuiet(),
)  # fmt: skip
