"""Sends webhooks as ShipBob does: real POSTs after Standard Webhooks, tried again while nobody takes them.

Facts: developer.shipbob.com/webhooks and api-evangelist/shipbob asyncapi/shipbob-webhooks-asyncapi.yml (headers, what is signed, 15 s to
answer with a 2xx, tries at once and after 5 s, 5 and 30 min, 2, 5, 10 and 10 h); brianzinn/shipbob-node-sdk src/types.ts at
8a10229 (which resource a topic tells). What was not sent when the twin ends is lost.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from interlock.twins.faults import FaultPlan
from interlock.twins.world import Record, World, encode_json

ANSWER_SECONDS = 15.0
WAITS_SECONDS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)


def sign(secret: str, webhook_id: str, seconds: int, body: bytes) -> str:
    """The value of webhook-signature. Raises ValueError for a secret that is no whsec_ and base64."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError(f"a secret is whsec_ and base64: {error}") from error
    mac = hmac.digest(key, f"{webhook_id}.{seconds}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(mac).decode()}"


class Webhooks:
    """Subscriptions {"topics", "url", "secret"}, and what is being sent to them."""

    def __init__(self, world: World, faults: FaultPlan, time_scale: float) -> None:
        self._world, self._faults, self._time_scale = world, faults, time_scale
        self._subscriptions: list[Record] = []
        self._running: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.attempts: list[Record] = []
        """Each since the start: {"id", "topic", "attempt", "status"}; 0 is no answer."""

    def subscribe(self, given: Mapping[str, Any]) -> Record:
        """Add a subscription."""
        row = {"id": str(len(self._subscriptions) + 1), **given}
        self._subscriptions.append(row)
        return row

    async def start(self) -> None:
        """Nothing is sent before."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))

    async def stop(self) -> None:
        """Nothing is sent after."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def publish(self, topic: str, told: Record) -> None:
        """To whoever subscribed to the topic, as the fault plan lets it through."""
        for one in self._subscriptions:
            if topic not in one["topics"] or self._session is None:
                continue
            rule = self._faults.pick_webhook(topic)
            times = {"webhook_drop": 0, "webhook_duplicate": 2}.get(rule.kind, 1) if rule else 1
            late = rule.delay_seconds if rule and rule.kind in ("webhook_reorder", "webhook_delay") else 0.0
            webhook_id, body = f"msg_{self._world.next_id('webhook')}", encode_json(told)
            for _ in range(times):
                task = asyncio.get_running_loop().create_task(self._deliver(one, topic, webhook_id, body, late))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _deliver(self, to: Record, topic: str, webhook_id: str, body: bytes, late: float) -> None:
        await asyncio.sleep(late)
        for attempt, wait in enumerate(WAITS_SECONDS, 1):
            await asyncio.sleep(wait / self._time_scale)
            status = await self._post(to, topic, webhook_id, body)
            self.attempts.append({"id": webhook_id, "topic": topic, "attempt": attempt, "status": status})
            if 200 <= status < 300:
                return

    async def _post(self, to: Record, topic: str, webhook_id: str, body: bytes) -> int:
        assert self._session is not None
        seconds = int(time.time())
        headers = {
            "content-type": "application/json", "webhook-id": webhook_id, "webhook-timestamp": str(seconds),
            "webhook-signature": sign(to["secret"], webhook_id, seconds, body), "x-webhook-topic": topic,
        }  # fmt: skip
        try:
            async with self._session.post(to["url"], data=body, headers=headers, allow_redirects=False) as response:
                await response.read()
                return response.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            return 0
