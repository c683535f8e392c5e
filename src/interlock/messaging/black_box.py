"""The black box: which delivery was being translated when the process died, so that only it is suspected."""

import mmap
import struct
from pathlib import Path
from typing import Protocol

_SLOT = struct.Struct("<q")


class BlackBox(Protocol):
    """Remembers across a crash. `enter` must be cheap: it runs before each translation."""

    def enter(self, delivery: int) -> None:
        """This delivery is about to be translated."""

    def leave(self) -> None:
        """The translation ended."""

    def suspect(self) -> int:
        """The delivery that was being translated at the last death of the process; 0 for none."""


class MemoryBlackBox:
    """For tests and for engines that share nothing."""

    def __init__(self) -> None:
        self._delivery = 0

    def enter(self, delivery: int) -> None:
        self._delivery = delivery

    def leave(self) -> None:
        self._delivery = 0

    def suspect(self) -> int:
        return self._delivery


class MappedBlackBox:
    """Eight bytes of a shared memory map: the kernel keeps them when the process is killed."""

    def __init__(self, path: Path) -> None:
        if not path.exists() or path.stat().st_size < _SLOT.size:
            path.write_bytes(bytes(_SLOT.size))
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), _SLOT.size)
        self._suspect = _SLOT.unpack_from(self._map)[0]

    def enter(self, delivery: int) -> None:
        _SLOT.pack_into(self._map, 0, delivery)

    def leave(self) -> None:
        _SLOT.pack_into(self._map, 0, 0)

    def suspect(self) -> int:
        return int(self._suspect)

    def close(self) -> None:
        """Unmap."""
        self._map.close()
        self._file.close()
