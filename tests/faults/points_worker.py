"""A program for fault case 21: one process of a hub that asks a shop for all it may, in two flows, for some seconds.

    points_worker.py URL STATE SECONDS LANE [ORDER REFUND]

STATE is the file that processes share, or `none` for a process that counts nothing. It says `ready`, begins when it gets a line,
and prints how often it was answered how.
"""

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.allowance import Allowance, Hold, Lane, Level
from interlock.connectors.contract import Connection, Http
from interlock.connectors.shopify.graphql import Admin
from interlock.messaging.sqlite.shared_state import SqliteSharedState

DOCUMENTS = ("order", "refund")
AT_ONCE = 3
"""Calls of each flow."""


class Boundless(Allowance):
    """Sends whatever there is to send."""

    async def take(self, name: str, points: float, *, lane: Lane, within_seconds: float) -> Hold:
        return Hold(id="", points=points, until=0, used_before=0)

    def give_back(self, name: str, hold: Hold, *, used: float | None, level: Level | None = None) -> None:
        """It listens to no answer."""


async def flow(admin: Admin, document: str, gid: str, ends: float, lane: Lane, found: dict[str, int]) -> None:
    clock = SystemClock()
    while clock.monotonic() < ends:
        answer = await admin.run(document, {"id": gid}, timeout_seconds=20, lane=lane)
        kind = "answered" if isinstance(answer, dict) else answer.code
        found[kind] = found.get(kind, 0) + 1


async def main(url: str, state: str, seconds: str, lane: str, order: str = "1", refund: str = "1") -> None:
    clock = SystemClock()
    http = Http([urlsplit(url).netloc])
    connection = Connection(
        system="shopify", url=url, settings={"api_version": "2026-07"}, credentials={"access_token": "shpat_twin"}, builders={},
        http=http, clock=clock, manifest=registry.manifest("shopify"), allowance=Boundless(clock) if state == "none" else Allowance(clock, SqliteSharedState(Path(state))),
    )  # fmt: skip
    found: dict[str, int] = {}
    admin = Admin(connection)
    print("ready", flush=True)
    sys.stdin.readline()
    ends = clock.monotonic() + float(seconds)
    gids = f"gid://shopify/Order/{order}", f"gid://shopify/Refund/{refund}"
    asked = list(zip(DOCUMENTS, gids, strict=True)) * AT_ONCE
    flows = [flow(admin, *one, ends, Lane[lane], found) for one in asked]
    await asyncio.gather(*flows)
    await http.close()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
