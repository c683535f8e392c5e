"""Item 1: the systems-of-record map. Each object that moves has one truth, whose team can be reached, and it was heard of lately."""

import re
from collections.abc import Iterator

from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import Running, Seen
from interlock.strategy.items.base import Case, Evidence, Gap, Rule, RunningRule, counted, listed

_MADE_UP = re.compile(r"\.example\b|@example\.|\b555[ -]?01\d\d\b|\b(?:todo|tbd|nobody)\b", re.IGNORECASE)
"""Names and numbers that are reserved for examples (RFC 2606; 555-01xx in North America), and words for "not yet"."""


class RecordOfEveryObject(Rule):
    code = "CHK101"
    title = "Every object that moves has a system of record, and not in parts only"
    why = "a field that nobody names is nobody's: when two systems differ in it, no one can say which is right"
    bad = Case(
        "the shop is record of three fields of an order, and nobody of the others",
        (Example("systems/shop.toml", 'record_of = ["order.customer", "order.note", "order.name"]'),),
    )
    good = Case("the shop is record of orders", (Example("systems/shop.toml", 'record_of = ["order"]'),))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        mapped = []
        for thing, flows in seen.moving.items():
            whole, parts = seen.records(thing)
            if whole:
                mapped.append(f"{thing} at {listed([*whole, *parts])}")
                continue
            put = f'"{thing}" in record_of, if what nobody names is its truth too'
            text = f"no system is record of {thing}" + (f" as a whole, {listed(parts)} of parts" if parts else "")
            yield self.gap(text, f"systems/{flows[0].source}.toml", put)
        if mapped:
            yield Evidence(f"record of {listed(mapped, 6)}")


class OwnersCanBeReached(Rule):
    code = "CHK102"
    title = "Owners have contacts that are real"
    why = "an owner who cannot be reached is none"
    bad = Case(
        "a team has a made-up address",
        (Example("strategy.toml", '[teams.finance-systems]\ncontact = "finance@acme.example"'),),
    )
    good = Case(
        "a team is reached somewhere",
        (Example("strategy.toml", '[teams.finance-systems]\ncontact = "#finance-systems"'),),
    )

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        owners = [system.owner for system in seen.strategy.systems.values()]
        owners += [flow.owner for flow in seen.strategy.flows.values()]
        teams = [seen.strategy.teams[name] for name in dict.fromkeys(owners) if name in seen.strategy.teams]
        vague = [team.name for team in teams if _MADE_UP.search(f"{team.contact} {team.escalation}")]
        if vague:
            text = f"{counted(len(vague), 'team')} with a made-up contact or escalation: {listed(vague)}"
            yield self.gap(text, "strategy.toml", "the address, channel or number where each is really reached")
        if len(teams) > len(vague):
            yield Evidence(f"{counted(len(teams) - len(vague), 'owner')} with contact and escalation")


class RecordsAreHeard(RunningRule):
    code = "CHK103"
    title = "Each source has sent something lately"
    why = "a map of systems that say nothing is a drawing; what the map says is seen in what arrives"
    bad = Case(
        "the shop was heard of years ago", running=Running(seen_ms={("shop", "order"): 1, ("erp", "customer"): 1})
    )
    good = Case("orders came from the shop today")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        days = seen.fresh.record_seen_days
        heard = []
        for source, thing in sorted({(flow.source, flow.object_name) for flow in seen.strategy.flows.values()}):
            at_ms = running.seen_ms.get((source, thing), 0)
            if seen.within(at_ms, days=days):
                heard.append(at_ms)
                continue
            text = f"no {thing} has come from {source} {f'for {days} days' if at_ms else 'yet'}"
            yield self.gap(text, put=f"look at the intake of {source}: interlock status")
        if heard:
            yield Evidence(f"{counted(len(heard), 'source')} heard", min(heard))


class WhatRunsIsThis(RunningRule):
    code = "CHK104"
    title = "What runs is this folder"
    why = "a map of another folder than the one that runs says nothing about what is done to the data"
    bad = Case("another release runs", running=Running(release="0" * 64, release_ms=1))
    good = Case("the release that runs is this folder")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        if running.release == seen.strategy.release:
            yield Evidence(f"release {running.release[:12]} runs")
        else:
            runs = f"release {running.release[:12]} runs" if running.release else "no release runs"
            text = f"{runs}, and this folder is {seen.strategy.release[:12]}"
            yield self.gap(text, put="interlock plan, then interlock apply")


RULES = (RecordOfEveryObject(), OwnersCanBeReached(), RecordsAreHeard(), WhatRunsIsThis())
