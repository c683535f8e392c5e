"""The handler that a good developer writes in an afternoon: verify, decode, map, call the three destinations. It stores nothing.

Run by uvicorn in the bench's own environment; it imports nothing of Interlock. NETSUITE, SHIPBOB and KLAVIYO are the addresses.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from fastapi import FastAPI, HTTPException, Request

SECRET = os.environ["SECRET"].encode()
NETSUITE, SHIPBOB, KLAVIYO = os.environ["NETSUITE"], os.environ["SHIPBOB"], os.environ["KLAVIYO"]


@asynccontextmanager
async def session(app: FastAPI) -> AsyncIterator[None]:
    """One pool of connections for all calls."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as app.state.http:
        yield


app = FastAPI(lifespan=session)


@app.post("/orders")
async def take(request: Request) -> dict[str, str]:
    """Answers when all three destinations have the order."""
    body = await request.body()
    expected = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(expected, request.headers.get("x-shopify-hmac-sha256", "")):
        raise HTTPException(401)
    order = json.loads(body)
    reference, http = f"shopify-{order['id']}", request.app.state.http
    await asyncio.gather(
        call(http, "PUT", f"{NETSUITE}/services/rest/record/v1/salesOrder/eid:{reference}", sales_order(order)),
        call(http, "POST", f"{SHIPBOB}/2026-01/order", parcel(order, reference)),
        call(http, "POST", f"{KLAVIYO}/api/events", placed(order, reference)),
    )
    return {}


async def call(http: aiohttp.ClientSession, method: str, url: str, document: dict[str, Any]) -> None:
    """Call once; anything but 2xx fails the whole request, and the shop sends it again."""
    async with http.request(method, url, json=document) as answer:
        await answer.read()
        if answer.status >= 300:
            raise HTTPException(502)


def sales_order(order: dict[str, Any]) -> dict[str, Any]:
    """For the ERP."""
    return {
        "otherRefNum": order["name"], "currency": {"refName": order["currency"]}, "tranDate": order["created_at"][:10],
        "item": {"items": [
            {"item": {"externalId": line["sku"]}, "quantity": line["quantity"], "rate": line["price"], "description": line["title"]}
            for line in order["line_items"]
        ]},
        "shippingAddress": address(order["shipping_address"]), "billingAddress": address(order["billing_address"]),
    }  # fmt: skip


def parcel(order: dict[str, Any], reference: str) -> dict[str, Any]:
    """For the warehouse."""
    return {
        "reference_id": reference, "shipping_method": "Standard",
        "recipient": {"name": order["shipping_address"]["name"], "email": order["email"], "address": address(order["shipping_address"])},
        "products": [{"reference_id": line["sku"], "quantity": line["quantity"]} for line in order["line_items"]],
    }  # fmt: skip


def placed(order: dict[str, Any], reference: str) -> dict[str, Any]:
    """For marketing."""
    return {"data": {"type": "event", "attributes": {
        "unique_id": reference, "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": order["email"]}}},
        "value": order["total_price"], "properties": {"items": [line["title"] for line in order["line_items"]]},
    }}}  # fmt: skip


def address(found: dict[str, Any]) -> dict[str, Any]:
    """The parts that each of them knows."""
    return {
        name: found[name] for name in ("address1", "address2", "city", "province_code", "zip", "country_code", "phone")
    }
