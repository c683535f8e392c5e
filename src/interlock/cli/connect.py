"""The command connect: a merchant installs the app, and the tokens that come of it lie sealed in the vault."""

import os
import secrets
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, counted, fail, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.times import stamp
from interlock.data_folder import data_folder, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.clock import Clock
    from interlock.connectors.contract import Connection
    from interlock.connectors.http import Http
    from interlock.connectors.installation import Installation
    from interlock.connectors.token_store import StoredToken
    from interlock.security.vault import Vault
    from interlock.strategy import Strategy, System

REDIRECT = "http://localhost:8788/callback"
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
WAIT_MINUTES = 10
ENDS_THE_ATTEMPT = frozenset({"CON013"})
"""Of what may be wrong with what came back: a code was spent. All else may be a stranger's, and the true answer still come."""


@click.command()
@click.argument("system")
@click.option(
    "--paste", is_flag=True, help="Take the address that the browser was sent to from stdin, instead of listening."
)
@click.option("--redirect-uri", default=REDIRECT, show_default=True,
              help="Where the vendor sends the browser: one of those in the app's settings, letter by letter.")  # fmt: skip
@click.option("--wait-minutes", type=click.FloatRange(min=0, min_open=True), default=WAIT_MINUTES, show_default=True,
              help="How long to listen.")  # fmt: skip
@folder_option
@speaks
def connect(system: str, paste: bool, redirect_uri: str, wait_minutes: float, folder: Path, out: Output) -> None:
    """Let a merchant install the app, and keep its tokens.

    Says which address the merchant opens, with the scopes that the flows need; takes what the shop sends back for it;
    keeps the tokens in the vault, where a hub that runs finds them at its next call. Exit code 1 when the shop granted
    less than the flows need.

    \b
    Examples: interlock connect shopify
              interlock connect shopify --paste --redirect-uri https://hub.example.com/installed
    """
    import asyncio

    if not paste and urlsplit(redirect_uri).hostname not in LOOPBACK:
        raise click.UsageError("only an address of this machine can be listened on; add --paste for another")
    strategy = read_strategy(folder)
    if system not in strategy.systems:
        known = ", ".join(strategy.systems)
        raise SettingsError(f"there is no system {system!r}", code="SET031", next_move=f"one of {known}")
    _refuse_without_installation(strategy.systems[system])
    scopes = _scopes(strategy, system)
    listen_minutes = 0.0 if paste else wait_minutes
    token = asyncio.run(_connected(folder, strategy, system, scopes, redirect_uri, listen_minutes, out))
    _tell(folder, out, token, _not_granted(scopes, token.scope))


def _scopes(strategy: "Strategy", system: str) -> list[str]:
    """What the flows need, and what the folder says besides that the credentials are granted."""
    from interlock.connectors.registry import facts
    from interlock.strategy.scopes import needed_scopes

    needed = needed_scopes(strategy, facts()).get(system, set())
    return sorted(needed | set(strategy.security.scopes.get(system, ())))


async def _connected(
    folder: Path, strategy: "Strategy", name: str, scopes: Sequence[str], redirect_uri: str, listen_minutes: float, out: Output
) -> "StoredToken":  # fmt: skip
    """The vault is open before the merchant is asked: what it cannot keep is not asked for."""
    from interlock.clock import SystemClock
    from interlock.connectors import registry
    from interlock.connectors.http import Http
    from interlock.connectors.installation import STATE_BYTES, Installation
    from interlock.security.vault import Vault

    data, clock = data_folder(folder), SystemClock()
    data.mkdir(parents=True, exist_ok=True)
    http, vault = Http(strategy.declared_hosts()), Vault(data, clock)
    try:
        connection = _connection(folder, strategy.systems[name], http, vault, clock)
        installation = Installation(
            registry.open_offer(strategy.systems[name].connector, "authorization", connection), vault, clock, system=name, scopes=scopes,
            redirect_uri=redirect_uri, state=secrets.token_hex(STATE_BYTES),
        )  # fmt: skip
        ask = partial(_ask, out, installation, scopes, redirect_uri)
        if listen_minutes:
            return await _listened(installation, redirect_uri, listen_minutes, ask)
        ask()
        return await installation.complete(_pasted(out))
    finally:
        await vault.close()
        await http.close()


def _connection(folder: Path, system: "System", http: "Http", vault: "Vault", clock: "Clock") -> "Connection":
    """The system as a hub would open it. Credentials of which several may be valid at once are none to sign in with."""
    from interlock.connectors.contract import Connection
    from interlock.strategy import resolve

    credentials = {
        name: resolve(reference, folder, os.environ)
        for name, reference in system.credentials.items()
        if isinstance(reference, str)
    }
    return Connection(
        system=system.name, url=system.url.rstrip("/"), settings=system.settings, credentials=credentials, builders={},
        http=http, clock=clock, tokens=vault,
    )  # fmt: skip


def _refuse_without_installation(system: "System") -> None:
    from interlock.connectors import registry

    if not any(way.connects for way in registry.manifest(system.connector).access):
        raise SettingsError(
            f"{system.name} takes what its file gives: there is nothing to connect", code="CON014",
            where=f"systems/{system.name}.toml", why=f"nothing of {system.connector} is installed by a merchant",
            next_move="give its credentials in the file",
        )  # fmt: skip


def _ask(out: Output, installation: "Installation", scopes: Sequence[str], redirect_uri: str) -> None:
    out.progress(f"Asks for {counted(len(scopes), 'scope')}: {', '.join(scopes) or 'those of the app'}")
    out.progress(f"{redirect_uri} must stand in the app's settings, among its redirect URLs")
    out.row(f"the merchant opens: {installation.url}", url=installation.url, scopes=scopes, redirect_uri=redirect_uri)


async def _listened(
    installation: "Installation", redirect_uri: str, minutes: float, ask: Callable[[], None]
) -> "StoredToken":
    """What the browser brings back; strangers may knock meanwhile. Nobody is asked before somebody listens."""
    import asyncio

    from interlock.cli.callback import Callback, listening

    parts = urlsplit(redirect_uri)
    callback: Callback[StoredToken] = Callback(
        parts.path, installation.complete, lambda code: code in ENDS_THE_ATTEMPT
    )
    async with listening(parts.port or 80, callback):
        ask()
        try:
            return await asyncio.wait_for(callback.taken, minutes * 60)
        except TimeoutError:
            raise SettingsError(
                f"nobody came back within {minutes:g} minutes", code="CON015", where=redirect_uri, why=callback.refused,
                next_move="begin again; on a machine without a browser add --paste",
            ) from None  # fmt: skip


def _pasted(out: Output) -> str:
    """The query of the address that stdin has."""
    out.progress("Then paste the whole address that the browser was sent to, even if it shows an error:")
    return urlsplit(sys.stdin.readline().strip()).query


def _not_granted(scopes: Sequence[str], granted: Sequence[str]) -> list[str]:
    """What may be written may be read: a shop leaves the weaker one out of what it grants."""
    may = {*granted, *(f"read_{one.removeprefix('write_')}" for one in granted if one.startswith("write_"))}
    return sorted(set(scopes) - may)


def _tell(folder: Path, out: Output, token: "StoredToken", missing: Sequence[str]) -> None:
    """Never with a token."""
    ends = (
        f"its token ends {stamp(token.ends_ms)} and is renewed by itself" if token.ends_ms else "its token does not end"
    )
    if token.refresh_ends_ms:
        ends += f"; unused, its refresh token ends {stamp(token.refresh_ends_ms)}"
    lacks = f"; not granted: {', '.join(missing)}" if missing else ""
    if missing:
        move = f"grant {', '.join(missing)} in the app's settings, then: interlock connect {token.system}"
    else:
        running = lock_holder(data_folder(folder))
        move = "nothing: the running hub finds it at its next call" if running else start_command(folder)
    out.summary(
        f"{token.system} is connected as {token.grant}; {ends}{lacks}", move, system=token.system, grant=token.grant,
        ends_ms=token.ends_ms, refresh_ends_ms=token.refresh_ends_ms, granted=token.scope, missing=missing,
    )  # fmt: skip
    if missing:
        fail()
