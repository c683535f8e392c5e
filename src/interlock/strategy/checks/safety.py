"""STR030-STR040: what would lose, repeat, overwrite or leak: secrets, creates that repeat, two truths, wrong hosts."""

import ast
import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from interlock.strategy.checks.base import Check, Example, dotted, elements, subject
from interlock.strategy.checks.references import connector_of, destinations
from interlock.strategy.facts import WriteFact, covers
from interlock.strategy.finding import Finding, holds_secret
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import DEFAULT_PORTS, RUNNING_PATTERNS, Flow, host_and_port
from interlock.strategy.positions import Path
from interlock.strategy.predicate import PredicateError, compile_predicate, condition_fields
from interlock.strategy.secrets import is_reference

PLAIN_HTTP_ALLOWED = frozenset({"development", "demo"})


class LiteralSecret(Check):
    code = "STR030"
    title = "A secret stands in the folder"
    why = (
        "the folder is kept in version control and shown in the console; a secret there is known to all who "
        "read it (the value is not shown here)"
    )
    bad = Example("systems/erp.toml", '[credentials]\ntoken = "correct-horse-battery"')
    good = Example("systems/erp.toml", '[credentials]\ntoken = "file:secrets/erp-token"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.systems.values():
            for path, text in _texts(file.data, ()):
                literal = not is_reference(text) if path[0] == "credentials" else holds_secret(text)
                if literal:
                    hint = "replace the secret at its issuer, then write env:NAME or file:relative/path"
                    yield self.finding(file, path, f'{subject(file)}: "{dotted(path)}" holds a secret', next_move=hint)


class OnceOnly(Check):
    code = "STR031"
    title = "A destination can create, but not once only"
    why = (
        "after a timeout nobody knows whether the create happened; without a once-only way, trying again may "
        "make a second one"
    )
    bad = Example("systems/crm.toml", 'connector = "homemade"')
    good = Example("systems/crm.toml", 'connector = "klaviyo"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, name, path, fact in destinations(folder):
            for write in fact.writes:
                if covers([write.object], file.value.object) and write.creates and not write.once_only:
                    what = f'{subject(file)}: {name} would create "{file.value.object}" without a once-only way'
                    hint = f"declare in connector {fact.name} how {write.operation} becomes once-only"
                    yield self.finding(file, path, what, next_move=hint)


class Loop(Check):
    """A signal writes no field, so it may go back to its source: once for each fact, and by no fact that it brings about."""

    code = "STR034"
    title = "A flow delivers to its own source"
    why = "each delivery would start the flow again"
    bad = Example("flows/order-to-erp.toml", 'destinations = ["erp", "shop"]')
    good = Example("flows/order-to-erp.toml", 'destinations = ["erp"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            for name, path in elements("destinations", file.value.destinations, file.data.get("destinations")):
                if name == file.value.source:
                    signals = _signals(folder, file.value)
                    yield from self._of_signals(file, signals) if signals else [self._loop(file, path, name)]

    def _loop(self, file: TomlFile[Flow], path: Path, name: str) -> Finding:
        what = f'{subject(file)}: "{name}" is its source'
        return self.finding(file, path, what, next_move="take it out of the destinations")

    def _of_signals(self, file: TomlFile[Flow], signals: list[WriteFact]) -> Iterable[Finding]:
        flow, source = file.value, file.value.source
        if not flow.every or flow.pattern != "event-driven":
            what = f"{subject(file)}: {source} would be signalled at each new state, not once for each fact"
            hint = 'say every = true, with pattern = "event-driven"'
            yield self.finding(file, ("every",), what, next_move=hint)
        for topic, path in elements("trigger", flow.trigger, file.data.get("trigger")):
            if any(one.comes_back_by(topic) for one in signals):
                what = f'{subject(file)}: what {source} does with the signal comes back as "{topic}"'
                hint = "use topics that happen once to an object, such as its creation"
                yield self.finding(file, path, what, next_move=hint)


class PatternRuns(Check):
    code = "STR035"
    title = "The pattern does not run yet"
    why = (
        "this version runs event-driven, point-to-point and middleware flows; a flow that claims another pattern would "
        "not be what it says"
    )
    bad = Example("flows/order-to-erp.toml", 'pattern = "hybrid"')
    good = Example("flows/order-to-erp.toml", 'pattern = "event-driven"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            pattern = file.value.pattern
            if pattern and pattern not in RUNNING_PATTERNS:
                what = f'{subject(file)}: the pattern "{pattern}" does not run yet'
                yield self.finding(
                    file,
                    ("pattern",),
                    what,
                    next_move=f"use one of {', '.join(sorted(RUNNING_PATTERNS))}, and say in the rationale what you would prefer",
                )


class Condition(Check):
    code = "STR036"
    title = "The condition is not understood"
    why = "conditions compare fields of the object with constants; nothing else is run"
    bad = Example("flows/order-to-erp.toml", 'when = "order.test = false"')
    good = Example(
        "flows/order-to-erp.toml", 'when = "order.test == false and order.components.total.shop.amount > 100"'
    )

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            when, root = file.value.when, file.value.object_name
            if not when or not root:
                continue
            try:
                compile_predicate(when, root, condition_fields(folder.contracts.contracts.get(file.value.object)))
            except PredicateError as error:
                line, column = file.at(("when",))
                written_plainly = file.text.split("\n")[line - 1][column - 1 :].startswith((f'"{when}"', f"'{when}'"))
                shift = error.column if written_plainly else 0
                what = f"{subject(file)}: {error.what}"
                yield self.at(file.path, what, next_move=error.next_move, line=line, column=column + shift)


class Address(Check):
    code = "STR037"
    title = "An address cannot be used"
    why = (
        "an address is https://host[:port][/path]; plain http is for this machine, and for development and demo folders"
    )
    bad = Example("systems/erp.toml", 'url = "http://erp.example.com"')
    good = Example("systems/erp.toml", 'url = "https://erp.example.com"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        environment = folder.strategy.value.environment
        for file in folder.systems.values():
            reason = address_problem(file.value.url, environment) if file.value.url else ""
            if reason:
                yield self.finding(
                    file, ("url",), f"{subject(file)}: the url cannot be used", why=f"{reason}; {self.why}"
                )
        allow = folder.security.value.egress.allow
        for host in allow:
            reason = address_problem(f"https://{host}", environment) or ("it has a path" if "/" in host else "")
            if reason:
                path = ("egress", "allow", folder.security.data["egress"]["allow"].index(host))
                hint = "write a host name, or host:port"
                yield self.finding(
                    folder.security, path, f'security.toml: "{host}" is not a host', why=reason, next_move=hint
                )


class ProductionHost(Check):
    code = "STR038"
    title = "A production host is named outside production"
    why = "a staging folder that can reach production will one day write to it"
    bad = Example("security.toml", '[egress]\nproduction_hosts = ["erp.example.com"]')
    good = Example("security.toml", '[egress]\nproduction_hosts = ["erp-live.example.com"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        environment = folder.strategy.value.environment
        guarded = {host_of(f"https://{host}") for host in folder.security.value.egress.production_hosts}
        if environment == "production" or not guarded:
            return
        for file in folder.systems.values():
            if host_of(file.value.url) in guarded:
                host = host_of(file.value.url)
                what = f'{subject(file)}: {host} is a production host, and this folder is "{environment}"'
                yield self.finding(file, ("url",), what, next_move="name the sandbox of this system")
        for index, host in enumerate(folder.security.value.egress.allow):
            if host_of(f"https://{host}") in guarded:
                what = f'security.toml: {host} is a production host, and this folder is "{environment}"'
                yield self.finding(
                    folder.security, ("egress", "allow", index), what, next_move="take it out of the list"
                )


class QuietPeriod(Check):
    code = "STR039"
    title = "The quiet period is too short"
    why = (
        "an uncertain write is looked up once the vendor cannot be working on it any more; earlier, 'not "
        "found' proves nothing"
    )
    bad = Example("systems/crm.toml", 'connector = "slow-crm"\n[limits]\nquiet_period_seconds = 60')
    good = Example("systems/crm.toml", 'connector = "slow-crm"\n[limits]\nquiet_period_seconds = 1_000')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.systems.values():
            fact = folder.connectors.get(file.value.connector)
            if not fact or not any(write.once_only == "look-up" for write in fact.writes):
                continue
            quiet, longest = file.value.limits.quiet_period_seconds, fact.longest_processing_seconds
            if quiet is not None and quiet <= longest:
                what = f"{subject(file)}: quiet_period_seconds is {quiet:g}, {fact.name} may work for {longest:g} s"
                hint = f"set quiet_period_seconds above {longest:g} under [limits]"
                yield self.finding(file, ("limits", "quiet_period_seconds"), what, next_move=hint)


class FunctionsParse(Check):
    code = "STR040"
    title = "The functions file is not Python"
    why = "mappings call the functions of this file by name"
    bad = Example("functions.py", "def upper(text)\n    return text.upper()", whole=True)
    good = Example("functions.py", "def upper(text):\n    return text.upper()", whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        try:
            ast.parse(folder.snapshot.files.get("functions.py", b"").decode())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line, column = getattr(error, "lineno", 0) or 0, getattr(error, "offset", 0) or 0
            reason = getattr(error, "msg", str(error))
            yield self.at("functions.py", f"functions.py is not Python: {reason}", line=line, column=column)


def address_problem(url: str, environment: str) -> str:
    """Why an address cannot be used, or nothing. Secrets inside are another check's matter."""
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
        host_and_port(url)
    except ValueError as error:
        return str(error)
    if scheme not in DEFAULT_PORTS:
        return "it does not begin with https://"
    if not host or any(letter.isspace() for letter in url):
        return "it has no host" if not host else "it has a space"
    if parts.query or parts.fragment:
        return "it has a query or a fragment"
    if scheme == "http" and not is_loopback(host) and environment not in PLAIN_HTTP_ALLOWED:
        return f"plain http would show orders and credentials to the network between here and {host}"
    return ""


def host_of(url: str) -> str:
    """The host of an address, lower case; empty when it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: localhost, 127.0.0.0/8, ::1."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _signals(folder: Folder, flow: Flow) -> list[WriteFact]:
    """The operations by which a flow signals its own source; none when one of them writes."""
    fact = connector_of(folder, flow.source)
    own = [one for one in fact.writes if covers([one.object], flow.object)] if fact else []
    return own if all(one.signal for one in own) else []


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*path, key))
