"""The intake behind one or two doors, called as the server calls it; signed requests, and what came of them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from interlock.clock import VirtualClock
from interlock.connectors.shopify.webhooks import DIALECTS
from interlock.intake.server import Door, Intake
from interlock.messaging.sqlite.inbox import SqliteInbox

SECRET = b"hush"
SHOP = "interlock-demo.myshopify.com"
START_MS = 1_767_225_600_000
PREFIXES = {"classic": "x-shopify-", "events": "shopify-"}
SAMPLES = Path(__file__).parents[2] / "fixtures" / "shopify"
MEMBERS: dict[str, Any] = dict.fromkeys(json.loads((SAMPLES / "webhook.orders.updated.json").read_bytes()))
Raw = list[tuple[str, str]]


class Answer(NamedTuple):
    """What a sender reads."""

    status: int
    headers: dict[str, str]
    problem: dict[str, Any]


def order(id_: int = 1, **changes: Any) -> bytes:
    """A whole order, as small as the intake takes for one: it has every member of the published one, most of them null."""
    whole = MEMBERS | {
        "id": id_, "admin_graphql_api_id": f"gid://shopify/Order/{id_}", "name": f"#{id_}", "updated_at": "2026-07-01T12:00:00Z",
        "line_items": [], "total_price": "1.00", "currency": "EUR", "note": "caf\u00e9 \u2603",
    }  # fmt: skip
    return json.dumps(whole | changes, ensure_ascii=False).encode()


def mac(body: bytes, secret: bytes = SECRET) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).digest()


def signature(body: bytes, secret: bytes = SECRET) -> str:
    return base64.b64encode(mac(body, secret)).decode()


def claims(dialect: str = "classic", **changed: str) -> dict[str, str]:
    """The unsigned headers, by their names without the prefix."""
    sent = {
        "topic": "orders/create", "shop_domain": SHOP, "api_version": "2026-07", "event_id": "e-1", "webhook_id": "w-1",
        "triggered_at": "2026-07-01T12:00:00Z",
    } | changed  # fmt: skip
    return {PREFIXES[dialect] + name.replace("_", "-"): value for name, value in sent.items()}


def signed(body: bytes, dialect: str = "classic", *, secret: bytes = SECRET, **changed: str) -> Raw:
    """The headers of a genuine request, with some claims changed."""
    return [(PREFIXES[dialect] + "hmac-sha256", signature(body, secret)), *claims(dialect, **changed).items()]


class Doors:
    """Doors by system."""

    def __init__(self, doors: Sequence[Door]) -> None:
        self.by_system = {door.system: door for door in doors}

    def door(self, system: str) -> Door | None:
        return self.by_system.get(system)


def a_door(system: str = "shopify", **changes: Any) -> Door:
    given = {"release": "r1", "dialects": DIALECTS, "secrets": (SECRET,), "shop": SHOP, "api_version": "2026-07"}
    return Door(system=system, **(given | changes))


class Entrance:
    """`async with Entrance(tmp_path) as entrance:`; then `knock`."""

    def __init__(
        self, folder: Path, *doors: Door, inbox: SqliteInbox | None = None, clock: VirtualClock | None = None
    ) -> None:
        self.clock = clock or VirtualClock(START_MS)
        self.folder = folder
        self.doors = Doors(doors or [a_door()])
        self._given = inbox

    async def __aenter__(self) -> Self:
        self.inbox = self._given or SqliteInbox(self.folder / "inbox.db", self.clock.now_ms())
        self.intake = Intake(self.inbox, self.doors, self.clock, self.folder)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._given is None:
            await self.inbox.close()

    async def knock(
        self,
        body: bytes,
        headers: Raw,
        *,
        system: str = "shopify",
        method: str = "POST",
        parts: Sequence[bytes] | None = None,
    ) -> Answer:
        """One request; `parts` are how the body comes in, the whole at once by default."""
        scope = {
            "type": "http", "method": method, "path": f"/intake/{system}",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        }  # fmt: skip
        incoming = list(parts) if parts is not None else [body]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not incoming:
                return {"type": "http.disconnect"}
            part = incoming.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(incoming)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.intake(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], answered, json.loads(sent[1]["body"]))

    def rows(self, query: str = "SELECT count(*) FROM event") -> list[tuple[Any, ...]]:
        return self.inbox.group.connection.execute(query).fetchall()

    @property
    def stored(self) -> int:
        """Events in the inbox."""
        return int(self.rows()[0][0])
