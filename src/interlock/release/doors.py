"""The doors of a release: for each system how its webhooks are verified, read and bounded, as its file says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from interlock.intake.server import Door
from interlock.messaging.event import FrugalDialect
from interlock.release.shelf import Shelf
from interlock.strategy.webhooks import trimmed


class Doors:
    """Those of the active release: who may come in by webhook, and how that is proven."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._made: dict[tuple[str, str], Door | None] = {}

    def door(self, system: str) -> Door | None:
        """Made once per release: secrets are read when a release becomes active."""
        build = self._shelf.current()
        if system not in build.strategy.systems:
            return None  # not remembered: a stranger chooses these names
        key = (build.id, system)
        if key not in self._made:
            self._made[key] = self._make(system)
        return self._made[key]

    def forget(self) -> None:
        """Read the secrets again at the next knock."""
        self._made.clear()

    def _make(self, name: str) -> Door | None:
        build = self._shelf.current()
        system = build.strategy.systems[name]
        dialects = build.dialects(name)
        secrets_ = build.webhook_secrets(name)
        if not dialects or not secrets_:
            return None
        others = {
            secret for other in build.strategy.systems if other != name for secret in build.webhook_secrets(other)
        }
        return Door(
            system=name, release=build.id, dialects=dialects, secrets=secrets_,
            shop="" if any(isinstance(one, FrugalDialect) for one in dialects) else _shop(system.url, system.settings),
            old_secrets_until_ms=_ms(system.intake.old_secrets_until), shares_secret=not others.isdisjoint(secrets_),
            trimmed=trimmed(build.strategy).get(name, frozenset()),
            api_version=str(system.settings.get("api_version", "")), max_body_bytes=system.intake.max_body_bytes,
            max_depth=system.intake.max_depth, rate_per_second=system.intake.rate_per_second,
            max_file_bytes=system.intake.max_file_bytes, settings=system.settings,
        )  # fmt: skip


def _ms(moment: datetime | None) -> int:
    return 0 if moment is None else round(moment.timestamp() * 1000)


def _shop(url: str, settings: Mapping[str, Any]) -> str:
    """The one shop that may knock: the setting, else the host of the system's own address."""
    host = urlsplit(url).hostname or ""
    return str(settings.get("shop") or ("" if host in ("127.0.0.1", "localhost", "::1") else host))
