"""The shop gives no token any more, through the whole path: what must be read waits, the console says reconnect, nothing dies (C80)."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from shop import still
from stack import post, running, signed, twins, until
from test_credentials import console_page

from interlock.hub import Hub
from interlock.messaging.ledger import Filter

CLIENT_FILE, CLIENT = "secrets/shopify-client-id", "twin-client"
WRONG = "planted-other-client"


async def states(hub: Hub) -> dict[str, int]:
    return dict(await hub.views.states(Filter()))


async def given(hub: Hub, folder: Path, client: str) -> None:
    """Other credentials in the file, and the word that they are there."""
    (folder / CLIENT_FILE).write_text(client, "ascii")
    await hub.reload()


async def told(hub: Hub, order: str) -> None:
    """A signed event that only says that an order changed: it has to be read from the shop."""
    body = json.dumps({"id": int(order), "admin_graphql_api_id": f"gid://shopify/Order/{order}"}).encode()
    assert (await post(f"{hub.url}/intake/shopify", body, signed(body, "orders/updated")))[0] == 200


def test_a_shop_that_gives_no_token_holds_what_must_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """C80: with the credentials of no app readings wait and nothing is asked again; corrected and reloaded, they go on by themselves."""
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            orders = [order["id"] for order in await world.place(2)]
            await still(hub, world)
            await given(hub, folder, WRONG)
            for order in orders:
                await told(hub, order)
            await until(lambda: _some(hub, "waiting"))
            assert not (await states(hub)).get("dead")
            refused = [each.reconnect for each in await hub.vault.states() if each.reconnect]
            assert [each.code for each in refused] == ["invalid_client"]
            page = await console_page(hub, "/systems")
            assert "reconnect" in page and "correct client_id and client_secret" in page
            await given(hub, folder, CLIENT)
            await until(lambda: _all(hub, "done", "superseded", "cancelled"))
            pages = [
                await console_page(hub, path) for path in ("/systems", "/issues", "/deliveries", "/audit", "/strategy")
            ]
            _no_secret(folder, [page, *pages, caplog.text], await hub.vault.get(_name(hub)))

    asyncio.run(story())


def _name(hub: Hub) -> str:
    return f"shopify {hub.release.strategy.systems['shopify'].url.partition('//')[2].rstrip('/')} client {CLIENT}"


async def _all(hub: Hub, *words: str) -> bool:
    found = await states(hub)
    return bool(found) and not {state for state, count in found.items() if count} - set(words)


async def _some(hub: Hub, word: str) -> bool:
    return (await states(hub)).get(word, 0) > 0


def _no_secret(folder: Path, texts: list[str], token: Any) -> None:
    """Fault case 27, of tokens: neither logs nor pages nor any file of the data folder hold one in the clear."""
    files = b"".join(
        each.read_bytes() for each in (folder / "data").iterdir() if each.is_file() and each.name != "vault.key"
    )
    assert token.access.startswith("shpat_")
    assert token.access.encode() not in files
    assert not [text for text in texts if token.access in text]
