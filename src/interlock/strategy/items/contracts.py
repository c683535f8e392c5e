"""Item 4: the canonical model. What moves has a contract, each of whose fields says what it means, and what moved kept to it."""

from collections.abc import Iterator

from interlock.strategy.evidence import ContractFact, Letters, Running, Seen
from interlock.strategy.items.base import Case, Evidence, Gap, Rule, RunningRule, counted, listed

BROKEN = frozenset({"mapping", "validation"})
"""Classes of dead letters that say that a document and a contract did not fit."""


def _known(*facts: ContractFact) -> dict[str, ContractFact]:
    return {one.key: one for one in facts}


_CUSTOMER = ContractFact(key="customer.v1", fields=9)


class ContractOfEveryObject(Rule):
    code = "CHK401"
    colour = "red"
    title = "Every object that moves has a contract"
    why = "without a contract each pair of systems has a meaning of its own for the same word"
    bad = Case("an order moves, and customers alone have a contract", contracts=_known(_CUSTOMER))
    good = Case("both have one")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        wanted = sorted({flow.object for flow in seen.strategy.flows.values()})
        for key in wanted:
            if key not in seen.contracts:
                yield self.gap(f"{key} has no contract", f"objects/{key}.toml", "its fields: type, data class, meaning")
        known = [seen.contracts[key] for key in wanted if key in seen.contracts]
        if known:
            text = f"{listed([one.key for one in known], 6)}: {counted(sum(one.fields for one in known), 'field')}"
            yield Evidence(text)


class FieldsAreDocumented(Rule):
    code = "CHK402"
    title = "Every field says what it means"
    why = "a field without a meaning is filled with whatever fits its type"
    bad = Case(
        "a field has no meaning",
        contracts=_known(_CUSTOMER, ContractFact(key="order.v1", fields=40, undocumented=("note",))),
    )
    good = Case("each field has one")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        used = {flow.object for flow in seen.strategy.flows.values()}
        known = [fact for key, fact in seen.contracts.items() if key in used]
        for fact in known:
            if fact.undocumented:
                text = f"{fact.key}: {counted(len(fact.undocumented), 'field')} without a meaning"
                yield self.gap(text, f"objects/{fact.key}.toml", f"meaning of {listed(list(fact.undocumented))}")
        if known and not any(fact.undocumented for fact in known):
            yield Evidence("every field with type, data class and meaning")


class VersionsArePublished(Rule):
    code = "CHK403"
    title = "Contracts in use are published: their text is locked"
    why = "a version of your own that changes under its consumers is no version; those that ship do not change"
    bad = Case(
        "nobody locked the text of a version",
        contracts=_known(_CUSTOMER, ContractFact(key="order.v1", fields=40, published=False)),
    )
    good = Case("the lock file holds its hash")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        used = {flow.object for flow in seen.strategy.flows.values()}
        known = [fact for key, fact in seen.contracts.items() if key in used]
        loose = sorted(fact.key for fact in known if not fact.published)
        if loose:
            yield self.gap(
                f"not locked: {listed(loose, 6)}", "objects/published.lock", f"its lines: interlock publish {loose[0]}"
            )
        if len(known) > len(loose):
            yield Evidence(f"{counted(len(known) - len(loose), 'version')} published")


class WhatMovedFits(RunningRule):
    code = "CHK404"
    title = "What moved fitted its contract"
    why = "a field that was renamed or changed its type at the source shows here first"
    bad = Case(
        "dead letters that no mapping can translate",
        running=Running(
            letters=(Letters(flow="order-to-erp", owner="finance-systems", count=3, oldest_ms=1, reasons=("mapping",)),)
        ),
    )
    good = Case("none is open")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:  # noqa: ARG002
        broken = [one for one in running.letters if BROKEN.intersection(one.reasons)]
        for one in broken:
            text = f"{one.flow}: {counted(one.count, 'dead letter')}, some refused for what they say"
            yield self.gap(text, put=f"interlock issues --flow {one.flow}")
        if not broken:
            yield Evidence("no open dead letter of a mapping or a refused value")


class DocumentsAreAsTheyWere(RunningRule):
    code = "CHK405"
    title = "The sources' documents look as they did"
    why = "a field that was renamed at the source becomes an empty one everywhere else"
    bad = Case("a field of the shop's orders has vanished", running=Running(drifts={("shop", "order"): 1}))
    good = Case("nothing changed that nobody accepted")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:  # noqa: ARG002
        for (system, thing), count in running.drifts.items():
            text = f"{thing} of {system} has changed in {counted(count, 'way')} that nobody accepted"
            yield self.gap(text, put="interlock drift")
        if not running.drifts:
            yield Evidence("no contract drift is open")


RULES = (
    ContractOfEveryObject(),
    FieldsAreDocumented(),
    VersionsArePublished(),
    WhatMovedFits(),
    DocumentsAreAsTheyWere(),
)
