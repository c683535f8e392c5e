"""Where access tokens are kept: the port that all processes of a hub share, and one in memory for tests.

A renewal is made under a lease. Its fence rises with every lease, and a commit names it: a process that was paused
while another took over changes nothing, and one that was killed holds the others up no longer than its lease.
"""

from typing import Any, Final, Protocol

import msgspec

from interlock.clock import Clock

PAST_ORIGINS_MAX: Final = 8


class Reconnect(msgspec.Struct, frozen=True, kw_only=True):
    """No token will be given until a person acts: why, and what to do. `credentials` is the fingerprint of those that were
    refused: others are tried at once. `look_again_ms` is when the same may be tried again, 0 for never.
    """

    code: str
    message: str
    credentials: str
    since_ms: int
    look_again_ms: int = 0


class StoredToken(msgspec.Struct, frozen=True, kw_only=True):
    """One system's access as it is on the disk. Times are milliseconds since the epoch, 0 for none or never.

    `origin` tells what it began with (a refresh token that a person gave), `past` what that replaced: whoever still has
    those credentials follows this one instead of beginning anew.
    """

    system: str
    grant: str
    origin: str
    access: str = ""
    refresh: str = ""
    renewed_ms: int = 0
    ends_ms: int = 0
    refresh_ends_ms: int = 0
    scope: tuple[str, ...] = ()
    lost_scope: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    rejections: int = 0
    rejected: bool = False
    reconnect: Reconnect | None = None
    generation: int = 0

    def __repr__(self) -> str:
        """Without the tokens: it may end in a log or a traceback."""
        return f"StoredToken({self.system!r}, {self.grant!r}, generation {self.generation}, ends_ms {self.ends_ms})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("system", self.system), ("grant", self.grant), ("generation", self.generation)]

    def belongs_to(self, origin: str) -> bool:
        """Whether credentials of this origin follow it."""
        return origin == self.origin or origin in self.past


class TokenState(msgspec.Struct, frozen=True, kw_only=True):
    """How it is with a token, for people: nothing in it is secret."""

    system: str
    grant: str
    renewed_ms: int = 0
    ends_ms: int = 0
    refresh_ends_ms: int = 0
    lost_scope: tuple[str, ...] = ()
    reconnect: Reconnect | None = None

    @property
    def changed_ms(self) -> int:
        """When something was last heard about it."""
        return max(self.renewed_ms, self.reconnect.since_ms if self.reconnect is not None else 0)


def state_of(token: StoredToken) -> TokenState:
    """What may be shown of it."""
    return TokenState(
        system=token.system, grant=token.grant, renewed_ms=token.renewed_ms, ends_ms=token.ends_ms,
        refresh_ends_ms=token.refresh_ends_ms, lost_scope=token.lost_scope, reconnect=token.reconnect,
    )  # fmt: skip


class TokenStore(Protocol):
    """Kept by name, which is that of an app at a shop: renaming a system loses nothing."""

    async def get(self, name: str) -> StoredToken | None:
        """What is on the disk now."""

    async def lease(self, name: str, seconds: float) -> int | None:
        """The fence of a lease of this long, None while another holds one."""

    async def commit(self, name: str, fence: int, token: StoredToken) -> bool:
        """Keep it and end the lease; True when it is on the disk, False when another has leased since (nothing is
        changed then). The store counts the generation."""

    async def release(self, name: str, fence: int) -> None:
        """End the lease without a change."""

    async def reject(self, name: str, generation: int) -> None:
        """The system refused this token: mark it, unless a newer one is there already."""


class MemoryTokenStore:
    """For tests, and for a connection that was given no store: one process, nothing outlives it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, StoredToken] = {}
        self._leases: dict[str, tuple[int, float]] = {}

    async def get(self, name: str) -> StoredToken | None:
        return self._tokens.get(name)

    async def lease(self, name: str, seconds: float) -> int | None:
        fence, until = self._leases.get(name, (0, 0.0))
        if self._clock.monotonic() < until:
            return None
        self._leases[name] = (fence + 1, self._clock.monotonic() + seconds)
        return fence + 1

    async def commit(self, name: str, fence: int, token: StoredToken) -> bool:
        if self._leases.get(name, (0, 0.0))[0] != fence:
            return False
        before = self._tokens.get(name)
        generation = 1 if before is None else before.generation + 1
        self._tokens[name] = msgspec.structs.replace(token, generation=generation)
        await self.release(name, fence)
        return True

    async def release(self, name: str, fence: int) -> None:
        if self._leases.get(name, (0, 0.0))[0] == fence:
            self._leases[name] = (fence, 0.0)

    async def reject(self, name: str, generation: int) -> None:
        token = self._tokens.get(name)
        if token is not None and token.generation == generation:
            self._tokens[name] = msgspec.structs.replace(token, rejected=True)
