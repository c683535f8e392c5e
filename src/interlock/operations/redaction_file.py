"""The file of redactions beside the stores: what was erased is erased again when an older copy of a store is put back.

One JSON line for each, appended and synced before anything is removed. It holds ids and hashes, never a value.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from interlock.folder_sync import sync_folder
from interlock.messaging.privacy import Kind, PrivacyRequest

REDACTIONS_FILE: Final = "redactions"


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `at_ms`: what was received until then is erased."""

    uid: str
    kind: Kind
    system: str
    person: str
    received_ms: int
    due_ms: int
    at_ms: int
    orders: tuple[str, ...]
    hashes: tuple[str, ...]

    def as_request(self) -> PrivacyRequest:
        """To be carried out in a store that does not know of it."""
        return PrivacyRequest(
            uid=self.uid, kind=self.kind, system=self.system, person=self.person, received_ms=self.received_ms, due_ms=self.due_ms,
            by="hub", why="an older copy of the store was put back", orders=self.orders, hashes=self.hashes, done_ms=self.at_ms,
        )  # fmt: skip


class RedactionFile:
    """Readable by the owner of the folder alone."""

    def __init__(self, data: Path) -> None:
        self._path = data / REDACTIONS_FILE

    def lines(self) -> Sequence[Redaction]:
        """The last of each; a line that a kill cut off is none: nothing was removed for it."""
        found: dict[str, Redaction] = {}
        for line in self._path.read_bytes().splitlines() if self._path.exists() else ():
            try:
                one = msgspec.json.decode(line, type=Redaction)
            except msgspec.DecodeError:
                continue
            found[one.uid] = one
        return tuple(found.values())

    def append(self, request: PrivacyRequest, now_ms: int) -> None:
        """On the disk when it returns; what stands there already is not repeated. A line that was cut off is ended first."""
        if any((one.uid, one.orders, one.hashes) == (request.uid, request.orders, request.hashes) for one in self.lines()):
            return
        one = Redaction(
            uid=request.uid, kind=request.kind, system=request.system, person=request.person, received_ms=request.received_ms,
            due_ms=request.due_ms, at_ms=now_ms, orders=request.orders, hashes=request.hashes,
        )  # fmt: skip
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, b"\n" + json.dumps(msgspec.to_builtins(one)).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self._path.parent)
