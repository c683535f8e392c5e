"""C90 through the whole hub: a folder with `[alerts]`, a flow in which nothing moves, and somebody who is really called."""

import asyncio
import json
from pathlib import Path

from books import choose
from stack import running, twins, until

MINUTES = 0.0001
"""Six milliseconds: the watch itself is what is asked, not the clock."""


async def receiver(texts: list[str]) -> asyncio.Server:
    """Keeps the text of each page."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        texts.append(json.loads(await reader.readexactly(length))["text"])
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def test_a_silent_flow_calls_the_team_that_owns_it(tmp_path: Path) -> None:
    """C90: enabled, and nothing comes: a page to the owner over a declared host, once, and the page says so; paused: nobody is called."""
    texts: list[str] = []

    async def story() -> None:
        folder, server = tmp_path / "shop", await receiver(texts)
        port = server.sockets[0].getsockname()[1]
        async with twins(folder) as world:
            (folder / "secrets/pager").write_text(f"http://127.0.0.1:{port}/hook")
            (folder / "secrets/pager").chmod(0o600)
            strategy = folder / "strategy.toml"
            strategy.write_text(f'{strategy.read_text("utf-8")}\n[alerts]\nwebhook = "file:secrets/pager"\n', "utf-8")
            choose(folder, ("security.toml", "allow = []", f'allow = ["127.0.0.1:{port}"]'))
            for name in ("erp", "wms"):
                file = f"flows/order-to-{name}.toml"
                choose(folder, (file, "silence_after_minutes = 240", f"silence_after_minutes = {MINUTES}"))
            async with running(folder, world) as hub:
                await hub.operator.stop_flow("order-to-wms", "paused", by="ann", why="stock-taking")

                async def called() -> bool:
                    await hub.silence_watch.look()
                    return bool(texts)

                await until(called)
                await hub.silence_watch.look()
                assert len(texts) == 1 and "Orders to the ERP" in texts[0] and "finance-systems" in texts[0]
                (silence,) = await hub.views.silences()
                assert silence.flow == "order-to-erp" and silence.paged_ms > 0
        server.close()
        await server.wait_closed()

    asyncio.run(story())
