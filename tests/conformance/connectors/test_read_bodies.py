"""What is read of Shopify over GraphQL, as a body, against the body that its webhook tells: each difference is listed with a reason."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.error import HTTPError

import msgspec
import pytest
from body_differences import differences, unknown
from test_sources import SHOPIFY, canonical, read, run, told
from vendor_cases import Case, Twin

from interlock.connectors.shopify.body import subject_of
from interlock.twins.shopify.scenarios import SCENARIOS

case = pytest.mark.parametrize("case", [SHOPIFY], ids=["shopify"])

CHECKOUT = "of the buyer's checkout and browser, of no use behind it"
PER_LINE = "Admin GraphQL gives it for a point or more a line; the variant has it"
STAFF = "who at the shop did it, on which device: needs read_users, and no flow asks"
NOT_THERE = "Admin GraphQL has no such field"
OF_ORDER = "the order itself has the whole line"
ORDER = {
    **dict.fromkeys(("browser_ip", "cart_token", "checkout_token", "client_details", "landing_site", "landing_site_ref",
                     "referring_site", "reference", "source_url", "token"), CHECKOUT),
    **dict.fromkeys(("device_id", "user_id", "refunds[].user_id", "line_items[].attributed_staffs"), STAFF),
    **dict.fromkeys(("line_items[].fulfillment_service", "line_items[].grams", "line_items[].duties[].tax_lines",
                     "line_item_groups"), PER_LINE),
    **dict.fromkeys(("number", "line_items[].variant_inventory_management",
                     "shipping_lines[].requested_fulfillment_service_id"), NOT_THERE),
    "refunds[].refund_line_items[].line_item.*": OF_ORDER,
    "refunds[].refund_shipping_lines[].shipping_line.*": OF_ORDER,
    "fulfillments[].line_items[].*": OF_ORDER,
    "fulfillments[].destination": "the order's shipping address",
    "fulfillments[].origin_address": "the location's",
    "fulfillments[].receipt": NOT_THERE,
    **{f"refunds[].transactions[].{name}": STAFF for name in ("device_id", "user_id", "location_id", "source_name")},
    **{f"refunds[].transactions[].{name}": "what the gateway answered; amounts and states are read" for name in
       ("amount_rounding", "authorization", "message", "receipt", "total_unsettled_set")},
    "returns": "objects of their own",
}  # fmt: skip
"""Member -> why it is not in what is read, or otherwise. None of them is read by mapping.toml or the money modules."""

LIVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {}),
    ("edit", {"add": [{"sku": "MUG-W", "quantity": 2}]}),
    ("fulfil", {"lines": {"0": 1}}),
    ("track", {"tracking_number": "1Z", "company": "UPS"}),
    ("refund", {"lines": {"0": 1}}),
    ("cancel", {}),
)


@case
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_an_order_reads_as_it_was_told(case: Case, twin: Twin, scenario: str) -> None:
    """Whoever maps a member of the webhook's body finds it in what is read, with the same value and type: placed, edited,
    shipped, refunded, cancelled (C33). A new difference is either repaired or listed above with its reason. And to the last
    digit of every amount and id it is the same canonical order (C12), so that one mapping serves both."""
    key = str(twin.call("POST", "/_twin/orders", {"count": 1, "scenario": scenario})["orders"][0]["id"])
    for change, body in LIVES:
        try:
            if change:
                twin.call("POST", f"/_twin/orders/{key}/{change}", body)
        except HTTPError as refused:
            refused.close()
            continue
        was_told, was_read = told(twin, key), run(twin, read(key))
        assert canonical(was_read) == canonical(was_told), change
        found = msgspec.json.decode(was_read)
        assert unknown(differences(msgspec.json.decode(was_told), found), ORDER) == {}, change
        assert subject_of(was_told, "").complete and subject_of(was_read, "").complete, "else it would be read once more"


def test_a_difference_would_be_found() -> None:
    """The control: a digit, a type, a member and a row more are each a difference; another zone is none."""
    body = {"a": "1.00", "b": 1, "c": [{"d": None}], "t": "2026-07-01T12:17:28-04:00", "e": False}
    assert list(differences(body, {**body, "t": "2026-07-01T16:17:28Z", "more": 1, "b": 1.0})) == []
    wrong = {"a": "1.0", "b": "1", "c": [{"d": 1}, {"d": None}], "t": "2026-07-01T16:17:29Z", "e": 0}
    assert [member for member, _ in differences(body, wrong)] == ["a", "b", "c", "t", "e"]
    assert [member for member, _ in differences(body, {"c": [{}]})] == ["a", "b", "c[].d", "t", "e"]


@pytest.fixture
def hooks() -> Iterator[tuple[str, Queue[tuple[str, bytes]]]]:
    """An address, and what came there: (topic, body)."""
    got: Queue[tuple[str, bytes]] = Queue()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put((self.headers["X-Shopify-Topic"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks", got
    server.shutdown()
    thread.join()
    server.server_close()


TOPICS = {
    "customers/update": "customer", "products/update": "product", "refunds/create": "refund",
    "fulfillments/create": "fulfillment", "inventory_levels/update": "inventory_level",
}  # fmt: skip
OBJECTS: dict[str, dict[str, str]] = {
    "customer": {},
    "product": {
        **dict.fromkeys(("image", "images", "media", "category", "variants[].image_id"), "pictures and categories cost "
                        "points for each product or variant, and no flow asks for them"),
        **dict.fromkeys(("published_scope", "variants[].old_inventory_quantity"), NOT_THERE),
        "has_variants_that_requires_components": "bundles are not handled",
    },
    "refund": {name.removeprefix("refunds[]."): why for name, why in ORDER.items() if name.startswith("refunds[].")},
    "fulfillment": {
        name.removeprefix("fulfillments[]."): why for name, why in ORDER.items() if name.startswith("fulfillments[].")
    },
    "inventory_level": {},
}  # fmt: skip
"""Object -> member -> why it is not in what is read, or otherwise."""
CHANGES = (
    'mutation { customerUpdate(input: {id: "%s", note: "x"}) { userErrors { message } } }',
    'mutation { productUpdate(product: {id: "%s", vendor: "N"}) { userErrors { message } } }',
)


@case
def test_other_objects_read_as_they_were_told(
    case: Case, twin: Twin, hooks: tuple[str, Queue[tuple[str, bytes]]]
) -> None:
    """A customer, a product, a refund, a parcel and a stock level, each against the body of its own webhook, end to end."""
    address, got = hooks
    run(twin, lambda source: source.subscribe(TOPICS, address, timeout_seconds=5))
    order = str(twin.call("POST", "/_twin/orders", {"count": 1, "scenario": "plain"})["orders"][0]["id"])
    twin.call("POST", f"/_twin/orders/{order}/fulfil", {"lines": {"0": 1}})
    twin.call("POST", f"/_twin/orders/{order}/refund", {"lines": {"0": 1}})
    body = msgspec.json.decode(told(twin, order))
    owners = body["customer"]["admin_graphql_api_id"], f"gid://shopify/Product/{body['line_items'][0]['product_id']}"
    for mutation, gid in zip(CHANGES, owners, strict=True):
        post(twin, mutation % gid)
    bodies: dict[str, Any] = {}
    while bodies.keys() != set(TOPICS.values()):
        topic, raw = got.get(timeout=60)
        bodies[TOPICS[topic]] = msgspec.json.decode(raw)
    found = {}
    for name, one in bodies.items():
        key = f"{one['inventory_item_id']}:{one['location_id']}" if name == "inventory_level" else str(one["id"])
        raw = run(twin, read(key, name=name))
        assert isinstance(raw, bytes), (name, raw)
        assert name != "customer" or subject_of(raw, "").complete
        found[name] = unknown(differences(one, msgspec.json.decode(raw)), OBJECTS[name])
    assert not any(found.values()), found


def post(twin: Twin, query: str) -> None:
    """As an app of the shop's."""
    request = urllib.request.Request(
        f"{twin.url}/admin/api/2026-07/graphql.json",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json", "X-Shopify-Access-Token": SHOPIFY.credentials["access_token"]},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        said = json.load(answer)
    assert "errors" not in said and not next(iter(said["data"].values()))["userErrors"], said
