"""The Amazon twin keeps the Selling Partner API's rules: tokens, usage plans, listings, feeds with reports, shoppers."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

TOKEN = {"x-amz-access-token": "Atza|twin"}
PLACE = "marketplaceIds=ATVPDKIKX0DER"
ITEMS = "/listings/2021-08-01/items/A2TWINSELLER"
FEEDS = "/feeds/2021-06-30"
STOCK = [
    {"sku": "MUG", "quantity": 12, "lead_time_to_ship_max_days": 5},
    {"sku": "CUP/1", "quantity": 3},
    {"sku": "FBA", "quantity": 9, "channel": "AMAZON_NA"},
]
DELAY_SECONDS = 0.3


def patch(quantity: Any, op: str = "merge", **more: Any) -> dict[str, Any]:
    value = {"fulfillment_channel_code": "DEFAULT", "quantity": quantity} | more
    return {
        "productType": "PRODUCT",
        "patches": [{"op": op, "path": "/attributes/fulfillment_availability", "value": [value]}],
    }


def feed_of(*lines: tuple[str, Any], seller: str = "A2TWINSELLER") -> dict[str, Any]:
    messages = [
        {"messageId": n, "sku": sku, "operationType": "PATCH", **patch(quantity)}
        for n, (sku, quantity) in enumerate(lines, 1)
    ]
    return {"header": {"sellerId": seller, "version": "2.0"}, "messages": messages}


def shown(twin: Any, sku: str) -> Any:
    answer = twin.send("GET", f"{ITEMS}/{sku}?{PLACE}&includedData=fulfillmentAvailability")
    return answer.json["fulfillmentAvailability"][0].get("quantity")


def upload(url: str, body: bytes, content_type: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("PUT", url[url.index("/", 8) :], body, {"content-type": content_type})
    status = connection.getresponse().status
    connection.close()
    return status


def submit(twin: Any, document: Any) -> str:
    made = twin.send("POST", f"{FEEDS}/documents", {"contentType": "application/json"}).json
    assert upload(made["url"], json.dumps(document).encode(), "application/json") == 200
    body = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": ["ATVPDKIKX0DER"],
        "inputFeedDocumentId": made["feedDocumentId"],
    }
    answer = twin.send("POST", f"{FEEDS}/feeds", body)
    assert answer.status == 202, answer.text
    return str(answer.json["feedId"])


def report(twin: Any, feed: dict[str, Any]) -> Any:
    found = twin.send("GET", f"{FEEDS}/documents/{feed['resultFeedDocumentId']}").json
    connection = http.client.HTTPConnection(urlsplit(found["url"]).netloc, timeout=10)
    connection.request("GET", found["url"][found["url"].index("/", 8) :])
    body = connection.getresponse().read()
    connection.close()
    assert found["compressionAlgorithm"] == "GZIP"
    return json.loads(gzip.decompress(body))


def ended(twin: Any, feed: str) -> Any:
    """The feed when it has ended."""
    deadline = time.monotonic() + 60
    while (row := twin.send("GET", f"{FEEDS}/feeds/{feed}").json)["processingStatus"] in ("IN_QUEUE", "IN_PROGRESS"):
        assert time.monotonic() < deadline
    return row


def until_shown(twin: Any, sku: str, quantity: int) -> float:
    began = time.monotonic()
    while shown(twin, sku) != quantity:
        assert time.monotonic() - began < 60
    return time.monotonic() - began


@pytest.fixture
def amazon(start_twin: Any) -> Any:
    """A twin without limits, which shows what it accepts at once."""
    return start_twin("amazon", {"usage_plans": "off", "items": STOCK, "orders_settled_seconds": 0}, TOKEN)


def test_a_token_is_given_for_the_refresh_token_and_ends(start_twin: Any) -> None:
    """C79: without a token that is alive Amazon answers 403, not 401; a client that only knows 401 would stop for good."""
    twin = start_twin("amazon", {"token_lifetime_seconds": 0.2, "items": STOCK, "usage_plans": "off"})
    form = {
        "grant_type": "refresh_token",
        "refresh_token": "Atzr|twin",
        "client_id": "amzn1.application-oa2-client.twin",
    }
    good = urlencode(form | {"client_secret": "amzn1.oa2-cs.v1.twin"})
    kind = {"content-type": "application/x-www-form-urlencoded"}
    given = twin.send("POST", "/auth/o2/token", good, kind).json
    headers = {"x-amz-access-token": given["access_token"]}
    assert twin.send("GET", f"{ITEMS}/MUG?{PLACE}", headers=headers).status == 200
    while (late := twin.send("GET", f"{ITEMS}/MUG?{PLACE}", headers=headers)).status == 200:
        pass  # until the life of the token is over
    assert (late.status, late.json["errors"][0]["code"]) == (403, "Unauthorized")
    assert "expired" in late.json["errors"][0]["details"]
    assert "missing" in twin.send("GET", f"{ITEMS}/MUG?{PLACE}").text
    wrong = twin.send("POST", "/auth/o2/token", urlencode(form | {"client_secret": "no"}), kind)
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
    other = twin.send("POST", "/auth/o2/token", good.replace("Atzr%7Ctwin", "Atzr%7Cother"), kind)
    assert (other.status, other.json["error"]) == (400, "invalid_grant")


def test_a_patch_says_from_what_to_what(amazon: Any) -> None:
    """The ledger is what tests of overselling count: each change with the number before and after, and who made it."""
    answer = amazon.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(7))
    assert (answer.status, answer.json["status"], answer.json["issues"]) == (200, "ACCEPTED", [])
    assert shown(amazon, "MUG") == 7
    amazon.send("POST", "/_twin/quantity", {"sku": "MUG", "quantity": 9})
    told = [
        (row["key"], row["detail"]["from"], row["detail"]["to"], row["detail"]["by"])
        for row in amazon.effects("quantity.set")
    ]
    assert told == [("MUG", 12, 7, "patch"), ("MUG", 7, 9, "seller")]
    assert amazon.send("PATCH", f"{ITEMS}/CUP%2F1?{PLACE}", patch(1)).json["sku"] == "CUP/1"


def test_merge_keeps_what_replace_forgets(amazon: Any) -> None:
    """A write of stock must not clear the seller's lead time: that is what `merge` is for; `replace` is the control."""
    for op, kept in (("merge", 5), ("replace", None)):
        amazon.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(1, op))
        found = amazon.send("GET", f"{ITEMS}/MUG?{PLACE}&includedData=attributes").json["attributes"]
        assert found["fulfillment_availability"][0].get("lead_time_to_ship_max_days") == kept


@pytest.mark.parametrize(
    ("sku", "body", "code"),
    [
        ("MUG", patch(-1), "90000900"),
        ("MUG", patch(1.5), "90000900"),
        ("FBA", patch(5), "4000003"),
        (
            "MUG",
            {"productType": "X", "patches": [{"op": "replace", "path": "/attributes/brand", "value": [{}]}]},
            "NOT-IMITATED",
        ),
    ],
)
def test_what_is_wrong_is_an_issue_and_changes_nothing(amazon: Any, sku: str, body: Any, code: str) -> None:
    """C64: INVALID is a 200; a client that looks at the status alone believes it was written."""
    answer = amazon.send("PATCH", f"{ITEMS}/{sku}?{PLACE}", body)
    assert (answer.status, answer.json["status"], answer.json["issues"][0]["code"]) == (200, "INVALID", code)
    assert amazon.effects("quantity.set") == []


def test_malformed_and_misdirected_requests_are_refused(amazon: Any) -> None:
    """The errors of the models: 400 without the channel or the marketplace, 403 for another seller, 404 for no listing."""
    no_channel = patch(1)
    del no_channel["patches"][0]["value"][0]["fulfillment_channel_code"]
    assert amazon.send("PATCH", f"{ITEMS}/MUG?{PLACE}", no_channel).status == 400
    assert amazon.send("PATCH", f"{ITEMS}/MUG", patch(1)).status == 400
    assert amazon.send("PATCH", f"/listings/2021-08-01/items/OTHER/MUG?{PLACE}", patch(1)).status == 403
    assert amazon.send("GET", f"{ITEMS}/NONE?{PLACE}").status == 404
    assert amazon.send("PATCH", f"{ITEMS}/MUG?{PLACE}&mode=VALIDATION_PREVIEW", patch(1)).json["status"] == "VALID"
    assert amazon.effects() == []


def test_a_sku_without_a_listing_is_accepted_as_amazon_does(amazon: Any) -> None:
    """C63: "expected behavior" of Amazon, and a trap: an accepted write may be seen by nobody."""
    assert amazon.send("PATCH", f"{ITEMS}/NONE?{PLACE}", patch(5)).json["status"] == "ACCEPTED"
    assert amazon.send("GET", f"{ITEMS}/NONE?{PLACE}").json["summaries"] == []


def test_search_pages_and_ends_at_a_thousand(start_twin: Any) -> None:
    """Who wants all of a large catalogue has to begin again from the last creation date; paging alone ends at 1,000."""
    twin = start_twin("amazon", {"usage_plans": "off", "items": 1030}, TOKEN)
    query = (
        f"{ITEMS}?{PLACE}&sortBy=createdDate&sortOrder=ASC&pageSize=20&includedData=summaries,fulfillmentAvailability"
    )
    found, token = [], ""
    while True:
        page = twin.send("GET", query + token).json
        found += [item["sku"] for item in page["items"]]
        if "nextToken" not in page["pagination"]:
            break
        token = f"&pageToken={page['pagination']['nextToken']}"
    assert (len(found), page["numberOfResults"], found[0]) == (1000, 1030, "SKU-000001")
    last = page["items"][-1]["summaries"][0]["createdDate"].replace("+", "%2B")
    rest = twin.send("GET", f"{query}&createdAfter={last}").json
    assert (rest["numberOfResults"], rest["items"][0]["sku"]) == (31, found[-1])
    some = twin.send("GET", f"{ITEMS}?{PLACE}&identifiersType=SKU&identifiers=SKU-000003,NONE,SKU-000001").json
    assert [item["sku"] for item in some["items"]] == ["SKU-000001", "SKU-000003"][::-1]
    many = ",".join(f"SKU-{n:06}" for n in range(1, 22))
    assert twin.send("GET", f"{ITEMS}?{PLACE}&identifiersType=SKU&identifiers={many}").status == 400


def test_a_feed_reports_message_by_message(amazon: Any) -> None:
    """C60: one poison line is named by its messageId, the others are written."""
    feed = submit(amazon, feed_of(("MUG", 5), ("FBA", 1), ("CUP/1", -4), ("CUP/1", 2)))
    found = report(amazon, ended(amazon, feed))
    assert [(issue["messageId"], issue["sku"], issue["code"]) for issue in found["issues"]] == [
        (2, "FBA", "4000003"),
        (3, "CUP/1", "90000900"),
    ]
    assert found["header"]["feedId"] == feed
    assert (found["summary"]["messagesAccepted"], found["summary"]["messagesInvalid"]) == (2, 2)
    assert (shown(amazon, "MUG"), shown(amazon, "CUP%2F1"), shown(amazon, "FBA")) == (5, 2, None)


@pytest.mark.parametrize("document", [{"messages": []}, feed_of(("MUG", 1), seller="OTHER"), "no feed"])
def test_a_feed_that_cannot_be_read_has_one_issue_without_a_message(amazon: Any, document: Any) -> None:
    """The report then speaks of no message at all: whoever looks for issues by message finds none, and none was written."""
    found = report(amazon, ended(amazon, submit(amazon, document)))
    assert [issue.get("messageId") for issue in found["issues"]] == [None]
    assert found["summary"]["messagesProcessed"] == 0
    assert amazon.effects("quantity.set") == []


def test_documents_are_signed_with_their_content_type(amazon: Any) -> None:
    """An upload with another content type, or another signature, is refused by the bucket; without one no feed is made."""
    made = amazon.send("POST", f"{FEEDS}/documents", {"contentType": "application/json; charset=UTF-8"}).json
    assert upload(made["url"], b"{}", "application/json") == 403
    assert upload(made["url"] + "0", b"{}", "application/json; charset=UTF-8") == 403
    body = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": ["ATVPDKIKX0DER"],
        "inputFeedDocumentId": made["feedDocumentId"],
    }
    assert amazon.send("POST", f"{FEEDS}/feeds", body).status == 400
    assert upload(made["url"], b"{}", "application/json; charset=UTF-8") == 200
    assert amazon.send("POST", f"{FEEDS}/feeds", body).status == 202


def test_a_feed_in_the_queue_overwrites_what_was_patched_meanwhile(amazon: Any) -> None:
    """Feeds wait behind each other, patches do not: an old number lands over a newer one unless the client waits."""
    amazon.send("POST", "/_twin/feeds/hold", {})
    first, second = submit(amazon, feed_of(("MUG", 5))), submit(amazon, feed_of(("CUP/1", 1)))
    listed = amazon.send(
        "GET", f"{FEEDS}/feeds?feedTypes=JSON_LISTINGS_FEED&processingStatuses=IN_QUEUE,IN_PROGRESS"
    ).json
    assert [feed["feedId"] for feed in listed["feeds"]] == [second, first]
    amazon.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(8))
    assert amazon.send("DELETE", f"{FEEDS}/feeds/{second}").status == 200
    amazon.send("POST", "/_twin/feeds/release", {})
    ended(amazon, first)
    assert shown(amazon, "MUG") == 5
    assert [row["detail"]["by"] for row in amazon.effects("quantity.set")] == ["patch", "feed"]
    assert ended(amazon, second)["processingStatus"] == "CANCELLED"


def test_a_fatal_feed_may_have_done_a_part(amazon: Any) -> None:
    """ "Some, none, or all of the operations within the feed may have completed": whoever calls it refused is wrong."""
    amazon.send("POST", "/_twin/feeds/next", {"status": "FATAL", "messages": 1, "report": False})
    row = ended(amazon, submit(amazon, feed_of(("MUG", 5), ("CUP/1", 1))))
    assert row["processingStatus"] == "FATAL"
    assert "resultFeedDocumentId" not in row
    assert (shown(amazon, "MUG"), shown(amazon, "CUP%2F1")) == (5, 3)


def test_accepted_is_seen_later_and_survives_a_kill(start_twin: Any) -> None:
    """Amazon accepts first and shows later: meanwhile shoppers buy of the old number, and the write lands over it."""
    twin = start_twin("amazon", {"usage_plans": "off", "items": STOCK, "visible_after_seconds": DELAY_SECONDS}, TOKEN)
    twin.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(10))
    assert shown(twin, "MUG") == 12
    assert twin.send("POST", "/_twin/sales", {"sku": "MUG", "quantity": 4}).status == 201
    twin.stop(kill=True)
    twin.start()
    until_shown(twin, "MUG", 10)
    assert [(row["detail"]["from"], row["detail"]["to"]) for row in twin.effects("quantity.set")] == [(8, 10)]
    assert twin.effects("quantity.accept")[0]["detail"]["shown"] == 12


def test_shoppers_buy_what_they_see_and_no_more(amazon: Any) -> None:
    """An order takes its units at once; the seller hears of it by searchOrders, also when it is cancelled."""
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    order = amazon.send("POST", "/_twin/sales", {"lines": [{"sku": "MUG", "quantity": 2}, {"sku": "CUP/1"}]}).json
    assert amazon.send("POST", "/_twin/sales", {"sku": "MUG", "quantity": 11}).status == 409
    assert (shown(amazon, "MUG"), shown(amazon, "CUP%2F1")) == (10, 2)
    path = f"/orders/2026-01-01/orders?lastUpdatedAfter={since}"
    found = amazon.send("GET", path).json["orders"]
    assert [line["product"]["sellerSku"] for line in found[0]["orderItems"]] == ["MUG", "CUP/1"]
    amazon.send("POST", f"/_twin/orders/{order['orderId']}/cancel", {})
    assert shown(amazon, "MUG") == 12
    assert amazon.send("GET", path).json["orders"][0]["fulfillment"]["fulfillmentStatus"] == "CANCELLED"
    assert amazon.send("POST", f"/_twin/orders/{order['orderId']}/ship", {}).status == 404


def test_the_last_two_minutes_of_orders_are_not_told(start_twin: Any) -> None:
    """searchOrders ends two minutes before the request: a cursor that jumps to now would lose these orders."""
    twin = start_twin("amazon", {"items": STOCK}, TOKEN)
    twin.send("POST", "/_twin/sales", {"sku": "MUG"})
    body = twin.send("GET", "/orders/2026-01-01/orders?lastUpdatedAfter=2026-01-01T00:00:00Z").json
    assert body["orders"] == []
    assert body["lastUpdatedBefore"] < datetime.now(UTC).isoformat()


def test_each_operation_has_its_own_usage_plan(start_twin: Any) -> None:
    """Five patches at once, then 429 QuotaExceeded; reading goes on: the plans are of operations, not of the application."""
    twin = start_twin("amazon", {"items": STOCK, "usage_plans": {"patchListingsItem": [0.001, 5]}}, TOKEN)
    statuses = [twin.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(n)).status for n in range(6)]
    assert statuses == [200] * 5 + [429]
    answer = twin.send("GET", f"{ITEMS}/MUG?{PLACE}")
    assert (answer.status, answer.headers["x-amzn-ratelimit-limit"]) == (200, "5")
    refused = twin.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(1))
    assert refused.json["errors"][0]["code"] == "QuotaExceeded"
    assert "x-amzn-ratelimit-limit" not in refused.headers
    assert twin.send("GET", "/_twin/state").json["refused_by_usage_plan"] == {"patchListingsItem": 2}
    free = start_twin("amazon", {"items": STOCK, "usage_plans": "off"}, TOKEN, data="free")
    assert {free.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(n)).status for n in range(20)} == {200}


def test_a_lost_answer_is_applied_and_an_error_is_not(amazon: Any) -> None:
    """The faults of all twins strike here as well, in Amazon's own words."""
    amazon.add_fault(kind="reset_after", count=1, match={"method": "PATCH"})
    with pytest.raises(ConnectionError):
        amazon.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(4))
    assert shown(amazon, "MUG") == 4
    amazon.add_fault(kind="status", status=503, count=1)
    answer = amazon.send("PATCH", f"{ITEMS}/MUG?{PLACE}", patch(5))
    assert (answer.status, answer.json["errors"][0]["code"]) == (503, "ServiceUnavailable")
    assert shown(amazon, "MUG") == 4
