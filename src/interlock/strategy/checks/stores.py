"""STR361-STR362: two systems that are one, or that cannot be told apart by what they send."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.finding import Finding
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import DEFAULT_PORTS, System
from interlock.strategy.positions import Path

_SHOP = "systems/shop.toml"
_SECRET = "webhook_secret"  # noqa: S105  a credential's name
_AGAIN = "systems/shop-again.toml"
_SYSTEM = """\
title = "Second shop"
connector = "shopify"
owner = "finance-systems"
url = "https://{host}.example.com"
record_of_own = ["order"]
[credentials]
token = "env:SECOND_TOKEN"
webhook_secret = "env:{secret}"
[intake]
address = "https://hub.example.com/intake/shop-again"
"""
_FLOW = Example(
    "flows/second-order-to-erp.toml",
    """\
title = "Orders of the second shop"
source = "shop-again"
trigger = ["orders/create"]
object = "order.v1"
destinations = ["erp"]
pattern = "event-driven"
rationale = "It takes every order."
impact = "low"
complexity = "low"
owner = "finance-systems"
runbook = "erp-refusals.md"
[rollback]
how = "interlock rollback"
[slo]
silence_after_minutes = 60
""",
)


def _second(host: str, secret: str) -> Example:
    """A second shop, beside a first whose record is its own as well."""
    first = 'record_of = []\nrecord_of_own = ["order"]\n[credentials]\nwebhook_secret = "env:SECRET"'
    return Example(_SHOP, first, beside=(Example(_AGAIN, _SYSTEM.format(host=host, secret=secret)), _FLOW))


class SameSource(Check):
    code = "STR361"
    title = "Two systems are one source"
    why = "each event comes in twice, and every flow of both delivers it: destinations get two of everything"
    bad = _second("shop", "OTHER_SECRET")
    good = _second("shop-again", "OTHER_SECRET")

    def run(self, folder: Folder) -> Iterable[Finding]:
        first: dict[tuple[str, str, int, str], str] = {}
        for file in _sources(folder):
            found = first.setdefault(_place(file.value), file.name)
            if found != file.name:
                what = f"{subject(file)}: {found} has the same address, {file.value.url}"
                yield self.finding(file, ("url",), what, next_move=f"take its flows from {found}, or correct the url")


class SharedSecret(Check):
    code = "STR362"
    severity = "warning"
    title = "Two systems verify webhooks with the same secret"
    why = (
        "only the body is signed, so what one shop sends opens the other's door as well: each body is read again from the shop "
        "itself, which costs a call for each event"
    )
    bad = _second("shop-again", "SECRET")
    good = _second("shop-again", "OTHER_SECRET")

    def run(self, folder: Folder) -> Iterable[Finding]:
        users: dict[str, list[str]] = defaultdict(list)
        for file in folder.systems.values():
            for reference, path in _secrets(file):
                if others := [name for name in users[reference] if name != file.name]:
                    what = f"{subject(file)}: {others[0]} verifies with {reference} too"
                    hint = "give each shop an app of its own, with a secret of its own"
                    yield self.finding(file, path, what, next_move=hint)
                users[reference].append(file.name)


def _sources(folder: Folder) -> Iterator[TomlFile[System]]:
    """Systems whose events start a flow."""
    names = {flow.value.source for flow in folder.flows.values()}
    return (file for name, file in folder.systems.items() if name in names)


def _place(system: System) -> tuple[str, str, int, str]:
    """Connector, host, port and path; an address that cannot be read is another check's matter, and like no other."""
    try:
        parts = urlsplit(system.url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return system.connector, system.name, 0, ""
    return system.connector, (parts.hostname or system.name).lower(), port, parts.path.rstrip("/")


def _secrets(file: TomlFile[System]) -> Iterator[tuple[str, Path]]:
    given = file.value.credentials.get(_SECRET, [])
    if isinstance(given, str):
        yield given, ("credentials", _SECRET)
    else:
        yield from ((one, ("credentials", _SECRET, place)) for place, one in enumerate(given))
