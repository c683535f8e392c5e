"""What an app may read of a store, learnt when the store first denies something, and which optional parts follow from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from interlock.connectors.contract import Clock, Refused, Retry
from interlock.connectors.shopify.scopes import facts, missing

DENIED: Final = "ACCESS_DENIED"
KEPT_SECONDS: Final = 3600.0
"""So long is what was learnt believed; then all is asked for again, since a scope may have been granted meanwhile."""

Tell = Callable[[str, Mapping[str, str]], None]
"""Takes a document's name, and the parts of it that are left out now -> the scopes that they need."""
Ask = Callable[[], Awaitable[Mapping[str, Any] | Retry | Refused]]
"""Runs documents/access_scopes.graphql."""


def scopes_of(data: Mapping[str, Any]) -> frozenset[str]:
    """The scopes in the data of access_scopes.graphql."""
    return frozenset(one["handle"] for one in data["currentAppInstallation"]["accessScopes"])


def denied_parts(name: str, version: str, scopes: frozenset[str]) -> dict[str, str]:
    """The parts of a document that an app with these scopes may not read -> what it lacks for them, in words."""
    lacking = ((part, missing(clauses, scopes)) for part, clauses in facts()[version][name].optional.items())
    return {part: " and ".join(" or ".join(clause) for clause in clauses) for part, clauses in lacking if clauses}


class Rights:
    """One app's scopes at one store. Nothing is asked before the store denies something: most apps may read all."""

    def __init__(self, clock: Clock, version: str, tell: Tell) -> None:
        self._clock = clock
        self._version = version
        self._tell = tell
        self._scopes: frozenset[str] | None = None
        self._until = 0.0
        self._learning = asyncio.Lock()
        self._left_out: set[str] = set()
        """Documents of which something is left out."""

    @property
    def known(self) -> bool:
        """Whether it is known now what the app was granted."""
        return self._scopes is not None and self._clock.monotonic() < self._until

    def choices(self, name: str) -> dict[str, bool]:
        """The variables by which a document leaves out what the app may not read; {} when it may ask for all."""
        denied = denied_parts(name, self._version, self._scopes) if self.known and self._scopes is not None else {}
        if denied or name in self._left_out:
            self._tell(name, denied)
            (self._left_out.add if denied else self._left_out.discard)(name)
        return dict.fromkeys(denied, False)

    async def learn(self, ask: Ask) -> Retry | Refused | None:
        """Ask what the app was granted, unless another call has just done so; what stopped it, if anything did."""
        async with self._learning:
            if self.known:
                return None
            data = await ask()
            if isinstance(data, Retry | Refused):
                return data
            self._scopes = scopes_of(data)
            self._until = self._clock.monotonic() + KEPT_SECONDS
            return None
