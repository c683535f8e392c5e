"""Reading Amazon's listings: all of them although a search ends at a thousand, some of them, and who may sign in."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from interlock.clock import SystemClock
from interlock.connectors.amazon.listings import Listing
from interlock.connectors.contract import Refused, Retry, stock

PATH = "/listings/2021-08-01/items/A2TWINSELLER"
MARKETPLACE = "ATVPDKIKX0DER"
SECONDS = 60.0
RATE, BURST = 5, 5


async def everything(read: Any) -> list[Any]:
    """All pages of a listing."""
    pages, after = [], ""
    while True:
        page = await read(after, timeout_seconds=SECONDS)
        pages.append(page)
        if not (after := page.after):
            return pages


def test_all_listings_are_read_although_a_search_ends_at_a_thousand(sellers: Any) -> None:
    """C62: Amazon pages through 1,000 results; the reading begins anew at the last date, shows each SKU once, and keeps the
    usage plan. Control: paging alone loses the rest."""
    seller = sellers(items=1030)
    began = seller.clock.monotonic()
    pages = seller.run(lambda channel: everything(channel.items))
    took = seller.clock.monotonic() - began
    skus = [item.sku for page in pages for item in page.items]
    assert len(skus) == len(set(skus)) == 1030
    assert all(item.tracked and item.locations == ("DEFAULT",) for page in pages for item in page.items)
    assert took >= (len(pages) - BURST) / RATE

    query = f"{PATH}?marketplaceIds=ATVPDKIKX0DER&pageSize=20&sortBy=createdDate&sortOrder=ASC"
    found = naive = seller.call("GET", query)
    while "nextToken" in found["pagination"]:
        found = seller.call("GET", f"{query}&pageToken={found['pagination']['nextToken']}")
        naive["items"] += found["items"]
    assert len(naive["items"]) == 1000


def test_the_listing_and_the_items_say_the_same(seller: Any) -> None:
    """What Amazon's warehouses hold is an item that is not tracked, and no place that could be written."""
    pages = seller.run(lambda channel: everything(channel.listing))
    seen = {one.place: one for page in pages for one in page.seen}
    assert seen[stock.Place("MUG", "DEFAULT")].quantity == 12
    assert stock.Place("FBA", "AMAZON_NA") not in seen
    items = {item.sku: item for page in seller.run(lambda channel: everything(channel.items)) for item in page.items}
    assert (items["MUG"].variant, items["MUG"].tracked, items["FBA"].tracked) == ("B0MUG", True, False)


def test_a_listing_tells_its_price(sellers: Any) -> None:
    """A wrong number is worth its price to a shopper, with its currency and to the cent; a listing that says none has none.
    Control: what a business pays (B2B) is not it."""
    seller = sellers(
        items=[{"sku": "MUG", "price": "19.90", "currency": "EUR"}, {"sku": "CUP", "price": "7.00"}, {"sku": "TEA"}]
    )
    (page,) = seller.run(lambda channel: everything(channel.items))
    found = {item.sku: (item.price, item.currency) for item in page.items}
    assert found == {"MUG": (Decimal("19.90"), "EUR"), "CUP": (Decimal("7.00"), "USD"), "TEA": (None, "")}

    price = {"amount": "5.00", "currencyCode": "EUR"}
    offers = [{"marketplaceId": MARKETPLACE, "offerType": "B2B", "price": price}]
    listing = msgspec.convert({"sku": "MUG", "offers": offers}, Listing, strict=False)
    assert listing.item(MARKETPLACE).price is None
    assert listing.item("A1PA6795UKMFR9").price is None


def test_places_are_answered_in_their_order_each(seller: Any) -> None:
    """A place without a listing is answered too; a SKU with a comma or a slash is one SKU."""
    skus = ["CUP/1", "NONE", "TEA, GREEN", *(f"PLATE-{n}" for n in range(1, 31)), "FBA", "MUG"]
    assert seller.shown(*skus) == [3, None, 8, *range(1, 31), None, 12]


def test_a_listing_that_is_none_is_not_stocked(seller: Any) -> None:
    """C63: Amazon takes an offer for a SKU without a product; nobody can buy it, so it is not carried."""
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": 5}]
    body = {
        "productType": "PRODUCT",
        "patches": [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": value}],
    }
    seller.call("PATCH", f"{PATH}/GHOST?marketplaceIds=ATVPDKIKX0DER", body)
    assert seller.shown("GHOST") == [None]


def test_a_token_that_ended_is_renewed_once_for_all(seller: Any) -> None:
    """C79: Amazon says 403, not 401; six calls that meet it together ask for one token. Control: the old token is refused."""
    seller.clock = SystemClock()  # calls that wait side by side would skip each other's time

    async def story(channel: Any) -> list[Any]:
        places = [stock.Place("MUG", "DEFAULT")]
        first = await channel.read(places, timeout_seconds=SECONDS)
        await asyncio.to_thread(seller.call, "POST", "/_twin/tokens/end", {})
        calls = (channel.read(places, timeout_seconds=SECONDS) for _ in range(6))
        return [first, *await asyncio.gather(*calls)]

    assert {found[0].quantity for found in seller.run(story)} == {12}
    assert seller.call("GET", "/_twin/state")["tokens_given"] == 2
    refused = seller.call("GET", f"{PATH}/MUG?marketplaceIds=ATVPDKIKX0DER", token="Atza|ended")
    assert (refused["status"], refused["errors"][0]["code"]) == (403, "Unauthorized")


def test_credentials_that_are_refused_say_what_to_do_and_no_secret(seller: Any) -> None:
    """C80: the seller took the authorisation back: nothing is asked any more, and no message quotes a secret."""
    seller.credentials = seller.credentials | {"refresh_token": "Atzr|taken-back"}
    found = seller.run(lambda channel: channel.read([stock.Place("MUG", "DEFAULT")], timeout_seconds=SECONDS))
    assert isinstance(found, Refused)
    assert found.reason == "authentication"
    assert "authorise the app again" in found.message
    assert not any(secret in found.message for secret in seller.credentials.values())


def test_another_sellers_listings_are_a_matter_of_permission(seller: Any) -> None:
    """A 403 that is not about the token is told from one that is: a new token would not help."""
    seller.settings["seller_id"] = "SOMEBODY"
    found = seller.run(lambda channel: channel.read([stock.Place("MUG", "DEFAULT")], timeout_seconds=SECONDS))
    assert isinstance(found, Refused)
    assert (found.reason, found.status) == ("permission", 403)
    assert seller.call("GET", "/_twin/state")["tokens_given"] == 1


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "garbage"}, {"kind": "reset_after"}])
def test_reading_is_never_uncertain(seller: Any, fault: dict[str, Any]) -> None:
    """A question changes nothing: whatever goes wrong, it is asked again."""
    seller.fail(**fault, match={"path": PATH})
    for sku in ("MUG", "TEA, GREEN"):
        places = [stock.Place(sku, "DEFAULT")]
        assert isinstance(seller.run(lambda channel, at=places: channel.read(at, timeout_seconds=SECONDS)), Retry)
    assert isinstance(seller.run(lambda channel: channel.items("", timeout_seconds=SECONDS)), Retry)


def test_a_sku_is_encoded_as_one_step_of_the_path(seller: Any) -> None:
    """Amazon answers 403 to a slash that is not encoded (models issue 4429); quoting is what the twin needs as well."""
    assert quote("CUP/1", safe="") == "CUP%2F1"
    assert seller.shown("CUP/1") == [3]
