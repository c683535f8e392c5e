"""STR300-STR305: what a vendor grants and how long it answers: scopes, and the version of its API that a system speaks."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.facts import ConnectorFact
from interlock.strategy.finding import Finding
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import System
from interlock.strategy.positions import Path
from interlock.strategy.scopes import uses_of, widened

WARN_DAYS = 90
"""So long before a version ends it is told: a quarter, in which the next version can be tried."""
_SETTING = "api_version"


class MissingScope(Check):
    code = "STR300"
    severity = "warning"
    title = "A scope that a flow needs is not granted"
    why = "the vendor refuses the first call that needs it"
    bad = Example("security.toml", "[scopes]\nshop = []")
    good = Example("security.toml", '[scopes]\nshop = ["read_orders", "read_returns"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, granted, needed, _ in _granted(folder):
            for scope in sorted(needed - granted):
                what = f"security.toml: {name} was not granted {scope}, which {_users(folder, name, scope)} needs"
                hint = f"grant it at {name}, then add it to [scopes]"
                yield self.finding(folder.security, ("scopes", name), what, next_move=hint)


class IdleScope(Check):
    code = "STR301"
    severity = "warning"
    title = "A scope is granted that no flow needs"
    why = "a key that may do more than it must loses more when it is stolen"
    bad = Example("security.toml", '[scopes]\nshop = ["read_orders", "write_themes"]')
    good = Example("security.toml", '[scopes]\nshop = ["read_orders"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, granted, _, useful in _granted(folder):
            for scope in sorted(granted - useful):
                what = f"security.toml: {name} was granted {scope}, which no flow needs"
                hint = "take it away at the vendor and here, or add the flow that needs it"
                yield self.finding(folder.security, ("scopes", name), what, next_move=hint)


def _granted(folder: Folder) -> Iterator[tuple[str, set[str], set[str], set[str]]]:
    """System, what it was granted, what its flows need and what they can use; only those whose scopes are known."""
    uses = uses_of(file.value for file in folder.flows.values())
    for name, granted in folder.security.value.scopes.items():
        file = folder.systems.get(name)
        fact = folder.connectors.get(file.value.connector) if file else None
        if fact and fact.scopes:
            things = uses.get(name, set())
            yield name, set(granted), _scopes(fact, things), _scopes(fact, things | widened(things))


def _scopes(fact: ConnectorFact, things: Iterable[str]) -> set[str]:
    return {scope for thing in things for scope in fact.scopes.get(thing, ())}


def _users(folder: Folder, system: str, scope: str) -> str:
    """The flows for whose sake a scope is needed: `flow order-to-erp`."""
    fact = folder.connectors[folder.systems[system].value.connector]
    found = [file for file in folder.flows.values() if scope in _scopes(fact, uses_of([file.value]).get(system, ()))]
    return " and ".join(subject(file) for file in found[:2]) + (f" and {len(found) - 2} more" if len(found) > 2 else "")


def spoken_version(system: System, fact: ConnectorFact) -> str:
    """The version of its vendor's API that a system speaks; "" where the connector knows none."""
    return str(system.settings.get(_SETTING) or fact.api_version) if fact.versions else ""


class Spoken(NamedTuple):
    """A system with the version that it speaks and the connector's facts; `said`: its own file says the version."""

    file: TomlFile[System]
    version: str
    fact: ConnectorFact
    said: bool

    @property
    def place(self) -> Path:
        return ("settings", _SETTING) if self.said else ()


class VersionUntried(Check):
    code = "STR302"
    severity = "warning"
    title = "A system speaks a version that its connector was never tried with"
    why = "fields come and go with each version, and nobody looked whether ours are in this one"
    bad = Example("systems/shop.toml", '[settings]\napi_version = "2024-10"')
    good = Example("systems/shop.toml", '[settings]\napi_version = "2026-07"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for spoken in _spoken(folder):
            if spoken.version not in spoken.fact.versions:
                tried = ", ".join(sorted(spoken.fact.versions))
                what = f"{subject(spoken.file)}: its connector was never tried with version {spoken.version}"
                yield self.finding(spoken.file, spoken.place, what, next_move=f"one of {tried}")


class VersionEndsSoon(Check):
    code = "STR303"
    severity = "warning"
    title = "A system speaks a version that ends soon"
    why = "after its end the vendor answers with another version, unasked, and what it dropped is gone from one day to the next"
    bad = Example("systems/shop.toml", '[settings]\napi_version = "2026-01"')
    good = Example("systems/shop.toml", '[settings]\napi_version = "2026-07"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for spoken, ends, days in _ending(folder):
            if 0 < days <= WARN_DAYS:
                what = f"{subject(spoken.file)}: version {spoken.version} ends in {days} days, on {ends}"
                yield self.finding(spoken.file, spoken.place, what, next_move=_later(spoken))


class VersionEnded(Check):
    code = "STR304"
    title = "A system speaks a version that has ended"
    why = "the vendor answers with another version, unasked, and what it dropped may be gone; a hub that runs goes on"
    bad = Example("systems/shop.toml", '[settings]\napi_version = "2025-10"')
    good = Example("systems/shop.toml", '[settings]\napi_version = "2026-07"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for spoken, ends, days in _ending(folder):
            if days <= 0:
                what = f"{subject(spoken.file)}: version {spoken.version} ended on {ends}"
                yield self.finding(spoken.file, spoken.place, what, next_move=_later(spoken))


class DeprecatedInUse(Check):
    code = "STR305"
    severity = "warning"
    title = "A connector uses what will go away from the version that a system speaks"
    why = "a later version does not have it; whoever moves to that one must know"
    bad = Example("systems/shop.toml", '[settings]\napi_version = "2026-04"')
    good = Example("systems/shop.toml", '[settings]\napi_version = "2026-07"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for spoken in _spoken(folder):
            known = spoken.fact.versions.get(spoken.version)
            for used in known.deprecated if known else ():
                what = (
                    f"{subject(spoken.file)}: version {spoken.version} calls deprecated what its connector uses: {used}"
                )
                hint = "a newer Interlock may do without it; say so in an issue if the newest does not"
                yield self.finding(spoken.file, spoken.place, what, next_move=hint)


def _spoken(folder: Folder) -> Iterator[Spoken]:
    """Each system whose connector knows versions."""
    for file in folder.systems.values():
        fact = folder.connectors.get(file.value.connector)
        if fact and fact.versions:
            yield Spoken(file, spoken_version(file.value, fact), fact, _SETTING in file.value.settings)


def _ending(folder: Folder) -> Iterator[tuple[Spoken, date, int]]:
    """Each with the day on which its version ends and the days until then; none where nobody looks at the calendar."""
    for spoken in _spoken(folder) if folder.today else ():
        known = spoken.fact.versions.get(spoken.version)
        if known and folder.today:
            yield spoken, known.ends, (known.ends - folder.today).days


def _later(spoken: Spoken) -> str:
    longest = max(spoken.fact.versions, key=lambda name: spoken.fact.versions[name].ends)
    preferred = spoken.fact.api_version if spoken.fact.api_version > spoken.version else longest
    return f'{_SETTING} = "{preferred}" under [settings], in a canary first'
