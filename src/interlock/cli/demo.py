"""`interlock demo`: a made-up shop, four vendors' twins and the hub, living on this machine until it is stopped."""

import asyncio
import logging
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.beside import heed_other_writers
from interlock.cli.demo_orders import SETTLED, TITLES, Arrivals, Wish
from interlock.cli.demo_project import require_free, write_project
from interlock.cli.demo_stock import MISCOUNTED, miscount, stock_up
from interlock.cli.output import INTERRUPTED, PROGRAM, Output, counted, program
from interlock.cli.place import DEMO_FOLDER
from interlock.cli.times import took
from interlock.cli.twin_world import Placed, TwinWorld, write_secrets
from interlock.data_folder import announced
from interlock.errors import InterlockError, SettingsError
from interlock.messaging.ledger import Filter

if TYPE_CHECKING:
    from interlock.hub import Hub

__all__ = ["SETTLED", "Demo", "farewell", "run_demo", "write_project"]

FORGED_SECONDS = 10.0
STOCK_SECONDS, STOCK_LOOK_SECONDS = 10.0, 0.1
UNAUTHORISED = 401
INVITATIONS = {
    "interlock twin fault netsuite 503": "the ERP fails; the others keep flowing",
    "interlock twin load --rate 5": "orders keep coming",
    "interlock status": "the ERP's breaker opens, its orders wait",
    "interlock twin fault netsuite repair": "it is well again",
    "interlock retry --destination netsuite --wait": "they go out now, and none twice",
    f"interlock stock {MISCOUNTED}": "one number of the shop is wrong: which, and why; Inventory in the console fixes it",
}


async def run_demo(wish: Wish, out: Output) -> int:
    """Run until interrupted, or with `leave` until the orders have settled. Returns the exit code: 1 when something is lost."""
    require_free(wish.folder, wish.port)
    loop = asyncio.get_running_loop()
    living = loop.create_task(Demo(wish, out).live())
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    asked = loop.create_task(stop.wait())
    await asyncio.wait({living, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if living.done():
        return living.result()
    out.progress("\nStopping: calls in flight end first (Ctrl-C again does not wait)")
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _leave_at_once, wish, out)
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)
    farewell(wish, out)
    return INTERRUPTED if wish.leave else 0


def _leave_at_once(wish: Wish, out: Output) -> None:
    """As a killed process: the stores are made for it, and the twins end with their parent."""
    farewell(wish, out)
    sys.stdout.flush()
    os._exit(INTERRUPTED)


def farewell(wish: Wish, out: Output) -> None:
    """What ran, where it left its data, how to forget it."""
    folder = wish.folder.resolve()
    out.summary(
        f"Ended: the hub and the twins of Shopify, NetSuite, ShipBob and Klaviyo. Orders, deliveries and twins are kept in {folder}",
        f"go on where it was: interlock demo {wish.folder if program() == PROGRAM else folder}",
        f"forget it: rm -r {folder}",
        "begin your own: interlock init mystore",
        folder=str(folder),
    )


async def _until_stock_is_shown(hub: "Hub") -> None:
    """The store that is left behind tells of stock as a hub would that ran a little longer; a channel that is down is not waited for."""
    from interlock.messaging.stock_views import StockLook

    def is_shown(book: StockLook) -> bool:
        counts = book.place_counts()
        return bool(counts) and all(one.positions == one.equal + one.refused for one in counts)

    for _ in range(round(STOCK_SECONDS / STOCK_LOOK_SECONDS)):
        if await hub.views.stock(is_shown):
            return
        await asyncio.sleep(STOCK_LOOK_SECONDS)


class Demo:
    """One life of the demo."""

    def __init__(self, wish: Wish, out: Output) -> None:
        self._wish = wish
        self._out = out
        self._world = TwinWorld(wish.folder)

    async def live(self) -> int:
        """From nothing to orders at their destinations, then on until it is cancelled."""
        async with self._opened() as hub:
            arrivals = Arrivals(self._wish, self._out, self._world, hub)
            placed = await arrivals.arrive()
            summary = await self._summary(hub, placed, arrivals.first_seconds)
            well = not summary["lost"] and not summary["duplicates"] and not summary["dead"]
            if self._wish.leave:
                await _until_stock_is_shown(hub)
                self._out.summary(_words(summary), f"interlock status --folder {self._wish.folder}", **summary)
                return 0 if well else 1
            self._out.row(f"  {_words(summary)}", event="arrived", **summary)
            self._invite(hub)
            await self._stay(hub)
            return 0

    # -- coming up

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator["Hub"]:
        """Twins first: they start on the other core while this process imports the hub."""
        folder = self._wish.folder
        try:
            files = write_project(folder, self._world)
            self._world.start(write_secrets(folder))
            self._step(
                f"project {'written' if files else 'found'} in {folder}"
                + (f" ({files} files)" if files else ", going on"),
                files=files,
            )
            from interlock.hub import Hub

            hub = Hub(folder, demo=self._world)
            await hub.open()
            try:
                await self._serve(hub)
                with announced(hub.data, hub.url):
                    self._step(f"console at {hub.url}/?token={hub.token}", url=hub.url, token=hub.token)
                    yield hub
            finally:
                await hub.close()
        finally:
            await asyncio.to_thread(self._world.stop)

    async def _serve(self, hub: "Hub") -> None:
        import apsw

        version = apsw.sqlite_lib_version()
        self._step(
            f"store opened: SQLite {version}, write-ahead log, full sync", sqlite=version, release=hub.release.id[:12]
        )
        if hub.said_at_start:
            self._step(hub.said_at_start, release=hub.release.id[:12])
        await self._world.wait()
        await stock_up(self._world)
        self._step("twins up: Shopify, NetSuite (ERP), ShipBob (WMS), Klaviyo (CRM)", urls=self._world.urls)
        await hub.serve(port=self._wish.port)
        topics = await self._subscribe(hub)
        with _untold("interlock.intake"):
            status = await asyncio.to_thread(_forged, f"{hub.url}/intake/shopify")
        self._step(
            f"{topics} webhook topics subscribed; a forged webhook was refused ({status})", topics=topics, forged=status
        )

    async def _subscribe(self, hub: "Hub") -> int:
        """As the hub does each minute; returns how many topics the shop tells of."""
        await hub.subscription_keeper.look()
        kept = await hub.views.subscriptions()
        missing = [one for one in kept if one.state == "missing"]
        if missing or not kept:
            why = f"{missing[0].topic}: {missing[0].problem}" if missing else "it did not answer"
            raise SettingsError("the shop's twin refused the subscriptions", code="SET024", where=self._world.urls["shopify"],
                                why=why, next_move="take it out of the flow's trigger, or begin anew: interlock demo DIR")  # fmt: skip
        return len(kept)

    def _step(self, text: str, **facts: Any) -> None:
        """One thing that is done, with the time since the command was given."""
        seconds = self._wish.seconds()
        self._out.row(
            f"  {click.style('ok', fg='green')}  {text:<78} {took(seconds * 1000):>7}",
            event="step",
            text=text,
            seconds=round(seconds, 2),
            **facts,
        )

    # -- the end, and what a person does then

    async def _summary(self, hub: "Hub", placed: Placed, first_seconds: float | None) -> dict[str, Any]:
        arrivals = await self._world.arrivals([order["id"] for order in placed])
        dead = (await hub.ledger.preview(Filter(states=("dead",)))).count
        return {
            "orders": len(placed), **arrivals, "dead": dead, "duplicates_refused": hub.intake.duplicates,
            "first_order_seconds": first_seconds, "seconds": round(self._wish.seconds(), 2), "url": hub.url,
        }  # fmt: skip

    def _invite(self, hub: "Hub") -> None:
        width = max(map(len, INVITATIONS))
        lines = [f"{command:<{width}}   {what}" for command, what in INVITATIONS.items()]
        if self._wish.folder != Path(DEMO_FOLDER):
            lines.insert(0, f"cd {self._wish.folder.resolve()}")
        elif program() != PROGRAM:  # by a script, which may have changed the directory
            lines.insert(0, f"cd {Path.cwd()}")
        if program() != PROGRAM:
            lines.insert(0, f'PATH="{Path(program()).parent}:$PATH"')
        shown = "".join(f"\n    {line}" for line in lines)
        self._out.progress(
            f"\n  Open {hub.url}/?token={hub.token}\n  Break something there with a button, or from another terminal:{shown}"
        )
        self._out.progress("\n  Ctrl-C ends it.\n")

    async def _stay(self, hub: "Hub") -> None:
        """Until it is cancelled, or a part of the hub fails: then its error is raised."""
        scene = asyncio.ensure_future(miscount(self._world, hub))
        parts = [
            asyncio.ensure_future(part) for part in (hub.wait(), heed_other_writers(hub), self._world.watch_faults())
        ]
        try:
            ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in ended:
                part.result()
        finally:
            for part in (scene, *parts):
                part.cancel()


@contextmanager
def _untold(log: str) -> Iterator[None]:
    """Keep the log of something that the demo does wrong on purpose off a stranger's screen."""
    logger = logging.getLogger(log)
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


def _forged(url: str) -> int:
    """The status that the hub gives to a webhook with a wrong signature; anything but 401 ends the demo."""
    headers = {
        "content-type": "application/json",
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": "Zm9yZ2Vk",
    }
    request = urllib.request.Request(url, data=b'{"id": 1}', headers=headers, method="POST")  # noqa: S310  our own hub
    try:
        with urllib.request.urlopen(request, timeout=FORGED_SECONDS) as answer:  # noqa: S310
            status = int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            status = refused.code
    if status != UNAUTHORISED:
        raise InterlockError("the hub did not refuse a forged webhook", where=url, why=f"it answered {status}")
    return status


def _words(summary: dict[str, Any]) -> str:
    delivered = ", ".join(f"{TITLES[name]} {count}" for name, count in summary["delivered"].items())
    return (
        f"{counted(summary['orders'], 'order')}; by the vendors' own books: {delivered}; "
        f"lost {summary['lost']}, duplicates {summary['duplicates']}, dead letters {summary['dead']}"
    )
