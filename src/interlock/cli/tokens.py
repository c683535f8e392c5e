"""What commands say of access tokens: which kind, until when, and what to do when a system gives none or has none yet (C80)."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from interlock.cli.times import ago

if TYPE_CHECKING:
    from interlock.strategy import Strategy


class TokenLine(NamedTuple):
    """One token, in words. `next` is empty while nothing is to be done."""

    system: str
    grant: str
    words: str
    next: str
    renewed_ms: int
    ends_ms: int
    code: str
    lost_scope: tuple[str, ...]


def token_lines(data: Path, now_ms: int) -> list[TokenLine]:
    """From the vault beside a hub that may be running; no key is needed. Of several tokens of a system, whose credentials
    were of another kind before, the newest counts."""
    from interlock.connectors.token_store import TokenState
    from interlock.connectors.tokens import NOT_CONNECTED
    from interlock.security.vault import states_on_disk

    def line(one: TokenState) -> TokenLine:
        code, words, move = "", f"{one.grant}, renewed {ago(one.renewed_ms, now_ms)}", ""
        if one.reconnect is not None:
            code, (words, _, move) = one.reconnect.code, one.reconnect.message.partition("; ")
            words = f"{'connect' if code == NOT_CONNECTED else 'reconnect'}: {words}"
        elif one.lost_scope:
            code = "SCOPE-LOST"
            words, move = f"reconnect: the app has lost {', '.join(one.lost_scope)}", "grant it again, then reload"
        return TokenLine(one.system, one.grant, words, move, one.renewed_ms, one.ends_ms, code, one.lost_scope)

    newest: dict[str, TokenState] = {}
    for one in sorted(states_on_disk(data), key=lambda one: one.changed_ms):
        newest[one.system] = one
    return [line(one) for _, one in sorted(newest.items())]


def unconnected(strategy: "Strategy", data: Path) -> list[TokenLine]:
    """Systems whose app a merchant has to install, and of which the vault has nothing yet."""
    from interlock.connectors import registry
    from interlock.connectors.tokens import NOT_CONNECTED
    from interlock.security.vault import states_on_disk

    known = {(one.system, one.grant) for one in states_on_disk(data)}
    words = "connect: nobody has installed the app yet"
    ways = ((name, registry.way_in(one)) for name, one in strategy.systems.items())
    return [
        TokenLine(name, way.name, words, f"interlock connect {name}", 0, 0, NOT_CONNECTED, ())
        for name, way in ways
        if way is not None and way.connects and (name, way.name) not in known
    ]
