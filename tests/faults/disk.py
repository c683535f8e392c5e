"""A disk below SQLite that remembers what was written and what was synced, loses power at any instant, and fails when told to."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import apsw

SECTOR_BYTES = 512
"""What a disk writes at once: a longer write can be torn between these."""

Fault = Callable[[str, str], bool]
"""Asked with the operation (`write`, `sync`) and the file's name before each one; True makes it fail."""

_NUMBERS = count()


class Step(NamedTuple):
    """What happened to one file, in the order of time; or `note`, what the program was told at that moment."""

    kind: str
    file: str = ""
    offset: int = 0
    data: bytes = b""
    said: Any = None


class Disk:
    """A named VFS over the real file system: `SqliteInbox(path, 0, vfs=disk.name)`. `close` when no connection is left."""

    def __init__(self, *, recording: bool = False, default: bool = False) -> None:
        self.name = f"disk-{next(_NUMBERS)}"
        self.real = apsw.vfs_names()[0]
        self.recording = recording
        self.steps: list[Step] = []
        self.full: Fault = _never
        self.broken: Fault = _never
        self.failed = {"write": 0, "sync": 0}
        self._vfs = _Vfs(self, default)

    def close(self) -> None:
        """Forget the VFS."""
        self._vfs.unregister()

    def say(self, *said: Any) -> None:
        """Note what the program was told at this instant: it has to be true of every image of a later one."""
        self.steps.append(Step("note", said=said))

    def did(self, kind: str, file: str, offset: int = 0, data: bytes = b"") -> None:
        """An operation succeeded."""
        if self.recording:
            self.steps.append(Step(kind, file, offset, data))

    def before(self, kind: str, file: str) -> None:
        """Let it fail as the kernel would: no space, or an input/output error."""
        if self.full(kind, file):
            self.failed[kind] += 1
            raise apsw.FullError("no space left on the device")
        if self.broken(kind, file):
            self.failed[kind] += 1
            error = apsw.IOError("input/output error")
            error.extendedresult = apsw.SQLITE_IOERR_FSYNC if kind == "sync" else apsw.SQLITE_IOERR_WRITE
            raise error


def _never(_kind: str, _file: str) -> bool:
    return False


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk, default: bool) -> None:
        self._disk = disk
        super().__init__(disk.name, disk.real, makedefault=default)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  SQLite's own name
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.did("delete", Path(filename).name)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary").name
        super().__init__(disk.real, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.before("write", self._name)
        super().xWrite(data, offset)
        self._disk.did("write", self._name, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._disk.did("truncate", self._name, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.before("sync", self._name)
        super().xSync(flags)
        self._disk.did("sync", self._name)


# -- power loss


class Image(NamedTuple):
    """What is on the disk when the power comes back, and what the program had been told before it went."""

    instant: int
    how: str
    files: dict[str, bytes]
    told: Sequence[Any]


class _OnDisk:
    """One file: its synced content, the operations that no sync has covered yet, and the entry that a crash may bring back.

    A delete or a create is durable after the next sync of any file (the journal of ext4 and xfs keeps the order of both).
    """

    def __init__(self) -> None:
        self.synced: bytearray | None = None
        self.unsynced: list[Step] = []
        self.entry: bytearray | None = None
        self.entry_is_old = False

    def delete(self) -> None:
        self._new_entry()
        self.synced, self.unsynced = None, []

    def change(self, step: Step) -> None:
        if self.synced is None and not self.unsynced:
            self._new_entry()
        self.unsynced.append(step)

    def sync(self) -> None:
        if self.synced is None:
            self.synced = bytearray()
        for step in self.unsynced:
            _apply(self.synced, step)
        self.unsynced = []

    def after_crash(self, how: str, chance: random.Random) -> bytes | None:
        if self.entry_is_old and how != "kept" and chance.random() < 0.5:
            return None if self.entry is None else bytes(self.entry)
        content = bytearray(self.synced or b"")
        survivors = list(_survivors(self.unsynced, how, chance))
        for step in survivors:
            _apply(content, step)
        return bytes(content) if survivors or self.synced is not None else None

    def _new_entry(self) -> None:
        if not self.entry_is_old:
            self.entry, self.entry_is_old = self.synced, True


def _apply(content: bytearray, step: Step) -> None:
    if step.kind == "truncate":
        del content[step.offset :]
        return
    if len(content) < step.offset:
        content.extend(bytes(step.offset - len(content)))
    content[step.offset : step.offset + len(step.data)] = step.data


def _survivors(steps: Sequence[Step], how: str, chance: random.Random) -> Iterator[Step]:
    """Which unsynced operations the disk had done: all, none, those up to some point, any of them, or any sector of them."""
    share = chance.random()
    first = chance.randint(0, len(steps)) if how == "cut" else len(steps)
    for step in steps[:first]:
        if how in ("kept", "cut") or (how == "reordered" and chance.random() < share):
            yield step
        elif how == "torn":
            yield from (sector for sector in _sectors(step) if chance.random() < share)
    if how == "cut" and first < len(steps):
        yield from (sector for sector in _sectors(steps[first]) if chance.random() < share)


def _sectors(step: Step) -> Iterator[Step]:
    if step.kind != "write":
        yield step
        return
    start = 0
    while start < len(step.data):
        end = start + SECTOR_BYTES - (step.offset + start) % SECTOR_BYTES
        yield step._replace(offset=step.offset + start, data=step.data[start:end])
        start = end


WAYS = ("dropped", "kept", "cut", "reordered", "torn")


def images(steps: Sequence[Step], instants: Iterable[int], chance: random.Random) -> Iterator[Image]:
    """The disk after a power loss just before each of these steps (sorted), each in one of the WAYS."""
    disk: dict[str, _OnDisk] = {}
    told: list[Any] = []
    done = 0
    for instant in instants:
        for step in steps[done:instant]:
            if step.kind == "note":
                told.append(step.said)
            else:
                _happen(disk, step)
        done = instant
        how = chance.choice(WAYS)
        found = {name: file.after_crash(how, chance) for name, file in disk.items()}
        yield Image(instant, how, {name: content for name, content in found.items() if content is not None}, told)


def _happen(disk: dict[str, _OnDisk], step: Step) -> None:
    file = disk.setdefault(step.file, _OnDisk())
    if step.kind == "delete":
        file.delete()
    elif step.kind == "sync":
        file.sync()
        for other in disk.values():
            other.entry, other.entry_is_old = None, False
    else:
        file.change(step)
