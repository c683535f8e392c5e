"""STR350-STR353: what flows ask their source to send."""

from collections.abc import Iterable, Iterator

from interlock.strategy.checks.base import Check, Example
from interlock.strategy.finding import Finding
from interlock.strategy.folder import Folder
from interlock.strategy.model import Flow

_FLOW = "flows/order-to-erp.toml"
_SHOP = "systems/shop.toml"
_SECOND = Example(
    "flows/order-again.toml",
    """\
title = "Orders again"
source = "shop"
trigger = ["orders/create"]
object = "order.v1"
destinations = ["erp"]
pattern = "event-driven"
rationale = "It takes every order."
impact = "low"
complexity = "low"
owner = "finance-systems"
runbook = "erp-refusals.md"
when = 'order.source == "pos"'
[rollback]
how = "interlock rollback"
[slo]
silence_after_minutes = 60
""",
)
_PRODUCTION = Example(
    "strategy.toml",
    """\
name = "acme"
title = "Acme"
environment = "production"
[teams.finance-systems]
contact = "finance@example.com"
escalation = "+49 30 0000"
[alerts]
webhook = "env:PAGER_URL"
""",
)


def _sharing(folder: Folder) -> Iterator[tuple[str, str, list[str]]]:
    """(system, topic, flows) of topics that several flows take."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, file in folder.flows.items():
        for topic in file.value.trigger:
            found.setdefault((file.value.source, topic), []).append(name)
    for (system, topic), names in found.items():
        if len(names) > 1:
            yield system, topic, names


class FilterOfOne(Check):
    code = "STR350"
    title = "A filter of one flow would starve another"
    why = "all flows of a topic share one subscription: a filter holds only when each of them states the same one"
    severity = "warning"
    bad = Example(
        _FLOW, 'when = \'order.source == "web"\'\n[subscription]\nfilter = "source_name:web"', beside=(_SECOND,)
    )
    good = Example(_FLOW, "when = 'order.source == \"web\"'", beside=(_SECOND,))

    def run(self, folder: Folder) -> Iterable[Finding]:
        told: set[str] = set()
        for _system, topic, names in _sharing(folder):
            filters = {folder.flows[name].value.subscription.filter for name in names}
            for name in names:
                if len(filters) > 1 and folder.flows[name].value.subscription.filter and name not in told:
                    told.add(name)
                    others = ", ".join(other for other in names if other != name)
                    what = f"flow {name}: its filter does not hold for {topic}: {others} would get less than it takes"
                    hint = "say it as the flow's own condition: when = ..., or give all of them the same filter"
                    yield self.finding(folder.flows[name], ("subscription", "filter"), what, next_move=hint)


class SubscriptionOfNobody(Check):
    code = "STR351"
    title = "A subscription that nobody can make"
    why = "the connector has no way to make subscriptions at this source, so what the flow asks for would never be sent"
    bad = Example("flows/customer-to-crm.toml", '[subscription]\nmetafields = ["custom.gift"]')
    good = Example(_FLOW, '[subscription]\nmetafields = ["custom.gift"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, file in folder.flows.items():
            if _asks(file.value) and not _can_be_made(folder, file.value):
                what = f"flow {name}: {file.value.source} has no subscriptions that a hub could make"
                yield self.finding(file, ("subscription",), what, next_move="take [subscription] out", at_key=True)


def _asks(flow: Flow) -> bool:
    asked = flow.subscription
    return bool(asked.filter or asked.fields or asked.metafields)


def _can_be_made(folder: Folder, flow: Flow) -> bool:
    """Unknown systems and connectors are other checks' matter."""
    system = folder.systems.get(flow.source)
    fact = folder.connectors.get(system.value.connector) if system else None
    return fact is None or fact.subscribes


class NoAddress(Check):
    code = "STR352"
    title = "Nobody keeps the webhooks"
    why = "a source drops a subscription after a few failures and tells nobody; the hub notices only when it knows its own address"
    severity = "warning"
    bad = Example(_SHOP, "[intake]\n# address", beside=(_PRODUCTION,))
    good = Example(_SHOP, '[intake]\naddress = "https://hub.example.com/intake/shop"', beside=(_PRODUCTION,))

    def run(self, folder: Folder) -> Iterable[Finding]:
        if folder.strategy.value.environment != "production":
            return
        sources = {file.value.source for file in folder.flows.values() if file.value.trigger}
        for name in sorted(sources):
            system = folder.systems.get(name)
            fact = folder.connectors.get(system.value.connector) if system else None
            if system and fact and fact.subscribes and not system.value.intake.address:
                what = f"system {name}: its webhook subscriptions are kept by nobody"
                hint = (
                    f'write [intake] address = "https://.../intake/{name}", where {system.value.title} reaches this hub'
                )
                yield self.finding(system, ("intake",), what, next_move=hint, at_key=True)


class FilterWithoutWhen(Check):
    code = "STR353"
    title = "A filter that the comparison does not know"
    why = (
        "a filter keeps webhooks away and nothing else: the comparison finds what it kept out, takes it for missed and delivers it, "
        "unless the flow's own condition refuses it"
    )
    bad = Example(_FLOW, '[subscription]\nfilter = "source_name:web"')
    good = Example(_FLOW, 'when = \'order.source == "web"\'\n[subscription]\nfilter = "source_name:web"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, file in folder.flows.items():
            if file.value.subscription.filter and not file.value.when.strip():
                what = f"flow {name}: its filter is no condition of its own, so what the source keeps back would still be delivered"
                hint = "say it as the flow's condition too: when = ...; the filter then only saves calls"
                yield self.finding(file, ("subscription", "filter"), what, next_move=hint)
