"""What a webhook says beyond what anybody needs is not kept."""

import asyncio
import json
from pathlib import Path
from typing import Any

from door import START_MS, Entrance, a_door

from interlock.connectors import registry
from interlock.twins.shipbob_webhooks import sign

SECRET, OTHER = "whsec_dGhlIHNlY3JldCBvZiB0aGUgd2FyZWhvdXNl", "whsec_YW5vdGhlciBzdWJzY3JpcHRpb24ncw=="  # noqa: S105
BODY = json.dumps(
    {"id": 7, "recipient": {"name": "Wilhelmina Tester"}, "products": [{"inventory_items": [{"id": 21}, {"id": 22}]}]}
).encode()


def _headers(secret: str) -> list[tuple[str, str]]:
    seconds = START_MS // 1_000
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign(secret, "msg_1", seconds, BODY),
    }
    return list((signed | {"x-webhook-topic": "order.shipment.cancelled"}).items())


def test_the_intake_keeps_no_buyer(tmp_path: Path) -> None:
    """What ShipBob tells is durable before the answer, without who gets the parcel; the same webhook again adds nothing. Controls: a
    webhook of another dialect is kept as it came (every test of the intake), and a forged one is not kept at all."""
    door = a_door("shipbob", dialects=registry.dialects("shipbob"), secrets=(SECRET.encode(),), shop="")

    async def run() -> tuple[list[int], list[tuple[Any, ...]], list[bytes | None]]:
        async with Entrance(tmp_path, door) as entrance:
            sent = [_headers(secret) for secret in (SECRET, SECRET, OTHER)]
            answers = [await entrance.knock(BODY, headers, system="shipbob") for headers in sent]
            events = await entrance.inbox.read(0, 10)
            rows = [(event.topic, event.object, event.event_id, event.triggered_at_ms) for event in events]
            return [answer.status for answer in answers], rows, [event.body for event in events]

    statuses, rows, bodies = asyncio.run(run())
    assert statuses == [200, 200, 401]
    assert rows == [("order.shipment.cancelled", "inventory_level", "msg_1", START_MS)]
    assert bodies == [b'{"items":["21","22"]}']
    assert b"Wilhelmina" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
