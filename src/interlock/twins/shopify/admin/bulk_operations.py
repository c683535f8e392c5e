"""Bulk operations of the Admin API: run a query, look at it, cancel it, fetch its result over HTTP.

Facts: F26, C74, schema 2026-07 (BulkOperation, its enums); texts of errors as a 2026-04 store answered them
(airhorns/shopify-draft-proxy, docs/endpoints/bulk-operations). The text for the sixth operation is the schema's.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.admin.bulk_query import BulkReader
from interlock.twins.shopify.admin.bulk_rules import BulkQueryRefused, checked
from interlock.twins.shopify.admin.bulk_run import RUNNING, BulkRunner, app_of, runner_of
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid, split_gid, user_error
from interlock.twins.shopify.admin.engine import Engine
from interlock.twins.shopify.admin.resolvers import merged
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.vendor import answer, read_json

AT_ONCE = 5
AT_ONCE_BEFORE_2026 = 1
FIVE_SINCE = "2026-01"
STORAGE_STATUS = {"NoSuchKey": 404, "SignatureDoesNotMatch": 403, "ExpiredToken": 400}
"""What the storage behind result addresses answers (Google Cloud Storage XML errors; from memory)."""
SEARCHED = {
    "created_at": Searched(lambda row: row["created_at"], "time"),
    "id": Searched(lambda row: row["number"], "id"),
    "operation_type": Searched(lambda _: "query"),
    "status": Searched(lambda row: row["status"]),
}


def run_query(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """bulkOperationRunQuery: checked now, run later."""
    try:
        checked(shop.version, arguments["query"])
    except BulkQueryRefused as refusal:
        return _refused([user_error(one, "query", code="INVALID") for one in refusal.messages])
    runner = runner_of(shop.world)
    busy = [row for row in _of_app(shop) if row["status"] in RUNNING]
    if shop.version < FIVE_SINCE and len(busy) >= AT_ONCE_BEFORE_2026:
        running = gid("BulkOperation", busy[-1]["number"])
        message = f"A bulk query operation for this app and shop is already in progress: {running}."
        return _refused([user_error(message, code="OPERATION_IN_PROGRESS")])
    if len(busy) >= AT_ONCE:
        message = "Bulk operations limit reached. Please try again later."
        return _refused([user_error(message, code="LIMIT_REACHED")])
    row = runner.begin(shop, arguments["query"], group_objects=bool(arguments.get("groupObjects")))
    return {"bulkOperation": view(runner.shown(row)), "userErrors": []}


def cancel(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """bulkOperationCancel: starts to end one; what ended already stays as it is."""
    runner, row = runner_of(shop.world), _found(shop, arguments["id"])
    if row is None:
        return _refused([user_error("Bulk operation does not exist", "id")])
    if row["status"] not in RUNNING:
        message = f"A bulk operation cannot be canceled when it is {row['status'].lower()}"
        return {"bulkOperation": view(row), "userErrors": [user_error(message)]}
    runner.cancel(row["number"])
    return {"bulkOperation": view(runner.row(row["number"]) or row), "userErrors": []}


def one(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """bulkOperation(id)."""
    row = _found(shop, arguments["id"])
    return None if row is None else view(row)


def listed(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """bulkOperations: the app's, newest first unless reversed."""
    found = search(arguments.get("query"), SEARCHED, shop=shop, path="bulkOperations")
    completed = arguments.get("sortKey") == "COMPLETED_AT"
    moment = "completed_at" if completed else "created_at"
    rows = sorted(_of_app(shop), key=lambda row: (row[moment] or "", int(row["number"])))
    newest_first = {**arguments, "reverse": not arguments.get("reverse")}
    return connection(
        rows,
        newest_first,
        key=lambda row: (row[moment] or "", int(row["number"])),
        wanted=found.wanted,
        show=view,
    )


def current(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """currentBulkOperation: the newest, which is always a query here."""
    rows = [] if arguments.get("type") == "MUTATION" else _of_app(shop)
    return view(rows[-1]) if rows else None


def load(shop: ShopContext, number: str) -> dict[str, Any] | None:
    """A BulkOperation by its number."""
    row = runner_of(shop.world).row(number)
    return None if row is None else view(row)


def view(row: dict[str, Any]) -> dict[str, Any]:
    """A record as the schema's BulkOperation."""
    ended_well = row["status"] in {"COMPLETED", "EXPIRED"}
    return {
        "__typename": "BulkOperation",
        "id": gid("BulkOperation", row["number"]),
        "status": row["status"],
        "type": "QUERY",
        "query": row["query"],
        "createdAt": row["created_at"],
        "completedAt": row["completed_at"],
        "errorCode": row["error_code"],
        "objectCount": row["objects"],
        "rootObjectCount": row["roots"],
        "fileSize": row["bytes"] if ended_well and row["bytes"] else None,
        "url": row["url"],
        "partialDataUrl": row["partial_data_url"],
    }


def reader(engine: Engine, row: dict[str, Any]) -> BulkReader:
    """Opens an operation's query again, in the version and with the scopes of the app that asked for it."""
    shop = engine.context(row["version"], app_of(row))
    return BulkReader(checked(row["version"], row["query"]), shop, merged().resolvers, engine.rules(row["version"]))


def _of_app(shop: ShopContext) -> list[dict[str, Any]]:
    return [row for row in runner_of(shop.world).rows() if row["app"]["client_id"] == shop.app.client_id]


def _found(shop: ShopContext, asked: str) -> dict[str, Any] | None:
    kind, number = split_gid(asked)
    return runner_of(shop.world).row(number) if kind == "BulkOperation" else None


def _refused(errors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bulkOperation": None, "userErrors": errors}


RESOLVERS: dict[str, Resolver] = {
    "Mutation.bulkOperationRunQuery": run_query,
    "Mutation.bulkOperationCancel": cancel,
    "QueryRoot.bulkOperation": one,
    "QueryRoot.bulkOperations": listed,
    "QueryRoot.currentBulkOperation": current,
}
NODES = {"BulkOperation": load}


class BulkRoutes:
    """The result files, and the commands that slow an operation down, let it fail, or let its result be gone."""

    def __init__(self, runner: BulkRunner) -> None:
        self._runner = runner

    def routes(self) -> list[BaseRoute]:
        return [Route("/bulk-results/{number}", self.result, methods=["GET", "HEAD"])]

    def control_routes(self) -> list[BaseRoute]:
        return [
            Route("/bulk_operations", self.list_all, methods=["GET"]),
            Route("/bulk_operations", self.settings, methods=["POST"]),
            Route("/bulk_operations/{number}/{command}", self.command, methods=["POST"]),
        ]

    async def result(self, request: Request) -> Response:
        """GET a result as its address says; an address that is wrong or too old gets the storage's XML error."""
        query = request.query_params
        number = request.path_params["number"]
        found = self._runner.file_for(number, query.get("Expires", ""), query.get("Signature", ""))
        if isinstance(found, str):
            xml = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{found}</Code></Error>"
            return Response(xml, STORAGE_STATUS[found], media_type="application/xml")
        return FileResponse(found, media_type="application/jsonl", filename=found.name)

    async def list_all(self, _: Request) -> Response:
        """GET /_twin/bulk_operations: every operation as it is now."""
        return answer({"bulk_operations": self._runner.rows()})

    async def settings(self, request: Request) -> Response:
        """POST {"objects_per_second": 100, "fail_next": {"after_objects": 50, "error_code": "TIMEOUT"}}: both optional."""
        asked = await read_json(request)
        if "objects_per_second" in asked:
            self._runner.pace(None, float(asked["objects_per_second"]))
        if "fail_next" in asked:
            self._runner.fail_next = asked["fail_next"]
        return answer({"objects_per_second": self._runner.objects_per_second, "fail_next": self._runner.fail_next})

    async def command(self, request: Request) -> Response:
        """POST {number}/fail {"after_objects", "error_code"}, {number}/expire, {number}/pace {"objects_per_second"}."""
        number, command = request.path_params["number"], request.path_params["command"]
        raw = await request.body()
        asked = await read_json(request) if raw else {}
        done = self._runner.row(number) is not None
        if command == "fail":
            done = self._runner.fail(
                number, asked.get("after_objects"), asked.get("error_code", "INTERNAL_SERVER_ERROR")
            )
        elif command == "expire":
            done = self._runner.expire(number)
        elif command == "pace" and done:
            self._runner.pace(number, float(asked["objects_per_second"]))
        elif command not in {"fail", "expire", "pace"}:
            done = False
        known = {"commands": ["expire", "fail", "pace"]}
        return answer({"bulk_operation": self._runner.row(number)} if done else known, 200 if done else 404)
