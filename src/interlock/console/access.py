"""How a system lets us in: by which kind of credentials, until when, and what to do when it does so no more (C80)."""

from collections.abc import Iterable

import msgspec

from interlock.connectors import registry
from interlock.connectors.token_store import TokenState
from interlock.connectors.tokens import NOT_CONNECTED
from interlock.console.health import Health
from interlock.console.wording import sentence_list
from interlock.strategy.model import System


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One system's line. Times are 0 where there is none: a permanent token is never renewed and does not end."""

    kind: str
    renewed_ms: int = 0
    ends_ms: int = 0
    refresh_ends_ms: int = 0
    health: Health | None = None


def access_of(system: System, states: Iterable[TokenState]) -> Access | None:
    """None for a system whose connector has one way in and no token that could end.

    Of several tokens of one system (its credentials were of another kind before) the newest counts.
    """
    way = registry.way_in(system)
    if way is None:
        return None
    known = [each for each in states if each.system == system.name and each.grant == way.name]
    newest = max(known, key=lambda each: each.changed_ms, default=None)
    if newest is None:
        return Access(kind=way.name, health=_to_connect(system.name) if way.connects else None)
    return Access(
        kind=way.name, renewed_ms=newest.renewed_ms, ends_ms=newest.ends_ms, refresh_ends_ms=newest.refresh_ends_ms,
        health=health_of(newest),
    )  # fmt: skip


def _to_connect(system: str) -> Health:
    return Health(
        state="dead", word="connect", why=f"Connect: nobody has installed the app yet; interlock connect {system}"
    )


def health_of(token: TokenState) -> Health | None:
    """What a person has to do; None when nothing."""
    if token.reconnect is not None and token.reconnect.code == NOT_CONNECTED:
        return _to_connect(token.system)
    if token.reconnect is not None:
        return Health(state="dead", word="reconnect", why=f"Reconnect: {token.reconnect.message}")
    if token.lost_scope:
        lost = sentence_list(list(token.lost_scope))
        why = f"Reconnect: the app has lost {lost}; grant it again, then reload"
        return Health(state="waiting", word="scope lost", why=why)
    return None
