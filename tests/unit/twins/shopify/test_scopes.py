"""Scopes by field, protected customer data by level, and the 60 days of orders."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from shopify_harness import API, Answer, Twin, running_twin

from interlock.twins.shopify.admin.scopes import all_scopes, granted


async def ask(twin: Twin, query: str, **variables: Any) -> dict[str, Any]:
    answer: Answer = await twin.call("POST", f"{API}/graphql.json", {"query": query, "variables": variables})
    return dict(answer.body)


def test_a_field_without_its_scope_is_denied(tmp_path: Path) -> None:
    """C78: the error names field, scope and path, the rest of the answer comes; with the scope granted all comes."""

    async def story() -> None:
        async with running_twin(tmp_path, scopes=["read_products"]) as twin:
            query = "{ shop { name } products(first: 1) { nodes { id } } locations(first: 1) { nodes { id } } }"
            answer = await ask(twin, query)
            assert answer["data"] is None  # locations is a connection that must not be null
            (error,) = answer["errors"]
            assert error["path"] == ["locations"] and error["extensions"]["code"] == "ACCESS_DENIED"
            assert error["message"].startswith("Access denied for locations field. Required access: `read_")
            await twin.call("POST", "/_twin/scopes", {"scopes": ["read_products", "write_locations", "read_inventory"]})
            assert "errors" not in await ask(twin, query)
            await twin.call("POST", "/_twin/scopes", {"remove": ["read_products"]})
            assert (await ask(twin, query))["errors"][0]["path"] == ["products"]
            seen = (await ask(twin, "{ currentAppInstallation { accessScopes { handle } } }"))["data"]
            handles = [one["handle"] for one in seen["currentAppInstallation"]["accessScopes"]]
            assert handles == ["read_inventory", "read_locations", "write_locations"]

    asyncio.run(story())


def test_write_includes_read() -> None:
    """As the platform grants them."""
    assert granted(["write_orders"]) == {"write_orders", "read_orders"}
    assert "read_all_orders" in all_scopes("2026-07") and "read_orders" in all_scopes("2026-07")


ORDER = "query($id: ID!) { order(id: $id) { id email shippingAddress { city zip lastName } customer { id email } } }"


def test_protected_data_by_level(tmp_path: Path) -> None:
    """F76: at level 1 names, streets, phones and mail addresses are null; at level 0 customers are not to be had at all."""

    async def story() -> None:
        seen: dict[int, dict[str, Any]] = {}
        for level in (2, 1, 0):
            async with running_twin(tmp_path / str(level), protected_data_level=level) as twin:
                (placed,) = await twin.place()
                seen[level] = await ask(twin, ORDER, id=f"gid://shopify/Order/{placed['id']}")
        whole, partly, none = (seen[level]["data"]["order"] for level in (2, 1, 0))
        assert whole["email"] and whole["shippingAddress"]["lastName"] and whole["customer"]["email"]
        assert (partly["email"], partly["customer"]["email"]) == (None, None)
        assert partly["shippingAddress"] == {"city": whole["shippingAddress"]["city"], "zip": None, "lastName": None}
        assert none["customer"] is None and none["shippingAddress"] is None
        assert {error["extensions"]["code"] for error in seen[0]["errors"]} == {"ACCESS_DENIED"}
        assert "errors" not in seen[1]

    asyncio.run(story())


def test_old_orders_need_a_scope_of_their_own(tmp_path: Path) -> None:
    """C77: without read_all_orders nothing older than 60 days exists; the order of today does. Control: with it, both do."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            old, new = await twin.place(2)
            row = twin.vendor.store.order(old["id"])  # type: ignore[attr-defined]
            await twin.call("PUT", f"/_twin/orders/{old['id']}", row | {"created_at": "2025-01-01T10:00:00-05:00"})
            found = {}
            for remove in ([], ["read_all_orders"]):
                await twin.call("POST", "/_twin/scopes", {"remove": remove})
                listed = await ask(twin, "{ orders(first: 5) { nodes { id } } }")
                one = await ask(
                    twin, "query($id: ID!) { order(id: $id) { id } }", id=f"gid://shopify/Order/{old['id']}"
                )
                found[bool(remove)] = (len(listed["data"]["orders"]["nodes"]), one["data"]["order"] is not None)
            assert found == {False: (2, True), True: (1, False)}
            assert new["id"]

    asyncio.run(story())
