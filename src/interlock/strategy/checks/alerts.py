"""STR164-STR165: who is called when a flow is silent."""

from collections.abc import Iterable, Iterator

from interlock.strategy.checks.base import Check, Example
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder
from interlock.strategy.positions import Path
from interlock.strategy.secrets import is_reference

_FILE = "strategy.toml"


class PageAddress(Check):
    code = "STR164"
    title = "A page would go to nobody"
    why = (
        "an address that people are called at is a secret, given by reference, and each belongs to a team that there is"
    )
    bad = Example(_FILE, '[alerts]\nwebhook = "https://hooks.example.com/T0/B0"')
    good = Example(_FILE, '[alerts]\nwebhook = "file:secrets/pager"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for path, reference in _references(folder):
            if reference and not is_reference(reference):
                hint = "put the address in a file or a variable, and write file:secrets/pager or env:PAGER_URL"
                yield self.finding(
                    folder.strategy, path, f"{_FILE}: an address of [alerts] is not a reference", next_move=hint
                )
        teams = folder.strategy.value.teams
        for team in folder.strategy.value.alerts.teams:
            if team not in teams:
                what = f'{_FILE}: there is no team "{team}"'
                yield self.finding(
                    folder.strategy, ("alerts", "teams", team), what, next_move=did_you_mean(team, teams), at_key=True
                )


class NobodyIsCalled(Check):
    code = "STR165"
    title = "Nobody is called when a flow is silent"
    why = "in production a silence that stands on a page and in a log alone lasts until somebody looks"
    severity = "warning"
    bad = Example(_FILE, 'environment = "production"')
    good = Example(_FILE, 'environment = "production"\n[alerts]\nwebhook = "env:PAGER_URL"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        top = folder.strategy.value
        watched = any(
            file.value.slo.silence_after_minutes or file.value.slo.expected_events_per_day
            for file in folder.flows.values()
        )
        elsewhere = any(alert.signal == "silence" for alert in folder.slos.value.alerts.values())
        if top.environment == "production" and watched and not (top.alerts.webhook or top.alerts.teams or elsewhere):
            hint = 'write [alerts] with webhook = "env:PAGER_URL", and its host under egress.allow in security.toml'
            yield self.finding(
                folder.strategy,
                ("environment",),
                f"{_FILE}: silences are watched, and nobody is called",
                next_move=hint,
            )


def _references(folder: Folder) -> Iterator[tuple[Path, str]]:
    alerts = folder.strategy.value.alerts
    yield ("alerts", "webhook"), alerts.webhook
    yield ("alerts", "escalation_webhook"), alerts.escalation_webhook
    for team, reference in alerts.teams.items():
        yield ("alerts", "teams", team), reference
