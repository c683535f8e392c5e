"""The effect ledger: every change a twin really applied, one JSON line each, which is what tests of safety count."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec


class Effect(msgspec.Struct, omit_defaults=True):
    """One applied change.

    `kind` is "<object>.<operation>". `key` is the business key (external id, reference, unique id).
    A second create of one key is a duplicate; so is a second effect with one (kind, key, hash) when `once` is set.
    """

    seq: int
    at: str
    kind: str
    key: str
    hash: str = ""
    request_id: str = ""
    once: bool = False
    detail: dict[str, Any] | None = None


class Duplicate(msgspec.Struct, order=True):
    """A business key on which one operation was applied `count` times though once was meant."""

    key: str
    kind: str
    count: int


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(Effect, float_hook=Decimal).decode


def utc_now() -> str:
    """The time as RFC 3339 text with microseconds."""
    return datetime.now(UTC).isoformat()


class Ledger:
    """Append-only and handed to the operating system line by line, so it outlives a SIGKILL of the twin."""

    def __init__(self, path: Path, now: Callable[[], str] = utc_now) -> None:
        self.path = path
        self._now = now
        self._offsets = array("Q")  # where the line of each sequence number starts, so that reading after N seeks
        self._size = 0
        self._by_kind: Counter[str] = Counter()
        self._creates: Counter[tuple[str, str]] = Counter()
        self._once: Counter[tuple[str, str, str]] = Counter()
        self._keys: set[str] = set()
        self._reload()
        self._file = path.open("ab", buffering=0)

    @property
    def last_seq(self) -> int:
        """The sequence number of the newest effect; 0 when there is none."""
        return len(self._offsets)

    def new(
        self,
        kind: str,
        key: str,
        *,
        digest: str = "",
        request_id: str = "",
        once: bool = False,
        detail: dict[str, Any] | None = None,
    ) -> Effect:
        """The next effect, not yet written."""
        return Effect(self.last_seq + 1, self._now(), kind, key, digest, request_id, once, detail)

    def append(self, effect: Effect) -> None:
        """Write one effect. Raises ValueError unless it is the next in sequence."""
        if effect.seq != self.last_seq + 1:
            raise ValueError(f"effect {effect.seq} is not the next one, {self.last_seq + 1}")
        line = _encode(effect) + b"\n"
        self._file.write(line)
        self._count(effect, len(line))

    def read(self, after: int = 0, kind: str | None = None, limit: int = 10_000) -> Iterator[Effect]:
        """Effects with a sequence number above `after`, oldest first, at most `limit`."""
        if after >= self.last_seq or limit <= 0:
            return
        with self.path.open("rb") as lines:
            lines.seek(self._offsets[max(after, 0)])
            found = 0
            for line in lines:
                effect = _decode(line)
                if kind is None or effect.kind == kind:
                    yield effect
                    found += 1
                if found >= limit:
                    return

    def duplicates(self) -> list[Duplicate]:
        """What was applied more often than its business key allows."""
        creates = [Duplicate(key, kind, n) for (kind, key), n in self._creates.items() if n > 1]
        once = [Duplicate(key, kind, n) for (kind, key, _), n in self._once.items() if n > 1]
        return sorted(creates + once)

    def summary(self) -> dict[str, Any]:
        """{"total", "keys", "by_kind": {kind: count}, "duplicates": [{"key", "kind", "count"}]}."""
        return {
            "total": self.last_seq,
            "keys": len(self._keys),
            "by_kind": dict(sorted(self._by_kind.items())),
            "duplicates": self.duplicates(),
        }

    def close(self) -> None:
        """Close the file; the ledger cannot be used afterwards."""
        self._file.close()

    def _count(self, effect: Effect, size: int) -> None:
        self._offsets.append(self._size)
        self._size += size
        self._by_kind[effect.kind] += 1
        self._keys.add(effect.key)
        thing, _, operation = effect.kind.rpartition(".")
        if operation == "create":
            self._creates[effect.kind, effect.key] += 1
        elif operation == "delete":  # what was deleted may be created again
            self._creates.pop((f"{thing}.create", effect.key), None)
        elif effect.once:
            self._once[effect.kind, effect.key, effect.hash] += 1

    def _reload(self) -> None:
        """Count what an earlier run wrote; a last line torn by a kill is cut off."""
        if not self.path.exists():
            return
        with self.path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._count(_decode(line), len(line))
        os.truncate(self.path, self._size)
