"""Brings the first tokens of an app that a merchant installs: an address to open, and what the vendor sends back for it.

The vendor's part (`authorization` of its client) knows addresses, signatures and fields; here is what holds for all: an
attempt has a secret state that serves once, and the tokens are on the disk, sealed, before anybody hears of them.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.connectors.token_store import StoredToken, TokenStore
from interlock.connectors.tokens import (
    ASK_SECONDS,
    LEASE_SECONDS,
    LOOK_SECONDS,
    WAIT_SECONDS,
    Denied,
    Grant,
    Granted,
    beginning,
    end_ms,
)
from interlock.errors import SettingsError
from interlock.messaging.outcome import Retry

STATE_BYTES: Final = 24


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor sent back, its signature and its sender verified."""

    state: str
    code: str


class Authorization(Protocol):
    """A vendor's way to install an app."""

    grant: Grant
    """The way to sign in that begins with the installation."""

    def url(self, *, scopes: Collection[str], redirect_uri: str, state: str) -> str:
        """What the merchant opens."""

    def returned(self, query: str) -> Returned:
        """From the query of the address that the merchant was sent back to. Raises SettingsError CON010 (not the
        vendor's words), CON012 (another shop's)."""

    async def exchange(self, code: str, timeout_seconds: float) -> Granted | Retry | Denied:
        """The first tokens for the code, which serves once."""


class Installation:
    """One attempt. `state` is STATE_BYTES of chance, as text without signs that an address would have to escape."""

    def __init__(
        self, authorization: Authorization, store: TokenStore, clock: Clock, *, system: str, scopes: Collection[str],
        redirect_uri: str, state: str,
    ) -> None:  # fmt: skip
        self._authorization = authorization
        self._store = store
        self._clock = clock
        self._system = system
        self._state = state
        self._used = False
        self.url = authorization.url(scopes=scopes, redirect_uri=redirect_uri, state=state)

    async def complete(self, query: str) -> StoredToken:
        """The tokens that are kept now. Raises SettingsError: CON010, CON012 and CON011 (not of this attempt) leave it open
        for the true answer, CON013 (no token was given) ends it. Raises StoreError when they cannot be kept."""
        returned = self._authorization.returned(query)
        if self._used or not hmac.compare_digest(returned.state.encode(), self._state.encode()):
            raise SettingsError(
                "this is not the answer to the address that was just given", code="CON011",
                why="its state was used already" if self._used else "its state is another",
                next_move="open the address again, and let the merchant install the app from there",
            )  # fmt: skip
        self._used = True
        return await self._kept_for(returned.code)

    async def _kept_for(self, code: str) -> StoredToken:
        """Under the lease, so that no renewal of a hub that runs comes between the answer and the disk."""
        name = self._authorization.grant.name
        fence = await self._leased()
        granted = await self._authorization.exchange(code, ASK_SECONDS)
        if not isinstance(granted, Granted):
            await self._store.release(name, fence)
            raise _refused(granted)
        new = self._first(await self._store.get(name), granted)
        while not await self._store.commit(name, fence, new):
            fence = await self._leased()  # the lease ended meanwhile: what was just given is newer than all else
        return new

    async def _leased(self) -> int:
        until = self._clock.monotonic() + WAIT_SECONDS
        while (fence := await self._store.lease(self._authorization.grant.name, LEASE_SECONDS)) is None:
            if self._clock.monotonic() >= until:
                raise SettingsError("another process holds the token", code="CON013", next_move="begin again")
            await self._clock.sleep(LOOK_SECONDS)
        return fence

    def _first(self, there: StoredToken | None, granted: Granted) -> StoredToken:
        now_ms = self._clock.now_ms()
        return msgspec.structs.replace(
            beginning(self._authorization.grant, self._system, there),
            access=granted.access, refresh=granted.refresh, renewed_ms=now_ms, scope=granted.scope,
            ends_ms=end_ms(now_ms, granted.lifetime_seconds), refresh_ends_ms=end_ms(now_ms, granted.refresh_lifetime_seconds),
        )  # fmt: skip


def _refused(answer: Retry | Denied) -> SettingsError:
    """The code was spent, or may have been: only another installation brings another."""
    return SettingsError(
        "no token was given for the code", code="CON013", why=f"{answer.message} ({answer.code})",
        next_move="begin again: a code serves once, and for a short time",
    )  # fmt: skip
