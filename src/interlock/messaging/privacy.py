"""Requests of people about their data, as rows that outlive a restart: to have a copy, to be forgotten, to forget a shop."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from interlock.messaging.traces import Traces

Kind = Literal["export", "redact", "shop"]
State = Literal["asked", "known", "erased", "done"]

TOPICS: Final[Mapping[str, Kind]] = {
    "customers/data_request": "export",
    "customers/redact": "redact",
    "shop/redact": "shop",
}
"""Facts that ask for it. The words are Shopify's (F75); another connector states the same facts."""
DUE_DAYS: Final = 30
"""Source: shopify.dev docs/apps/build/compliance/privacy-law-compliance."""
ALARM_DAYS: Final = (20, 27)
DAY_MS: Final = 86_400_000
CURSOR: Final = "privacy"


def uid_of(system: str, what: str) -> str:
    """32 hex digits, the same in every copy of the store."""
    return hashlib.sha256(f"{CURSOR}/{system}/{what}".encode()).hexdigest()[:32]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, by kind of row; `left` is what the proof still found, by place (table.column or file), 0 entries when
    all is gone. `namesakes`: bodies of other people who have the same name. `proven_ms` is 0 while nothing is proven."""

    removed: dict[str, int] = {}
    left: dict[str, int] = {}
    looked_at: int = 0
    namesakes: int = 0
    proven_ms: int = 0


class PrivacyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `traces` is empty as soon as they are erased everywhere else."""

    id: int = 0
    uid: str
    kind: Kind
    system: str
    person: str = ""
    event: int = 0
    received_ms: int
    due_ms: int
    state: State = "asked"
    by: str = "webhook"
    why: str = ""
    orders: tuple[str, ...] = ()
    traces: Traces = Traces()
    hashes: tuple[str, ...] = ()
    result: Result = Result()
    note: str = ""
    done_ms: int = 0
    done_by: str = ""
    alarmed_day: int = 0

    def day(self, now_ms: int) -> int:
        """Whole days since it was received."""
        return max(0, now_ms - self.received_ms) // DAY_MS

    def overdue(self, now_ms: int) -> bool:
        """Not done by its day."""
        return self.state != "done" and now_ms > self.due_ms


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of rows that are about the person, by number."""

    events: tuple[int, ...] = ()
    deliveries: tuple[int, ...] = ()
    attempts: tuple[int, ...] = ()
    letters: tuple[int, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Where a person is, and what else they are recognised by there."""

    place: Place
    orders: tuple[str, ...]
    traces: Traces


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A trace in one field of one row. `row` names it: the rowid, or the primary key."""

    store: Literal["inbox", "ledger"]
    table: str
    column: str
    row: tuple[Any, ...]
    kinds: frozenset[str]


class PrivacyBook(Protocol):
    """Requests, and the stores that they are about. Every change is one transaction, and doing it again changes nothing."""

    async def take(self, limit: int) -> int:
        """Make rows of requests among the events behind the cursor; returns how many events it went past."""

    async def ask(self, request: PrivacyRequest, now_ms: int, *, again: bool = False) -> int:
        """A row by hand or out of the file of redactions; its number. One that is there already stays as it is; `again`: it is
        carried out once more."""

    async def open_requests(self) -> list[PrivacyRequest]:
        """Everything that is not done."""

    async def request(self, uid: str) -> PrivacyRequest | None:
        """By its own id."""

    async def find(self, request: PrivacyRequest) -> Found:
        """Every row that is about the person, or of the shop."""

    async def know(self, request: PrivacyRequest) -> None:
        """Write down what must go: orders, traces, hashes, state."""

    async def erase(self, request: PrivacyRequest, place: Place) -> Mapping[str, int]:
        """Remove bodies and texts of these rows; how many of each kind."""

    async def search(self, request: PrivacyRequest) -> tuple[list[Hit], Result]:
        """Look through every text and blob of both stores, unpacked."""

    async def scrub(self, request: PrivacyRequest, hits: Sequence[Hit]) -> int:
        """Remove what was found; returns how many fields."""

    async def kept_back(self, place: Place) -> str:
        """Why something of it cannot go yet, in words; "" when nothing is in the way."""

    async def erased(self, request: PrivacyRequest, result: Result) -> None:
        """Both stores are empty of it: forget the traces too."""

    async def empty_logs(self) -> bool:
        """Move both logs into their files and cut them off; False when a reader is in the way."""

    async def search_files(self, request: PrivacyRequest, traces: Traces) -> Mapping[str, int]:
        """Traces in the bytes of the data folder, by file: free space counts too."""

    async def compact(self, *, largest_bytes: int) -> bool:
        """Write both stores anew without their free space; False when one is larger than that."""

    async def note(self, request: PrivacyRequest, note: str, result: Result | None = None) -> None:
        """What it waits for."""

    async def finish(self, number: int, *, by: str, why: str, now_ms: int, result: Result | None = None) -> bool:
        """Done; False when it was not open."""

    async def alarmed(self, number: int, day: int) -> None:
        """Somebody was told."""

    async def holds(self, request: PrivacyRequest) -> bool:
        """Whether the store holds bodies of the person's objects that are older than the request."""
