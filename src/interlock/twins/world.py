"""The world of one twin: its records, its seeded chance and its effects, all of which outlive the process."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from interlock.twins.ledger import Effect, Ledger, utc_now

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request being answered; effects carry it."""

Record = dict[str, Any]
Change = tuple[str, str, Record | None]
"""(kind, id, the whole new record, or None for gone)."""

encode_json = msgspec.json.Encoder(decimal_format="number").encode
"""JSON text in which a Decimal is a plain number with all its digits."""
_decode_json = msgspec.json.Decoder(float_hook=Decimal).decode


def decode_json(body: bytes) -> Any:
    """JSON with every fraction as an exact Decimal, never a float. Raises ValueError on bad text."""
    try:
        return _decode_json(body)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def content_hash(value: Any) -> str:
    """A short digest of a JSON value, the same whatever the order of its members."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:16]


class World:
    """Records by kind and id, changed only through `apply`, which journals the change and its effect together."""

    def __init__(self, directory: Path, seed: int, now: Callable[[], str] = utc_now) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.now = now
        self.ledger = Ledger(directory / "effects.jsonl", now)
        self._records: dict[str, dict[str, Record]] = {}
        self._ids: dict[str, list[int]] = {}
        self._unsaved_ids: set[str] = set()  # kinds whose numbering went on since the journal was last written
        self._journal_path = directory / "state.jsonl"
        self._replay()
        self._journal = self._journal_path.open("ab", buffering=0)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Start chance again from `seed`. Ids stay unique, because numbering goes on from the records there are."""
        self.seed = seed
        self.random = random.Random(seed)

    def get(self, kind: str, key: str) -> Record | None:
        """One record, or None. Treat it as read-only: change it by `apply` with a new one."""
        return self._records.get(kind, {}).get(key)

    def rows(self, kind: str) -> Iterator[tuple[str, Record]]:
        """All (id, record) of a kind in the order of their creation."""
        return iter(list(self._records.get(kind, {}).items()))

    def ids(self, kind: str) -> list[int]:
        """The ids of a kind whose ids are numbers, in ascending order. Kept until one comes or goes: not to be changed."""
        if kind not in self._ids:
            self._ids[kind] = sorted(map(int, self._records.get(kind, {})))
        return self._ids[kind]

    def counts(self) -> dict[str, int]:
        """How many records there are of each kind."""
        return {kind: len(rows) for kind, rows in sorted(self._records.items()) if not kind.startswith("_")}

    def next_id(self, kind: str) -> str:
        """A new id: the seed chooses where numbering starts, records and deletions never give one out twice."""
        first = random.Random(f"{self.seed}:{kind}").randrange(1_000, 900_000)
        last = self._records.get("_last_id", {}).get(kind, {}).get("id")
        number = first if last is None else int(last) + 1
        self._set("_last_id", kind, {"id": str(number)})
        self._unsaved_ids.add(kind)
        return str(number)

    def apply(
        self,
        kind: str,
        key: str,
        *changes: Change,
        digest: str = "",
        once: bool = False,
        detail: Record | None = None,
    ) -> Effect:
        """Change records and write the effect (`kind` such as "salesOrder.create", `key` the business key)."""
        effect = self.ledger.new(kind, key, digest=digest, request_id=request_id.get(), once=once, detail=detail)
        if changes:
            self._record(changes, effect)
        self.ledger.append(effect)
        return effect

    def remember(self, *changes: Change) -> None:
        """Change records without an effect: tokens, settings, and what the twin was seeded with."""
        self._record(changes, None)

    def close(self) -> None:
        """Close the files."""
        self._journal.close()
        self.ledger.close()

    def _record(self, changes: Sequence[Change], effect: Effect | None) -> None:
        numbering: list[Change] = [("_last_id", kind, self.get("_last_id", kind)) for kind in sorted(self._unsaved_ids)]
        self._journal.write(encode_json({"changes": [*changes, *numbering], "effect": effect}) + b"\n")
        self._unsaved_ids.clear()
        for change in changes:
            self._set(*change)

    def _set(self, kind: str, key: str, record: Record | None) -> None:
        rows = self._records.setdefault(kind, {})
        if record is None or key not in rows:
            self._ids.pop(kind, None)
        if record is None:
            rows.pop(key, None)
        else:
            rows[key] = record

    def _replay(self) -> None:
        """Rebuild the records. The journal goes first, so a kill between the two writes is repaired here."""
        if not self._journal_path.exists():
            return
        whole = 0
        with self._journal_path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                self._replay_line(_decode_json(line))
        os.truncate(self._journal_path, whole)

    def _replay_line(self, entry: dict[str, Any]) -> None:
        for kind, key, record in entry["changes"]:
            self._set(kind, key, record)
        if entry["effect"] is not None and entry["effect"]["seq"] > self.ledger.last_seq:
            self.ledger.append(msgspec.convert(entry["effect"], Effect))
