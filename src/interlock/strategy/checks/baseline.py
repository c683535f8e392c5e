"""STR200-STR204: slos.toml and the baseline in security.toml name what exists, and promise what was decided."""

from collections.abc import Iterable

from interlock.strategy.checks.base import Check, Example, elements, subject
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder
from interlock.strategy.model import Slo

_ALERT = '[alerts.silent-orders]\nsignal = "silence"\nflows = ["{flow}"]\n'
_FILE = "slos.toml"
_DECIDED = Example(_FILE, "[objectives.high]\nsuccess_percent = 99\nlatency_seconds_p95 = 300\n", whole=True)
_WATCHED = Example(_FILE, _ALERT.format(flow="order-to-erp"), whole=True)


class AlertFlow(Check):
    code = "STR200"
    title = "An alert watches a flow that does not exist"
    why = "an alert that watches nothing is never on, and looks as if all were well"
    bad = Example(_FILE, _ALERT.format(flow="orders-to-erp"), whole=True)
    good = Example(_FILE, _ALERT.format(flow="order-to-erp"), whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, alert in folder.slos.value.alerts.items():
            written = folder.slos.data["alerts"][name].get("flows")
            for flow, path in elements("flows", alert.flows, written):
                if flow not in folder.flows:
                    what = f'slos.toml: alert {name} names the flow "{flow}", which does not exist'
                    place = ("alerts", name, *path)
                    yield self.finding(folder.slos, place, what, next_move=did_you_mean(flow, folder.flows))


class PromiseBelowObjective(Check):
    code = "STR201"
    severity = "warning"
    title = "A flow promises less than was decided for its impact"
    why = "the objective in slos.toml is the least that the business can live with for flows of that impact"
    bad = Example("flows/order-to-erp.toml", "[slo]\nlatency_seconds_p95 = 900", beside=(_DECIDED,))
    good = Example("flows/order-to-erp.toml", "[slo]\nlatency_seconds_p95 = 300", beside=(_DECIDED,))

    def run(self, folder: Folder) -> Iterable[Finding]:
        decided = folder.slos.data.get("objectives")
        for file in folder.flows.values():
            flow = file.value
            if not isinstance(decided, dict) or flow.impact not in decided:
                continue
            least, promised = getattr(folder.slos.value.objectives, flow.impact), flow.slo
            shortfalls = {
                "success_percent": promised.success_percent < least.success_percent,
                "latency_seconds_p95": promised.latency_seconds_p95 > least.latency_seconds_p95,
            }
            for key in (key for key, short in shortfalls.items() if short):
                said, decided_on = getattr(promised, key), getattr(least, key)
                what = f"{subject(file)}: {key} is {said:g}, and {decided_on:g} was decided for impact {flow.impact}"
                hint = f"promise more under [slo], or change [objectives.{flow.impact}] in slos.toml"
                yield self.finding(file, ("slo", key), what, next_move=hint)


class AlertNeverOn(Check):
    code = "STR202"
    severity = "warning"
    title = "An alert of silence watches a flow that says no bound"
    why = "without silence_after_minutes or expected_events_per_day no silence is too long"
    bad = Example("flows/order-to-erp.toml", 'impact = "low"\n[slo]\n# silence_after_minutes', beside=(_WATCHED,))
    good = Example("flows/order-to-erp.toml", "[slo]\nsilence_after_minutes = 60", beside=(_WATCHED,))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, alert in folder.slos.value.alerts.items():
            written = folder.slos.data["alerts"][name].get("flows")
            for flow, path in elements("flows", alert.flows, written):
                file = folder.flows.get(flow)
                if alert.signal == "silence" and file and not _bounded(file.value.slo):
                    what = f"slos.toml: alert {name} waits for a silence of {flow}, which says no bound"
                    hint = f"set silence_after_minutes or expected_events_per_day under [slo] in {file.path}"
                    yield self.finding(folder.slos, ("alerts", name, *path), what, next_move=hint)


def _bounded(slo: Slo) -> bool:
    return slo.silence_after_minutes is not None or slo.expected_events_per_day is not None


class ScopesOfSystem(Check):
    code = "STR203"
    title = "Scopes are said of a system that does not exist"
    why = "what credentials may do is compared by the system's name"
    bad = Example("security.toml", '[scopes]\nshopify = ["read_orders"]')
    good = Example("security.toml", '[scopes]\nshop = ["read_orders"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name in folder.security.value.scopes:
            if name not in folder.systems:
                what = f'security.toml: scopes of "{name}", which is no system'
                hint = did_you_mean(name, folder.systems)
                yield self.finding(folder.security, ("scopes", name), what, next_move=hint, at_key=True)


class RotationOfCredential(Check):
    code = "STR204"
    title = "A day of rotation is said of a credential that does not exist"
    why = "the age of a secret is looked up by system and key"
    bad = Example("security.toml", '[rotation.replaced_on]\n"shop.tokn" = 2026-11-01')
    good = Example("security.toml", '[rotation.replaced_on]\n"shop.token" = 2026-11-01')

    def run(self, folder: Folder) -> Iterable[Finding]:
        known = [f"{name}.{key}" for name, file in folder.systems.items() for key in file.value.credentials]
        for name in folder.security.value.rotation.replaced_on:
            if name not in known:
                what = f'security.toml: "{name}" is no credential'
                place = ("rotation", "replaced_on", name)
                yield self.finding(folder.security, place, what, next_move=did_you_mean(name, known), at_key=True)
