"""STR050-STR059: warnings. The folder runs, and something in it is probably not what was meant."""

from collections.abc import Iterable, Iterator
from typing import Any

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.checks.references import connector_of
from interlock.strategy.facts import covers
from interlock.strategy.finding import Finding
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import Flow

MASKED_IN = frozenset({"production", "staging"})

_ORDER_AGAIN = """\
title = "Orders to the ERP, again"
source = "shop"
trigger = ["orders/create"]
object = "order.v1"
destinations = ["erp"]
pattern = "event-driven"
rationale = "An order is news."
impact = "low"
complexity = "low"
owner = "finance-systems"
runbook = "erp-refusals.md"
[slo]
latency_seconds_p95 = 300
[rollback]
how = "Delete the file."
"""
_WMS = """\
title = "Warehouse"
connector = "netsuite"
owner = "finance-systems"
url = "https://wms.example.com"

[settings]
account = "1234567"

[credentials]
token = "env:WMS_TOKEN"
"""


def sound_flows(folder: Folder) -> Iterator[TomlFile[Flow]]:
    """Flows whose source can give their object: the others have an error already."""
    for file in folder.flows.values():
        fact = connector_of(folder, file.value.source)
        if fact and covers(fact.reads, file.value.object):
            yield file


class _Advice(Check):
    severity = "warning"


class SilenceUnnoticed(_Advice):
    code = "STR051"
    title = "Nobody would notice that an important flow is silent"
    why = "a flow that receives nothing fails nothing, and looks healthy"
    bad = Example("flows/order-to-erp.toml", "[slo]\n# silence_after_minutes")
    good = Example("flows/order-to-erp.toml", "[slo]\nsilence_after_minutes = 60")

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            slo = file.value.slo
            if (
                file.value.impact == "high"
                and slo.silence_after_minutes is None
                and slo.expected_events_per_day is None
            ):
                hint = "set silence_after_minutes or expected_events_per_day under [slo]"
                yield self.finding(
                    file, ("impact",), f"{subject(file)}: its silence would go unnoticed", next_move=hint
                )


class TwoFlowsOneDelivery(_Advice):
    code = "STR052"
    title = "Two flows bring the same object to the same destination"
    why = "both deliver each event; the second changes nothing, or undoes what the first wrote"
    bad = Example("flows/order-to-erp-again.toml", _ORDER_AGAIN, whole=True)
    good = Example("flows/order-to-erp-again.toml", _ORDER_AGAIN.replace("orders/create", "orders/updated"), whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        first: dict[tuple[str, ...], str] = {}
        for file in sound_flows(folder):
            flow = file.value
            for topic in flow.trigger:
                for destination in flow.destinations:
                    other = first.setdefault((flow.source, topic, flow.object_name, destination), flow.name)
                    if other != flow.name and not flow.when and not folder.flows[other].value.when:
                        what = f'{subject(file)}: {other} brings "{topic}" to {destination} already'
                        yield self.finding(
                            file, ("destinations",), what, next_move='tell them apart with "when", or keep one'
                        )


class UnusedSystem(_Advice):
    code = "STR053"
    title = "No flow uses a system"
    why = "its host is reachable and its credentials are needed for nothing"
    bad = Example("systems/wms.toml", _WMS, whole=True)
    good = Example("flows/order-to-erp.toml", 'destinations = ["erp"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        used = {name for file in folder.flows.values() for name in (file.value.source, *file.value.destinations)}
        if any(map(_broken, folder.flows.values())) or not used <= folder.systems.keys():
            return  # a misspelt name is one mistake, not two
        for name, file in folder.systems.items():
            if name not in used:
                yield self.at(
                    file.path, f"{subject(file)}: no flow uses it", next_move="name it in a flow, or delete the file"
                )


class Unmasked(_Advice):
    code = "STR055"
    title = "Personal data is shown unmasked"
    why = "whoever opens the console sees names and addresses, and no one records that they did"
    bad = Example("security.toml", "[console]\nmask_personal = false")
    good = Example("security.toml", "[console]\nmask_personal = true")

    def run(self, folder: Folder) -> Iterable[Finding]:
        if folder.strategy.value.environment in MASKED_IN and not folder.security.value.console.mask_personal:
            what = "security.toml: personal data is shown unmasked"
            yield self.finding(
                folder.security,
                ("console", "mask_personal"),
                what,
                next_move="set mask_personal = true; a value can be revealed with a reason",
            )


def _broken(file: TomlFile[Any]) -> bool:
    return bool(file.error or file.problems)
