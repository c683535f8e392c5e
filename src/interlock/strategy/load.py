"""From a snapshot to a checked Strategy: every check runs over every file, and all mistakes are told at once."""

from datetime import date

from interlock.strategy.checks import ALL
from interlock.strategy.decisions import decisions_of
from interlock.strategy.facts import ConnectorFacts
from interlock.strategy.finding import Finding, StrategyErrors
from interlock.strategy.folder import Folder
from interlock.strategy.model import Strategy
from interlock.strategy.snapshot import Snapshot


def load(snapshot: Snapshot, connectors: ConnectorFacts, *, today: date | None = None) -> Strategy:
    """The strategy, with its warnings. Raises StrategyErrors, which carries every finding, warnings included.

    With `today`, versions of vendors' APIs that have ended are errors; a hub that runs is not stopped by the calendar.
    """
    folder = Folder(snapshot, connectors, today)
    findings = check(folder)
    if any(finding.severity == "error" for finding in findings):
        raise StrategyErrors(findings)
    return _assembled(folder, tuple(findings))


def check(folder: Folder) -> list[Finding]:
    """Every finding, in the order of files and lines."""
    findings = [finding for rule in ALL for finding in rule.run(folder)]
    return sorted(findings, key=lambda finding: (finding.file, finding.line, finding.column, finding.code))


def _assembled(folder: Folder, warnings: tuple[Finding, ...]) -> Strategy:
    top = folder.strategy.value
    return Strategy(
        name=top.name,
        title=top.title,
        environment=top.environment,
        timezone=top.timezone,
        engine=top.engine,
        teams=top.teams,
        systems={name: file.value for name, file in folder.systems.items()},
        flows={name: file.value for name, file in folder.flows.items()},
        security=folder.security.value,
        objects={name: file.text for name, file in folder.objects.items()},
        mappings={name: file.text for name, file in folder.mappings.items()},
        items=folder.items.data,
        functions=folder.snapshot.files.get("functions.py", b"").decode(),
        runbooks={name: content.decode(errors="replace") for name, content in folder.runbooks.items()},
        release=folder.snapshot.id,
        warnings=warnings,
        slos=folder.slos.value,
        decisions=tuple(decisions_of(folder.snapshot.files)),
        alerts=top.alerts,
        changes={name: file.value for name, file in folder.changes.items()},
        converters={name: file.text for name, file in folder.converters.items()},
        published=folder.published.text,
        inventory=folder.inventory,
    )
