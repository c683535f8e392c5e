"""Gathers what the checklist is computed from: the folder, the connectors, the contracts, the store and what lies beside the folder."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from interlock.canonical.published import read_lock
from interlock.connectors import registry
from interlock.messaging.views import Views
from interlock.operations.measured import advice
from interlock.strategy.advise import Measured
from interlock.strategy.checklist import Result, checklist
from interlock.strategy.contracts import contracts_of
from interlock.strategy.evidence import Around, ContractFact, Running, Seen
from interlock.strategy.model import Strategy

MOST_COPIES = 10_000
"""So many files of a backup folder are looked at."""


async def gathered(strategy: Strategy, folder: Path | None, views: Views | None, now_ms: int) -> Seen:
    """All that the rules may look at. Without `folder`, nothing beside it is known; without `views`, nothing has run."""
    return Seen(
        strategy=strategy,
        connectors=registry.facts(),
        contracts=contract_facts(strategy),
        now_ms=now_ms,
        around=await asyncio.to_thread(around, strategy, folder) if folder else Around(),
        running=await ran(views, now_ms) if views else None,
        measured=await measured(strategy, views, now_ms) if views else {},
    )


async def judged(strategy: Strategy, folder: Path | None, views: Views | None, now_ms: int) -> tuple[Result, ...]:
    """The eight items."""
    return checklist(await gathered(strategy, folder, views, now_ms))


async def ran(views: Views, now_ms: int) -> Running:
    """What the store says."""
    pressed = {one.destination: one.written_last_minute for one in await views.destination_health(now_ms)}
    return replace(await views.evidence(now_ms), per_minute=pressed)


async def measured(strategy: Strategy, views: Views, now_ms: int) -> dict[str, Measured]:
    """The traffic of each flow."""
    found = await advice(strategy.flows.values(), views, now_ms)
    return {name: one.measured for name, one in found.items()}


def around(strategy: Strategy, folder: Path) -> Around:
    """Files beside the folder: how old the secrets are, and the newest copy of the store. Nothing is opened."""
    secrets = {
        f"{name}.{key}": at_ms
        for name, system in strategy.systems.items()
        for key, reference in system.credentials.items()
        if (at_ms := _written_ms(folder, [reference] if isinstance(reference, str) else reference))
    }
    return Around(secrets_ms=secrets, backup_ms=_newest_ms(folder, strategy.security.backup.folder))


def contract_facts(strategy: Strategy) -> Mapping[str, ContractFact]:
    """The contracts that ship, and the folder's own; of the latter those are published that the lock file holds to their promise."""
    locked = read_lock(strategy.published)
    return {
        key: ContractFact(
            key=key,
            fields=len(contract.paths()),
            undocumented=tuple(path for path, field in contract.paths().items() if not field.meaning),
            published=key in locked or key not in strategy.objects,
        )
        for key, contract in contracts_of(strategy).items()
    }


def _written_ms(folder: Path, references: list[str]) -> int:
    """The newest of the files: of several secrets the first in use is the newest."""
    names = [reference.removeprefix("file:") for reference in references if reference.startswith("file:")]
    return max((_modified_ms(folder / name) for name in names), default=0)


def _newest_ms(folder: Path, backups: str) -> int:
    if not backups:
        return 0
    try:
        files = list(zip(range(MOST_COPIES), (folder / backups).iterdir(), strict=False))
    except OSError:
        return 0
    return max((_modified_ms(file) for _, file in files if file.is_file()), default=0)


def _modified_ms(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns // 1_000_000
    except OSError:
        return 0
