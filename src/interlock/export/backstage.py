"""The systems-of-record map as entities of Backstage's software catalog, as plain dicts.

Teams are Groups; the shop's stack is one System; applications, and the flows between them, are Components; contracts
are APIs; what a system is record of is a Resource that depends on it. Shapes: backstage.io/docs/features/software-catalog
descriptor format, apiVersion backstage.io/v1alpha1.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from interlock.canonical import Contract
from interlock.canonical.json_schema import json_schema
from interlock.strategy.contracts import contracts_of
from interlock.strategy.model import Flow, Strategy, System
from interlock.strategy.ownership import Claim, Ownership, ownership_of

API_VERSION = "backstage.io/v1alpha1"
NAME_CHARACTERS_MAX = 63
"""Of an entity's name: letters and digits, with - _ . between (backstage.io, descriptor format, metadata.name)."""
MAIL = re.compile(r"^[^@\s,]+@[^@\s,]+\.[^@\s,]+$")

Entity = dict[str, Any]


def backstage_entities(strategy: Strategy) -> list[Entity]:
    """Every entity once; each reference leads to another one of the list."""
    held = ownership_of(strategy.systems, contracts_of(strategy).values())
    return [
        _stack(strategy),
        *(_team(strategy, name) for name in strategy.teams),
        *(_application(strategy, system, held) for system in strategy.systems.values()),
        *(_flow(strategy, flow) for flow in strategy.flows.values()),
        *(_contract(strategy, contract, held) for contract in _moved(strategy)),
        *_records(strategy, held),
    ]


def entity_name(*words: str) -> str:
    """A name that Backstage takes: too long a one is cut, and does not end in a sign."""
    return "-".join(words)[:NAME_CHARACTERS_MAX].rstrip("-_.")


def _stack(strategy: Strategy) -> Entity:
    """Owned by whoever owns most of its systems."""
    owners = [system.owner for system in strategy.systems.values()]
    owner = max(strategy.teams, key=owners.count)
    about = {"title": strategy.title, "description": f"The commerce stack of {strategy.title}, joined by Interlock"}
    return _entity("System", strategy.name, about, {"owner": _group(owner)}, release=strategy.release)


def _team(strategy: Strategy, name: str) -> Entity:
    team = strategy.teams[name]
    profile = {"displayName": name.replace("-", " ").title()}
    if MAIL.match(team.contact):
        profile["email"] = team.contact
    spec = {"type": "team", "profile": profile, "children": []}
    return _entity("Group", name, {}, spec, contact=team.contact, escalation=team.escalation)


def _application(strategy: Strategy, system: System, held: Ownership) -> Entity:
    mine = [_in_words(claim) for claim in held.claims if claim.system == system.name]
    provided = [contract for contract in _moved(strategy) if held.record_of(contract.name) == system.name]
    spec = {
        "type": "application",
        "lifecycle": _lifecycle(strategy),
        "owner": _group(system.owner),
        "system": strategy.name,
        "providesApis": [entity_name(contract.key) for contract in provided],
    }
    about = {"title": system.title, "description": f"Record of {', '.join(mine)}" if mine else "Record of nothing"}
    return _entity("Component", system.name, about, spec, connector=system.connector, record_of=", ".join(mine))


def _flow(strategy: Strategy, flow: Flow) -> Entity:
    known = {contract.key for contract in _moved(strategy)}
    spec = {
        "type": "integration-flow",
        "lifecycle": _lifecycle(strategy),
        "owner": _group(flow.owner),
        "system": strategy.name,
        "consumesApis": [entity_name(flow.object)] if flow.object in known else [],
        "dependsOn": [f"component:default/{name}" for name in (flow.source, *flow.destinations)],
    }
    about = {"title": flow.title, "description": flow.rationale, "tags": [f"impact-{flow.impact}", flow.pattern]}
    return _entity("Component", entity_name("flow", flow.name), about, spec, runbook=flow.runbook)


def _contract(strategy: Strategy, contract: Contract, held: Ownership) -> Entity:
    """Owned by the record of the object."""
    spec = {
        "type": "json-schema",
        "lifecycle": _lifecycle(strategy),
        "owner": _group(_owner(strategy, held.record_of(contract.name))),
        "system": strategy.name,
        "definition": json.dumps(json_schema(contract), indent=2, ensure_ascii=False),
    }
    return _entity("API", entity_name(contract.key), {"description": contract.meaning}, spec)


def _records(strategy: Strategy, held: Ownership) -> Iterator[Entity]:
    """One for each thing that somebody is record of; with exceptions it depends on several systems."""
    claims: dict[str, list[Claim]] = {}
    for claim in held.claims:
        claims.setdefault(claim.thing, []).append(claim)
    for thing, holders in claims.items():
        first = next((claim for claim in holders if not claim.where), holders[0])
        systems = dict.fromkeys(claim.system for claim in (first, *holders))
        spec = {
            "type": "system-of-record",
            "owner": _group(_owner(strategy, first.system)),
            "system": strategy.name,
            "dependsOn": [f"component:default/{name}" for name in systems],
        }
        words = "; ".join(f"{claim.system}: {_in_words(claim)}" for claim in holders)
        yield _entity("Resource", entity_name("record", thing), {"title": thing, "description": words}, spec)


def _entity(kind: str, name: str, about: dict[str, Any], spec: dict[str, Any], **annotations: str) -> Entity:
    said = {f"interlock/{key.replace('_', '-')}": value for key, value in annotations.items() if value}
    metadata = {"name": entity_name(name), **about, **({"annotations": said} if said else {})}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _moved(strategy: Strategy) -> list[Contract]:
    """The contracts that a flow names."""
    contracts = contracts_of(strategy)
    named = dict.fromkeys(flow.object for flow in strategy.flows.values())
    return [contracts[key] for key in named if key in contracts]


def _owner(strategy: Strategy, system: str) -> str:
    return strategy.systems[system].owner if system in strategy.systems else next(iter(strategy.teams))


def _group(team: str) -> str:
    return f"group:default/{team}"


def _lifecycle(strategy: Strategy) -> str:
    return "production" if strategy.environment == "production" else "experimental"


def _in_words(claim: Claim) -> str:
    return f"{claim.thing} at {claim.conditions()}" if claim.where else claim.thing
