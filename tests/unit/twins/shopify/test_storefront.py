"""What a buyer sees: the connector's read client against the twin's Storefront API, and the rules of that API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from shopify_harness import Twin, running_twin

from interlock.clock import SystemClock
from interlock.connectors.contract import Answer, Connection, Refused, Retry
from interlock.connectors.registry import manifest
from interlock.connectors.shopify.storefront import Buyer, Found, Product, Storefront

TOKENS = {"storefront_private_token": "shpat_storefront_twin"}
SWEATER = "merino-crew-sweater"


class InProcess:
    """The client's way out, straight into the twin."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    async def send(self, method: str, url: str, headers: dict[str, str], body: bytes, timeout_seconds: float) -> Answer:
        answer = await self.twin.call(method, url, body, headers)
        return Answer(answer.status, answer.headers, msgspec.json.encode(answer.body))


@asynccontextmanager
async def store(
    folder: Path, credentials: dict[str, str] = TOKENS, **config: Any
) -> AsyncIterator[tuple[Twin, Storefront]]:
    async with running_twin(folder, **config) as twin:
        connection = Connection(
            system="shop", url="http://twin", settings={"api_version": "2026-07"}, credentials=credentials,
            builders={}, http=InProcess(twin), clock=SystemClock(), manifest=manifest("shopify"),
        )  # type: ignore[arg-type]  # fmt: skip
        yield twin, Storefront(connection)


def test_a_product_is_read_with_prices_and_availability(tmp_path: Path) -> None:
    """A gateway shows what can be bought and for how much; prices are exact and have their currency."""

    async def story() -> None:
        async with store(tmp_path) as (_, client):
            product = await client.product(handle="stainless-bottle-750-ml", timeout_seconds=5)
            assert isinstance(product, Product) and product.variants
            (variant,) = product.variants.nodes
            assert variant.sku == "BTL-750-G" and variant.price.amount == Decimal("29.90")
            assert (variant.price.currency_code, variant.available_for_sale) == ("USD", True)
            assert variant.selected_options[0].value == "Green"
            again = await client.product(id=product.id, timeout_seconds=5)
            assert again == product
            assert await client.product(handle="nothing-of-that-name", timeout_seconds=5) is None

    asyncio.run(story())


def test_a_buyer_sees_the_prices_of_their_country(tmp_path: Path) -> None:
    """The price belongs to the buyer's market; the shop's own would be a wrong promise."""

    async def story() -> None:
        async with store(tmp_path) as (_, client):
            variant = (await client.product(handle="canvas-tote", timeout_seconds=5)).variants.nodes[0]  # type: ignore[union-attr]
            sold = await client.variants([variant.id], buyer=Buyer(country="ca", language="fr"), timeout_seconds=5)
            assert isinstance(sold, dict)
            price = sold[variant.id].price
            assert (price.amount, price.currency_code) == (Decimal("33.08"), "CAD")

    asyncio.run(story())


def test_what_is_not_sold_is_left_out(tmp_path: Path) -> None:
    """Ids of carts are old: a product that was taken off sale is no error, and no offer."""

    async def story() -> None:
        async with store(tmp_path) as (twin, client):
            product = await client.product(handle="canvas-tote", timeout_seconds=5)
            assert isinstance(product, Product) and product.variants
            number = product.id.rpartition("/")[2]
            world = twin.vendor.world
            world.remember(("product", number, {**world.get("product", number), "status": "draft"}))
            ids = [product.variants.nodes[0].id, "gid://shopify/ProductVariant/1"]
            assert await client.variants(ids, timeout_seconds=5) == {}
            assert await client.product(handle="canvas-tote", timeout_seconds=5) is None

    asyncio.run(story())


def test_sold_out_is_not_available(tmp_path: Path) -> None:
    """What is on the shelf decides, unless the shop sells beyond it: then it ships later."""

    async def story() -> None:
        async with store(tmp_path) as (twin, client):
            product = await client.product(handle="canvas-tote", timeout_seconds=5)
            assert isinstance(product, Product) and product.variants
            variant = product.variants.nodes[0]
            world, number = twin.vendor.world, variant.id.rpartition("/")[2]
            row = world.get("variant", number)
            empty = [
                (key, {**one, "available": 0})
                for key, one in world.rows("stock")
                if one["item"] == row["inventory_item_id"]
            ]
            world.remember(*(("stock", key, one) for key, one in empty))
            gone = await client.variants([variant.id], timeout_seconds=5)
            assert isinstance(gone, dict) and not gone[variant.id].available_for_sale
            world.remember(("variant", number, {**row, "inventory_policy": "continue"}))
            later = await client.variants([variant.id], timeout_seconds=5)
            assert isinstance(later, dict)
            assert later[variant.id].available_for_sale and later[variant.id].currently_not_in_stock

    asyncio.run(story())


def test_a_search_goes_through_all_pages(tmp_path: Path) -> None:
    """Every product is found once, however small the pages."""

    async def story() -> None:
        async with store(tmp_path) as (_, client):
            found, after = [], ""
            while True:
                page = await client.search("", first=5, after=after, timeout_seconds=5)
                assert isinstance(page, Found)
                found += [product.handle for product in page.products]
                after = page.after
                if not after:
                    break
            assert len(found) == len(set(found)) >= 13
            merino = await client.search("merino sweater", timeout_seconds=5)
            assert isinstance(merino, Found) and {one.handle for one in merino.products} >= {SWEATER}

    asyncio.run(story())


def test_a_wrong_token_is_refused_and_none_is_not(tmp_path: Path) -> None:
    """Products are for everybody (tokenless access), a token that is wrong is a mistake that somebody must hear of."""

    async def story() -> None:
        async with store(tmp_path, credentials={"storefront_public_token": "stolen"}) as (_, client):
            refused = await client.search("", timeout_seconds=5)
            assert isinstance(refused, Refused) and refused.reason == "authentication"
        async with store(tmp_path, credentials={}) as (_, client):
            assert isinstance(await client.search("", timeout_seconds=5), Found)

    asyncio.run(story())


def test_what_looks_like_a_bot_is_told_to_wait(tmp_path: Path) -> None:
    """430 is no refusal of the product: it is asked for again later; buyers are counted by their own address (F77)."""

    async def story() -> None:
        async with store(tmp_path, storefront_calls_per_second=2) as (twin, client):
            twin.vendor.storefront._clock = lambda: 1.0  # type: ignore[attr-defined]
            buyers = [Buyer(ip="192.0.2.1"), Buyer(ip="192.0.2.1"), Buyer(ip="192.0.2.1"), Buyer(ip="192.0.2.2")]
            outcomes = [await client.search("tote", buyer=buyer, timeout_seconds=5) for buyer in buyers]
            assert [type(one) for one in outcomes] == [Found, Found, Retry, Found]
            assert isinstance(outcomes[2], Retry) and (outcomes[2].status, outcomes[2].retry_after_seconds) == (
                430,
                30.0,
            )

    asyncio.run(story())
