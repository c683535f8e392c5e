"""Shopify Flow's side of our actions: a signed POST to the app, sent again with the same action_run_id until it is done.

Facts (F78; shopify.dev docs/apps/build/flow/actions/endpoints): the body's members, HMAC as for webhooks, 10 s to answer;
200 is done, 202 is sent again later, so are 429 (after its Retry-After), 5xx and silence, for up to 24 hours; any other
status is a failure.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp

from interlock.twins.shopify.messages import sign
from interlock.twins.world import World, encode_json

KIND = "flow_action"
ANSWER_SECONDS = 10.0
FIRST_DELAY_SECONDS = 60.0
LONGEST_SECONDS = 86_400.0
RUN_NAMESPACE = uuid.UUID("0b9f4c7e-0f0e-4a53-8a2b-3f6f1f5d6c11")


class FlowActions:
    """Sends actions and keeps what came of each; `time_scale` divides the waits between attempts."""

    def __init__(self, world: World, shop_id: int, domain: str, secret: Callable[[], str], time_scale: float) -> None:
        self._world, self._shop_id, self._domain = world, shop_id, domain
        self._secret, self._time_scale = secret, time_scale
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, address: str, handle: str, properties: dict[str, Any], run_id: str | None = None) -> dict[str, Any]:
        """Run an action of ours in a workflow; a given `run_id` sends an earlier one again."""
        key = self._world.next_id(KIND)
        run = {
            "id": key,
            "address": address,
            "action_run_id": run_id or str(uuid.uuid5(RUN_NAMESPACE, f"{self._world.seed}:{key}")),
            "handle": handle,
            "properties": properties,
            "state": "sending",
            "attempts": [],
        }
        self._world.apply("flowAction.create", key, (KIND, key, run))
        task = asyncio.create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    def rows(self) -> list[dict[str, Any]]:
        """All runs with their attempts."""
        return [row for _, row in self._world.rows(KIND)]

    async def stop(self) -> None:
        """Stop sending."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, key: str) -> None:
        """Attempts with growing waits until the app is done with it, or a day is over."""
        delay, waited = FIRST_DELAY_SECONDS, 0.0
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                status, retry_after = await self._attempt(session, key)
                state = state_of(status)
                if state != "sending" or waited >= LONGEST_SECONDS:
                    self._note(key, state="failed" if state == "sending" else state)
                    return
                wait = retry_after if status == 429 and retry_after else delay
                await asyncio.sleep(wait / self._time_scale)
                waited, delay = waited + wait, delay * 2

    async def _attempt(self, session: aiohttp.ClientSession, key: str) -> tuple[int | None, float]:
        run = self._world.get(KIND, key) or {}
        raw = encode_json(self._body(run))
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Hmac-Sha256": sign(self._secret(), raw),
            "X-Shopify-Shop-Domain": self._domain,
        }
        status, retry_after, error = None, 0.0, ""
        try:
            async with session.post(run["address"], data=raw, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                status, retry_after = answer.status, float(answer.headers.get("Retry-After", "0"))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            error = type(failure).__name__
        self._note(key, attempts=[*run["attempts"], {"status": status, "error": error}])
        return status, retry_after

    def _body(self, run: dict[str, Any]) -> dict[str, Any]:
        return {
            "shop_id": str(self._shop_id),
            "shopify_domain": self._domain,
            "action_run_id": run["action_run_id"],
            "action_definition_id": run["handle"].replace("-", " ").capitalize(),
            "handle": run["handle"],
            "properties": run["properties"],
        }

    def _note(self, key: str, **changed: Any) -> None:
        run = self._world.get(KIND, key) or {}
        self._world.remember((KIND, key, {**run, **changed}))


def state_of(status: int | None) -> str:
    """done, failed, or sending: it will be sent again."""
    if status == 200:
        return "done"
    if status is None or status in {202, 429} or status >= 500:
        return "sending"
    return "failed"
