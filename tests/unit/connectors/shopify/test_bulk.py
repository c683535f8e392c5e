"""A bulk operation of a store as the hub sees it: begun, looked at, its lines put together; and what may go wrong with each."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

import msgspec
import pytest

from interlock.clock import VirtualClock
from interlock.connectors import registry
from interlock.connectors.contract import Answer, BulkState, Connection, Reach, Refused, Retry, Whole, WholePage
from interlock.connectors.shopify.bulk import ShopifyBulk, bulk_query
from interlock.connectors.shopify.scopes import needed, wished

NOW_US = 1_767_225_600_000_000  # 1 January 2026
DAY_US = 86_400_000_000
NEEDED = {clause[0] for clause in needed(["orders_page"], "2026-07")}
WISHED = {clause[0] for clause in wished(["orders_page"], "2026-07")}
ALL = NEEDED | WISHED | {"read_all_orders"}


def scopes(handles: Iterable[str]) -> dict[str, Any]:
    """What access_scopes.graphql answers."""
    return {"currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in handles]}}


class FakeStore:
    """Answers documents by their operation's name, and has one file."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"access_scopes": scopes(ALL)} | answers
        self.file: list[bytes | Answer] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.fetched = 0

    async def send(self, _method: str, _url: str, _headers: object, body: bytes, _seconds: float) -> Answer:
        asked = json.loads(body)
        name = re.search(r"(?:query|mutation) (\w+)", asked["query"]).group(1)  # type: ignore[union-attr]
        self.asked.append((name, asked["variables"]))
        found = self.answers[name]
        return Answer(200, {}, json.dumps(found if "errors" in found else {"data": found}).encode())

    async def lines(self, _url: str, *, silence_seconds: float) -> AsyncGenerator[bytes | Answer, None]:
        for line in self.file:
            self.fetched += 1
            yield line


def bulk_of(store: FakeStore) -> ShopifyBulk:
    connection = Connection(
        system="shop", url="https://a.myshopify.com", settings={"api_version": "2026-07"},
        credentials={"access_token": "shpat_x"}, builders={}, http=store, clock=VirtualClock(NOW_US // 1000),  # type: ignore[arg-type]
    )  # fmt: skip
    made: ShopifyBulk = registry.open_offer("shopify", "bulk", connection)
    return made


def product(number: int) -> dict[str, Any]:
    """As documents/bulk/products.graphql asks for it."""
    return {
        "id": f"gid://shopify/Product/{number}", "title": f"Shirt {number}", "descriptionHtml": "", "vendor": "Acme",
        "productType": "", "handle": f"shirt-{number}", "status": "ACTIVE", "tags": [], "templateSuffix": None,
        "createdAt": f"2025-01-01T00:00:{number:02}Z", "updatedAt": "2025-06-01T00:00:00Z",
        "publishedAt": None, "options": [],
    }  # fmt: skip


def variant(number: int, of: int) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ProductVariant/{of}{number}", "title": "M", "sku": f"S-{of}-{number}", "barcode": None,
        "position": number, "price": "10.00", "compareAtPrice": None, "taxable": True, "inventoryPolicy": "DENY",
        "inventoryQuantity": 1, "createdAt": "2025-01-01T00:00:00Z", "updatedAt": "2025-01-01T00:00:00Z",
        "selectedOptions": [],
        "inventoryItem": {"id": "gid://shopify/InventoryItem/1", "requiresShipping": True, "tracked": True,
                          "measurement": {"weight": {"unit": "GRAMS", "value": 100}}},
        "__parentId": f"gid://shopify/Product/{of}",
    }  # fmt: skip


def lines(count: int) -> list[bytes | Answer]:
    """Each product with two variants: three lines."""
    rows = [row for one in range(1, count + 1) for row in (product(one), variant(1, one), variant(2, one))]
    return [json.dumps(row).encode() for row in rows]


def read(
    store: FakeStore, *, from_line: int = 0, partial: bool = False
) -> tuple[list[Whole], list[Retry | Refused]]:
    """What comes of the file: objects, and what stopped them."""

    async def go() -> list[Whole | Retry | Refused]:
        state = BulkState(id="b", state="failed" if partial else "done", url="https://results/1", partial=partial)
        return [one async for one in bulk_of(store).objects("product", state, from_line=from_line)]

    found = asyncio.run(go())
    return [one for one in found if isinstance(one, Whole)], [one for one in found if not isinstance(one, Whole)]


def ask(store: FakeStore, call: Callable[[ShopifyBulk], Any]) -> Any:
    async def go() -> Any:
        return await call(bulk_of(store))

    return asyncio.run(go())


def test_lines_become_whole_objects() -> None:
    """A product has its variants, in the shape of its webhook; its line is where the next one begins."""
    store = FakeStore()
    store.file = lines(3)
    found, stopped = read(store)
    assert [(one.subject.object, one.subject.key, one.line) for one in found] == [
        ("product", "1", 3), ("product", "2", 6), ("product", "3", 9),
    ]  # fmt: skip
    assert [one["sku"] for one in json.loads(found[1].body)["variants"]] == ["S-2-1", "S-2-2"]
    assert (stopped, found[0].created) == ([], 1_735_689_601_000_000)


def test_a_resumed_reading_begins_behind_what_was_taken_in() -> None:
    """C77: the lines before are passed over, and the bodies are byte for byte those of the first reading."""
    store = FakeStore()
    store.file = lines(3)
    assert read(store, from_line=3)[0] == read(store)[0][1:]


def test_the_last_object_of_a_partial_result_may_lack_children() -> None:
    """C74: what failed in the middle of a product says nothing about the rest of its variants. The control: the same
    lines of an operation that ended well are all."""
    store = FakeStore()
    store.file = lines(2)[:5]
    assert [one.subject.key for one in read(store, partial=True)[0]] == ["1"]
    assert [one.subject.key for one in read(store)[0]] == ["1", "2"]


@pytest.mark.parametrize(
    ("status", "kind"), [(0, Retry), (503, Retry), (403, Refused), (404, Refused), (400, Refused)]
)
def test_a_result_that_breaks_off_gives_what_was_whole(status: int, kind: type) -> None:
    """A cut line is read on later; an address that died after seven days is asked for again (C74)."""
    store = FakeStore()
    many = 60
    broken = Answer(status, {}, b"", error=None if status else "cut", code="" if status else "NET003")
    store.file = [*lines(many)[:-1], broken]
    found, (stopped,) = read(store)
    assert isinstance(stopped, kind)
    assert [one.subject.key for one in found] == [str(number) for number in range(1, 51)], "by fifties, none of them cut"


@pytest.mark.parametrize(
    ("operation", "state", "partial"),
    [
        ({"status": "CREATED"}, "running", False),
        ({"status": "CANCELING"}, "running", False),
        ({"status": "COMPLETED", "url": "u", "rootObjectCount": "7"}, "done", False),
        ({"status": "COMPLETED", "url": None, "rootObjectCount": "0"}, "done", False),
        ({"status": "COMPLETED", "url": None, "rootObjectCount": "7"}, "expired", False),
        ({"status": "EXPIRED"}, "expired", False),
        ({"status": "FAILED", "errorCode": "TIMEOUT", "partialDataUrl": "p"}, "failed", True),
        ({"status": "CANCELED"}, "cancelled", False),
        (None, "expired", False),
    ],
)
def test_every_state_of_an_operation_is_one_of_ours(operation: Any, state: str, partial: bool) -> None:
    """A completed operation without a file had nothing, or its seven days are over: the count tells."""
    store = FakeStore(bulk_look={"bulkOperation": operation and {"id": "b", **operation}})
    found = ask(store, lambda bulk: bulk.look("b", timeout_seconds=5))
    assert (found.state, found.partial) == (state, partial)


def test_an_operation_that_the_store_does_not_know_is_over() -> None:
    """A cancellation that is answered with no operation has nothing left to cancel."""
    nothing = {"bulkOperationCancel": {"bulkOperation": None, "userErrors": []}}
    found = ask(FakeStore(bulk_cancel=nothing), lambda bulk: bulk.cancel("b", timeout_seconds=5))
    assert (found.id, found.state) == ("b", "expired")


def test_the_sixth_operation_is_told_to_wait() -> None:
    """C74: a userError of the payload, in a 200. The control: a query that is wrong is refused for good."""
    payload = {"bulkOperation": None, "userErrors": [{"code": "LIMIT_REACHED", "field": None, "message": "limit"}]}
    busy = ask(
        FakeStore(bulk_begin={"bulkOperationRunQuery": payload}),
        lambda bulk: bulk.begin("order", since=0, until=NOW_US, timeout_seconds=5),
    )
    assert isinstance(busy, Retry) and busy.retry_after_seconds >= 5
    payload["userErrors"] = [{"code": "INVALID", "field": ["query"], "message": "no"}]
    wrong = ask(
        FakeStore(bulk_begin={"bulkOperationRunQuery": payload}),
        lambda bulk: bulk.begin("order", since=0, until=NOW_US, timeout_seconds=5),
    )
    assert isinstance(wrong, Refused)


def granted(*handles: str) -> FakeStore:
    return FakeStore(access_scopes=scopes(handles), orders_count={"ordersCount": {"count": 812}})


@pytest.mark.parametrize(
    ("handles", "days", "missing"),
    [
        (ALL, 400, False),
        ((ALL - {"read_orders"}) | {"write_orders"}, 400, False),
        (NEEDED | WISHED, 30, False),
        (NEEDED | WISHED, 400, True),
    ],
)
def test_less_than_everything_is_said_at_once(handles: set[str], days: int, missing: bool) -> None:
    """C76: an app without read_all_orders sees sixty days; it is told before anything begins, with what to do."""
    found = ask(
        granted(*handles),
        lambda bulk: bulk.reach("order", since=NOW_US - days * DAY_US, until=NOW_US, timeout_seconds=5),
    )
    assert isinstance(found, Reach) and found.count == 812
    assert bool(found.missing) == missing == ("read_all_orders" in found.next_move)


def test_a_scope_that_a_field_needs_is_named_before_the_store_refuses_all() -> None:
    """A bulk query that may not have one of its fields fails as a whole, when it is at it: said at once, with the scope."""
    scope = next(iter(sorted(NEEDED - {"read_orders"})))
    found = ask(
        granted(*(ALL - {scope})),
        lambda bulk: bulk.reach("order", since=NOW_US, until=NOW_US, timeout_seconds=5),
    )
    assert isinstance(found, Reach) and scope in found.missing and scope in found.next_move


@pytest.mark.parametrize(
    ("lacking", "words"), [("read_payment_terms", "the payment terms of orders"), ("read_locations", "the locations of")]
)
def test_a_part_that_may_not_be_read_is_left_out_and_said(lacking: str, words: str) -> None:
    """An optional part without its scope is missing from the bodies, not a reason to read nothing; it is told before."""
    store = granted(*(ALL - {lacking}))
    found = ask(store, lambda bulk: bulk.reach("order", since=NOW_US, until=NOW_US, timeout_seconds=5))
    assert isinstance(found, Reach) and words in found.missing and lacking in found.next_move
    begun = {"bulkOperation": {"id": "b", "status": "CREATED"}, "userErrors": []}
    store.answers["bulk_begin"] = {"bulkOperationRunQuery": begun}
    ask(store, lambda bulk: bulk.begin("order", since=0, until=NOW_US, timeout_seconds=5))
    field = {"read_payment_terms": "paymentTerms", "read_locations": "retailLocation"}[lacking]
    sent = store.asked[-1][1]["query"]
    assert field not in sent and "lineItems" in sent and "@include" not in sent and "$" not in sent
    assert field in bulk_query("order", 0, NOW_US)


def test_without_the_scope_nothing_begins() -> None:
    """An operation that fails in an hour for want of a scope is an hour late."""
    found = ask(granted("read_products"), lambda bulk: bulk.reach("order", since=0, until=NOW_US, timeout_seconds=5))
    assert isinstance(found, Refused) and "read_orders" in found.message


def test_pages_go_on_and_end() -> None:
    """The cursor carries how many came before, since a connection ends at 25,000 objects (C75)."""
    page = {"nodes": [{**product(1), "variants": {"nodes": [], "pageInfo": {"hasNextPage": False}}}]}
    store = FakeStore(products_page={"products": {**page, "pageInfo": {"hasNextPage": True, "endCursor": "abc"}}})
    found = ask(store, lambda bulk: bulk.page("product", since=0, until=NOW_US, after="", timeout_seconds=5))
    assert isinstance(found, WholePage) and (len(found.items), found.after) == (1, "1 abc")
    ask(store, lambda bulk: bulk.page("product", since=0, until=NOW_US, after="50 abc", timeout_seconds=5))
    assert store.asked[-1][1]["after"] == "abc"
    deep = ask(store, lambda bulk: bulk.page("product", since=0, until=NOW_US, after="20000 abc", timeout_seconds=5))
    assert isinstance(deep, Refused) and deep.code == "WINDOW-TOO-LARGE"


def test_a_list_of_fractions_keeps_its_digits() -> None:
    """A weight of 0.1 stays 0.1: numbers of a result never pass through a float."""
    store = FakeStore()
    heavy = variant(1, 1)
    heavy["inventoryItem"]["measurement"]["weight"] = {"unit": "KILOGRAMS", "value": 0.1}
    store.file = [json.dumps(product(1)).encode(), json.dumps(heavy).encode()]
    assert b"0.1" in read(store)[0][0].body and msgspec.json.decode(read(store)[0][0].body)
