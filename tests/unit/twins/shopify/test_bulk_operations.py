"""Bulk operations of the Shopify twin over HTTP: their life, their limits, their files, and how they are made to fail."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from shopify_harness import TOKEN, Twin, receiving, running_twin, sample, until

from interlock.twins.shopify.admin.bulk_run import RUNNING
from interlock.twins.shopify.shop import Shopify

RUN = """mutation($query: String!, $group: Boolean! = false) { bulkOperationRunQuery(query: $query, groupObjects: $group) {
  bulkOperation { id status url } userErrors { field message code } } }"""
CANCEL = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { field message } } }"
LOOK = """query($id: ID!) { bulkOperation(id: $id) { status errorCode objectCount rootObjectCount fileSize url partialDataUrl
  completedAt type } }"""
PRODUCTS = "{ products { edges { node { id title variants { edges { node { id sku } } } } } } }"


class Shop:
    """A twin asked in GraphQL."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        assert isinstance(twin.vendor, Shopify)
        self.runner = twin.vendor.bulk

    async def ask(self, query: str, /, version: str = "2026-07", **variables: Any) -> Any:
        path = f"/admin/api/{version}/graphql.json"
        answer = await self.twin.call(
            "POST", path, {"query": query, "variables": variables}, {**TOKEN, "content-type": "application/json"}
        )
        assert "errors" not in answer.body, answer.body
        return next(iter(answer.body["data"].values()))

    async def run(self, query: str = PRODUCTS, **more: Any) -> str:
        done = await self.ask(RUN, query=query, **more)
        assert done["userErrors"] == [] and done["bulkOperation"]["status"] == "CREATED"
        return str(done["bulkOperation"]["id"])

    async def ended(self, number: str) -> dict[str, Any]:
        key = number.rpartition("/")[2]
        await until(lambda: (self.runner.row(key) or {})["status"] not in RUNNING)
        return dict(await self.ask(LOOK, id=number))

    async def tell(self, path: str, **body: Any) -> Any:
        return await self.twin.call("POST", f"/_twin/bulk_operations{path}", body)

    async def fetch(self, url: str) -> tuple[int, str]:
        """The text of a result."""
        parts = urlsplit(url)
        sent: list[Any] = []

        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> dict[str, Any]:
            for message in asked:
                return message
            await asyncio.Event().wait()  # the client stays
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "GET", "path": parts.path, "raw_path": parts.path.encode(), "headers": [],
            "query_string": parts.query.encode(), "root_path": "", "scheme": "http", "server": ("twin", 80),
        }  # fmt: skip
        await self.twin.app(scope, receive, send)  # type: ignore[arg-type]
        return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]).decode()


def test_the_life_of_an_operation(tmp_path: Path) -> None:
    """C74, C77: created, completed, a file of lines with parents before children, and the webhook that says so."""

    async def story() -> None:
        async with receiving() as hook, running_twin(tmp_path, bulk_objects_per_second=1e6, time_scale=1) as twin:
            shop = Shop(twin)
            await twin.subscribe("bulk_operations/finish", hook.url)
            found = await shop.ended(await shop.run())
            assert (found["status"], found["objectCount"], found["rootObjectCount"]) == ("COMPLETED", "28", "14")
            assert (found["errorCode"], found["partialDataUrl"], found["type"]) == (None, None, "QUERY")
            status, text = await shop.fetch(found["url"])
            assert (status, len(text.encode())) == (200, int(found["fileSize"]))
            lines = [json.loads(line) for line in text.splitlines()]
            seen: set[str] = set()
            for line in lines:
                assert line.get("__parentId", line["id"]) in seen | {line["id"]}
                seen.add(line["id"])
            assert Counter("__parentId" in line for line in lines) == {False: 14, True: 14}
            await until(lambda: bool(hook.got))
            assert set(hook.got[0].json) == set(sample("webhook.bulk_operations.finish.json"))
            assert (hook.got[0].json["status"], hook.got[0].json["type"]) == ("completed", "query")
            await twin.quiet()

    asyncio.run(story())


def test_children_stand_apart_unless_grouped(tmp_path: Path) -> None:
    """F26: without groupObjects a reader must not expect children right behind their parent; with it, it may."""

    async def story() -> None:
        async with running_twin(tmp_path, bulk_objects_per_second=1e6, time_scale=1) as twin:
            shop = Shop(twin)
            for group in (False, True):
                found = await shop.ended(await shop.run(group=group))
                lines = [json.loads(line) for line in (await shop.fetch(found["url"]))[1].splitlines()]
                adjacent = all(
                    child.get("__parentId") in (None, parent["id"])
                    for parent, child in zip(lines, lines[1:], strict=False)
                )
                assert adjacent is group

    asyncio.run(story())


def test_five_at_once_and_one_before_2026(tmp_path: Path) -> None:
    """C74: the sixth is refused and a slot comes free when one ends; versions before 2026-01 allowed one."""

    async def story() -> None:
        versions = ["2025-10", "2026-01", "2026-04", "2026-07"]
        slow = {"time_scale": 1, "bulk_objects_per_second": 0.001, "supported_versions": versions}
        async with running_twin(tmp_path, **slow) as twin:
            shop = Shop(twin)
            ids = [await shop.run() for _ in range(5)]
            refused = await shop.ask(RUN, query=PRODUCTS)
            assert refused["bulkOperation"] is None
            assert refused["userErrors"][0]["code"] == "LIMIT_REACHED"
            done = await shop.ask(CANCEL, id=ids[0])
            assert (done["bulkOperation"]["status"], done["userErrors"]) == ("CANCELING", [])
            assert (await shop.ended(ids[0]))["status"] == "CANCELED"
            await shop.run()
            old = await shop.ask(RUN, version="2025-10", query=PRODUCTS)
            assert old["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"

    asyncio.run(story())


def test_progress_grows_and_a_terminal_operation_stays(tmp_path: Path) -> None:
    """objectCount tells how far it is; cancelling what ended says so, and what is unknown does not exist."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1, bulk_objects_per_second=0.001) as twin:
            shop = Shop(twin)
            number = await shop.run()
            key = number.rpartition("/")[2]
            await until(lambda: (shop.runner.row(key) or {})["objects"] == 1)
            running = await shop.ask(LOOK, id=number)
            assert (running["status"], running["objectCount"], running["url"]) == ("RUNNING", "1", None)
            await shop.tell(f"/{key}/pace", objects_per_second=1e6)
            assert (await shop.ended(number))["status"] == "COMPLETED"
            late = await shop.ask(CANCEL, id=number)
            assert late["userErrors"] == [
                {"field": None, "message": "A bulk operation cannot be canceled when it is completed"}
            ]
            unknown = await shop.ask(CANCEL, id="gid://shopify/BulkOperation/1")
            assert unknown["userErrors"] == [{"field": ["id"], "message": "Bulk operation does not exist"}]

    asyncio.run(story())


@pytest.mark.parametrize("after", [0, 9])
def test_a_failure_leaves_what_was_read(tmp_path: Path, after: int) -> None:
    """C74: half-way it fails with a code, and what was written so far has an address of its own; nothing has none."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1, bulk_objects_per_second=1e6) as twin:
            shop = Shop(twin)
            await shop.tell("", fail_next={"after_objects": after, "error_code": "TIMEOUT"})
            found = await shop.ended(await shop.run())
            assert (found["status"], found["errorCode"], found["url"]) == ("FAILED", "TIMEOUT", None)
            if after:
                status, text = await shop.fetch(found["partialDataUrl"])
                assert (status, len(text.splitlines())) == (200, after)
            else:
                assert found["partialDataUrl"] is None
            assert (await shop.ended(await shop.run()))["status"] == "COMPLETED"

    asyncio.run(story())


def test_a_result_dies(tmp_path: Path) -> None:
    """C74: seven days later the address is dead and the operation EXPIRED; a made-up signature never opens it."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1, bulk_objects_per_second=1e6) as twin:
            shop = Shop(twin)
            number = await shop.run()
            url = (await shop.ended(number))["url"]
            assert (await shop.fetch(url))[0] == 200
            status, text = await shop.fetch(url.replace("Signature=", "Signature=0"))
            assert (status, "SignatureDoesNotMatch" in text) == (403, True)
            await shop.tell(f"/{number.rpartition('/')[2]}/expire")
            assert (await shop.fetch(url))[0] == 400
            gone = await shop.ask(LOOK, id=number)
            assert (gone["status"], gone["url"]) == ("EXPIRED", None)

    asyncio.run(story())


def test_scaled_time_ends_results_and_operations(tmp_path: Path) -> None:
    """F26: with time_scale a week passes in a moment, and an operation of more than ten days fails."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1e9, bulk_objects_per_second=1) as twin:
            shop = Shop(twin)
            number = await shop.run()
            await until(lambda: (shop.runner.row(number.rpartition("/")[2]) or {})["status"] in {"EXPIRED", "FAILED"})

    asyncio.run(story())


def test_a_killed_twin_goes_on(tmp_path: Path) -> None:
    """C77: what was running when the twin ended runs again, with the same id, and is whole."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1, bulk_objects_per_second=0.001) as twin:
            number = await Shop(twin).run()
            await until(lambda: bool(Shop(twin).runner.rows()[0]["objects"]))
        async with running_twin(tmp_path, time_scale=1, bulk_objects_per_second=1e6) as again:
            found = await Shop(again).ended(number)
            assert (found["status"], found["objectCount"]) == ("COMPLETED", "28")

    asyncio.run(story())


def test_listing_operations(tmp_path: Path) -> None:
    """bulkOperations: newest first, by status; an operation without objects has no file."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1, bulk_objects_per_second=1e6) as twin:
            shop = Shop(twin)
            first = await shop.run()
            empty = await shop.run('{ products(query: "title:nothing") { edges { node { id } } } }')
            await shop.ended(first)
            assert (await shop.ended(empty))["url"] is None
            listed = await shop.ask('{ bulkOperations(first: 5, query: "status:completed") { nodes { id } } }')
            assert [one["id"] for one in listed["nodes"]] == [empty, first]
            current = await shop.ask("{ currentBulkOperation { id } }")
            assert current["id"] == empty

    asyncio.run(story())


def test_scopes_and_the_window_hold_in_bulk(tmp_path: Path) -> None:
    """F28, C76: without the scope it fails with ACCESS_DENIED; without read_all_orders old orders are left out."""

    async def story() -> None:
        settings = {"time_scale": 1, "bulk_objects_per_second": 1e6, "scopes": ["read_orders"]}
        async with running_twin(tmp_path, **settings) as twin:
            shop = Shop(twin)
            denied = await shop.ended(await shop.run())
            assert (denied["status"], denied["errorCode"]) == ("FAILED", "ACCESS_DENIED")
            young, old = await twin.place(2)
            kept = dict((await twin.call("GET", f"/admin/api/2026-07/orders/{old['id']}.json")).body["order"])
            kept["created_at"] = "2020-01-01T00:00:00-05:00"
            assert (await twin.call("PUT", f"/_twin/orders/{old['id']}", kept)).status == 200
            found = await shop.ended(await shop.run("{ orders { edges { node { id } } } }"))
            assert found["status"] == "COMPLETED"
            text = (await shop.fetch(found["url"]))[1]
            assert [json.loads(line)["id"] for line in text.splitlines()] == [f"gid://shopify/Order/{young['id']}"]

    asyncio.run(story())
