"""Which release runs: what a start, a signal, a person or a rollback makes of the folder, and the line that the audit keeps."""

import tomllib
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from interlock.errors import InterlockError
from interlock.messaging.history import History
from interlock.messaging.ledger import Ledger
from interlock.release.difference import differences, summary
from interlock.strategy import Snapshot, snapshot_of

HUB = "hub"
"""Who switches when nobody asked: the start, or the signal that reads the folder again."""
LONGEST_SUMMARY = 300
INCOMPARABLE = (InterlockError, ValueError, LookupError, SyntaxError)
"""What a release that another Interlock wrote may raise: it can be left, if not read."""


class ReleaseError(InterlockError):
    """The folder cannot become what runs, or a release cannot come back."""

    default_code = "PLN000"


class Switched(Struct, frozen=True, kw_only=True):
    """Who lets a release run, and why. `action` is apply or rollback."""

    by: str = HUB
    why: str = ""
    action: str = "apply"


class Choice(Struct, frozen=True, kw_only=True):
    """What runs after a start or a signal; `said` tells a person when that is not what they may think."""

    snapshot: Snapshot
    said: str = ""
    why: str = "the folder as it was at the start"


def chosen(folder: Snapshot, history: History) -> Choice:
    """The folder, but for two cases: `[engine] apply = "manual"` in the release that runs, and a folder that somebody
    rolled back from. Then what runs goes on until `interlock apply`.
    """
    active = history.active()
    if active in ("", folder.id):
        return Choice(snapshot=folder)
    running = kept(history, active)
    short = running.short
    if _is_manual(running):
        said = f"the folder differs from release {short}, which runs on until: interlock apply"
        return Choice(snapshot=running, said=said)
    last = next(iter(history.switches(1)), None)
    if last is not None and last.action == "rollback" and last.before == folder.id:
        said = f"the folder is the one that was rolled back from; release {short} runs on until: interlock apply"
        return Choice(snapshot=running, said=said)
    said = (
        f"the folder has changed and runs now, as release {folder.short}; back to what ran: interlock rollback {short}"
    )
    return Choice(snapshot=folder, said=said, why="the folder had changed")


def kept(history: History, release: str) -> Snapshot:
    """A release that ran, as it was. Raises ReleaseError PLN002 when it is not kept."""
    files = history.files(release)
    if files is None:
        raise ReleaseError(
            f"no release {release} is kept", code="PLN002", next_move="see which there are: interlock releases"
        )
    return snapshot_of(files)


def named(history: History, start: str) -> str:
    """The id of the one release that begins with `start`. Raises ReleaseError PLN002 for none, PLN003 for several."""
    found = history.find(start) if start else ()
    if len(found) > 1:
        raise ReleaseError(
            f"several releases begin with {start}", code="PLN003", why=", ".join(found), next_move="write more of it"
        )
    return found[0] if found else kept(history, start).id


async def switch(
    ledger: Ledger, snapshot: Snapshot, switched: Switched, now_ms: int, ways: Sequence[tuple[str, str]]
) -> None:
    """Make a release the active one, with what changed in the audit. To switch to what is active already changes nothing.

    `ways` are the flows and destinations that it serves: what waits for something missing goes on under it there.
    """
    before = await ledger.active_release()
    files = await ledger.release(before) if before else None
    await ledger.save_release(
        snapshot.id, msgspec.msgpack.encode(snapshot.files), now_ms,
        by=switched.by, action=switched.action, why=switched.why, summary=_summary(files, snapshot), ways=ways,
    )  # fmt: skip


def _summary(files: bytes | None, snapshot: Snapshot) -> str:
    if files is None:
        return f"the first release: {len(snapshot.files)} files"
    try:
        old = snapshot_of(msgspec.msgpack.decode(files, type=dict[str, bytes]))
        return summary(differences(old, snapshot))[:LONGEST_SUMMARY]
    except INCOMPARABLE as error:
        return f"cannot be compared with the release before: {type(error).__name__}"


def _is_manual(running: Snapshot) -> bool:
    engine = tomllib.loads(running.files.get("strategy.toml", b"").decode()).get("engine", {})
    return isinstance(engine, dict) and engine.get("apply") == "manual"
