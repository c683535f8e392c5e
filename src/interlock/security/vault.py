"""The vault: access tokens on the disk, sealed, with leases that all processes of a hub share.

A commit has reached the disk when it returns. Everything runs in one thread of its own, so that neither the disk nor
another process that writes holds up the event loop.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from os import environ as of_process
from pathlib import Path
from typing import Final, TypeVar

import apsw
import msgspec

from interlock.clock import Clock
from interlock.connectors.token_store import StoredToken, TokenState, state_of
from interlock.errors import StoreError
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.migrate import migrate
from interlock.security.seal import Seal, vault_key

VAULT_FILE: Final = "vault.db"

T = TypeVar("T")

LEASE: Final = """
INSERT INTO token (name, fence, leased_until_ms) VALUES (:name, 1, :until_ms)
ON CONFLICT (name) DO UPDATE SET fence = fence + 1, leased_until_ms = :until_ms
  WHERE leased_until_ms <= :now_ms OR leased_until_ms > :until_ms
RETURNING fence"""
"""A lease that ends later than a new one would was made before the clock was set back: it counts as ended."""
RELEASE: Final = "UPDATE token SET leased_until_ms = 0 WHERE name = :name AND fence = :fence"
FENCED: Final = "SELECT generation FROM token WHERE name = :name AND fence = :fence"
KEEP: Final = """
UPDATE token SET generation = :generation, state = :state, sealed = :sealed, leased_until_ms = 0 WHERE name = :name"""
REJECT: Final = "UPDATE token SET rejected = :generation WHERE name = :name AND generation = :generation"
READ: Final = "SELECT generation, rejected, sealed FROM token WHERE name = :name AND generation > 0"
STATES: Final = "SELECT state FROM token WHERE generation > 0 ORDER BY name"


class Vault:
    """The TokenStore of a hub. Raises SettingsError when the key does not open what is there."""

    def __init__(
        self, data: Path, clock: Clock, *, environ: Mapping[str, str] = of_process, seal: Seal | None = None
    ) -> None:
        self._clock = clock
        self._seal = seal or Seal(vault_key(data, environ))
        path = data / VAULT_FILE
        self._connection = open_store(path)
        path.chmod(0o600)
        migrate(self._connection, "vault", clock.now_ms())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vault")
        for name in self._names():
            self._get(name)

    # -- the port

    async def get(self, name: str) -> StoredToken | None:
        """What is on the disk now."""
        return await self._beside(lambda: self._get(name))

    async def lease(self, name: str, seconds: float) -> int | None:
        """The fence of a lease, None while another holds one."""
        now_ms = self._clock.now_ms()
        given = {"name": name, "now_ms": now_ms, "until_ms": now_ms + round(seconds * 1000)}
        return await self._beside(lambda: self._connection.execute(LEASE, given).get)

    async def commit(self, name: str, fence: int, token: StoredToken) -> bool:
        """On the disk when it returns True; False, and nothing changed, when the lease is another's now."""
        return await self._beside(lambda: self._commit(name, fence, token))

    async def release(self, name: str, fence: int) -> None:
        """End the lease."""
        given = {"name": name, "fence": fence}
        await self._beside(lambda: self._connection.execute(RELEASE, given).get)

    async def reject(self, name: str, generation: int) -> None:
        """Mark this generation as refused, unless it was replaced."""
        given = {"name": name, "generation": generation}
        await self._beside(lambda: self._connection.execute(REJECT, given).get)

    # -- what the hub and its operators ask

    async def reconnect(self) -> None:
        """A person has done something, or the hub starts: what was refused may be asked once more."""
        await self._beside(self._reconnect)

    async def states(self) -> list[TokenState]:
        """How it is with each token, without any of them."""
        return await self._beside(lambda: _states(self._connection))

    async def close(self) -> None:
        """Close the file."""
        await self._beside(self._connection.close)
        self._thread.shutdown()

    # -- in the thread

    async def _beside(self, work: Callable[[], T]) -> T:
        """Raises StoreError when the disk fails: whether a commit holds is then not known."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except apsw.Error as error:
            raise StoreError("the vault failed", where=VAULT_FILE, why=type(error).__name__) from error

    def _names(self) -> list[str]:
        return [name for (name,) in self._connection.execute("SELECT name FROM token")]

    def _get(self, name: str) -> StoredToken | None:
        row = self._connection.execute(READ, {"name": name}).fetchone()
        if row is None:
            return None
        generation, rejected, sealed = row
        token = msgspec.msgpack.decode(self._seal.open(sealed, _place(name, generation)), type=StoredToken)
        return msgspec.structs.replace(token, generation=generation, rejected=rejected == generation)

    def _commit(self, name: str, fence: int, token: StoredToken) -> bool:
        with _Transaction(self._connection):
            row = self._connection.execute(FENCED, {"name": name, "fence": fence}).fetchone()
            if row is None:
                return False
            self._keep(name, row[0] + 1, token)
        return True

    def _keep(self, name: str, generation: int, token: StoredToken) -> None:
        token = msgspec.structs.replace(token, generation=generation, rejected=False)
        given = {
            "name": name, "generation": generation, "state": msgspec.json.encode(state_of(token)).decode(),
            "sealed": self._seal.close(msgspec.msgpack.encode(token), _place(name, generation)),
        }  # fmt: skip
        self._connection.execute(KEEP, given)

    def _reconnect(self) -> None:
        with _Transaction(self._connection):
            for name in self._names():
                token = self._get(name)
                if token is not None and (token.reconnect or token.lost_scope):
                    again = msgspec.structs.replace(token, reconnect=None, rejections=0, lost_scope=())
                    self._keep(name, token.generation + 1, again)


class _Transaction:
    """Takes the file for itself; commits at the end of the block, or rolls back when it, or the commit, raises."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
        except apsw.Error:
            with suppress(apsw.Error):
                self._connection.execute("ROLLBACK")
            raise


def states_on_disk(data: Path) -> list[TokenState]:
    """The same for a command that runs beside the hub: no key is needed, and nothing is written."""
    path = data / VAULT_FILE
    if not path.exists():
        return []
    connection = open_store(path, read_only=True)
    try:
        return _states(connection)
    except apsw.SQLError:  # made, but not yet migrated
        return []
    finally:
        connection.close()


def _states(connection: apsw.Connection) -> list[TokenState]:
    return [msgspec.json.decode(text, type=TokenState) for (text,) in connection.execute(STATES)]


def _place(name: str, generation: int) -> str:
    return f"token/1\0{name}\0{generation}"
