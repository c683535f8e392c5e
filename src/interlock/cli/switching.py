"""Lets another release run, beside a running hub or without one: a running hub is asked, for only it may switch itself."""

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.cli.times import now_ms
from interlock.cli.writing import who
from interlock.data_folder import TOKEN_FILE, data_folder, hub_url, lock_holder
from interlock.errors import InterlockError, SettingsError

if TYPE_CHECKING:
    from interlock.release.switch import Switched
    from interlock.strategy import Snapshot

ANSWER_SECONDS = 60.0
PATH = "/api/releases"


def switch_to(folder: Path, snapshot: "Snapshot", *, action: str, why: str, **more: Any) -> bool:
    """Make a release the active one, under the name of this user. Returns whether a hub runs it now; else the next start does."""
    from interlock.release.switch import Switched

    data = data_folder(folder)
    if lock_holder(data):
        asked = {"action": action, "release": snapshot.id, "by": who(), "why": why, **more}
        _ask(_address(data), (data / TOKEN_FILE).read_text(encoding="ascii").strip(), asked)
        return True
    data.mkdir(parents=True, exist_ok=True)
    asyncio.run(_keep(data, snapshot, Switched(by=who(), why=why, action=action)))
    return False


async def _keep(data: Path, snapshot: "Snapshot", switched: "Switched") -> None:
    """In the store of a hub that is not running, and that cannot begin to meanwhile."""
    from interlock.data_folder import lock_store
    from interlock.messaging.sqlite.inbox import SqliteInbox
    from interlock.messaging.sqlite.ledger import SqliteLedger
    from interlock.release.switch import switch

    with lock_store(data):
        await SqliteInbox(data / "inbox.db", now_ms()).close()  # a store has both files
        ledger = SqliteLedger(data / "ledger.db", now_ms())
        try:
            await switch(ledger, snapshot, switched, now_ms(), ())  # what waits is for the hub that starts with it
        finally:
            await ledger.close()


def _address(data: Path) -> str:
    url = hub_url(data)
    if not url:
        why = f"process {lock_holder(data)} holds its store, and has not said where it listens"
        raise SettingsError(
            "the running hub cannot be asked",
            code="SET034",
            where=str(data),
            why=why,
            next_move="wait until it has started, or stop it",
        )
    return url


def _ask(url: str, token: str, asked: dict[str, Any]) -> None:
    """Raises what the hub said when it refused; then it runs what it ran."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "origin": url}
    request = urllib.request.Request(url + PATH, data=json.dumps(asked).encode(), headers=headers, method="POST")  # noqa: S310  our own hub
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError as refused:
        with refused:
            raise _refusal(refused.read()) from None
    except OSError as error:
        raise SettingsError(
            "the hub does not answer",
            code="SET034",
            where=url,
            why=str(error),
            next_move="see what runs: interlock releases",
        ) from error


def _refusal(body: bytes) -> InterlockError:
    try:
        said = json.loads(body)["error"]
        return InterlockError(
            said["what"], code=said["code"], where=said["where"], why=said["why"], next_move=said["next"]
        )
    except (ValueError, KeyError, TypeError):
        return SettingsError("the hub refused without a word", code="SET034", next_move="see its log")
