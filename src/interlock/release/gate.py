"""The gate before a folder becomes what runs: as it was planned, nothing that breaks others unannounced, and it compiles."""

from pathlib import Path

from interlock.errors import InterlockError
from interlock.release.change import Change
from interlock.release.difference import differences
from interlock.release.paper import on_paper
from interlock.release.switch import ReleaseError
from interlock.release.windows import unannounced, with_windows
from interlock.strategy import Snapshot, read_folder


def admitted(folder: Path, wanted: str, running: Snapshot | None, *, unannounced_too: bool = False) -> Snapshot:
    """The folder, fit to run. Raises StrategyErrors and MappingFileError for mistakes, ReleaseError PLN001 when it is not
    the one that was planned (`wanted`, "" for any), PLN005 for what breaks others and is announced by no change file.
    """
    snapshot = read_folder(folder)
    if wanted and snapshot.id != wanted:
        raise ReleaseError(
            "the folder has changed since it was planned", code="PLN001", where=str(folder),
            why=f"it was {wanted[:12]} and is {snapshot.short}", next_move="look at it again: interlock plan",
        )  # fmt: skip
    on_paper(snapshot)
    if running is not None and not unannounced_too:
        _require_announced(unannounced(with_windows(_changes(running, snapshot), snapshot)))
    return snapshot


def _changes(running: Snapshot, wanted: Snapshot) -> tuple[Change, ...]:
    """Fails closed: what cannot be compared could break anything."""
    try:
        return differences(running, wanted)
    except InterlockError as error:
        raise ReleaseError(
            "the folder cannot be compared with what runs", code="PLN006", why=error.what,
            next_move="if it is meant to run all the same, say so: interlock apply --unannounced",
        ) from error  # fmt: skip


def _require_announced(found: list[Change]) -> None:
    if found:
        first, one = found[0], len(found) == 1
        key = "flow" if first.kind == "flow" else "object"
        what = f"{len(found)} change{'' if one else 's'} would break others, and no change file announces"
        raise ReleaseError(
            f"{what} {'it' if one else 'them'}", code="PLN005", where=first.where, why=f"{first.line}: {first.breaking}",
            next_move=f'write changes/NNNN.toml with {key} = "{first.about.removeprefix(f"{first.kind} ")}"; '
            "or, when nobody is left to tell: interlock apply --unannounced",
        )  # fmt: skip
