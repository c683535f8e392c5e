"""The log of webhooks: every attempt to send one, and every one that was held back, as a JSON line that outlives the process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from interlock.twins.world import encode_json


class AttemptLog:
    """Every attempt as one JSON line in deliveries.jsonl, kept in memory too for GET /_twin/deliveries."""

    def __init__(self, path: Path) -> None:
        whole, _, torn = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
        self.rows: list[dict[str, Any]] = [msgspec.json.decode(line) for line in whole.splitlines()]
        self._file = path.open("ab", buffering=0)  # lives as long as the twin
        self._file.truncate(self._file.tell() - len(torn))  # a line cut by a kill

    def add(self, **row: Any) -> None:
        """Append one attempt; `seq` numbers them from 1."""
        row = {"seq": len(self.rows) + 1, "at": datetime.now(UTC).isoformat(), **row}
        self.rows.append(row)
        self._file.write(encode_json(row) + b"\n")

    def close(self) -> None:
        self._file.close()
