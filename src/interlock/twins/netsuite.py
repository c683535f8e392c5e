"""The NetSuite twin: SuiteTalk REST records, upsert by external id, OAuth 2.0 and account-wide concurrency.

Facts: docs.oracle.com NetSuite help (sections named beside them) and wsjmnh/netsuite-record-rest-docs (release 2026.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from interlock.twins import netsuite_documents as documents
from interlock.twins.faults import FaultPlan
from interlock.twins.netsuite_errors import NsError, by_status, invalid_content, invalid_reference, user_error
from interlock.twins.netsuite_fields import FIELDS, SUBLISTS
from interlock.twins.netsuite_inventory import Inventory
from interlock.twins.netsuite_query import invalid_query, matches_q, suiteql
from interlock.twins.netsuite_refunds import finished_credit, finished_refund, paid_out
from interlock.twins.netsuite_returns import finished_return, with_status
from interlock.twins.netsuite_tokens import TOKEN_PATH, TokenError, Tokens
from interlock.twins.vendor import Vendor, answer, read_json
from interlock.twins.world import Record, World

RECORDS = "/services/rest/record/v1"
KINDS = (
    "salesOrder",
    "customer",
    "invoice",
    "itemFulfillment",
    "creditMemo",
    "customerRefund",
    "returnAuthorization",
    "itemReceipt",
)
SEEDED = ("item", "account")
"""Kinds that exist from the start, by their ids; nobody reads them."""
TRANSFORMS = {
    ("salesOrder", "invoice"): "quantityBilled",
    ("salesOrder", "itemFulfillment"): "quantityFulfilled",
    ("returnAuthorization", "itemReceipt"): "quantityReceived",
}
"""What of a line a record of another kind is made from."""
LINKABLE = frozenset(kind for kind, _ in TRANSFORMS)
TRANSFORMED = frozenset(target for _, target in TRANSFORMS)
CONCURRENCY = (
    15  # tier 1 without SuiteCloud Plus, REST and RESTlets together (docs.jitterbit.com concurrency-governance)
)
PAGE_LIMIT = 1000
NAME_CHARACTERS_MAX = 32  # of a person's first and last name
ERROR_TYPE = "application/vnd.oracle.resource+json; type=error"

Handler = Callable[[Request], Awaitable[Response]]


class NetSuite(Vendor):
    """Configuration, all optional.

    "clients", "access_tokens", "token_lifetime_seconds", "token_url": see Tokens. "concurrency": requests at once for
    the account. "latency_seconds": how long a record request takes. "items", "accounts": "any", or a list of external ids
    or of {"id", "externalId"}. "customers": a list of {"id", "externalId"} that exist from the start. "entities": "known" or
    "any". "unique_external_id": false lets a POST repeat an external id, for tests of naive clients.
    """

    name = "netsuite"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        self._tokens = Tokens(world, config)
        self._concurrency = int(config.get("concurrency", CONCURRENCY))
        self._latency_seconds = float(config.get("latency_seconds", 0))
        self._in_flight = 0
        self._by_external: dict[str, dict[str, str]] = {}
        self._inventory = Inventory(world, config, self._item_named)
        super().__init__(world, faults, config)
        for kind in (*KINDS, *SEEDED):
            self._by_external[kind] = {row["externalId"]: key for key, row in world.rows(kind) if "externalId" in row}
        for kind in SEEDED:
            self._seed(kind, config.get(f"{kind}s", "any"))
        self._seed("customer", config.get("customers", []))
        self._inventory.open()

    def routes(self) -> list[BaseRoute]:
        """The token endpoint, SuiteQL, and records."""
        return [
            Route(TOKEN_PATH, self._token, methods=["POST"]),
            Route("/services/rest/query/v1/suiteql", self._guarded(self._suiteql), methods=["POST"]),
            Route(f"{RECORDS}/{{kind}}", self._guarded(self._list), methods=["GET"]),
            Route(f"{RECORDS}/{{kind}}", self._guarded(self._create), methods=["POST"]),
            Route(f"{RECORDS}/{{kind}}/{{id}}", self._guarded(self._get), methods=["GET"]),
            Route(f"{RECORDS}/{{kind}}/{{id}}", self._guarded(self._upsert), methods=["PUT"]),
            Route(f"{RECORDS}/{{kind}}/{{id}}", self._guarded(self._update), methods=["PATCH"]),
            Route(f"{RECORDS}/{{kind}}/{{id}}", self._guarded(self._delete), methods=["DELETE"]),
            Route(f"{RECORDS}/{{kind}}/{{id}}/!transform/{{target}}", self._guarded(self._transform), methods=["POST"]),
        ]

    def control_routes(self) -> list[BaseRoute]:
        """What people do to stock."""
        return self._inventory.control_routes()

    def error_body(self, status: int) -> Any:
        """nsError for an injected status."""
        return by_status(status).body()

    def state(self) -> dict[str, Any]:
        """The concurrency in use."""
        return {"in_flight": self._in_flight, "concurrency": self._concurrency}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless the account already has as many under way as it may."""
        if self._in_flight >= self._concurrency:
            await _refused(by_status(429))(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._in_flight -= 1

    def _guarded(self, handler: Handler) -> Handler:
        """A handler behind authentication, whose NsError becomes an answer."""

        async def guarded(request: Request) -> Response:
            if not self._tokens.accepts(request.headers.get("authorization", "")):
                return _refused(by_status(401))
            if self._latency_seconds:
                await asyncio.sleep(self._latency_seconds)
            try:
                _check_kind(request)
                return await handler(request)
            except NsError as error:
                return _refused(error)

        return guarded

    async def _token(self, request: Request) -> Response:
        fields = dict(parse_qsl((await request.body()).decode("latin-1")))
        try:
            return answer(self._tokens.exchange(fields, self.url + TOKEN_PATH))
        except TokenError as error:
            status = 401 if error.code == "invalid_client" else 400
            return answer({"error": error.code, "error_description": str(error)}, status)

    async def _create(self, request: Request) -> Response:
        kind = _writable(request)
        new = await self._read(request, kind)
        external = new.get("externalId")
        if external in self._by_external[kind] and self.config.get("unique_external_id", True):
            raise user_error("This entity already exists." if kind == "customer" else "This record already exists.")
        return self._save(kind, None, new, ())

    async def _upsert(self, request: Request) -> Response:
        kind = _writable(request)
        key, external = self._find(request), _external_id(request.path_params["id"])
        if key is None and external is None:
            raise by_status(404)
        new = await self._read(request, kind)
        if external is not None:
            new["externalId"] = external
        return self._save(kind, key, new, _replaced(request))

    async def _update(self, request: Request) -> Response:
        kind, key = _writable(request), self._existing(request)
        return self._save(kind, key, await self._read(request, kind), _replaced(request))

    async def _get(self, request: Request) -> Response:
        kind, key = request.path_params["kind"], self._existing(request)
        return answer(self._shown(kind, key, request), headers={"content-type": _media("singular")})

    async def _delete(self, request: Request) -> Response:
        kind, key = request.path_params["kind"], self._existing(request)
        record = self._record(kind, key)
        self._by_external[kind].pop(record.get("externalId", ""), None)
        self.world.apply(f"{kind}.delete", _business_key(record, key), (kind, key, None))
        if kind == "salesOrder":
            self._inventory.ordered(record, None)
        return answer(None, 204)

    async def _list(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        fits = matches_q(request.query_params["q"]) if "q" in request.query_params else lambda _: True
        rows = [{"links": self._links(kind, key), "id": key} for key, row in self.world.rows(kind) if fits(row)]
        return self._page(rows, request)

    async def _suiteql(self, request: Request) -> Response:
        body = await _json(request)
        if "transient" not in request.headers.get("prefer", ""):
            raise invalid_query("The Prefer header must be transient.")
        query = str(body.get("q", ""))
        rows = self._inventory.suiteql(query)
        if rows is None:
            rows = suiteql(query, self.world.rows)
        return self._page([{"links": [], **row} for row in rows], request)

    async def _transform(self, request: Request) -> Response:
        """An invoice, a fulfilment or a receipt of what is open, or of the quantities given by orderLine."""
        kind, target, key = request.path_params["kind"], request.path_params["target"], self._existing(request)
        counter = TRANSFORMS.get((kind, target))
        if counter is None:
            raise by_status(404)
        given = await self._read(request, target) if await request.body() else {}
        order = self._record(kind, key)
        lines = _taken_lines(order, given, counter)
        if not lines:
            raise user_error(f"There is no line left to turn into this {target}.")
        now, number = self.world.now(), self.world.next_id(target)
        made = {"createdDate": given.get("createdDate", now), "lastModifiedDate": now}
        result = documents.priced(
            {**given, **made, "entity": order["entity"], "createdFrom": {"id": key}, "item": lines}
        )
        done = _with_taken(order, lines, counter)
        done = with_status(done) if kind == "returnAuthorization" else _with_order_status(done)
        self.world.apply(
            f"{target}.create",
            given.get("externalId", f"{_business_key(order, key)}/{target}/{number}"),
            (target, number, result | {"id": number}),
            (kind, key, done),
            digest=documents.digest(result),
            once=True,
        )
        if target == "itemFulfillment":
            self._inventory.fulfilled(order, lines)
        if kind == "salesOrder":
            self._inventory.ordered(order, done)
        return answer(None, 204, {"location": self._href(target, number)})

    def _save(self, kind: str, key: str | None, new: Record, replaced: tuple[str, ...]) -> Response:
        """Create or update one record, in one change with its effect."""
        old = self._record(kind, key) if key is not None else None
        if kind in LINKABLE:
            documents.check_linked_lines(old, new, replaced)
        record = self._finished(kind, documents.merge(old, new, replaced))
        now = self.world.now()
        created = "createdDate" if kind != "customer" else "dateCreated"
        number = key or self.world.next_id(kind)
        record |= {"id": number, "lastModifiedDate": now, created: (old or {}).get(created, now)}
        if "externalId" in record:
            self._by_external[kind][record["externalId"]] = number
        paid = paid_out(old, record, self.world.get) if kind == "customerRefund" else []
        self.world.apply(
            f"{kind}.{'update' if old else 'create'}",
            _business_key(record, number),
            (kind, number, record),
            *paid,
            digest=documents.digest(record),
            detail={"id": number, "total": record.get("total"), "lines": len(record.get("item", []))},
        )
        if kind == "salesOrder":
            self._inventory.ordered(old, record)
        return answer(None, 204, {"location": self._href(kind, number)})

    def _finished(self, kind: str, record: Record) -> Record:
        """The record as NetSuite completes it; raises NsError when it may not be saved."""
        if kind == "customer":
            return _finished_customer(record)
        if kind == "customerRefund":
            return finished_refund(record, self._resolve)
        if not record.get("entity"):
            raise user_error("Please enter value(s) for: Customer", "entity")
        if not record.get("item"):
            raise user_error("You must enter at least one line item for this transaction.", "item")
        record = documents.priced(documents.check_references(record, self._resolve))
        if kind == "creditMemo":
            return finished_credit(record)
        if kind == "returnAuthorization":
            return finished_return(record, self.world.get)
        return _with_order_status(record)

    def _resolve(self, kind: str, reference: Any, path: str) -> Record:
        """{"id", ...} of what a reference names: {"id"}, {"externalId"}, "eid:...", or a plain internal id."""
        field = path.rsplit(".", 1)[-1]
        members = reference if isinstance(reference, dict) else {"id": reference}
        key = str(members.get("id") or "")
        external = members.get("externalId") or _external_id(key)
        if external is not None:
            known = self._by_external[kind].get(external) or self._invented(kind, external)
            if known is None:
                raise invalid_reference(external, field, path)
            return {"id": known, "externalId": external}
        if not key or (not self._any(kind) and self.world.get(kind, key) is None):
            raise invalid_reference(key or reference, field, path)
        return {"id": key}

    def _any(self, kind: str) -> bool:
        if kind in SEEDED:
            return bool(self.config.get(f"{kind}s", "any") == "any")
        return bool(self.config.get("entities") == "any")

    def _invented(self, kind: str, external: str) -> str | None:
        """A record made up on the spot, where the configuration says that any external id exists."""
        if not self._any(kind):
            return None
        number = self.world.next_id(kind)
        self._remember(kind, {"id": number, "externalId": external})
        return number

    def _seed(self, kind: str, given: Any) -> None:
        for entry in given if isinstance(given, list) else ():
            row = dict(entry) if isinstance(entry, dict) else {"externalId": entry}
            if row.get("externalId") not in self._by_external[kind]:
                self._remember(kind, {**row, "id": str(row.get("id") or self.world.next_id(kind))})

    def _remember(self, kind: str, row: Record) -> None:
        self.world.remember((kind, row["id"], row))
        if kind == "item":
            self._inventory.show([row["id"]])
        if "externalId" in row:
            self._by_external[kind][row["externalId"]] = row["id"]

    def _item_named(self, external: str, key: str) -> None:
        self._by_external["item"][external] = key

    def _find(self, request: Request) -> str | None:
        kind, name = request.path_params["kind"], request.path_params["id"]
        external = _external_id(name)
        if external is not None:
            return self._by_external[kind].get(external)
        return name if self.world.get(kind, name) is not None else None

    def _existing(self, request: Request) -> str:
        key = self._find(request)
        if key is None:
            raise by_status(404)
        return key

    def _record(self, kind: str, key: str) -> Record:
        record = self.world.get(kind, key)
        if record is None:
            raise by_status(404)
        return record

    async def _read(self, request: Request, kind: str) -> Record:
        validation = request.headers.get("x-netsuite-propertynamevalidation", "Warning")
        return documents.clean(await _json(request), kind, strict=validation.lower() == "error")

    def _shown(self, kind: str, key: str, request: Request) -> Record:
        """A record as GET answers it: sublists are links unless expandSubResources."""
        query = request.query_params
        record = {name: value for name, value in self._record(kind, key).items() if not name.startswith("_")}
        expand = query.get("expandSubResources", "").lower() == "true"
        for name in set(SUBLISTS) & set(record):
            record[name] = _sublist(record[name], self._href(kind, key) + f"/{name}", expand=expand)
        if query.get("simpleEnumFormat", "").lower() == "true" and "status" in record:
            record["status"] = record["status"]["id"]
        if "fields" in query:
            wanted = {name.strip().lower() for name in query["fields"].split(",")} | {"id"}
            record = {name: value for name, value in record.items() if name.lower() in wanted}
        return {"links": self._links(kind, key), **record}

    def _page(self, rows: list[Record], request: Request) -> Response:
        limit, offset = (int(request.query_params.get(name, d)) for name, d in (("limit", PAGE_LIMIT), ("offset", 0)))
        if not 0 < limit <= PAGE_LIMIT or offset < 0 or offset % limit:
            raise invalid_query("limit is 1 to 1000 and offset is divisible by it.")
        page = rows[offset : offset + limit]
        counts = {
            "count": len(page),
            "hasMore": offset + limit < len(rows),
            "offset": offset,
            "totalResults": len(rows),
        }
        here = f"{self.url}{request.url.path}?limit={limit}&offset="
        links = [{"rel": "next", "href": f"{here}{offset + limit}"}] if counts["hasMore"] else []
        links += [{"rel": "self", "href": f"{here}{offset}"}]
        return answer({"links": links, **counts, "items": page}, headers={"content-type": _media("collection")})

    def _href(self, kind: str, key: str) -> str:
        return f"{self.url}{RECORDS}/{kind}/{key}"

    def _links(self, kind: str, key: str) -> list[Record]:
        return [{"rel": "self", "href": self._href(kind, key)}]


def _check_kind(request: Request) -> None:
    kind = request.path_params.get("kind", KINDS[0])
    if kind not in KINDS or kind not in FIELDS:
        raise NsError(404, "NONEXISTENT_RECORD_TYPE", f"Record type '{kind}' does not exist.")


def _writable(request: Request) -> str:
    """The kind in the path, when a client may write it other than by !transform."""
    kind = str(request.path_params["kind"])
    if kind in TRANSFORMED:
        raise user_error(f"The twin makes a record of type {kind} only by !transform.")
    return kind


async def _json(request: Request) -> Record:
    try:
        body = await read_json(request)
    except ValueError as error:
        raise invalid_content(f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise invalid_content("The request body must be a JSON object.")
    return body


def _refused(error: NsError) -> Response:
    headers = {"content-type": ERROR_TYPE}
    if error.status == 401:
        headers["www-authenticate"] = 'Bearer realm="NetSuite", error="invalid_token"'
    return answer(error.body(), error.status, headers)


def _media(kind: str) -> str:
    return f"application/vnd.oracle.resource+json; type={kind}"


def _external_id(name: str) -> str | None:
    return name[4:] if name.startswith("eid:") else None


def _replaced(request: Request) -> tuple[str, ...]:
    return tuple(name.strip() for name in request.query_params.get("replace", "").split(",") if name.strip())


def _business_key(record: Record, number: str) -> str:
    """What a person would call the same thing: the external id, else the purchase order number, else the id."""
    return str(record.get("externalId") or record.get("otherRefNum") or record.get("email") or number)


def _finished_customer(record: Record) -> Record:
    person = record.get("isPerson") in (True, "T")
    if person and not (record.get("firstName") and record.get("lastName")):
        raise user_error("Please enter value(s) for: First Name, Last Name")
    if not person and not record.get("companyName"):
        raise user_error("You must enter a value for Company Name.", "companyName")
    for name in ("firstName", "lastName"):
        if len(str(record.get(name) or "")) > NAME_CHARACTERS_MAX:
            text = f"The field {name.lower()} contained more than the maximum number ( {NAME_CHARACTERS_MAX} ) of characters allowed."
            raise user_error(text, name)
    name = f"{record['firstName']} {record['lastName']}" if person else record["companyName"]
    return {**record, "entityId": record.get("entityId", name), "altName": name}


def _sublist(lines: list[Record], href: str, *, expand: bool) -> Record:
    links = [{"rel": "self", "href": href}]
    if not expand:
        return {"links": links}
    shown = [{name: value for name, value in line.items() if not name.startswith("_")} for line in lines]
    return {
        "links": links,
        "items": shown,
        "count": len(lines),
        "hasMore": False,
        "offset": 0,
        "totalResults": len(lines),
    }


def _taken_lines(order: Record, given: Record, counter: str) -> list[Record]:
    """The lines of an invoice or fulfilment: all that is open, with the quantities the request gives instead."""
    wanted = {str(line.get("orderLine")): line for line in given.get("item", [])}
    taken: list[Record] = []
    for line in order["item"]:
        ask = wanted.get(str(line["line"]), {})
        open_quantity = line["quantity"] - documents.money(line.get(counter, 0), counter)
        quantity = documents.money(ask.get("quantity", open_quantity), "quantity")
        if line.get("isClosed") or ask.get("itemReceive") is False or quantity <= 0 or open_quantity <= 0:
            continue
        if quantity > open_quantity:
            raise user_error(f"Quantity {quantity} is more than the {open_quantity} left on line {line['line']}.")
        kept = {name: line[name] for name in ("item", "rate", "description") if name in line}
        amount = line["amount"] * quantity / line["quantity"]
        taken.append({**kept, "line": line["line"], "orderLine": line["line"], "quantity": quantity, "amount": amount})
    return taken


def _with_taken(order: Record, taken: list[Record], counter: str) -> Record:
    """The order after its lines were billed or fulfilled, the return after they were received."""
    quantities = {line["line"]: line["quantity"] for line in taken}
    lines = [
        {**line, counter: documents.money(line.get(counter, 0), counter) + quantities.get(line["line"], 0)}
        for line in order["item"]
    ]
    return {**order, "item": lines}


def _with_order_status(order: Record) -> Record:
    return {**order, "status": documents.enumeration(documents.order_status(order))}
