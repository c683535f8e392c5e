"""The command doctor: each thing that must hold for the hub to keep its promises, judged."""

import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from interlock.cli.output import Output, fail, speaks
from interlock.cli.place import data_folder, folder_option, lock_holder

DISK_FREE_BYTES_MIN = 1_000_000_000
EARLIEST_SANE_SECONDS = 1_767_225_600
"""2026-01-01: a clock before it was never set, and signatures and tokens would fail."""


class Judged(msgspec.Struct, frozen=True):
    """One check. `judgement` is ok, warning or failed; only failed changes the exit code."""

    check: str
    judgement: str
    found: str
    next: str = ""


@click.command()
@folder_option
@speaks
def doctor(folder: Path, out: Output) -> None:
    """Judge the machine, the store and the secrets."""
    data = data_folder(folder)
    checks = (_engine, _settings, _disk, _clock, _holder)
    found = [judged for check in checks for judged in check(data)] + list(_secrets(folder, data))
    for one in found:
        out.row(f"{one.judgement:<8} {one.check}: {one.found}", **msgspec.to_builtins(one))
    failed, warned = (sum(one.judgement == word for one in found) for word in ("failed", "warning"))
    moves = [one.next for one in found if one.next]
    out.summary(f"{len(found)} checks, {failed} failed, {warned} warnings", *moves, checks=len(found), failed=failed, warnings=warned)
    if failed:
        fail()


def _engine(_: Path) -> Iterator[Judged]:
    import apsw

    from interlock.messaging.sqlite.connect import is_safe

    version = apsw.sqlite_lib_version()
    safe = is_safe(version)
    yield Judged("SQLite", "ok" if safe else "failed", version, "" if safe else "pip install --upgrade apsw")


def _settings(data: Path) -> Iterator[Judged]:
    """The same opening as the hub's: it reads its PRAGMAs back and refuses a disk that does not keep them."""
    from interlock.errors import SettingsError
    from interlock.messaging.sqlite.connect import open_store

    for name in ("inbox.db", "ledger.db"):
        if not (data / name).exists():
            yield Judged(name, "ok", "not there yet: no hub has run in this folder")
            continue
        try:
            open_store(data / name).close()
        except SettingsError as error:
            yield Judged(name, "failed", error.what, error.next_move)
        else:
            yield Judged(name, "ok", "journal_mode = wal, synchronous = full, both read back")


def _disk(data: Path) -> Iterator[Judged]:
    place = next(one for one in (data, *data.absolute().parents) if one.exists())
    free = shutil.disk_usage(place).free
    enough = free >= DISK_FREE_BYTES_MIN
    yield Judged("disk", "ok" if enough else "failed", f"{free / 1e9:.1f} GB free", "" if enough else "free at least 1 GB")


def _clock(_: Path) -> Iterator[Judged]:
    now = time.time()
    sane = now >= EARLIEST_SANE_SECONDS
    shown = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
    yield Judged("clock", "ok" if sane else "failed", shown, "" if sane else "set the clock, and keep it by NTP")


def _holder(data: Path) -> Iterator[Judged]:
    holder = lock_holder(data)
    yield Judged("lock", "ok", f"held by process {holder}" if holder else "no hub runs on this store")


def _secrets(folder: Path, data: Path) -> Iterator[Judged]:
    files = [*sorted((folder / "secrets").glob("*")), data / "console-token"]
    for file in files:
        if file.is_file():
            mode = stat.S_IMODE(file.stat().st_mode)
            is_open = bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
            yield Judged(file.name, "warning" if is_open else "ok", f"mode {mode:03o}", f"chmod 600 {file}" if is_open else "")
