"""The measured hub, as a program: whole, or its intake alone, with its store or without.

python -m bench.hub FOLDER PORT whole|intake|unstored [PROFILE]
"""

import asyncio
import signal
import sys
from pathlib import Path

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
    """Serve as `interlock run` does until SIGTERM; the first line says that it is ready."""
    hub = Hub(folder)
    await hub.open()
    if what != "whole":
        hub.router, hub.dispatcher, hub.upkeep = Idle(), Idle(), Idle()  # type: ignore[assignment]
    if what == "unstored":
        hub.inbox.append = nothing_stored  # type: ignore[method-assign]
    await hub.serve(port=port)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(hub.url, flush=True)
    await stop.wait()
    await hub.close()


def main(folder: str, port: str, what: str, profile: str = "") -> None:
    """Run, under cProfile when a file is named for it."""
    if not profile:
        asyncio.run(serve(Path(folder), int(port), what))
        return
    import cProfile

    profiler = cProfile.Profile()
    try:
        profiler.runcall(asyncio.run, serve(Path(folder), int(port), what))
    finally:
        profiler.dump_stats(profile)


if __name__ == "__main__":
    main(*sys.argv[1:])
