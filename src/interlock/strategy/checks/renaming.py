"""STR166-STR167: a system that says what it was called before."""

from collections.abc import Iterable

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.finding import Finding
from interlock.strategy.folder import Folder


class OldNameIsFree(Check):
    code = "STR166"
    title = "The name that a system had is in use"
    why = "what the store knows by that name can become one system's only"
    bad = Example("systems/crm.toml", 'was = "erp"')
    good = Example("systems/crm.toml", 'was = "klaviyo"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        first: dict[str, str] = {}
        for name, file in folder.systems.items():
            was = file.value.was
            if was is None:
                continue
            taken = was if was in folder.systems else first.setdefault(was, name)
            if taken != name or was == name:
                what = f'{subject(file)}: "{was}" is {taken}'
                hint = "take the key out: the store has followed the new name, or never knew the old one"
                yield self.finding(file, ("was",), what, next_move=hint)


class SourceKeepsItsName(Check):
    code = "STR167"
    title = "A source changes its name"
    why = "its webhooks come to /intake/NAME and its objects are known by it: under another name they would be new ones"
    bad = Example("systems/shop.toml", 'was = "store"')
    good = Example("systems/shop.toml", "# was")

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.systems.values():
            flows = [flow.name for flow in folder.flows.values() if flow.value.source == file.name]
            if file.value.was is not None and flows:
                what = f"{subject(file)}: {flows[0]} begins there"
                hint = f'call the file {file.value.was}.toml again; "title" is the name that people read'
                yield self.finding(file, ("was",), what, next_move=hint)
