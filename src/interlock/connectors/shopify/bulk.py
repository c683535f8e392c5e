"""Reads all objects of a store, in one bulk operation or a page at a time, each in the shape of its webhook's body.

Facts: F26, F28, C74, C76; lines and __parentId: shopify.dev/docs/api/usage/bulk-operations/queries; what an operation
may be in: BulkOperationStatus, Admin GraphQL 2026-07.
"""

from __future__ import annotations

import datetime as dt
import importlib.resources
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal
from functools import cache
from typing import Any, Final

import msgspec
from graphql import parse, print_ast

from interlock.connectors.contract import Answer, BulkState, Connection, Lane, Reach, Refused, Retry, Whole, WholePage
from interlock.connectors.shopify.body import EPOCH, micros, subject_of
from interlock.connectors.shopify.customer_shape import customer_body
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.optional import decided
from interlock.connectors.shopify.order_shape import order_body
from interlock.connectors.shopify.product_shape import product_body
from interlock.connectors.shopify.reply import as_reading
from interlock.connectors.shopify.rights import denied_parts, scopes_of
from interlock.connectors.shopify.scopes import missing, needed
from interlock.connectors.shopify.whole import KINDS, NotRead, Reading

UNLIMITED_DAYS: Final = 60
"""What an app sees of the orders without read_all_orders (F28)."""
SILENCE_SECONDS: Final = 60.0
"""A result that says nothing for so long is fetched again from the last whole object."""
OBJECTS_PER_CURSOR: Final = 20_000
"""A connection is paged through for 25,000 objects at most (F24, C75)."""
STATES: Final = {
    "CREATED": "running", "RUNNING": "running", "CANCELING": "running", "COMPLETED": "done", "FAILED": "failed",
    "CANCELED": "cancelled", "EXPIRED": "expired",
}  # fmt: skip
GONE_STATUSES: Final = frozenset({400, 403, 404, 410})
"""What the storage behind a result answers when its seven days are over."""
PARTS: Final = {
    "locations": "the locations of orders, parcels and refunds", "paymentTerms": "the payment terms of orders",
    "fulfillmentOrders": "fulfilment orders and their holds",
}  # fmt: skip
"""Optional parts in an operator's words."""
NO_SEARCH: Final = 'query: ""'

Node = dict[str, Any]


class _Many(msgspec.Struct, frozen=True, kw_only=True):
    """How all objects of a kind are read. `children`: kind of a child -> the connection that it belongs to; '' is what
    has no id. `created`: the search's word for when it was created. `at_once`: as many are looked at together."""

    many: str
    scope: str
    children: Mapping[str, str]
    body: Callable[[Node], Node]
    created: str = "created_at"
    at_once: int = 50


MANY: Final = {
    "order": _Many(many="orders", scope="read_orders", body=order_body, children={
        "LineItem": "lineItems", "ShippingLine": "shippingLines", "FulfillmentOrder": "fulfillmentOrders",
        "": "discountApplications",
    }),
    "customer": _Many(many="customers", scope="read_customers", body=customer_body, created="customer_date",
                      children={"MailingAddress": "addressesV2"}),
    "product": _Many(many="products", scope="read_products", body=product_body,
                     children={"ProductVariant": "variants"}),
}  # fmt: skip

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class ShopifyBulk:
    """One store's bulk side, behind live work in the app's allowance."""

    bulk_objects = frozenset(MANY)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._clock = connection.clock
        self._admin = Admin(connection)

    async def reach(
        self, object_name: str, *, since: int, until: int, timeout_seconds: float
    ) -> Reach | Retry | Refused:
        """What the app was granted, and how many the search finds (C76)."""
        kind = MANY[object_name]
        data = await self._ask("access_scopes", {}, timeout_seconds)
        if not isinstance(data, dict):
            return data
        granted = scopes_of(data)
        if granted.isdisjoint({kind.scope, kind.scope.replace("read_", "write_")}):
            words = f"the app was not granted {kind.scope}: no {object_name} can be read"
            return Refused(reason="permission", code="ACCESS_DENIED", message=words)
        found = await self._ask(f"{kind.many}_count", {"query": _search(kind, since, until)}, timeout_seconds)
        count = found[f"{kind.many}Count"]["count"] if isinstance(found, dict) else 0
        lacking = missing(needed([f"{kind.many}_page"], self._admin.version), granted)
        oldest = self._oldest_seen()
        if lacking:
            words = ", ".join(" or ".join(clause) for clause in lacking)
            return Reach(
                count=count,
                missing=f"everything, most likely: the query asks for what needs {words}, and a store refuses the whole of it",
                next_move=f"add {words} to the app's scopes and install the app again",
            )
        gaps = [] if object_name != "order" or since >= oldest or "read_all_orders" in granted else [_too_old(oldest)]
        parts = denied_parts(f"{kind.many}_page", self._admin.version, granted)
        gaps += [_part_missing(part, scope) for part, scope in sorted(parts.items())]
        return Reach(
            count=count,
            missing="; and ".join(what for what, _ in gaps),
            next_move="; and ".join(dict.fromkeys(move for _, move in gaps)),
        )

    async def begin(
        self, object_name: str, *, since: int, until: int, timeout_seconds: float
    ) -> BulkState | Retry | Refused:
        """Start a bulk operation. One whose answer was lost may run beside: it reads, so it does no harm."""
        without = await self._without(object_name, timeout_seconds)
        if isinstance(without, Retry | Refused):
            return without
        query = bulk_query(object_name, since, until, without=without)
        outcome = await self._admin.change(
            "bulk_begin", {"query": query}, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL
        )
        if not isinstance(outcome, dict):
            return as_reading(outcome)
        return bulk_state(outcome["bulkOperationRunQuery"]["bulkOperation"])

    async def look(self, bulk_id: str, *, timeout_seconds: float) -> BulkState | Retry | Refused:
        """How far it is. One that the store no longer knows has expired."""
        data = await self._ask("bulk_look", {"id": bulk_id}, timeout_seconds)
        if not isinstance(data, dict):
            return data
        return bulk_state(data["bulkOperation"] or {"id": bulk_id, "status": "EXPIRED"})

    async def cancel(self, bulk_id: str, *, timeout_seconds: float) -> BulkState | Retry | Refused:
        """One that has ended already refuses; one that the store no longer knows has expired."""
        outcome = await self._admin.change(
            "bulk_cancel", {"id": bulk_id}, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL
        )
        if not isinstance(outcome, dict):
            return as_reading(outcome)
        return bulk_state(outcome["bulkOperationCancel"]["bulkOperation"] or {"id": bulk_id, "status": "EXPIRED"})

    async def objects(
        self, object_name: str, state: BulkState, *, from_line: int
    ) -> AsyncGenerator[Whole | Retry | Refused, None]:
        """An object is whole when the next one begins; the last one of a partial result may lack children, so it is none."""
        groups: list[_Group] = []
        kind = MANY[object_name]
        without = await self._without(object_name, SILENCE_SECONDS)
        if isinstance(without, Retry | Refused):
            yield without
            return
        read = _Groups(kind, from_line, without)
        async with aclosing(self._connection.http.lines(state.url, silence_seconds=SILENCE_SECONDS)) as lines:
            async for line in lines:
                if isinstance(line, Answer):
                    yield broken_result(line)
                    return
                if (group := read.line(line)) is not None:
                    groups.append(group)
                if len(groups) == kind.at_once:
                    async for item in self._wholes(object_name, groups):
                        yield item
                        if not isinstance(item, Whole):
                            return
                    groups = []
        if read.last is not None and not state.partial:
            groups.append(read.last)
        async for item in self._wholes(object_name, groups):
            yield item

    async def page(
        self, object_name: str, *, since: int, until: int, after: str, timeout_seconds: float
    ) -> WholePage | Retry | Refused:
        """`after` is how many came before, and the cursor."""
        kind = MANY[object_name]
        passed, _, cursor = after.partition(" ")
        if int(passed or 0) >= OBJECTS_PER_CURSOR:
            words = f"a cursor goes no further than {OBJECTS_PER_CURSOR} objects"
            return Refused(reason="validation", code="WINDOW-TOO-LARGE", message=words)
        variables = {"query": _search(kind, since, until), "after": cursor or None}
        reading = self._reading(timeout_seconds)
        try:
            found = (await reading.ask(f"{kind.many}_page", variables))[kind.many]
            items = tuple([await self._whole(object_name, reading, node, 0) for node in found["nodes"]])
        except NotRead as stopped:
            return stopped.outcome
        info = found["pageInfo"]
        following = f"{int(passed or 0) + len(items)} {info['endCursor']}" if info["hasNextPage"] else ""
        return WholePage(items=items, after=following)

    # -- whole objects

    async def _wholes(self, object_name: str, groups: Sequence[_Group]) -> AsyncGenerator[Whole | Retry | Refused, None]:
        """In their order. What no bulk query can read of an order is read behind, a page of orders at a time."""
        lacking = [group for group in groups if object_name == "order" and _lacks(group.node)]
        found: dict[str, Node] = {}
        reading = self._reading(SILENCE_SECONDS)
        try:
            if lacking:
                found = await self._again(object_name, reading, lacking)
            for group in groups:
                node = found.get(group.node["id"]) if group in lacking else group.node
                if node is not None:  # it was deleted meanwhile
                    yield await self._whole(object_name, reading, node, group.end)
        except NotRead as stopped:
            yield stopped.outcome

    async def _again(self, object_name: str, reading: _Completing, groups: Sequence[_Group]) -> dict[str, Node]:
        kind = MANY[object_name]
        search = " OR ".join(f"id:{group.node['id'].rpartition('/')[2]}" for group in groups)
        page = (await reading.ask(f"{kind.many}_page", {"query": search, "first": len(groups)}))[kind.many]
        nodes = {node["id"]: node for node in page["nodes"]}
        for group in groups:  # the page became smaller, or the search follows the objects with a delay
            if group.node["id"] not in nodes:
                try:
                    nodes[group.node["id"]] = await reading.whole(KINDS[object_name], group.node["id"])
                except NotRead as stopped:
                    if not isinstance(stopped.outcome, Refused) or stopped.outcome.reason != "gone":
                        raise
        return nodes

    async def _whole(self, object_name: str, reading: _Completing, node: Node, line: int) -> Whole:
        body = _encode(MANY[object_name].body(await reading.completed(object_name, node)))
        created = micros(dt.datetime.fromisoformat(node["createdAt"]))
        return Whole(subject=subject_of(body, ""), body=body, line=line, created=created)

    # -- calls

    async def _without(self, object_name: str, timeout_seconds: float) -> frozenset[str] | Retry | Refused:
        """The optional parts that the app may not read: one denied field fails a bulk operation as a whole."""
        name = f"{MANY[object_name].many}_page"
        denied = await self._admin.denied_parts(name, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)
        return denied if isinstance(denied, Retry | Refused) else frozenset(denied)

    def _reading(self, timeout_seconds: float) -> _Completing:
        return _Completing(self._admin, self._clock, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)

    async def _ask(
        self, document: str, variables: Mapping[str, Any], timeout_seconds: float
    ) -> dict[str, Any] | Retry | Refused:
        return await self._admin.run(document, variables, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)

    def _oldest_seen(self) -> int:
        return self._clock.now_ms() * 1000 - UNLIMITED_DAYS * 86_400_000_000


class _Completing(Reading):
    """Completes what came with a page of many."""

    async def completed(self, object_name: str, node: Node) -> Node:
        """The node with all pages of its connections, an order with its refunds and parcels; read anew when it changed
        meanwhile."""
        kind = KINDS[object_name]
        if not await self._complete(kind, node["id"], node):
            return await (self.order(node["id"]) if object_name == "order" else self.whole(kind, node["id"]))
        if object_name == "order":
            node["refunds"] = [await self.whole(KINDS["refund"], refund["id"]) for refund in node["refunds"]]
            node["fulfillments"] = [await self._parcel(parcel) for parcel in node["fulfillments"]]
        return node


class _Group(msgspec.Struct, kw_only=True):
    """An object of a bulk result with its children; `end` is the first line after it."""

    node: Node
    end: int


class _Groups:
    """Puts the lines of a result together: an object, then its children."""

    def __init__(self, kind: _Many, from_line: int, without: frozenset[str]) -> None:
        self._kind = kind
        self._without = without
        self._from_line = from_line
        self._line = 0
        self.last: _Group | None = None

    def line(self, text: bytes) -> _Group | None:
        """Take the next line; what is whole by it."""
        self._line += 1
        if self._line <= self._from_line or not text:
            return None
        read = _decode(text)
        if "__parentId" in read:
            self._add(read)
            return None
        whole, self.last = self.last, _Group(node=_childless(read, self._kind, self._without), end=self._line)
        return whole

    def _add(self, child: Node) -> None:
        assert self.last is not None, "children follow their parent"
        word = child["id"].removeprefix("gid://shopify/").partition("/")[0] if "id" in child else ""
        self.last.node[self._kind.children[word]]["nodes"].append(child)
        self.last.end = self._line


def _childless(node: Node, kind: _Many, without: frozenset[str]) -> Node:
    """The connections that were asked for, still empty; a part of that name that was not asked for stays unknown."""
    asked = set(kind.children.values()) - without
    return node | {name: {"nodes": [], "pageInfo": {"hasNextPage": False}} for name in asked}


def _lacks(order: Node) -> bool:
    """Whether it has what a bulk query cannot ask for: a connection within a list, or one more than five."""
    return bool(order["fulfillments"] or order.get("paymentTerms"))


def _too_old(oldest: int) -> tuple[str, str]:
    seen = f"without read_all_orders an app sees those of the last {UNLIMITED_DAYS} days"
    move = "ask for read_all_orders in the Dev Dashboard (API access requests), add it to the app's scopes and install"
    return f"orders created before {_moment(oldest)[:10]}: {seen}", f"{move} the app again; or read less with --since"


def _part_missing(part: str, scope: str) -> tuple[str, str]:
    words = PARTS.get(part, part)
    move = f"for {words}: add {scope} to the app's scopes and install the app again, or do without"
    return f"{words}: the app was not granted {scope}", move


def bulk_query(object_name: str, since: int, until: int, *, without: frozenset[str] = frozenset()) -> str:
    """The query of a bulk operation, which takes no variables; `without` are the parts that the app may not read."""
    text = _bulk_text(MANY[object_name].many, without)
    search = msgspec.json.encode(_search(MANY[object_name], since, until)).decode()
    return text.replace(NO_SEARCH, f"query: {search}", 1)


@cache
def _bulk_text(many: str, without: frozenset[str]) -> str:
    folder = importlib.resources.files(__package__ or "interlock.connectors.shopify") / "documents" / "bulk"
    tree = parse(folder.joinpath(f"{many}.graphql").read_text(encoding="utf-8"), no_location=True)
    return print_ast(decided(tree, without))


def _search(kind: _Many, since: int, until: int) -> str:
    """Search syntax: shopify.dev/docs/api/usage/search-syntax. Whole seconds: the first is read whole, the last too."""
    return f"{kind.created}:>='{_moment(since)}' AND {kind.created}:<='{_moment(until)}'"


def _moment(at: int) -> str:
    return f"{EPOCH + dt.timedelta(microseconds=at):%Y-%m-%dT%H:%M:%SZ}"


def bulk_state(operation: Mapping[str, Any]) -> BulkState:
    """How far an operation is, from a node of bulk_look.graphql."""
    state = STATES.get(operation["status"], "running")
    url, partial = operation.get("url"), operation.get("partialDataUrl")
    count = int(operation.get("rootObjectCount") or 0)
    if state == "done" and not url and count:
        state = "expired"
    return BulkState(
        id=operation["id"], state=state, count=count, url=url or partial or "", partial=not url and bool(partial),
        code=operation.get("errorCode") or "",
    )  # fmt: skip


def broken_result(answer: Answer) -> Retry | Refused:
    """What it means that a result's file ended with an answer instead of a line."""
    if answer.status in GONE_STATUSES:
        words = f"the result's address has died: {answer.status}"
        return Refused(reason="gone", code="RESULT_GONE", message=words, status=answer.status)
    if answer.status:
        words = f"the result was answered with {answer.status}"
        return Retry(code="RESULT_NOT_READ", message=words, status=answer.status)
    return Retry(code=answer.code, message=answer.error or "the result broke off")
