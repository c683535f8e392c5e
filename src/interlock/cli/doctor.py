"""The command doctor: each thing that must hold for the hub to keep its promises, judged."""

import os
import shutil
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import click

from interlock.cli.output import Output, counted, fail, speaks
from interlock.cli.place import folder_option
from interlock.cli.tokens import token_lines, unconnected
from interlock.data_folder import TOKEN_FILE, data_folder, hub_url, lock_holder
from interlock.errors import InterlockError, SettingsError

DISK_FREE_BYTES_MIN = 1_000_000_000
FSYNC_SLOW_MS = 50.0
FSYNC_TRIES = 7
EARLIEST_SANE_SECONDS = 1_767_225_600
"""2026-01-01: a clock before it was never set, and signatures and tokens would fail."""
PORT = 8787
COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


class Judged(NamedTuple):
    """One check. `judgement` is ok, warning or failed; only failed changes the exit code."""

    check: str
    judgement: str
    found: str
    next: str = ""


@click.command()
@click.option(
    "--deep", is_flag=True, help="Also read both files whole: pages, and each stored body against its SHA-256."
)
@folder_option
@speaks
def doctor(folder: Path, deep: bool, out: Output) -> None:
    """Judge the machine, the store and the secrets.

    Changes nothing, and may run beside the hub. Exit code 1 when a check failed; a warning alone leaves it 0.

    \b
    Examples: interlock doctor
              interlock doctor --deep --json
    """
    found = list(_judged(folder, deep, out))
    failed, warned = (sum(one.judgement == word for one in found) for word in ("failed", "warning"))
    moves = list(dict.fromkeys(one.next for one in found if one.next))
    text = f"{counted(len(found), 'check')}, {failed} failed, {counted(warned, 'warning')}"
    out.summary(text, *moves, checks=len(found), failed=failed, warnings=warned)
    if failed:
        fail()


def _judged(folder: Path, deep: bool, out: Output) -> Iterator[Judged]:
    """Tell each judgement as it falls."""
    data = data_folder(folder)
    checks = [
        _python(),
        _engine(),
        _strategy(folder),
        _settings(data),
        _disk(data),
        _fsync(data),
        _clock(),
        _holder(data),
        _port(data),
    ]
    checks += [_tokens(folder, data), _secrets(folder, data)] + ([_deep(data, out)] if deep else [])
    for check in checks:
        for one in check:
            word = click.style(f"{one.judgement:<8}", fg=COLOURS[one.judgement])
            out.row(f"{word} {one.check}: {one.found}", **one._asdict())
            yield one


def _python() -> Iterator[Judged]:
    yield Judged("Python", "ok", f"{sys.version.split()[0]} on {sys.platform}")


def _engine() -> Iterator[Judged]:
    import apsw

    from interlock.messaging.sqlite.connect import is_safe

    version = apsw.sqlite_lib_version()
    if is_safe(version):
        yield Judged("SQLite", "ok", version)
    else:
        yield Judged(
            "SQLite",
            "failed",
            f"{version} has the WAL-reset bug and can corrupt its files",
            "pip install --upgrade apsw",
        )


def _strategy(folder: Path) -> Iterator[Judged]:
    from interlock.cli.catalogue import read_strategy
    from interlock.strategy import StrategyErrors

    try:
        found = read_strategy(folder)
    except StrategyErrors as errors:
        yield Judged(
            "strategy folder",
            "failed",
            f"{counted(len(errors.findings), 'finding')} in {folder.resolve()}",
            "interlock check",
        )
    except InterlockError as error:
        yield Judged("strategy folder", "failed", error.what, error.next_move)
    else:
        sizes = f"{counted(len(found.systems), 'system')}, {counted(len(found.flows), 'flow')}"
        yield Judged("strategy folder", "ok", f"{found.title}, {sizes}, {counted(len(found.warnings), 'warning')}")


def _settings(data: Path) -> Iterator[Judged]:
    """The same opening as the hub's: it reads its PRAGMAs back and refuses a disk that does not keep them."""
    import apsw

    from interlock.messaging.sqlite.connect import open_store

    for name in ("inbox.db", "ledger.db"):
        if not (data / name).exists():
            yield Judged(name, "ok", "not there yet: no hub has run in this folder")
            continue
        try:
            open_store(data / name).close()
        except SettingsError as error:
            yield Judged(name, "failed", error.what, error.next_move)
        except apsw.Error as error:
            yield Judged(name, "failed", f"SQLite cannot read it: {error}", "restore it from a backup")
        else:
            yield Judged(
                name,
                "ok",
                f"{_size_mb(data / name):.1f} MB; journal_mode = wal, synchronous = full, both read back",
            )


def _size_mb(path: Path) -> float:
    """With the write-ahead log, in which the newest pages stand."""
    log = path.with_name(f"{path.name}-wal")
    return (path.stat().st_size + (log.stat().st_size if log.exists() else 0)) / 1e6


def _disk(data: Path) -> Iterator[Judged]:
    free = shutil.disk_usage(_there(data)).free
    enough = free >= DISK_FREE_BYTES_MIN
    yield Judged(
        "disk", "ok" if enough else "failed", f"{free / 1e9:.1f} GB free", "" if enough else "free at least 1 GB"
    )


def _fsync(data: Path) -> Iterator[Judged]:
    """What one durable commit costs here: every accepted webhook waits for one."""
    from statistics import median

    try:
        milliseconds = median(_synced(_there(data)))
    except OSError as error:
        yield Judged(
            "fsync",
            "failed",
            f"cannot write to {_there(data)}: {error.strerror}",
            "make the folder writable for this user",
        )
        return
    slow = milliseconds > FSYNC_SLOW_MS
    yield Judged(
        "fsync",
        "warning" if slow else "ok",
        f"{milliseconds:.2f} ms",
        "put the store on a faster local disk" if slow else "",
    )


def _synced(place: Path) -> Iterator[float]:
    import tempfile

    with tempfile.TemporaryFile(dir=place) as file:
        for _ in range(FSYNC_TRIES):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            yield (time.perf_counter() - began) * 1000


def _there(data: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(one for one in (data, *data.absolute().parents) if one.exists())


def _clock() -> Iterator[Judged]:
    now = time.time()
    sane = now >= EARLIEST_SANE_SECONDS
    shown = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
    yield Judged("clock", "ok" if sane else "failed", shown, "" if sane else "set the clock, and keep it by NTP")


def _holder(data: Path) -> Iterator[Judged]:
    holder, url = lock_holder(data), hub_url(data)
    where = f" at {url}" if url else ""
    yield Judged("lock", "ok", f"held by process {holder}{where}" if holder else "no hub runs on this store")


def _port(data: Path) -> Iterator[Judged]:
    if lock_holder(data):
        return
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", PORT))
        except OSError as error:
            yield Judged("port", "warning", f"{PORT} is taken: {error.strerror}", f"interlock run --port {PORT + 1}")
        else:
            yield Judged("port", "ok", f"{PORT} is free")


def _tokens(folder: Path, data: Path) -> Iterator[Judged]:
    from interlock.cli.catalogue import read_strategy

    with suppress(InterlockError):  # a folder that cannot be read is told above
        for one in unconnected(read_strategy(folder), data):
            yield Judged(f"token of {one.system}", "failed", one.words, one.next)
    for one in token_lines(data, round(time.time() * 1000)):
        yield Judged(f"token of {one.system}", "failed" if one.code else "ok", one.words, one.next)


def _secrets(folder: Path, data: Path) -> Iterator[Judged]:
    files = [*sorted((folder / "secrets").glob("*")), data / TOKEN_FILE, data / "vault.key"]
    for file in files:
        if file.is_file():
            mode = stat.S_IMODE(file.stat().st_mode)
            is_open = bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
            others = ": others can read it" if is_open else ""
            yield Judged(
                file.name,
                "warning" if is_open else "ok",
                f"mode {mode:03o}{others}",
                f"chmod 600 {file}" if is_open else "",
            )


def _deep(data: Path, out: Output) -> Iterator[Judged]:
    from interlock.cli.deep import FILES, verify

    if not all((data / name).exists() for name in FILES):
        return
    verified = verify(data, out)
    for one in verified.damage:
        yield Judged(one.check, "failed", one.what, one.next)
    if not verified.damage:
        yield Judged(
            "contents",
            "ok",
            f"all pages, {counted(verified.bodies, 'body', 'bodies')} with the SHA-256 they were accepted with",
        )
