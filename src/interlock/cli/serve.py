"""The life of one hub in this process: opened, announced, reloaded on SIGHUP, closed in good order on SIGTERM and SIGINT."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.cli.beside import heed_other_writers
from interlock.cli.output import Output
from interlock.data_folder import announced
from interlock.errors import InterlockError

if TYPE_CHECKING:
    from interlock.hub import Hub


async def serve(folder: Path, host: str, port: int, out: Output) -> None:
    """Until a signal ends it; raises what broke the hub."""
    from interlock.collector import rest_on_what_is_loaded
    from interlock.hub import Hub

    hub = Hub(folder)
    await hub.open()
    try:
        await hub.serve(host, port)
        rest_on_what_is_loaded()
        stop = _heed_signals(hub, out)
        with announced(hub.data, hub.url):
            console = f"{hub.url}/?token={hub.token}"
            out.row(f"console: {console}", url=hub.url, console=console, release=hub.release.id)
            if hub.said_at_start:
                out.progress(hub.said_at_start)
            await _until(stop, hub)
        out.progress("Closing: calls in flight end first")
    finally:
        await hub.close()


def _heed_signals(hub: "Hub", out: Output) -> asyncio.Event:
    """Before the address is told: who knows it may send a signal. The event is set when the hub is to end."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        reloads.add(task := loop.create_task(_reload(hub, out)))
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    return stop


async def _until(stop: asyncio.Event, hub: "Hub") -> None:
    """Until it is set, or until a part of the hub fails: then its error is raised."""
    asked = asyncio.ensure_future(stop.wait())
    parts = [asyncio.ensure_future(part) for part in (hub.wait(), heed_other_writers(hub))]
    ended, _ = await asyncio.wait({asked, *parts}, return_when=asyncio.FIRST_COMPLETED)
    for task in (asked, *parts):
        task.cancel()
    for part in parts:
        if part in ended:
            part.result()


async def _reload(hub: "Hub", out: Output) -> None:
    """A folder with mistakes changes nothing: the hub goes on with the release it has."""
    try:
        out.progress(f"release {await hub.reload()}")
    except InterlockError as error:
        out.error(error)
