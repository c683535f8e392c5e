"""Sends webhooks as Square does: real POSTs, signed over the notification URL and the body, repeated until they are taken.

Facts: developer.squareup.com/docs/webhooks/step2subscribe (headers), .../step3validate and square-ruby-sdk
lib/square/utilities/webhooks_helper.rb (base64 of HMAC-SHA256 by the signature key over URL + body), .../troubleshooting
(24 hours of repetitions), .../webhooks-api/delivery-sla (10 s to answer with a 2xx; waits of 1, 2, 4, 8, 16, 32, then 60
minutes), .../how-it-works (up to 100 counts in one inventory.count.updated).
What is pending is in the world's journal, so it outlives a restart or a kill.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from interlock.twins.faults import FaultPlan
from interlock.twins.square.moments import Moments, text_of
from interlock.twins.world import Record, World, encode_json

ANSWER_SECONDS = 10.0
WAITS_MINUTES = (1, 2, 4, 8, 16, 32, *(60,) * 23)
COUNTS_IN_AN_EVENT = 100
CONCURRENCY = 16
EVENT_NAMESPACE = uuid.UUID("9d3c1a52-6a0e-4c67-8f60-0a9c9f6a5d21")
LATE: dict[str, Callable[[float, random.Random], float]] = {
    "webhook_reorder": lambda seconds, _: seconds,
    "webhook_delay": lambda seconds, chance: chance.uniform(0, seconds),
}
"""By how much a fault makes a webhook late."""


def sign(key: str, url: str, body: bytes) -> str:
    """The value of x-square-hmacsha256-signature."""
    return base64.b64encode(hmac.digest(key.encode(), url.encode() + body, "sha256")).decode()


class Webhooks:
    """Subscriptions {"id", "notification_url", "event_types", "signature_key"} and what is still to be sent to them.

    `time_scale` divides the waits between repetitions (60: a minute passes in a second).
    """

    def __init__(
        self, world: World, faults: FaultPlan, moments: Moments, merchant_id: str, time_scale: float = 1.0
    ) -> None:
        self._world, self._faults, self._moments = world, faults, moments
        self._merchant_id, self._time_scale = merchant_id, time_scale
        self._chance = random.Random(f"webhooks:{world.seed}")
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(CONCURRENCY)
        self._session: aiohttp.ClientSession | None = None
        self.attempts: list[Record] = []
        """Every attempt since the start: {"event_id", "type", "url", "attempt", "status", "state"}."""

    @property
    def pending(self) -> int:
        """Deliveries that were neither taken nor given up."""
        return sum(1 for _ in self._world.rows("_delivery"))

    def subscribe(self, given: Mapping[str, Any]) -> Record:
        """Add a subscription."""
        key = f"wbhk_{self._world.next_id('subscription')}"
        row = {"event_types": [], "signature_key": "square-key", "enabled": True, **given, "id": key}
        self._world.remember(("subscription", key, row))
        return row

    async def start(self) -> None:
        """Take up what an earlier run left."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        for key, _ in self._world.rows("_delivery"):
            self._spawn(key)

    async def stop(self) -> None:
        """What is under way stays pending: it may be sent twice, as Square may."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def publish(self, kind: str, about: str, object_: Record, data_type: str) -> str:
        """Queue one event for whoever subscribed to its type; returns its event id."""
        event_id = str(uuid.uuid5(EVENT_NAMESPACE, f"{self._world.seed}:{self._world.next_id('event')}"))
        event = {
            "merchant_id": self._merchant_id, "type": kind, "event_id": event_id,
            "created_at": text_of(self._moments.now_us()),
            "data": {"type": data_type, "id": about or event_id, "object": object_},
        }  # fmt: skip
        body = encode_json(event).decode()
        for _, one in self._world.rows("subscription"):
            if one["enabled"] and kind in one["event_types"]:
                self._queue(event_id, kind, one, body)
        return event_id

    def _queue(self, event_id: str, kind: str, subscription: Record, body: str) -> None:
        """As the fault plan lets it through: not at all, once, twice, or late."""
        rule = self._faults.pick_webhook(kind)
        fault = rule.kind if rule else ""
        if fault == "webhook_drop":
            self._note(event_id, kind, subscription["notification_url"], 0, None, "dropped")
            return
        late = LATE[fault](rule.delay_seconds, self._chance) if rule and fault in LATE else 0.0
        for _ in range(2 if fault == "webhook_duplicate" else 1):
            key = self._world.next_id("delivery")
            row = {
                "event_id": event_id, "type": kind, "url": subscription["notification_url"], "body": body,
                "key": subscription["signature_key"], "attempt": 0, "due": time.time() + late, "first": "",
            }  # fmt: skip
            self._world.remember(("_delivery", key, row))
            self._spawn(key)

    def _spawn(self, key: str) -> None:
        if self._session is None:  # not started yet: what is queued is taken up then
            return
        task = asyncio.get_running_loop().create_task(self._deliver(key))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, key: str) -> None:
        """Until it is taken, or a day has passed."""
        reason = ""
        while (row := self._world.get("_delivery", key)) is not None:
            await asyncio.sleep(max(0.0, float(row["due"]) - time.time()))
            async with self._room:
                status, reason = await self._post(row, reason)
            attempt = int(row["attempt"]) + 1
            if status is not None and 200 <= status < 300:
                self._note(row["event_id"], row["type"], row["url"], attempt, status, "delivered")
                self._world.remember(("_delivery", key, None))
            elif attempt > len(WAITS_MINUTES):
                self._note(row["event_id"], row["type"], row["url"], attempt, status, "gave_up")
                self._world.remember(("_delivery", key, None))
            else:
                self._note(row["event_id"], row["type"], row["url"], attempt, status, "retrying")
                due = time.time() + WAITS_MINUTES[attempt - 1] * 60 / self._time_scale
                first = row["first"] or text_of(self._moments.now_us())
                self._world.remember(("_delivery", key, {**row, "attempt": attempt, "due": due, "first": first}))

    async def _post(self, row: Record, reason: str) -> tuple[int | None, str]:
        assert self._session is not None
        raw = row["body"].encode()
        headers = {
            "content-type": "application/json", "user-agent": "Square Connect v2", "square-environment": "Sandbox",
            "x-square-hmacsha256-signature": sign(row["key"], row["url"], raw),
        }  # fmt: skip
        if row["attempt"]:
            headers |= {"square-retry-number": str(row["attempt"]), "square-retry-reason": reason or "http_error"}
            headers["square-initial-delivery-timestamp"] = row["first"]
        try:
            async with self._session.post(row["url"], data=raw, headers=headers, allow_redirects=False) as response:
                await response.read()
                return response.status, "http_error"
        except TimeoutError:
            return None, "http_timeout"
        except (aiohttp.ClientError, OSError):
            return None, "other_error"

    def _note(self, event_id: str, kind: str, url: str, attempt: int, status: int | None, state: str) -> None:
        self.attempts.append(
            {"event_id": event_id, "type": kind, "url": url, "attempt": attempt, "status": status, "state": state}
        )
