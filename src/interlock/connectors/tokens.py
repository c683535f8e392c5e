"""Keeps one system's access token good: renewed before it ends, by one caller at a time over all tasks and processes.

A client makes its calls through `await keeper.call(send)`, which is `await keeper.token()` (a token, or why there is none)
and, when the system answers 401, `await keeper.rejected(token)` and one more try with another token.
A new token is on the disk before anybody uses it: a process that is killed in between has lost nothing that the system
waits for (F73). When the system refuses to give one, the state is "reconnect": it is asked no more, what waits stays.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.connectors.http import Answer
from interlock.connectors.token_store import (
    PAST_ORIGINS_MAX,
    MemoryTokenStore,
    Reconnect,
    StoredToken,
    TokenStore,
)
from interlock.errors import StoreError
from interlock.messaging.outcome import Refused, Retry

ASK_SECONDS: Final = 10.0
"""How long the system may take to answer the request for a token."""
LEASE_SECONDS: Final = 15.0
"""Longer than a request may take; so long the others wait for a process that was killed while it renewed."""
WAIT_SECONDS: Final = 20.0
"""How long a call waits for a token when the old one has ended."""
LOOK_SECONDS: Final = 0.1
"""Between two looks at whether another process has renewed."""
EARLY_SHARE: Final = 12
"""A token is renewed when this part of its life is left: 5 minutes of an hour, 2 hours of a day."""
HOLD_OFF_SECONDS: Final = (1.0, 60.0)
"""After a renewal that failed: the first wait, doubled up to the second."""
REJECTIONS_MAX: Final = 3
"""New tokens refused in a row, each within SHORT_LIVED_SECONDS, before nothing is asked any more."""
SHORT_LIVED_SECONDS: Final = 300.0
LOOK_AGAIN_SECONDS: Final = 900.0
"""A system that gives tokens but takes none may be ill itself: it is asked again this rarely."""
TRAVEL_SECONDS: Final = 5.0
"""A token that ends within this time is used no more: it could end on the way."""
UNAUTHORISED: Final = 401


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What the system gave. Lifetimes in seconds, 0 for no end; `refresh` is empty when there is none."""

    access: str
    lifetime_seconds: float = 0.0
    refresh: str = ""
    refresh_lifetime_seconds: float = 0.0
    scope: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Granted(lifetime_seconds={self.lifetime_seconds})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("lifetime_seconds", self.lifetime_seconds)]


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """The system gives no token until a person acts: `message` says why and what to do, without any secret.
    `look_again`: it may be ill itself, and is asked again after a while; else the same request has no other answer.
    """

    code: str
    message: str
    look_again: bool = False


NOT_CONNECTED: Final = "NOT-CONNECTED"
"""The code of a Denied while nobody has installed the app yet: there is nothing to ask with."""
TAKES_NONE: Final = Denied(
    code="TAKES-NO-TOKEN", look_again=True,
    message="it takes none of the tokens that it gives; look whether the app is still installed, then reload",
)  # fmt: skip


class Grant(Protocol):
    """One way to come to a token, with the credentials that it takes."""

    kind: str
    """As people call it: `client credentials`."""
    name: str
    """Of the token in the store; equal for all who share it."""
    origin: str
    """Fingerprint of what a person gave to begin with."""
    credentials: str
    """Fingerprint of all that it is asked with."""

    async def ask(self, stored: StoredToken | None, timeout_seconds: float) -> Granted | Retry | Denied:
        """Ask the system once; `stored` is what these credentials have led to so far."""


def fingerprint(*secrets: str) -> str:
    """Tells equal secrets from others, and says nothing of them."""
    return hashlib.sha256("\0".join(secrets).encode()).hexdigest()[:32]


def beginning(grant: Grant, system: str, there: StoredToken | None) -> StoredToken:
    """A beginning with what a person gave; what was there before is only remembered as past."""
    past = () if there is None else there.past if there.origin == grant.origin else (*there.past, there.origin)
    return StoredToken(system=system, grant=grant.kind, origin=grant.origin, past=past[-PAST_ORIGINS_MAX:])


def end_ms(now_ms: int, lifetime_seconds: float) -> int:
    """When what was given now ends; 0 for no end."""
    return now_ms + round(lifetime_seconds * 1000) if lifetime_seconds > 0 else 0


class TokenKeeper:
    """The token of one system, for all clients of this process that share it; `store` is shared by all processes."""

    def __init__(
        self, grant: Grant, store: TokenStore | None, clock: Clock, *, system: str, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._grant = grant
        self._store = store or MemoryTokenStore(clock)
        self._clock = clock
        self._system = system
        self._lease_seconds = lease_seconds
        self._known: StoredToken | None = None
        self._renewing: asyncio.Task[StoredToken | Retry | Refused] | None = None
        self._failed: Retry | None = None
        self._failures = 0
        self._not_before = 0.0
        self._worked = 0

    async def call(self, send: Callable[[str], Awaitable[Answer]]) -> Answer | Retry | Refused:
        """`send` with a token; a 401 has changed nothing, so it is tried once more with the next token."""
        answer: Answer | None = None
        for _ in range(2):
            token = await self.token()
            if not isinstance(token, str):
                return token
            answer = await send(token)
            if answer.status != UNAUTHORISED:
                self._note_worked(token)
                return answer
            await self.rejected(token)
        assert answer is not None
        return answer

    def _note_worked(self, token: str) -> None:
        if self._known is not None and self._known.access == token:
            self._worked = self._known.generation

    async def token(self) -> str | Retry | Refused:
        """A token that is good now, or why there is none. Never waits for a renewal while the old one is good."""
        known = self._known
        if known is not None and self._usable(known):
            if self._is_due(known) and self._clock.monotonic() >= self._not_before:
                self._begin()
            return known.access
        if self._failed is not None and (wait := self._not_before - self._clock.monotonic()) > 0:
            return msgspec.structs.replace(self._failed, retry_after_seconds=wait)
        found = await asyncio.shield(self._begin())
        return found.access if isinstance(found, StoredToken) else found

    async def rejected(self, token: str) -> None:
        """The system refused this token. One that was replaced meanwhile condemns none of the newer ones."""
        known = self._known
        if known is None or known.access != token:
            return
        self._known = None
        with suppress(StoreError):  # then it is refused once more
            await self._store.reject(self._grant.name, known.generation)

    # -- renewing

    def _begin(self) -> asyncio.Task[StoredToken | Retry | Refused]:
        """The one renewal of this process: whoever needs it waits for the same; a caller who gives up ends nothing."""
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
            self._renewing.add_done_callback(self._ended)
        return self._renewing

    def _ended(self, task: asyncio.Task[StoredToken | Retry | Refused]) -> None:
        self._renewing = None
        if not task.cancelled():
            task.exception()  # whoever waited has it; when nobody did, the next call meets it again

    async def _renew(self) -> StoredToken | Retry | Refused:
        """A token that cannot be kept is used by nobody."""
        try:
            return await self._renewed()
        except StoreError as error:
            return self._failing(Retry(code=error.code, message="the vault of the hub failed"), self._known)

    async def _renewed(self) -> StoredToken | Retry | Refused:
        """What another has renewed, or a new one under the lease."""
        deadline = self._clock.monotonic() + WAIT_SECONDS
        while True:
            stored = self._followed(await self._store.get(self._grant.name))
            if (settled := self._settled(stored)) is not None:
                return self._learned(settled)
            fence = await self._store.lease(self._grant.name, self._lease_seconds)
            if fence is not None:
                found = await self._renew_under(fence)
                if isinstance(found, Retry):
                    return self._failing(found, stored)
                if found is not None:
                    return self._learned(found)
            elif stored is not None and self._usable(stored):
                return self._learned(stored)
            elif self._clock.monotonic() >= deadline:
                words = "another process has not renewed the token in time"
                return self._failing(Retry(code="TOKEN-LEASED", message=words), stored)
            else:
                await self._clock.sleep(LOOK_SECONDS)

    async def _renew_under(self, fence: int) -> StoredToken | Retry | Refused | None:
        """With the lease: look once more, ask, keep. None when the lease was lost to another meanwhile."""
        name = self._grant.name
        there = await self._store.get(name)
        stored = self._followed(there)
        if (settled := self._settled(stored)) is not None:
            await self._store.release(name, fence)
            return settled
        answer = await self._grant.ask(stored, ASK_SECONDS)
        if isinstance(answer, Retry):
            await self._store.release(name, fence)
            return answer
        new = self._next(stored or beginning(self._grant, self._system, there), answer)
        if not await self._store.commit(name, fence, new):
            return None
        if new.reconnect is not None:
            return self._refusal(new.reconnect)
        return self._followed(await self._store.get(name))

    def _followed(self, there: StoredToken | None) -> StoredToken | None:
        """What is kept, when these credentials follow it."""
        return there if there is not None and there.belongs_to(self._grant.origin) else None

    def _settled(self, stored: StoredToken | None) -> StoredToken | Refused | None:
        """A token that needs no renewal, or a refusal that still holds; None when the system is to be asked."""
        if stored is None:
            return None
        if stored.reconnect is not None:
            return self._refusal(stored.reconnect) if self._still_refused(stored.reconnect) else None
        return stored if self._usable(stored) and not self._is_due(stored) else None

    def _learned(self, found: StoredToken | Refused) -> StoredToken | Refused:
        self._known = found if isinstance(found, StoredToken) else None
        self._failed, self._failures, self._not_before = None, 0, 0.0
        return found

    def _failing(self, failed: Retry, stored: StoredToken | None) -> StoredToken | Retry:
        """Not again at once; until then the old token serves while it is good."""
        first, longest = HOLD_OFF_SECONDS
        wait = max(min(longest, first * 2**self._failures), failed.retry_after_seconds)
        self._failures = min(self._failures + 1, 10)
        self._failed, self._not_before = failed, self._clock.monotonic() + wait
        if stored is not None and self._usable(stored):
            self._known = stored
            return stored
        return msgspec.structs.replace(failed, retry_after_seconds=wait)

    # -- what follows from an answer

    def _next(self, before: StoredToken, answer: Granted | Denied) -> StoredToken:
        """What is kept after the system's answer."""
        before = msgspec.structs.replace(before, system=self._system, grant=self._grant.kind)
        if isinstance(answer, Denied):
            return self._disconnected(before, answer)
        rejections = self._rejections(before)
        if rejections and (answer.access == before.access or rejections >= REJECTIONS_MAX):
            return self._disconnected(before, TAKES_NONE)
        return self._granted(before, answer, rejections)

    def _granted(self, before: StoredToken, answer: Granted, rejections: int) -> StoredToken:
        now_ms = self._clock.now_ms()
        lost = {*before.scope, *before.lost_scope} - set(answer.scope) if answer.scope else set()
        return msgspec.structs.replace(
            before, access=answer.access, refresh=answer.refresh or before.refresh, renewed_ms=now_ms,
            ends_ms=end_ms(now_ms, answer.lifetime_seconds), refresh_ends_ms=end_ms(now_ms, answer.refresh_lifetime_seconds),
            scope=answer.scope, lost_scope=tuple(sorted(lost)), rejections=rejections, rejected=False, reconnect=None,
        )  # fmt: skip

    def _disconnected(self, before: StoredToken, denied: Denied) -> StoredToken:
        now_ms = self._clock.now_ms()
        reconnect = Reconnect(
            code=denied.code, message=denied.message, credentials=self._grant.credentials, since_ms=now_ms,
            look_again_ms=end_ms(now_ms, LOOK_AGAIN_SECONDS if denied.look_again else 0.0),
        )  # fmt: skip
        return msgspec.structs.replace(before, reconnect=reconnect)

    def _rejections(self, before: StoredToken) -> int:
        """New tokens in a row of which none ever worked, this renewal being for the last; a look again begins at 0."""
        if not before.rejected or before.reconnect is not None:
            return 0
        short = self._clock.now_ms() - before.renewed_ms < SHORT_LIVED_SECONDS * 1000
        return before.rejections + 1 if short and before.generation != self._worked else 1

    def _refusal(self, reconnect: Reconnect) -> Refused:
        return Refused(
            reason="authentication", code=reconnect.code, message=f"reconnect {self._system}: {reconnect.message}"
        )

    def _still_refused(self, reconnect: Reconnect) -> bool:
        due = 0 < reconnect.look_again_ms <= self._clock.now_ms()
        return reconnect.credentials == self._grant.credentials and not due

    # -- the life of a token

    def _usable(self, token: StoredToken) -> bool:
        ended = 0 < token.ends_ms <= self._clock.now_ms() + round(TRAVEL_SECONDS * 1000)
        return bool(token.access) and not token.rejected and token.reconnect is None and not ended

    def _is_due(self, token: StoredToken) -> bool:
        return 0 < token.ends_ms <= self._clock.now_ms() + (token.ends_ms - token.renewed_ms) // EARLY_SHARE
