"""The chapters of the site, in the order in which somebody new would read them: each a page of Markdown about one part of the strategy."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from msgspec import Struct

from interlock.canonical.table import markdown as contract_table
from interlock.connectors import registry
from interlock.mapping.table_text import markdown as mapping_table
from interlock.markdown import plain, table
from interlock.release.build import Build
from interlock.release.mapping_tables import tables_of
from interlock.strategy import Flow, Strategy, System
from interlock.strategy.advise import FlowFacts, Measured, advise
from interlock.strategy.changes import ChangeFile
from interlock.strategy.checklist import Result, count
from interlock.strategy.contracts import contracts_of, use_of
from interlock.strategy.matrix_text import as_markdown as matrix_table
from interlock.strategy.priority import matrix
from interlock.strategy.records import records_of
from interlock.strategy.records_text import as_markdown as records_table
from interlock.strategy.records_text import claims_in_words

COLOURS = {"green": "●\N{NO-BREAK SPACE}green", "amber": "▲\N{NO-BREAK SPACE}amber", "red": "■\N{NO-BREAK SPACE}red"}
"""Shape and word beside the colour: nobody need see colours to read it."""


MASKED = "masked; a person shows it with a reason, and that is written down"


class Chapter(Struct, frozen=True, kw_only=True):
    """A page: its place in the site, its title, its Markdown. `leads`: it stands in the site's navigation."""

    path: str
    title: str
    text: str
    leads: bool = False


def of(build: Build, results: tuple[Result, ...]) -> Iterator[Chapter]:
    """All chapters."""
    strategy = build.strategy
    yield Chapter(path="index.html", title="Overview", text=_overview(strategy, results), leads=True)
    yield Chapter(path="records.html", title="Systems of record", text=_records(strategy), leads=True)
    yield Chapter(path="systems.html", title="Systems", text=_systems(strategy), leads=True)
    yield Chapter(path="priorities.html", title="Priorities", text=_priorities(strategy), leads=True)
    yield Chapter(path="patterns.html", title="Patterns", text=_patterns(strategy), leads=True)
    yield from _contracts(strategy)
    yield from _mappings(build)
    yield Chapter(path="security.html", title="Security", text=_security(strategy), leads=True)
    yield Chapter(path="promises.html", title="Promises and alerts", text=_promises(strategy), leads=True)
    yield Chapter(path="changes.html", title="Changes", text=_changes(strategy), leads=True)
    yield from _runbooks(strategy)
    yield from (_flow(flow, strategy) for flow in strategy.flows.values())


# -- overview


def _overview(strategy: Strategy, results: tuple[Result, ...]) -> str:
    flows = "\n".join(f"- {_sentence(flow, strategy)}" for flow in strategy.flows.values())
    rows = (
        (
            f"{one.item.number}. {one.item.title}",
            COLOURS[one.colour],
            "; ".join(plain(gap.text) for gap in one.told) or "nothing",
        )
        for one in results
    )
    systems, number = _count(len(strategy.systems), "system"), _count(len(strategy.flows), "flow")
    size = f"{plain(strategy.title)} connects {systems} by {number}"
    return f"""# The integration strategy of {plain(strategy.title)}

{size}. This site is written from the folder that the hub runs on: what stands here is what happens.

{flows}

## How complete it is

{count(results)}. Each colour is computed from evidence, in the folder and in what runs; nobody ticks it.

{table(("Item", "State", "What is missing"), rows)}
"""


def _sentence(flow: Flow, strategy: Strategy) -> str:
    ends = _listed(strategy.systems[name].title for name in flow.destinations)
    where = f" to {plain(ends)}" if ends else ""
    return f"[{plain(flow.title)}](flows/{flow.name}.html): {plain(strategy.systems[flow.source].title)}{where}"


# -- systems, and whose word counts


def _records(strategy: Strategy) -> str:
    return records_table(records_of(strategy, registry.facts()), strategy)


def _systems(strategy: Strategy) -> str:
    return "# Systems\n\n" + "\n".join(_system(one, strategy) for one in strategy.systems.values())


def _system(system: System, strategy: Strategy) -> str:
    team = strategy.teams[system.owner]
    flows = [flow for flow in strategy.flows.values() if system.name in (flow.source, *flow.destinations)]
    rows = [
        ("Connector", system.connector),
        ("Owner", f"{system.owner}, {plain(team.contact)}; then {plain(team.escalation)}"),
        ("Record of", plain("; ".join(claims_in_words(system))) or "nothing"),
        ("Flows", ", ".join(f"[{plain(flow.title)}](flows/{flow.name}.html)" for flow in flows) or "none"),
        ("Pressed no harder than", _limits(system)),
    ]
    return f"## {plain(system.title)}\n\n{table(('', ''), rows)}"


def _limits(system: System) -> str:
    rate = f", {system.limits.rate_per_second:g} a second" if system.limits.rate_per_second else ""
    return f"{_count(system.limits.concurrency, 'request')} at once{rate}; one may take {system.limits.timeout_seconds:g} s"


# -- flows


def _priorities(strategy: Strategy) -> str:
    drawn = matrix_table(matrix(strategy.flows.values()))
    for name in strategy.flows:
        drawn = drawn.replace(f"`{name}`", f"[`{name}`](flows/{name}.html)")
    return f"# Priorities\n\nImpact on the business against how hard it is to build and to change.\n\n{drawn}"


def _patterns(strategy: Strategy) -> str:
    rows = (
        (f"[{plain(flow.title)}](flows/{flow.name}.html)", flow.pattern, plain(flow.rationale),
         plain(advise(FlowFacts(flow, Measured())).sentence()))
        for flow in strategy.flows.values()
    )  # fmt: skip
    drawn = table(("Flow", "Pattern", "Why", "What the rules say"), rows)
    return f"# Patterns\n\nWhich integration pattern each flow runs on, and why.\n\n{drawn}"


def _flow(flow: Flow, strategy: Strategy) -> Chapter:
    team = strategy.teams[flow.owner]
    back = plain(flow.rollback.how) if flow.rollback else "**nobody has written how**"
    rehearsed = f" Rehearsed on {flow.rollback.rehearsed_on}." if flow.rollback and flow.rollback.rehearsed_on else ""
    rows = [
        ("From", plain(strategy.systems[flow.source].title)),
        (
            "To",
            plain(_listed(strategy.systems[name].title for name in flow.destinations)) or "the systems of its steps",
        ),
        ("When", ", ".join(f"`{topic}`" for topic in flow.trigger)),
        ("Only if", f"`{flow.when}`" if flow.when else "always"),
        ("What moves", f"[`{flow.object}`](contracts/{flow.object}.html)"),
        ("Each event", "is told" if flow.every else "brings the newest state; older ones are passed over"),
        ("Pattern", f"{flow.pattern}: {plain(flow.rationale)}"),
        ("Impact and complexity", f"{flow.impact} and {flow.complexity}"),
        ("Owner", f"{flow.owner}, {plain(team.contact)}; then {plain(team.escalation)}"),
        ("Promise", _promise(flow)),
        ("Silence", _silence(flow)),
        ("Runbook", f"[{plain(flow.runbook)}](runbooks/{PurePosixPath(flow.runbook).stem}.html)"),
        ("Way back", back + rehearsed),
        ("Now", "paused: what comes is kept and waits" if flow.paused else "running"),
    ]
    steps = [f"{number}. **{plain(step.name)}** ({step.kind})" for number, step in enumerate(flow.steps, 1)]
    more = "\n\n## Steps\n\n" + "\n".join(steps) if steps else ""
    text = f"# {plain(flow.title)}\n\n{table(('', ''), rows)}{more}\n"
    return Chapter(path=f"flows/{flow.name}.html", title=flow.title, text=text)


def _promise(flow: Flow) -> str:
    slo = flow.slo
    return f"{slo.success_percent:g} % end well over 30 days; 95 of 100 within {slo.latency_seconds_p95:g} s"


def _silence(flow: Flow) -> str:
    slo = flow.slo
    said = [f"no delivery for {slo.silence_after_minutes:g} minutes"] if slo.silence_after_minutes else []
    said += [f"far below {slo.expected_events_per_day:g} deliveries a day"] if slo.expected_events_per_day else []
    return f"{_listed(said, 'or')} is an alarm" if said else "**nobody would notice**"


# -- contracts and mappings


def _contracts(strategy: Strategy) -> Iterator[Chapter]:
    contracts = contracts_of(strategy)
    rows = []
    for key, contract in contracts.items():
        use = use_of(strategy, key)
        rows.append(
            (f"[`{key}`](contracts/{key}.html)", plain(contract.meaning), str(len(contract.paths())),
             str(len(contract.personal_paths())), ", ".join(use.writers) or "-", ", ".join(use.readers) or "-")
        )  # fmt: skip
    head = ("Contract", "What it is", "Fields", "Personal", "Comes from", "Goes to")
    text = f"# Contracts\n\nWhat an object is, whichever system speaks of it.\n\n{table(head, rows)}"
    yield Chapter(path="contracts.html", title="Contracts", text=text, leads=True)
    for key, contract in contracts.items():
        yield Chapter(path=f"contracts/{key}.html", title=key, text=contract_table(contract))


def _mappings(build: Build) -> Iterator[Chapter]:
    found = tables_of(build)
    links = "\n".join(f"- [{one.object}](mappings/{one.object}.html): {plain(one.meaning)}" for one in found)
    text = f"# Mappings\n\nWhat a field is called in each system, drawn from the mappings that run.\n\n{links}\n"
    yield Chapter(path="mappings.html", title="Mappings", text=text, leads=True)
    for one in found:
        yield Chapter(
            path=f"mappings/{one.object}.html",
            title=f"Mapping of {one.object}",
            text=f"# {one.object}\n\n{mapping_table(one)}",
        )


# -- how it is operated


def _security(strategy: Strategy) -> str:
    security = strategy.security
    granted = ((plain(strategy.systems[name].title) if name in strategy.systems else name, ", ".join(map(plain, scopes)))
               for name, scopes in security.scopes.items())  # fmt: skip
    replaced = ((f"`{name}`", str(day)) for name, day in security.rotation.replaced_on.items())
    rows = [
        ("Personal data", MASKED if security.console.mask_personal else "**shown to everybody**"),
        ("Signed in for", f"{security.console.session_hours:g} h"),
        ("Raw events are kept", f"{security.retention.bodies_days} days"),
        ("What was sent is kept", f"{security.retention.attempts_days} days"),
        ("Who changed what is kept", f"{security.retention.audit_days} days"),
        ("Secrets are replaced", f"every {security.rotation.every_days} days"),
        ("Copies of the store", f"in `{security.backup.folder}`" if security.backup.folder else "**nobody has said where**"),
        ("Hosts that may be reached", ", ".join(f"`{host}`" for host in sorted(strategy.declared_hosts()))),
    ]  # fmt: skip
    return f"""# Security

{table(("", ""), rows)}
## What credentials may do

{table(("System", "Granted"), granted) if security.scopes else "Nobody has written down what the credentials were granted."}

## When secrets were replaced

{table(("Credential", "Day"), replaced) if security.rotation.replaced_on else "As old as their files."}
"""


def _promises(strategy: Strategy) -> str:
    flows = (
        (f"[{plain(flow.title)}](flows/{flow.name}.html)", flow.impact, _promise(flow), _silence(flow), flow.owner)
        for flow in strategy.flows.values()
    )
    alerts = (
        (f"`{name}`", alert.signal, alert.severity, ", ".join(alert.flows) or "all flows")
        for name, alert in strategy.slos.alerts.items()
    )
    return f"""# Promises and alerts

{table(("Flow", "Impact", "Promise", "Silence", "Owner"), flows)}
## Alerts

{table(("Alert", "Signal", "Severity", "Of"), alerts) if strategy.slos.alerts else "No alert is declared."}
"""


def _changes(strategy: Strategy) -> str:
    parts = "\n".join(_change(number, change) for number, change in strategy.changes.items())
    return f"""# Changes

A published version of a contract never changes. What breaks others is a new version, with an owner, days to object, and a day
from which the old one is refused; until then both run.

{parts or "No change is under way."}
"""


def _change(number: str, change: ChangeFile) -> str:
    rows = [
        ("Kind", change.kind),
        ("Owner", change.owner),
        ("About", ", ".join(f"`{name}`" for name in (change.replaces, change.object, change.flow) if name)),
        ("Objections", f"{change.review.first_day} to {change.review.last_day}" if change.review else "no time is set"),
        ("Warned of from", str(change.deprecated_on or "no day is set")),
        ("Refused from", str(change.sunset_on or "no day is set")),
        ("Have to move", ", ".join(map(plain, change.consumers)) or "nobody"),
        ("Way back", plain(change.rollback) or "**nobody has written how**"),
    ]
    return f"## {number}: {plain(change.title)}\n\n{table(('', ''), rows)}"


def _runbooks(strategy: Strategy) -> Iterator[Chapter]:
    def users(name: str) -> str:
        of_flows = [flow for flow in strategy.flows.values() if flow.runbook == name]
        return ", ".join(f"[{plain(flow.title)}](flows/{flow.name}.html)" for flow in of_flows) or "no flow"

    rows = ((f"[{plain(name)}](runbooks/{PurePosixPath(name).stem}.html)", users(name)) for name in strategy.runbooks)
    text = f"# Runbooks\n\nWhat to do when something fails.\n\n{table(('Runbook', 'Of'), rows)}"
    yield Chapter(path="runbooks.html", title="Runbooks", text=text, leads=True)
    for name, content in strategy.runbooks.items():
        stem = PurePosixPath(name).stem
        yield Chapter(path=f"runbooks/{stem}.html", title=name, text=content)


# -- words


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(words: Iterable[str], last: str = "and") -> str:
    *most, end = [*words] or [""]
    return f"{', '.join(most)} {last} {end}" if most else end
