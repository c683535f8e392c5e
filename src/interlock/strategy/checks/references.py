"""STR011-STR025: every name leads somewhere: to a team, a system, a topic, an object, a runbook, a setting."""

from collections.abc import Iterable, Iterator
from typing import Any

from interlock.strategy.checks.base import Check, Example, elements, subject
from interlock.strategy.decode import word_for
from interlock.strategy.facts import ConnectorFact, SettingFact, covers
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import Flow, System

TYPE_WORDS = {
    "text": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "list": "a list", "table": "a table", "any": "any value",
}  # fmt: skip


def connector_of(folder: Folder, system: str) -> ConnectorFact | None:
    """The facts of a system's connector; None when either is unknown, which is a finding of its own."""
    file = folder.systems.get(system)
    return folder.connectors.get(file.value.connector) if file else None


def destinations(folder: Folder) -> Iterator[tuple[TomlFile[Flow], str, tuple[str | int, ...], ConnectorFact]]:
    """Each flow with each destination whose connector is known."""
    for file in folder.flows.values():
        for name, path in elements("destinations", file.value.destinations, file.data.get("destinations")):
            fact = connector_of(folder, name)
            if fact:
                yield file, name, path, fact


class KnownTeam(Check):
    code = "STR011"
    title = "The owner is not a team"
    why = "strategy.toml has no such team"
    bad = Example("flows/order-to-erp.toml", 'owner = "finance-system"')
    good = Example("flows/order-to-erp.toml", 'owner = "finance-systems"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        teams = folder.strategy.value.teams
        if folder.strategy.error or not folder.strategy.data:
            return
        for file in (*folder.systems.values(), *folder.flows.values()):
            owner = file.value.owner
            if owner and owner not in teams:
                yield self.finding(
                    file, ("owner",), f'{subject(file)}: unknown team "{owner}"', next_move=did_you_mean(owner, teams)
                )


class KnownConnector(Check):
    code = "STR012"
    title = "The connector does not exist"
    why = "no connector of this name is installed"
    bad = Example("systems/erp.toml", 'connector = "netsuit"')
    good = Example("systems/erp.toml", 'connector = "netsuite"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.systems.values():
            name = file.value.connector
            if name and name not in folder.connectors:
                hint = did_you_mean(name, folder.connectors)
                yield self.finding(file, ("connector",), f'{subject(file)}: unknown connector "{name}"', next_move=hint)


class KnownSource(Check):
    code = "STR013"
    title = "The source does not exist"
    why = "a flow starts from a system of this folder"
    bad = Example("flows/order-to-erp.toml", 'source = "shopp"')
    good = Example("flows/order-to-erp.toml", 'source = "shop"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            name = file.value.source
            if name and name not in folder.systems:
                what = f'{subject(file)}: unknown source "{name}"'
                yield self.finding(
                    file,
                    ("source",),
                    what,
                    why=f"no file systems/{name}.toml",
                    next_move=did_you_mean(name, folder.systems),
                )


class KnownDestination(Check):
    code = "STR014"
    title = "A destination does not exist"
    why = "a flow delivers to systems of this folder"
    bad = Example("flows/order-to-erp.toml", 'destinations = ["epr"]')
    good = Example("flows/order-to-erp.toml", 'destinations = ["erp"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            for name, path in elements("destinations", file.value.destinations, file.data.get("destinations")):
                if name not in folder.systems:
                    what = f'{subject(file)}: unknown destination "{name}"'
                    yield self.finding(
                        file,
                        path,
                        what,
                        why=f"no file systems/{name}.toml",
                        next_move=did_you_mean(name, folder.systems),
                    )


class KnownTopic(Check):
    code = "STR015"
    title = "The source does not send this topic"
    why = "the flow would never start"
    bad = Example("flows/order-to-erp.toml", 'trigger = ["orders/created"]')
    good = Example("flows/order-to-erp.toml", 'trigger = ["orders/create"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            fact = connector_of(folder, file.value.source)
            if not fact:
                continue
            for topic, path in elements("trigger", file.value.trigger, file.data.get("trigger")):
                if not fact.sends(topic):
                    what = f'{subject(file)}: {file.value.source} does not send "{topic}"'
                    hint = did_you_mean(topic, fact.topics) or f"connector {fact.name} sends no topics"
                    yield self.finding(file, path, what, next_move=hint)


class ReadableObject(Check):
    code = "STR016"
    title = "The source cannot give this object"
    why = "the source's connector does not read it"
    bad = Example("flows/order-to-erp.toml", 'object = "ordre.v1"')
    good = Example("flows/order-to-erp.toml", 'object = "order.v1"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            fact = connector_of(folder, file.value.source)
            wanted = file.value.object
            if fact and wanted and not covers(fact.reads, wanted):
                what = f'{subject(file)}: {file.value.source} cannot give "{wanted}"'
                yield self.finding(file, ("object",), what, next_move=did_you_mean(wanted, _with_version(fact.reads)))


class WritableObject(Check):
    code = "STR017"
    title = "A destination cannot take this object"
    why = "its connector has no write for it"
    bad = Example("flows/order-to-erp.toml", 'destinations = ["reports"]')
    good = Example("flows/order-to-erp.toml", 'destinations = ["erp"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, name, path, fact in destinations(folder):
            wanted = file.value.object
            if file.value.pattern == "point-to-point":
                continue  # its operation says what it takes
            if not wanted or covers(fact.writable, wanted) or self._told_otherwise(folder, file.value, name):
                continue
            able = ", ".join(sorted(self._able(folder, wanted)))
            hint = f"systems that take it: {able}" if able else "no system of this folder takes it"
            yield self.finding(file, path, f'{subject(file)}: {name} cannot take "{wanted}"', next_move=hint)

    def _able(self, folder: Folder, wanted: str) -> Iterator[str]:
        for name in folder.systems:
            fact = connector_of(folder, name)
            if fact and covers(fact.writable, wanted):
                yield name

    def _told_otherwise(self, folder: Folder, flow: Flow, destination: str) -> bool:
        """A misspelt object is one mistake, told at the source; a loop is one too."""
        fact = connector_of(folder, flow.source)
        return destination == flow.source or (fact is not None and not covers(fact.reads, flow.object))


class KnownRunbook(Check):
    code = "STR018"
    title = "The runbook does not exist"
    why = "who is called at night must find the page"
    bad = Example("flows/order-to-erp.toml", 'runbook = "erp.md"')
    good = Example("flows/order-to-erp.toml", 'runbook = "erp-refusals.md"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            name = file.value.runbook
            if name and name.removeprefix("runbooks/") not in folder.runbooks:
                hint = did_you_mean(name, folder.runbooks) or f"write runbooks/{name}"
                what = f'{subject(file)}: no runbook "{name}"'
                yield self.finding(file, ("runbook",), what, why=f"no file runbooks/{name}; {self.why}", next_move=hint)


class MappingHasSystem(Check):
    code = "STR019"
    title = "A mapping belongs to no system"
    why = "a mapping overrides that of a system or of its connector, by its file's or table's name"
    bad = Example("mappings/eprp.toml", "# fields", whole=True)
    good = Example("mappings/erp.toml", "# fields", whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        known = {*folder.systems, *(file.value.connector for file in folder.systems.values())}
        for name, file in folder.mappings.items():
            if name not in known:
                yield self.at(
                    file.path,
                    f'mappings/{name}.toml: no system or connector "{name}"',
                    next_move=did_you_mean(name, known),
                )
        for name in folder.items.data:
            if name not in folder.systems:
                what = f'mappings/items.toml: no system "{name}"'
                yield self.finding(
                    folder.items, (name,), what, next_move=did_you_mean(name, folder.systems), at_key=True
                )


class _OfConnector(Check):
    """A check of what a system gives to its connector."""

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.systems.values():
            fact = folder.connectors.get(file.value.connector)
            if (
                fact
                and not file.error
                and all(isinstance(file.data.get(table, {}), dict) for table in ("settings", "credentials"))
            ):
                yield from self.compare(file, fact)

    def compare(self, file: TomlFile[System], fact: ConnectorFact) -> Iterable[Finding]:
        raise NotImplementedError


class MissingSetting(_OfConnector):
    code = "STR021"
    title = "A setting that the connector needs is missing"
    why = "the connector cannot work without it"
    bad = Example("systems/erp.toml", "[settings]\n# account")
    good = Example("systems/erp.toml", '[settings]\naccount = "1234567"')

    def compare(self, file: TomlFile[System], fact: ConnectorFact) -> Iterable[Finding]:
        for key, setting in fact.settings.items():
            if setting.required and key not in file.value.settings:
                what = f'{subject(file)}: setting "{key}" is missing'
                hint = f"add {key} = ... under [settings]; see the page of connector {fact.name}"
                yield self.finding(file, ("settings", key), what, next_move=hint, at_key=True)


class UnknownSetting(Check):
    code = "STR022"
    title = "Nobody knows a setting"
    why = "a setting that neither the connector nor a mapping reads would look as if it did something"
    bad = Example("systems/erp.toml", '[settings]\nguest_entty = "42"')
    good = Example("systems/erp.toml", '[settings]\nguest_entity = "42"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.systems.values():
            fact = folder.connectors.get(file.value.connector)
            if not fact:
                continue
            known = {*fact.settings, *_mapping_settings(folder, file.name), *_mapping_settings(folder, fact.name)}
            for key in file.value.settings.keys() - known:
                hint = did_you_mean(key, known)
                yield self.finding(
                    file, ("settings", key), f'{subject(file)}: unknown setting "{key}"', next_move=hint, at_key=True
                )


class SettingValue(_OfConnector):
    code = "STR023"
    title = "A setting has a value that the connector cannot use"
    why = "the connector declares the type and the choices of each setting"
    bad = Example("systems/erp.toml", "[settings]\nguest_entity = 42")
    good = Example("systems/erp.toml", '[settings]\nguest_entity = "42"')

    def compare(self, file: TomlFile[System], fact: ConnectorFact) -> Iterable[Finding]:
        for key, value in file.value.settings.items():
            setting = fact.settings.get(key)
            if setting and not self._fits(setting, value):
                found = (
                    f'"{value}" is not among them'
                    if setting.choices and isinstance(value, str)
                    else f"found {word_for(value)}"
                )
                expected = f"one of {', '.join(setting.choices)}" if setting.choices else TYPE_WORDS[setting.type]
                what = f'{subject(file)}: setting "{key}" cannot be used'
                hint = did_you_mean(value, setting.choices) if setting.choices and isinstance(value, str) else ""
                yield self.finding(file, ("settings", key), what, why=f"expected {expected}, {found}", next_move=hint)

    def _fits(self, setting: SettingFact, value: Any) -> bool:
        if setting.type == "any":
            return True
        if setting.choices:
            return value in setting.choices
        if setting.type == "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        return word_for(value) == TYPE_WORDS[setting.type]


class MissingCredential(_OfConnector):
    code = "STR024"
    title = "A credential that the connector needs is missing"
    why = "the connector cannot sign in, or cannot verify what it receives, without it"
    bad = Example("systems/erp.toml", "[credentials]\n# token")
    good = Example("systems/erp.toml", '[credentials]\ntoken = "env:ERP_TOKEN"')

    def compare(self, file: TomlFile[System], fact: ConnectorFact) -> Iterable[Finding]:
        for key, required in fact.credentials.items():
            if required and not file.data.get("credentials", {}).get(key):
                hint = f'add {key} = "env:..." or "file:..." under [credentials]'
                yield self.finding(
                    file,
                    ("credentials", key),
                    f'{subject(file)}: credential "{key}" is missing',
                    next_move=hint,
                    at_key=True,
                )


class NoWayIn(_OfConnector):
    code = "STR320"
    title = "No complete set of credentials"
    why = "the connector signs in with one of several sets, and half a set opens nothing"
    bad = Example("systems/crm.toml", '[credentials]\n# token\nclient_id = "env:CRM_ID"')
    good = Example(
        "systems/crm.toml", '[credentials]\n# token\nclient_id = "env:CRM_ID"\nclient_secret = "env:CRM_SECRET"'
    )

    def compare(self, file: TomlFile[System], fact: ConnectorFact) -> Iterable[Finding]:
        given = {key for key, reference in file.value.credentials.items() if reference}
        if fact.access and not any(given >= set(needs) for needs in fact.access.values()):
            sets = ", or ".join(" and ".join(needs) for needs in fact.access.values())
            yield self.finding(
                file, ("credentials",), f"{subject(file)}: no set of credentials is complete", next_move=f"give {sets}"
            )


class UnknownCredential(_OfConnector):
    code = "STR025"
    title = "The connector does not know a credential"
    why = "a credential is given only to a connector that asks for it"
    bad = Example("systems/erp.toml", '[credentials]\ntokn_2 = "env:ERP_TOKEN"')
    good = Example("systems/erp.toml", '[credentials]\ntoken = "env:ERP_TOKEN"')

    def compare(self, file: TomlFile[System], fact: ConnectorFact) -> Iterable[Finding]:
        for key in file.value.credentials:
            if key not in fact.credentials:
                hint = did_you_mean(key, fact.credentials)
                yield self.finding(
                    file,
                    ("credentials", key),
                    f'{subject(file)}: unknown credential "{key}"',
                    next_move=hint,
                    at_key=True,
                )


def _mapping_settings(folder: Folder, name: str) -> set[str]:
    """The settings that a mapping of this folder declares."""
    declared = folder.mappings[name].data.get("settings") if name in folder.mappings else None
    return set(declared) if isinstance(declared, dict) else set()


def _with_version(objects: Iterable[str]) -> list[str]:
    return [name if "." in name else f"{name}.v1" for name in objects]
