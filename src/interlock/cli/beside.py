"""What a running hub does for the commands beside it: it sees that another process wrote to the ledger, and acts at once."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock.hub import Hub

LOOK_SECONDS = 0.5


async def heed_other_writers(hub: "Hub") -> None:
    """Let every outlet look when somebody else committed to the ledger, for ever.

    SQLite's data_version of a connection changes with the commits of all others (sqlite.org/pragma.html#pragma_data_version),
    and the hub has one connection that writes: a change is a command such as `interlock replay`.
    """
    seen = _version(hub)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if (found := _version(hub)) != seen:
            seen = found
            for outlet in hub.dispatcher.outlets.values():
                outlet.probe_now()


def _version(hub: "Hub") -> int:
    return int(hub.ledger.group.connection.execute("PRAGMA data_version").get)
