"""What twin up and twin load say of a shop: how to call it, and how far a believable load is."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interlock.cli.output import Output, counted

API_VERSION = "2026-07"
LOOK_SECONDS = 0.2
DEFAULTS = {"access_token": "shpat_twin", "client_id": "twin-client", "client_secret": "shpss_twin"}
"""The twin's own; docs/reference/twin-shopify.md."""
QUERY = "{ orders(first: 3) { nodes { name totalPriceSet { shopMoney { amount } } } } }"

Call = Callable[..., Any]


def access(url: str, config: Path | None) -> dict[str, str]:
    """The made-up credentials of the shop, and its GraphQL address."""
    told = json.loads(config.read_text(encoding="utf-8")) if config else {}
    found = {name: str(told.get(name, usual)) for name, usual in DEFAULTS.items()}
    return {**found, "graphql": f"{url}/admin/api/{API_VERSION}/graphql.json"}


def said(found: Mapping[str, str]) -> list[str]:
    """The same for a person, with a request to try."""
    body, token = json.dumps({"query": QUERY}), found["access_token"]
    grant = f"or the client credentials grant with {found['client_id']} and {found['client_secret']}"
    headers = f"-H 'X-Shopify-Access-Token: {token}' -H 'Content-Type: application/json'"
    return [
        f"token: {token} in X-Shopify-Access-Token, {grant}; webhooks are signed with {found['client_secret']}",
        f"try: curl -s {found['graphql']} {headers} -d '{body}'",
    ]


def load(call: Call, url: str, asked: Mapping[str, Any], background: bool, out: Output) -> None:
    """Begin a load with a profile, and follow it to its end unless that is not wanted."""
    wanted = {name: value for name, value in asked.items() if value is not None}
    before = len(call(url, "load")["loads"])
    begun = call(url, "load", wanted)
    if background:
        out.summary(f"{begun['profile']} has begun", f"curl -s {url}/_twin/load", url=url, **begun)
        return
    ended = _followed(call, url, before, asked.get("orders") or 0, out)
    out.summary(_outcome(ended), "interlock status", url=url, **ended)


def _followed(call: Call, url: str, place: int, orders: int, out: Output) -> dict[str, Any]:
    """The row of our load when it has ended."""
    with out.bar(orders, "orders") as step:
        placed = 0
        while True:
            time.sleep(LOOK_SECONDS)
            rows = call(url, "load")["loads"]
            if len(rows) <= place:
                continue
            row: dict[str, Any] = rows[place]
            step(row["placed"] - placed)
            placed = row["placed"]
            if not row["running"]:
                return row


def _outcome(row: Mapping[str, Any]) -> str:
    orders, seconds = counted(row["placed"], "order"), f"in {row['seconds']:.1f} s"
    if row["profile"] == "backfill":
        return f"{orders} of the past written {seconds}"
    if row["profile"] == "flash-sale":
        return f"{counted(row['webhooks'], 'webhook')} of {orders} queued {seconds}"
    return f"{orders} placed and {counted(row['changed'], 'change')} made {seconds}"
