"""Sends webhooks as Shopify does: real POSTs, signed, retried eight times over four hours, then the subscription goes.

Facts: 1 s to connect, 5 s in all, 2xx is success, redirects are not; retries carry the original payload to the original
address (changelog "Updates to webhook retry mechanism", 2024-09-10); after the last failed retry a subscription made
through the Admin API is deleted. What is pending is in the world's journal, so it survives a restart or a kill.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from interlock.twins.faults import FaultPlan
from interlock.twins.shopify.attempt_log import AttemptLog
from interlock.twins.shopify.messages import HEADERS, JSON_STYLES, events_body, resource_id, sign, write_body
from interlock.twins.shopify.webhook_body import Debounce, is_plain, passes, shown_to
from interlock.twins.world import World

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 5.0
CANCEL_AGAIN_SECONDS = 0.5
RETRY_DELAYS_SECONDS = (60, 120, 240, 480, 960, 1920, 3840, 6780)  # eight, doubling, four hours in all
EVENT_NAMESPACE = uuid.UUID("6f1d2f0e-52a1-4a86-9d6b-0d1c7a7b9a51")
POSTED = frozenset({"http", "https"})
"""Subscriptions to Pub/Sub and EventBridge are kept, and what they would get is logged as sent elsewhere."""
LATE: dict[str, Callable[[float, random.Random], float]] = {
    "webhook_reorder": lambda seconds, _: seconds,
    "webhook_delay": lambda seconds, chance: chance.uniform(0, seconds),
}
"""By how much a fault makes a webhook late."""
WRONG_SECRET = "not the secret of this app"


class Sending(NamedTuple):
    """How webhooks are sent; `time_scale` divides retry delays (3600: an hour passes in a second)."""

    shop_domain: str = "interlock-demo.myshopify.com"
    api_version: str = "2026-07"
    concurrency: int = 32
    time_scale: float = 1.0
    json_style: str = "mixed"
    duplicate_copies: int = 1
    forged_share: float = 0.0
    debounce_seconds: float = 5.0


class WebhookSender:
    """Queues one delivery per event and subscription and sends what is due, at most `concurrency` at once."""

    def __init__(
        self,
        world: World,
        faults: FaultPlan,
        sending: Sending,
        secret: Callable[[], str],
        give_up: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._world, self._faults, self._sending = world, faults, sending
        self._secret, self._give_up, self._clock = secret, give_up, clock
        self._chance = random.Random(f"webhooks:{world.seed}")
        self._debounce = Debounce(sending.debounce_seconds)
        self._due: list[tuple[float, int]] = []
        self._left: Counter[str] = Counter()  # deliveries still to be made of an event
        self._wake = asyncio.Event()
        self._room = asyncio.Semaphore(sending.concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self.queued = 0
        """How many deliveries were queued since the start, copies too."""
        self.log = AttemptLog(world.directory / "deliveries.jsonl")

    @property
    def pending(self) -> int:
        """Deliveries that have neither succeeded nor been given up."""
        return sum(self._left.values())

    async def start(self) -> None:
        """Take up what an earlier run left and begin to send."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
        connector = aiohttp.TCPConnector(limit=self._sending.concurrency)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        for key, delivery in self._world.rows("delivery"):
            self._left[delivery["event_id"]] += 1
            self._schedule(float(delivery["due_at"]), key)  # the journal gives decimals back
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop sending. What was under way stays pending: like Shopify, we may deliver it twice."""
        running = {self._loop, *self._tasks}
        while running:  # a cancellation that meets a timeout of the client can be taken for that timeout
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_SECONDS)
        await self._session.close()
        self.log.close()

    def emit(
        self, topic: str, resource: dict[str, Any], subscriptions: Iterable[dict[str, Any]], after_seconds: float = 0.0
    ) -> str | None:
        """Queue one event for the subscriptions of its topic; returns its event id, or None when nobody listens."""
        listening = [one for one in subscriptions if one["topic"] == topic]
        wanted = [one for one in listening if passes(one, resource)]
        if not wanted:
            return None
        event_id = str(uuid.uuid5(EVENT_NAMESPACE, f"{self._world.seed}:{self._world.next_id('body')}"))
        style, bodies, told = self._style(), {}, []
        for one in wanted:
            shown = resource if is_plain(one) else shown_to(one, resource, self._world)
            message = self._message(event_id, topic, resource_id(resource), one)
            if self._debounce.drops(one, topic, resource, shown, self._clock()):
                self._note(message, attempt=0, state="debounced")
            elif urlsplit(one["address"]).scheme not in POSTED:
                self._note(message, attempt=0, state="elsewhere")
            else:
                told.append(message)
                if message["body"] not in bodies:
                    bodies[message["body"]] = self._body(one, topic, shown, style)
        self._world.remember(("body", event_id, bodies))
        for message in told:
            self._queue(message, after_seconds)
        self._release(event_id)
        return event_id

    def forge(self, topic: str, resource: dict[str, Any], subscriptions: Iterable[dict[str, Any]]) -> int:
        """Send each subscription of a topic a webhook whose signature is wrong; returns how many."""
        wanted = [one for one in subscriptions if one["topic"] == topic]
        for one in wanted:
            raw = self._body(one, topic, resource, "plain").encode()
            message = self._message(
                str(uuid.UUID(int=self._chance.getrandbits(128))), topic, resource_id(resource), one
            )
            self._spawn(self._post_forged(message, raw))
        return len(wanted)

    def forget(self, subscription_id: str) -> None:
        """Drop what is pending for a subscription that is gone."""
        for key, delivery in self._world.rows("delivery"):
            if delivery["subscription_id"] == subscription_id:
                self._finish(key, delivery)

    def _style(self) -> str:
        return self._chance.choice(JSON_STYLES) if self._sending.json_style == "mixed" else self._sending.json_style

    def _body(self, subscription: dict[str, Any], topic: str, resource: dict[str, Any], style: str) -> str:
        if subscription["dialect"] == "events":
            resource = events_body(topic, subscription["name"], resource)
        return write_body(resource, style).decode()

    def _message(self, event_id: str, topic: str, about: str, subscription: dict[str, Any]) -> dict[str, Any]:
        return {
            "event_id": event_id,
            "webhook_id": str(uuid.uuid5(EVENT_NAMESPACE, f"{event_id}:{subscription['id']}")),
            "subscription_id": str(subscription["id"]),
            "topic": topic,
            "resource_id": about,
            "name": subscription["name"],
            "body": _body_key(subscription),
            "dialect": subscription["dialect"],
            "address": subscription["address"],
            "shop_domain": self._sending.shop_domain,
            "api_version": self._sending.api_version,
            "triggered_at": datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        }

    def _queue(self, message: dict[str, Any], after_seconds: float) -> None:
        """One subscription's delivery, as the fault plan lets it through: not at all, once, several times, or late."""
        rule = self._faults.pick_webhook(message["topic"])
        kind = rule.kind if rule else ""
        if kind == "webhook_drop":
            self._note(message, attempt=0, state="dropped")
            return
        copies = 1 + (self._sending.duplicate_copies if kind == "webhook_duplicate" else 0)
        late = after_seconds + (LATE[kind](rule.delay_seconds, self._chance) if rule and kind in LATE else 0.0)
        for copy_number in range(copies):
            key = self._world.next_id("delivery")
            delivery = {**message, "attempt": 0, "copy": copy_number, "due_at": self._clock() + late}
            self._world.remember(("delivery", key, delivery))
            self.queued += 1
            self._left[message["event_id"]] += 1
            self._schedule(delivery["due_at"], key)
        if self._sending.forged_share and self._chance.random() < self._sending.forged_share:
            raw = self._raw(message)
            self._spawn(self._post_forged(message, raw))

    def _schedule(self, due_at: float, key: str) -> None:
        heapq.heappush(self._due, (due_at, int(key)))
        self._wake.set()

    async def _run(self) -> None:
        """Send what is due, oldest first; sleep until the next is due or something new is queued."""
        while True:
            self._wake.clear()
            while self._due and self._due[0][0] <= self._clock():
                await self._room.acquire()
                _, number = heapq.heappop(self._due)
                self._spawn(self._deliver(str(number)), release=True)
            wait = max(0.0, self._due[0][0] - self._clock()) if self._due else None
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                continue

    def _spawn(self, work: Any, *, release: bool = False) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if release:
            task.add_done_callback(lambda _: self._room.release())

    async def _deliver(self, key: str) -> None:
        """One attempt, and what follows from its outcome."""
        delivery = self._world.get("delivery", key)
        if delivery is None:  # its subscription was deleted meanwhile
            return
        attempt = delivery["attempt"] + 1
        raw = self._raw(delivery)
        status, error, took_ms = await self._post(delivery, raw, self._secret())
        if status is not None and 200 <= status < 300:
            self._note(delivery, attempt=attempt, state="delivered", status=status, ms=took_ms)
            self._finish(key, delivery)
        elif attempt <= len(RETRY_DELAYS_SECONDS):
            self._note(delivery, attempt=attempt, state="retrying", status=status, error=error, ms=took_ms)
            self._retry(key, delivery, attempt)
        else:
            self._note(delivery, attempt=attempt, state="gave_up", status=status, error=error, ms=took_ms)
            self._finish(key, delivery)
            self._give_up(delivery["subscription_id"])

    def _retry(self, key: str, delivery: dict[str, Any], attempt: int) -> None:
        if self._world.get("delivery", key) is None:
            return
        due_at = self._clock() + RETRY_DELAYS_SECONDS[attempt - 1] / self._sending.time_scale
        self._world.remember(("delivery", key, {**delivery, "attempt": attempt, "due_at": due_at}))
        self._schedule(due_at, key)

    def _raw(self, message: dict[str, Any]) -> bytes:
        body = self._world.get("body", message["event_id"]) or {}
        text: str = body.get(message["body"], "{}")
        return text.encode()

    async def _post(self, message: dict[str, Any], raw: bytes, secret: str) -> tuple[int | None, str, float]:
        """POST once; returns (status, "", ms), or (None, error, ms) when no answer came."""
        headers = HEADERS[message["dialect"]](message, sign(secret, raw))
        began = time.monotonic()
        status, error = None, ""
        try:
            async with self._session.post(
                message["address"], data=raw, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            error = type(failure).__name__
        return status, error, round((time.monotonic() - began) * 1000, 1)

    async def _post_forged(self, message: dict[str, Any], raw: bytes) -> None:
        status, error, took_ms = await self._post(message, raw, WRONG_SECRET)
        self._note(message, attempt=1, state="forged", status=status, error=error, ms=took_ms)

    def _note(self, message: dict[str, Any], **outcome: Any) -> None:
        names = ("topic", "resource_id", "event_id", "webhook_id", "subscription_id", "address", "triggered_at")
        self.log.add(**{name: message[name] for name in names}, copy=message.get("copy", 0), **outcome)

    def _finish(self, key: str, delivery: dict[str, Any]) -> None:
        """Take a delivery off the books, and its event's body with the last one."""
        if self._world.get("delivery", key) is None:
            return
        self._world.remember(("delivery", key, None))
        self._left[delivery["event_id"]] -= 1
        self._release(delivery["event_id"])

    def _release(self, event_id: str) -> None:
        if not self._left[event_id]:
            del self._left[event_id]
            self._world.remember(("body", event_id, None))


def _body_key(subscription: dict[str, Any]) -> str:
    """Plain classic subscriptions of an event share one body; an Events body names its subscription."""
    if not is_plain(subscription):
        return f"of:{subscription['id']}"
    return "classic" if subscription["dialect"] == "classic" else f"events:{subscription['name']}"
