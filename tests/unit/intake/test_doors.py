"""The doors that a strategy folder opens: what it declares about secrets reaches the intake."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.cli.demo import write_project
from interlock.cli.twin_world import TwinWorld, write_secrets
from interlock.hub import Hub
from interlock.intake.server import Door


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_project(folder, TwinWorld(folder))
    write_secrets(folder)
    return folder


def doors(folder: Path, names: Sequence[str]) -> list[Door | None]:
    """The doors of these names, as the intake of an open hub finds them; strangers' names are not remembered."""

    async def story() -> list[Door | None]:
        hub = Hub(folder)
        await hub.open()
        try:
            found = [hub.intake._doors.door(name) for name in names]
            remembered = {name for _, name in hub.intake._doors._made}  # type: ignore[attr-defined]
            assert remembered <= set(hub.release.strategy.systems)
            return found
        finally:
            await hub.close()

    return asyncio.run(story())


def test_a_rotation_is_declared_in_the_folder(folder: Path) -> None:
    """Case 10: both secrets, the one in use first, and until when the old one is good."""
    shop = folder / "systems" / "shopify.toml"
    (folder / "secrets" / "old").write_text("old\n")
    (folder / "secrets" / "old").chmod(0o600)
    text = shop.read_text(encoding="utf-8").replace('-client-secret"]', '-client-secret", "file:secrets/old"]')
    shop.write_text(text.replace("[intake]", "[intake]\nold_secrets_until = 2026-12-01T12:00:00Z"), encoding="utf-8")
    (door,) = doors(folder, ["shopify"])
    assert door is not None
    assert door.secrets[1:] == (b"old",)
    assert door.old_secrets_until_ms == datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp() * 1000


def test_two_shops_of_one_secret_know_it(folder: Path) -> None:
    """Case 9: an app's secret is the same in every shop; then a signature does not tell which shop a body is from."""
    (alone,) = doors(folder, ["shopify"])
    assert alone is not None
    assert not alone.shares_secret
    text = (folder / "systems" / "shopify.toml").read_text(encoding="utf-8")
    second = text.replace('title = "Shopify"', 'title = "Shopify Belgium"').replace("record_of", "# record_of", 1)
    (folder / "systems" / "shopify-b.toml").write_text(second, encoding="utf-8")
    both = doors(folder, ["shopify", "shopify-b"])
    assert [door is not None and door.shares_secret for door in both] == [True, True]


def test_fields_of_a_flow_reach_the_door(folder: Path) -> None:
    """Who asks for some fields gets bodies without the others: the door knows of which objects. The control asks for all."""
    (whole,) = doors(folder, ["shopify"])
    for flow in (folder / "flows").glob("*.toml"):
        if 'source = "shopify"' in (text := flow.read_text("utf-8")):
            flow.write_text(text + '\n[subscription]\nfields = ["email"]\n', "utf-8")
    (cut,) = doors(folder, ["shopify"])
    assert whole is not None and cut is not None
    assert (whole.trimmed, "order" in cut.trimmed) == (frozenset(), True)


def test_a_stranger_opens_no_door(folder: Path) -> None:
    """Fault case 41: names that anyone may send are neither doors nor remembered."""
    assert doors(folder, ["", "netsuite", "../shopify", "x" * 100_000, "\x00"]) == [None] * 5


def test_a_warehouse_that_names_no_shop_is_not_asked_for_one(folder: Path) -> None:
    """ShipBob's webhooks say nothing of an account: its door, at whatever address it is called, is opened by the signature alone.
    Control: a shop's door takes only webhooks of that shop."""
    for name, host in (("shipbob", "127.0.0.2"), ("shopify", "127.0.0.3")):
        file = folder / "systems" / f"{name}.toml"
        file.write_text(file.read_text(encoding="utf-8").replace("127.0.0.1", host), encoding="utf-8")
    warehouse = folder / "systems" / "shipbob.toml"
    text = warehouse.read_text(encoding="utf-8").replace(
        "[credentials]\n", '[credentials]\nwebhook_secret = "file:secrets/hooks"\n'
    )
    warehouse.write_text(text, encoding="utf-8")
    (folder / "secrets" / "hooks").write_text("whsec_c2VjcmV0\n")
    (folder / "secrets" / "hooks").chmod(0o600)
    shipbob, shopify = doors(folder, ["shipbob", "shopify"])
    assert shipbob is not None and shopify is not None
    assert (shipbob.shop, bool(shopify.shop)) == ("", True)
