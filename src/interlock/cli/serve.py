"""`interlock run`: the hub until a signal ends it, or its store breaks."""

import asyncio
import signal
from pathlib import Path

import click

from interlock.hub import Hub


async def serve(folder: Path, host: str, port: int) -> int:
    """Serve until SIGINT or SIGTERM; SIGHUP reads the folder again. Raises what broke the hub."""
    hub = Hub(folder)
    await hub.open()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[str]] = set()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: reloads.add(loop.create_task(hub.reload())))
    try:
        await hub.serve(host, port)
        click.echo(f"console: {hub.url}/?token={hub.token}")
        await _until(stop, hub)
    finally:
        await hub.close()
    return 0


async def _until(stop: asyncio.Event, hub: Hub) -> None:
    waiting = asyncio.ensure_future(stop.wait())
    serving = asyncio.ensure_future(hub.wait())
    await asyncio.wait((waiting, serving), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if serving.done():
        await serving
    serving.cancel()
