"""Shopify Flow in the twin: triggers that are received, and actions that are sent until the app is done with them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench
from shopify_harness import receiving, running_twin, until

from interlock.twins.shopify.flow import state_of

RECEIVE = """mutation($handle: String, $payload: JSON, $body: String) {
  flowTriggerReceive(handle: $handle, payload: $payload, body: $body) { userErrors { field message } } }"""


def received(bench: Bench, **asked: Any) -> list[Any]:
    return list(bench.data(RECEIVE, **asked)["flowTriggerReceive"]["userErrors"])


def test_a_trigger_is_recorded(tmp_path: Path) -> None:
    """F78: handle and payload start our trigger; the old body does so too; what is wrong with one is told."""
    with Bench(tmp_path, flow_triggers=["order-stuck"]) as bench:
        assert received(bench, handle="order-stuck", payload={"Order": "#1001"}) == []
        old = json.dumps({"trigger_id": "order-stuck", "properties": {"Order": "#1002"}})
        assert received(bench, body=old) == []
        kept = [row["payload"] for _, row in bench.world.rows("flow_trigger")]
        assert kept == [{"Order": "#1001"}, {"Order": "#1002"}]
        for wrong in (
            {"handle": "no-such", "payload": {}},
            {"handle": "order-stuck"},
            {"body": "no json"},
            {"handle": "order-stuck", "payload": {"text": "x" * 50_001}},
        ):
            assert received(bench, **wrong)[0]["field"] == ["body"]
        assert len(list(bench.world.rows("flow_trigger"))) == 2


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "done"),
        (201, "failed"),
        (404, "failed"),
        (202, "sending"),
        (429, "sending"),
        (503, "sending"),
        (None, "sending"),
    ],
)
def test_what_an_answer_means(status: int | None, state: str) -> None:
    """F78: only 200 is done; 202, 429, errors of the server and silence are sent again; the rest is a failure."""
    assert state_of(status) == state


def test_an_action_is_signed_and_sent_again_with_its_run_id(tmp_path: Path) -> None:
    """F78: accepted with 202 it comes again with the same action_run_id, by which an app de-duplicates."""

    async def story() -> None:
        async with receiving() as app, running_twin(tmp_path, client_secret="hush") as twin:
            app.answers = [202, 503]
            asked = {"address": app.url, "handle": "hold-order", "properties": {"order_id": "1"}}
            assert (await twin.call("POST", "/_twin/flow_actions", asked)).status == 202
            await until(lambda: twin.vendor.flow_actions.rows()[0]["state"] == "done")  # type: ignore[attr-defined]
            assert len(app.got) == 3 and len({one.json["action_run_id"] for one in app.got}) == 1
            first = app.got[0]
            assert set(first.json) == {
                "shop_id", "shopify_domain", "action_run_id", "action_definition_id", "handle", "properties"
            }  # fmt: skip
            expected = base64.b64encode(hmac.digest(b"hush", first.raw, hashlib.sha256)).decode()
            assert first.headers["X-Shopify-Hmac-Sha256"] == expected
            shown = (await twin.call("GET", "/_twin/flow_actions")).body["flow_actions"][0]
            assert [one["status"] for one in shown["attempts"]] == [202, 503, 200]
            assert (await twin.call("POST", "/_twin/flow_actions", {})).status == 400

    asyncio.run(story())
