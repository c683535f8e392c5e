"""What the fault cases tell the twins and ask of them, and how they change a strategy folder."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interlock.cli.twin_world import DESTINATIONS, TwinWorld
from interlock.messaging.sqlite.connect import open_store

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"


SLOW_SHOP_TIME_SCALE = 240
"""A minute of retries, not the demo's 24 seconds: on a slow machine a hub that is killed twice is back by then, and is subscribed still."""


class PatientShop(TwinWorld):
    """A shop that goes on telling a hub that is killed again and again."""

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        found = super().configs(public_key)
        found["shopify"]["time_scale"] = SLOW_SHOP_TIME_SCALE
        return found


class LooseWorld(PatientShop):
    """A ShipBob that takes a reference twice: only the hub keeps an order from being made twice.

    `netsuite_port`: where NetSuite's requests come in, when that is not its own port; tokens name their place.
    """

    def __init__(self, folder: Path, netsuite_port: int = 0) -> None:
        super().__init__(folder)
        self.netsuite_port = netsuite_port

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        found = super().configs(public_key)
        found["shipbob"]["unique_reference"] = False
        if self.netsuite_port:
            found["netsuite"]["token_url"] = f"http://127.0.0.1:{self.netsuite_port}{TOKEN_PATH}"
        return found


async def fail(world: TwinWorld, vendor: str, **rule: Any) -> None:
    """Add a rule of twins/faults.py to one twin."""
    await world._control(vendor, "POST", "faults", rule)


async def hits(world: TwinWorld, vendor: str) -> int:
    """How many calls the rules of one twin have really spoilt."""
    return sum(rule["hits"] for rule in await world._control(vendor, "GET", "faults", None))


async def creates(world: TwinWorld, vendor: str, kind: str = "") -> Counter[str]:
    """How often the twin created something under each of our references, by its own ledger."""
    effects = await world._control(vendor, "GET", "effects?limit=1000000", None)
    return Counter(e["key"] for e in effects if e["kind"].endswith(".create") and e["kind"].startswith(kind))


def orders_of(counted: Counter[str], ids: Sequence[str]) -> set[str]:
    """The orders that are there, by their ids."""
    present = {key.rpartition("/")[2].removeprefix("shopify-").removesuffix(":placed") for key in counted}
    return {id_ for id_ in ids if id_ in present}


def stored(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the ledger of a hub, whether it runs or not."""
    connection = open_store(folder / "data/ledger.db", read_only=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def still_open(folder: Path) -> int:
    """Deliveries that have not ended."""
    return int(
        stored(folder, "SELECT count(*) FROM delivery WHERE state NOT IN ('done', 'dead', 'superseded', 'cancelled')")[
            0
        ][0]
    )


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Replace a text of a file of the strategy folder; it must be there."""
    file = folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def patient(folder: Path, *, timeout_seconds: float = 10.0, quiet_seconds: float = 1.0) -> None:
    """Limits under which nothing but the case itself decides: many attempts, short waits, no breaker, no rate of the vendors'."""
    retry = "\n[retry]\nattempts = 100\nbase_seconds = 0.1\ncap_seconds = 0.5\n\n[breaker]\nfailures = 10000\n"
    for vendor in DESTINATIONS:
        file = folder / f"systems/{vendor}.toml"
        text = file.read_text(encoding="utf-8").replace("timeout_seconds = 60", "")
        text = text.replace("rate_per_second = 200\n", f"rate_per_second = 1000\ntimeout_seconds = {timeout_seconds}\n")
        file.write_text(text + retry, encoding="utf-8")
    for vendor in DESTINATIONS:
        edit(folder, f"systems/{vendor}.toml", "quiet_period_seconds = 5", f"quiet_period_seconds = {quiet_seconds}")
