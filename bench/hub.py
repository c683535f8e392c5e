"""The hub's intake alone, as a program: served as `interlock run` serves it, but nothing is routed or delivered.

python -m bench.hub FOLDER PORT stored|unstored
"""

import asyncio
import signal
import sys
from pathlib import Path

from interlock import event_loop
from interlock.collector import rest_on_what_is_loaded
from interlock.hub import Hub
from interlock.messaging.event import Event
from interlock.messaging.inbox import Appended


class Idle:
    """Stands where the router, the dispatcher and upkeep were."""

    async def start(self) -> None:
        """Nothing to start."""

    async def run(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Nothing to stop."""


async def nothing_stored(event: Event) -> Appended:
    """An inbox that forgets at once."""
    return Appended(1, True)


async def serve(folder: Path, port: int, what: str) -> None:
    """Until SIGTERM; the first line says that it is ready."""
    hub = Hub(folder)
    await hub.open()
    hub.router, hub.dispatcher, hub.upkeep = Idle(), Idle(), Idle()  # type: ignore[assignment]
    if what == "unstored":
        hub.inbox.append = nothing_stored  # type: ignore[method-assign]
    await hub.serve(port=port)
    rest_on_what_is_loaded()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(hub.url, flush=True)
    await stop.wait()
    await hub.close()


if __name__ == "__main__":
    folder, port, what = sys.argv[1:]
    event_loop.run(serve(Path(folder), int(port), what))
