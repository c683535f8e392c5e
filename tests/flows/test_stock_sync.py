"""Stock compared end to end: a number that somebody wrote unheard is found and put right."""

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from shop import Shop
from stack import running, until
from stock_stack import LOCATION, control, shown, stocked, with_stock

from interlock.cli import main
from interlock.cli.twin_world import TwinWorld, write_secrets


async def _said(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and lines of a command that runs beside the hub."""
    asked = [*map(str, arguments), "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, main, asked)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_what_somebody_wrote_unheard_is_found_and_put_right(tmp_path: Path) -> None:
    """The store shows another number and no webhook told of it: the command finds it and names it, a delivery puts it right, and a
    second comparison says 100 % (C69). A hub that sees that its webhooks were lost compares by itself (C07)."""

    async def run() -> None:
        world = TwinWorld(tmp_path)
        with_stock(tmp_path, world)
        world.start(write_secrets(tmp_path))
        try:
            await world.wait()
            await stocked(world, **{"SUN-AVI": 50})
            async with running(tmp_path, world) as hub:

                async def right() -> bool:
                    return (
                        await shown(world, "SUN-AVI") == 50 and not (await hub.views.stock_sync_preview("shopify")).open
                    )

                await until(right)
                unheard = {"item": "SUN-AVI", "location": int(LOCATION), "set": 57, "by": "human", "told": False}
                await control(world.urls["shopify"], "/stock", unheard)
                command = ("reconcile", "inventory", "--folder", tmp_path)
                _, lines = await _said(*command, "--sku", "SUN-*", "--dry-run")
                found = next(line for line in lines if line.get("sku") == "SUN-AVI")
                assert (found["cause"], found["wanted"], found["shown"], found["state"]) == ("foreign", 50, 57, "found")
                assert await shown(world, "SUN-AVI") == 57
                code, lines = await _said(*command)
                assert (code, lines[-1]["different"], lines[-1]["opened"]) == (0, 1, 1), lines
                await until(right)
                code, lines = await _said(*command)
                assert (code, lines[-1]["different"]) == (0, 0), lines
                (whole,) = [one for one in await hub.views.stock_accuracy() if not one.place]
                assert whole.share == 1.0 and whole.compared >= 1
                code, lines = await _said("sync", "inventory", "--folder", tmp_path)
                assert (code, lines[-1]["opened"]) == (0, 0), lines  # all of it is known to be right

                await Shop(world).unsubscribe_all()
                await control(world.urls["shopify"], "/stock", unheard)
                await hub.subscription_keeper.look()
                await until(right)
                assert "hub: its webhooks were lost" in {run.why for run in await hub.views.stock_runs()}
        finally:
            world.stop()

    asyncio.run(run())
