"""A changed folder beside a running hub: planned, applied, rolled back by commands, judged by what NetSuite's twin holds."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from books import records
from click.testing import CliRunner, Result
from shop import routed, still
from stack import running, twins, until

from interlock.cli import main
from interlock.cli.twin_world import TwinWorld
from interlock.data_folder import announced
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.release.build import Build
from interlock.release.switch import Switched
from interlock.strategy import Snapshot, read_folder

MAPPING = '[order.out.salesOrder]\nmessage = { value = "by release two" }\n'


async def command(*arguments: object) -> Result:
    """A command beside the hub, as another process would give it."""
    return await asyncio.to_thread(CliRunner().invoke, main, [str(one) for one in arguments])


def said(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def messages(world: TwinWorld) -> dict[str, Any]:
    """What the sales orders say, by the number in the shop."""
    return {order["otherRefNum"]: order.get("message") for order in records(world, "netsuite", "salesOrder")}


async def place(hub: Hub, world: TwinWorld, *, states: tuple[str, ...] = ("done",)) -> str:
    """One order, until all is told of it and its delivery to NetSuite is there; returns its name."""
    (order,) = await world.place(1)

    async def there() -> bool:
        rows = await hub.views.deliveries(Filter(object="order", key=order["id"], destination="netsuite"))
        return bool(rows) and rows[0].state in states and await routed(hub, world)

    await until(there)
    return order["name"]


def test_a_signal_during_a_roll_back_does_not_undo_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a SIGHUP makes of the folder is decided by what runs then, not by what ran when it came."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            first = read_folder(folder)
            (folder / "mappings" / "netsuite.toml").write_text(MAPPING)
            assert await hub.reload() != first.id
            under_way, go_on = asyncio.Event(), asyncio.Event()
            activate = hub.shelf.activate

            async def slowly(snapshot: Snapshot, switched: Switched | None = None) -> Build:
                under_way.set()
                await go_on.wait()
                return await activate(snapshot, switched)

            monkeypatch.setattr(hub.shelf, "activate", slowly)
            back = asyncio.ensure_future(hub.switch(first, Switched(by="ada", action="rollback")))
            await under_way.wait()
            signal = asyncio.ensure_future(hub.reload())
            await asyncio.sleep(0)
            go_on.set()
            assert (await back, await signal) == (first.id, first.id)

    asyncio.run(story())


def test_a_folder_is_planned_applied_and_rolled_back_beside_a_running_hub(tmp_path: Path) -> None:
    """C88 and the demo's scene at 3:00: new orders follow the new release, those in flight the one that accepted them; the
    way back is one command, lists what the newer release wrote, and is not undone by a restart."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            async with running(folder, world) as hub:
                with announced(hub.data, hub.url):
                    await applied_and_rolled_back(folder, hub, world)
                    first = hub.release.id
            async with running(folder, world) as hub:
                assert hub.release.id == first, "a restart undid the roll back"
                assert "rolled back from" in hub.said_at_start

    async def applied_and_rolled_back(folder: Path, hub: Hub, world: TwinWorld) -> None:
        first = hub.release.id
        before = await place(hub, world)
        await world.break_system("netsuite", "503")
        in_flight = await place(hub, world, states=("retrying", "uncertain"))
        (folder / "mappings" / "netsuite.toml").write_text(MAPPING)

        planned = await command("plan", folder, "--detailed-exitcode", "--json")
        assert planned.exit_code == 3, planned.output
        assert said(planned)[0]["line"].endswith("message <- constant by release two")
        assert (said(planned)[-1]["differ"], said(planned)[-1]["objects"]) == (2, 2)
        assert hub.release.id == first, "a plan changes nothing"

        refused = await command("apply", folder)
        assert (refused.exit_code, hub.release.id) == (1, first)
        assert "SET035" in refused.stderr
        done = await command("apply", folder, "--yes", "--why", "for the accountants", "--json")
        assert done.exit_code == 0, done.output
        second = hub.release.id
        assert said(done)[-1]["release"] == second[:12] != first[:12]
        assert hub.console.state.console.strategy.release == second, "the console shows what runs"

        await world.repair_system("netsuite")
        after = await place(hub, world)
        chosen = Filter(destination="netsuite", states=("retrying", "uncertain"))
        await hub.operator.replay(chosen, by="test", why="repaired", version="same")

        async def all_there() -> bool:
            return len(messages(world)) == 3

        await until(all_there)
        await still(hub, world)
        assert messages(world) == {before: None, in_flight: None, after: "by release two"}

        back = await command("rollback", "--folder", folder, "--why", "wrong words", "--json")
        assert (back.exit_code, hub.release.id) == (0, first), back.output
        wrote = {
            (row["destination"], row["name"]): row["external_id"] for row in said(back)[:-1] if row["object"] == "order"
        }
        assert set(wrote) == {(name, after) for name in ("netsuite", "shipbob", "klaviyo")}
        twin_id = next(row["_id"] for row in records(world, "netsuite", "salesOrder") if row["otherRefNum"] == after)
        assert wrote["netsuite", after] == str(twin_id)
        last = await place(hub, world)
        assert messages(world)[last] is None

        rows = said(await command("releases", "--folder", folder, "--json"))
        assert [(row["id"], row["active"]) for row in rows[:-1]] == [(first, True), (second, False)]
        assert rows[0]["switch"]["action"] == "rollback"
        assert rows[1]["switch"]["why"] == "for the accountants"
        assert rows[1]["switch"]["who"].startswith("cli:")
        await hub.reload()
        assert hub.release.id == first, "a signal undid the roll back"

    asyncio.run(story())


def test_a_folder_that_cannot_run_changes_nothing(tmp_path: Path) -> None:
    """Fails closed: mistakes, a secret that the hub lacks, a breaking change that nobody announced."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            with announced(hub.data, hub.url):
                first, flow = hub.release.id, folder / "flows" / "order-to-wms.toml"
                text, system = flow.read_text(), folder / "systems" / "klaviyo.toml"

                flow.write_text(text.replace("destinations", "destination"))
                assert "flows/order-to-wms.toml" in (await command("apply", folder, "--yes")).stderr
                flow.write_text(text.replace(', "orders/cancelled"]', "]"))
                unannounced = await command("apply", folder, "--yes")
                assert (unannounced.exit_code, "PLN005" in unannounced.stderr) == (1, True), unannounced.output
                flow.write_text(text)
                kept = system.read_text()
                system.write_text(kept.replace("file:secrets/klaviyo-private-key", "file:secrets/nowhere"))
                lacking = await command("apply", folder, "--yes")
                assert (lacking.exit_code, "SEC003" in lacking.stderr) == (1, True)
                assert hub.release.id == first

                system.write_text(kept)
                flow.write_text(text.replace(', "orders/cancelled"]', "]"))
                forced = await command("apply", folder, "--yes", "--unannounced", "--why", "nobody listens")
                assert (forced.exit_code, hub.release.id == first) == (0, False), "the control: it can be applied"

    asyncio.run(story())


def test_without_a_hub_the_next_start_runs_what_was_applied(tmp_path: Path) -> None:
    """And with `apply = "manual"` in what runs, a folder that was only edited waits for its apply."""

    async def story() -> None:
        folder = tmp_path / "shop"
        strategy = folder / "strategy.toml"
        async with twins(folder) as world:
            strategy.write_text(strategy.read_text().replace("[engine]", '[engine]\napply = "manual"'))
            async with running(folder, world) as hub:
                first = hub.release.id
            (folder / "mappings" / "netsuite.toml").write_text(MAPPING)
            async with running(folder, world) as hub:
                assert hub.release.id == first
                assert "interlock apply" in hub.said_at_start
            result = await command("apply", folder, "--yes", "--json")
            assert (result.exit_code, said(result)[-1]["runs"]) == (0, False), result.output
            async with running(folder, world) as hub:
                assert hub.release.id.startswith(said(result)[-1]["release"])
                assert hub.said_at_start == ""

    asyncio.run(story())


def test_what_waits_for_something_missing_goes_on_with_the_apply(tmp_path: Path) -> None:
    """C26: the item that nobody mapped is mapped, applied, and the order is there; no second command, no next event."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            items = folder / "mappings" / "items.toml"
            text = items.read_text()
            items.write_text(text.replace('[netsuite]\nrule = "sku"', '[netsuite]\nrule = "listed"'))
            async with running(folder, world) as hub:
                with announced(hub.data, hub.url):
                    name = await place(hub, world, states=("waiting",))
                    items.write_text(text)
                    assert (await command("apply", folder, "--yes")).exit_code == 0

                    async def there() -> bool:
                        return name in messages(world)

                    await until(there)

    asyncio.run(story())
