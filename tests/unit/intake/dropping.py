"""Sends files as a warehouse system does: signed by id, time and raw body, whole or in parts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from door import START_MS, Answer, Entrance, Raw

from interlock.connectors.drop.client import Drop
from interlock.connectors.drop.webhooks import DIALECTS
from interlock.intake.server import Door
from interlock.messaging.sqlite.packing import unpack
from interlock.messaging.stock import Level

KEY = b"a key of the warehouse"
SECRET = b"whsec_" + base64.b64encode(KEY)
NOW = START_MS // 1000


def drop_door(**changes: Any) -> Door:
    return Door(**({"system": "wms", "release": "r1", "dialects": DIALECTS, "secrets": (SECRET,)} | changes))


def sealed(
    body: bytes, id_: str = "file-1", *, at: int = NOW, key: bytes = KEY, media: str = "text/csv", **changed: str
) -> Raw:
    """The headers of a file."""
    mac = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    headers = {"content-type": media, "webhook-id": id_, "webhook-timestamp": str(at), "webhook-signature": signature}
    return list((headers | {name.replace("_", "-"): value for name, value in changed.items()}).items())


async def send(
    entrance: Entrance, body: bytes, id_: str = "file-1", parts: Sequence[bytes] | None = None, **how: Any
) -> Answer:
    """One file; `parts` are how it comes in."""
    return await entrance.knock(body, sealed(body, id_, **how), system="wms", parts=parts)


def parts_in(entrance: Entrance) -> list[dict[str, Any]]:
    """The bodies of the events, in their order."""
    rows = entrance.rows("SELECT body, size_bytes, sha256 FROM event ORDER BY position")
    return [json.loads(unpack(*row)) for row in rows]


def levels_in(entrance: Entrance) -> list[Level]:
    """What the connector says of all the events."""
    rows = entrance.rows("SELECT topic, body, size_bytes, sha256 FROM event ORDER BY position")
    return [level for topic, *row in rows for level in Drop().told(topic, unpack(*row)).levels]


def csv_of(count: int, kind: str = "changes", padding: int = 0) -> bytes:
    lines = [f"# kind={kind} count={count}", "sku,location,available,remark"]
    return "\n".join([*lines, *(f"S{n},MAIN,{n},{'x' * padding}" for n in range(count)), ""]).encode()
