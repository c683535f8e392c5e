"""The strategy folder is the program: read it, check it, and hold what it says.

snapshot = read_folder(path)
strategy = load(snapshot, connectors=facts)     # raises StrategyErrors with every mistake
"""

from interlock.strategy.contracts import contract_of, contracts_of
from interlock.strategy.facts import ConnectorFact, ConnectorFacts, SettingFact, WriteFact
from interlock.strategy.finding import Finding, StrategyErrors
from interlock.strategy.load import load
from interlock.strategy.model import (
    Alerts,
    Breaker,
    Console,
    Egress,
    Engine,
    Flow,
    Intake,
    Limits,
    Reconcile,
    Retention,
    Retry,
    Rollback,
    Security,
    Slo,
    Strategy,
    System,
    Team,
)
from interlock.strategy.predicate import Predicate, PredicateError, compile_predicate
from interlock.strategy.secrets import SecretError, resolve
from interlock.strategy.snapshot import Snapshot, read_folder, snapshot_of

__all__ = [
    "Alerts", "Breaker", "ConnectorFact", "ConnectorFacts", "Console", "Egress", "Engine", "Finding", "Flow", "Intake",
    "Limits", "Predicate", "PredicateError", "Reconcile", "Retention", "Retry", "Rollback", "SecretError", "Security", "SettingFact",
    "Slo", "Snapshot", "Strategy", "StrategyErrors", "System", "Team", "WriteFact", "compile_predicate", "contract_of",
    "contracts_of", "load",
    "read_folder", "resolve", "snapshot_of",
]  # fmt: skip
