"""C90: a flow that is enabled and does nothing calls somebody, once, and says when it is over."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from interlock.clock import VirtualClock
from interlock.messaging.silences import Silence
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.silence_book import SqliteSilenceBook
from interlock.messaging.stops import Stop, StopBoard
from interlock.operations.pager import Page, Pager
from interlock.operations.silence import SilenceWatch, ends, too_few, window_days
from interlock.strategy import Alerts, Egress, Engine, Flow, Security, Slo, Strategy, System, Team

MINUTE_MS = 60_000
WEBHOOK = "file:secrets/pager"


def strategy(slo: Slo, *, alerts: Alerts | None = None, paused: bool = False, hosts: tuple[str, ...] = ()) -> Strategy:
    """One flow with this promise, and a team that can be called."""
    flow = Flow(
        name="order-to-erp", title="Orders to the ERP", source="shop", trigger=["orders/create"], object="order.v1", destinations=["erp"],
        pattern="event-driven", rationale="News.", impact="high", complexity="low", owner="finance", runbook="erp.md", slo=slo, paused=paused,
    )  # fmt: skip
    systems = [
        System(name=name, title=name.upper(), connector="x", owner="finance", url=f"https://{name}.example")
        for name in ("shop", "erp")
    ]
    return Strategy(
        name="acme", title="Acme", environment="production", timezone="Europe/Berlin", engine=Engine(),
        teams={"finance": Team(name="finance", contact="#finance", escalation="controller, +49 30 1")},
        systems={system.name: system for system in systems}, flows={flow.name: flow},
        security=Security(egress=Egress(allow=list(hosts))), objects={}, mappings={}, items={}, functions="", runbooks={}, release="r1",
        alerts=Alerts(webhook=WEBHOOK) if alerts is None else alerts,
    )  # fmt: skip


class RecordingPager(Pager):
    """Keeps what is said; `problem` is what it meets instead."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.problem = ""

    async def page(self, strategy: Strategy, page: Page) -> str:
        if not self.problem:
            self.texts.append(page.text)
        return self.problem


class Watched:
    """A watch over a real ledger, on a clock that the test moves."""

    def __init__(self, folder: Path, slo: Slo, **more: object) -> None:
        self.folder = folder
        self.clock = VirtualClock()
        self.pager = RecordingPager()
        self.stops = StopBoard()
        self.strategy = strategy(slo, **more)  # type: ignore[arg-type]
        self.open()

    def open(self) -> None:
        """As after a restart: nothing is remembered but what the ledger holds."""
        self.ledger = SqliteLedger(self.folder / "ledger.db", self.clock.now_ms())
        self.book = SqliteSilenceBook(self.ledger.group)
        self.watch = SilenceWatch(
            self.book, strategy=lambda: self.strategy, stops=self.stops, pager=self.pager, clock=self.clock
        )

    async def restart(self) -> None:
        await self.ledger.close()
        self.open()

    def delivered(self, count: int = 1) -> None:
        """So many deliveries end well in this minute."""
        self.ledger.group.connection.execute(
            "INSERT INTO minute VALUES ('order-to-erp', 'erp', ?, ?, 0, 0, 0, 0, 0) ON CONFLICT DO UPDATE SET done = done + excluded.done",
            (self.clock.now_ms() // MINUTE_MS, count),
        )

    async def minutes(self, count: int) -> None:
        """A look each minute, as the hub does."""
        running = asyncio.get_running_loop().create_task(self.watch.run())
        await asyncio.sleep(0)
        for _ in range(count):
            await self.clock.advance(60)
            for _ in range(40):
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def silences(self) -> tuple[Silence, ...]:
        return await self.book.silences()


def told(folder: Path, slo: Slo, story: Callable[[Watched], Awaitable[None]], **more: object) -> Watched:
    """Run a story and close the ledger."""

    async def whole() -> Watched:
        watched = Watched(folder, slo, **more)
        await story(watched)
        await watched.ledger.close()
        return watched

    return asyncio.run(whole())


HOURLY = Slo(silence_after_minutes=60)


def test_a_silent_flow_calls_its_owner_once_and_says_when_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """C90: 80 % of orders missing for six weeks must be impossible; and nobody is called twice for one silence."""

    async def story(watched: Watched) -> None:
        watched.delivered()
        await watched.minutes(55)
        assert watched.pager.texts == []
        await watched.minutes(30)
        (page,) = watched.pager.texts
        assert "Orders to the ERP (order-to-erp) is silent: nothing has reached ERP since 2026-01-01 01:01 CET" in page
        assert "at least every 60 min" in page and "#finance" in page and "erp.md" in page
        watched.delivered()
        await watched.minutes(3)
        assert len(watched.pager.texts) == 2 and "silent no more" in watched.pager.texts[1]
        assert await watched.silences() == ()

    with caplog.at_level(logging.WARNING):
        told(tmp_path, HOURLY, story)
    assert [line.split()[0] for line in caplog.messages] == ["FLW001", "FLW002"]


def test_without_the_watch_nobody_is_called(tmp_path: Path) -> None:
    """The control of C90: the same day of silence, and no look: not a word."""

    async def story(watched: Watched) -> None:
        watched.delivered()
        await watched.clock.advance(86_400)
        assert watched.pager.texts == [] and await watched.silences() == ()

    told(tmp_path, HOURLY, story)


def test_a_flow_that_never_delivered_is_silent_too(tmp_path: Path) -> None:
    """C90: "enabled but does nothing" from the first day; counted from when the hub first saw it enabled."""

    async def story(watched: Watched) -> None:
        await watched.minutes(59)
        assert watched.pager.texts == []
        await watched.minutes(5)
        assert len(watched.pager.texts) == 1

    told(tmp_path, HOURLY, story)


def test_a_restart_neither_forgets_nor_repeats(tmp_path: Path) -> None:
    """Once per silence also when the hub is restarted in the middle of it, and the clock of the silence does not start anew."""

    async def story(watched: Watched) -> None:
        await watched.minutes(40)
        await watched.restart()
        await watched.minutes(30)
        assert len(watched.pager.texts) == 1
        await watched.restart()
        await watched.minutes(10)
        assert len(watched.pager.texts) == 1
        watched.delivered()
        await watched.restart()
        await watched.minutes(2)
        assert len(watched.pager.texts) == 2

    told(tmp_path, HOURLY, story)


def test_what_lasts_is_escalated_once(tmp_path: Path) -> None:
    """The team's escalation is called when the first page has brought nobody."""

    async def story(watched: Watched) -> None:
        await watched.minutes(62)
        await watched.minutes(35)
        assert [text.startswith("ESCALATION to controller") for text in watched.pager.texts] == [False, True]
        await watched.minutes(120)
        assert len(watched.pager.texts) == 2

    told(tmp_path, HOURLY, story)


def test_a_paused_flow_is_not_silent(tmp_path: Path) -> None:
    """A person or the folder stopped it: its silence is meant, and its clock starts anew when it goes on."""

    async def story(watched: Watched) -> None:
        watched.delivered()
        watched.stops.show([Stop(flow="order-to-erp", kind="paused", by="ann", why="month's end", at_ms=0)])
        await watched.minutes(300)
        watched.stops.show([])
        await watched.minutes(50)
        assert watched.pager.texts == []
        await watched.minutes(20)
        assert len(watched.pager.texts) == 1
        flow = replace(watched.strategy.flows["order-to-erp"], paused=True)
        watched.strategy = replace(watched.strategy, flows={flow.name: flow})
        await watched.minutes(2)
        assert "it is not watched any more" in watched.pager.texts[-1]

    told(tmp_path, HOURLY, story)


def test_far_below_the_usual_volume_is_told(tmp_path: Path) -> None:
    """C90: orders trickle where hundreds are usual; the flow is not silent, and still something is wrong."""

    async def story(watched: Watched) -> None:
        await watched.watch.look()
        await watched.clock.advance(86_400 - 3_600)
        watched.delivered(59)
        await watched.minutes(65)
        (page,) = watched.pager.texts
        assert "far too little" in page and "about 300 a day" in page
        watched.delivered(5)
        await watched.minutes(2)
        assert "silent no more" in watched.pager.texts[-1]

    told(tmp_path, Slo(expected_events_per_day=300), story)


def test_a_process_is_silent_when_none_ends() -> None:
    """A route need not take every step: what counts for a process is its own end, not each system that it may write to."""
    flow = strategy(HOURLY).flows["order-to-erp"]
    assert ends(flow) == ("erp",)
    assert ends(replace(flow, pattern="middleware")) == ("process:order-to-erp",)


def test_chance_alone_calls_nobody() -> None:
    """Few expected deliveries are counted over more days, and five must be missing."""
    assert (window_days(300), window_days(1), window_days(0.01)) == (1.0, 5.0, 30.0)
    assert not too_few(1, 5) and too_few(0, 5)
    assert not too_few(60, 300) and too_few(59, 300)


def test_a_page_that_fails_is_sent_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The pager's own outage delays a page and loses none; it is told once in the log, and stands beside the silence."""

    async def story(watched: Watched) -> None:
        watched.pager.problem = "it answered 503"
        await watched.minutes(70)
        (silence,) = await watched.silences()
        assert (silence.problem, silence.paged_ms) == ("it answered 503", 0)
        watched.pager.problem = ""
        await watched.minutes(1)
        (silence,) = await watched.silences()
        assert len(watched.pager.texts) == 1 and silence.problem == "" and silence.paged_ms > 0

    told(tmp_path, HOURLY, story)
    assert [line for line in caplog.messages if line.startswith("FLW003")] == [
        "FLW003 the page about flow order-to-erp did not go out: it answered 503"
    ]


def test_without_an_address_it_is_told_on_the_console_and_in_the_log(tmp_path: Path) -> None:
    """A folder that names no webhook has the silence written down all the same."""

    async def story(watched: Watched) -> None:
        await watched.minutes(70)
        (silence,) = await watched.silences()
        assert (silence.kind, silence.paged_ms, watched.pager.texts) == ("silent", 0, [])

    told(tmp_path, HOURLY, story, alerts=Alerts())


async def receiver(answers: list[dict[str, object]]) -> asyncio.Server:
    """An HTTP server on the loopback that keeps each body."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        answers.append({"path": head.split()[1].decode(), **json.loads(await reader.readexactly(length))})
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def test_a_page_reaches_a_real_receiver_on_a_declared_host_only(tmp_path: Path) -> None:
    """C90 over a real socket: `{"text": ...}` arrives; to a host that the folder does not declare nothing is sent."""
    got: list[dict[str, object]] = []

    async def story() -> list[str]:
        server = await receiver(got)
        port = server.sockets[0].getsockname()[1]
        secret = tmp_path / "secrets" / "pager"
        secret.parent.mkdir()
        secret.write_text(f"http://127.0.0.1:{port}/hook/T0KEN\n")
        secret.chmod(0o600)
        pager = Pager(tmp_path, {})
        declared = await pager.page(strategy(HOURLY, hosts=(f"127.0.0.1:{port}",)), Page(WEBHOOK, "silent"))
        undeclared = await pager.page(strategy(HOURLY), Page(WEBHOOK, "silent"))
        missing = await pager.page(strategy(HOURLY), Page("env:NOWHERE", "silent"))
        await pager.close()
        server.close()
        await server.wait_closed()
        return [declared, undeclared, missing]

    declared, undeclared, missing = asyncio.run(story())
    assert got == [{"path": "/hook/T0KEN", "text": "silent"}]
    assert declared == "" and "EGR001" in undeclared and "T0KEN" not in undeclared
    assert "NOWHERE" in missing
