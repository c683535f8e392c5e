"""The bench still fits what it measures. Nothing here looks at a speed: that is for a quiet machine, by hand."""

import asyncio
import base64
import hashlib
import hmac
import importlib
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Modules of the bench by name; it is no part of the package."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"bench.{name}")


def test_the_watch_for_drift_looks_at_every_order(bench: Any, tmp_path: Path) -> None:
    """A watch that looked at nothing would cost nothing."""
    section = asyncio.run(bench("contract_watch").watched(tmp_path, 30))
    assert "30 orders" in section.title
    assert all(figure.value for figure in section.figures)


def test_stock_that_differs_is_found_in_the_bench(bench: Any, tmp_path: Path) -> None:
    """A comparison that found nothing would be fast: one place in a thousand differs, and each is corrected."""
    measured = bench("stock_compare")
    measured.fill(tmp_path, 100)
    said = asyncio.run(measured.compared(tmp_path, 100))
    assert (said["compared"], said["different"], said["opened"]) == (2_000, 2, 2)
    assert measured.bare(tmp_path, 100) >= 0


def test_what_was_saved_up_is_no_allowance_of_the_time(bench: Any) -> None:
    """A bucket that is emptied meanwhile would make a backfill look better than the limit allows."""
    began = {"elapsed_seconds": 5.0, "used_points": 100, "currentlyAvailable": 2_000}
    ended = {"elapsed_seconds": 15.0, "used_points": 1_900, "currentlyAvailable": 1_100, "restoreRate": 100.0, "throttled": 0}
    share, over, live = bench("backfill")._section(began, ended, 200, [0.1, 0.2], bench("sizes").SIZES["small"]).figures
    assert (share.value, over.value, live.value) == (0.9, 0, 0.2)
    assert share.met and over.met and live.met


def test_orders_are_distinct_signed_and_of_nine_kilobytes(bench: Any) -> None:
    """A refused or a repeated order would make intake look fast."""
    orders = bench("orders").Orders(1, "/intake/shopify")
    requests = [orders.request(number) for number in range(3)]
    bodies = [request.partition(b"\r\n\r\n")[2] for request in requests]
    assert {len(body) for body in bodies} == {9_000}
    assert (
        len({json.loads(body)["id"] for body in bodies})
        == len({json.loads(body)["customer"]["id"] for body in bodies})
        == 3
    )
    for request, body in zip(requests, bodies, strict=True):
        digest = hmac.new(bench("orders").SECRET, body, hashlib.sha256).digest()
        assert base64.b64encode(digest) in request.partition(b"\r\n\r\n")[0]


def test_an_order_goes_the_whole_way_to_the_benchs_destinations(bench: Any, tmp_path: Path) -> None:
    """The starter folder, the connectors and the bench's destinations fit together; the program starts and ends."""

    async def story() -> None:
        way, sinks_, load_, orders_ = bench("way"), bench("sinks"), bench("load"), bench("orders")
        async with sinks_.Sinks() as sinks:
            server = await way.hub(tmp_path, sinks)
            load = load_.Load(server.port, orders_.Orders(server.port, server.path))
            try:
                await load.open(2)
                await load.send(4)
                assert load.refused == {}
                assert await sinks.settled(load.accepted_keys(), quiet_seconds=20, within_seconds=40)
                assert [len(one.arrived) for one in sinks.destinations] == [4, 4, 4]
            finally:
                load.close()
                server.program.stop()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncont", False),
    ],
)
def test_an_answer_is_counted_when_it_is_whole(bench: Any, answer: bytes, complete: bool) -> None:
    """Half an answer counted as one would make everything look faster."""
    assert bench("load").whole(answer) is complete


def test_a_plan_that_is_measured_is_at_work(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that sees no difference would be fast. The control: with nothing changed there is no figure."""
    plan = bench("plan")
    assert list(plan.timed(tmp_path / "acme", 3)) == list(plan.CASES)
    monkeypatch.setattr(plan, "CASES", {"nothing": {}})
    with pytest.raises(ValueError, match="0 of 0"):
        plan.timed(tmp_path / "other", 3)


def test_the_table_says_what_is_met_and_what_is_missing(bench: Any) -> None:
    """A missing peer is a row that says why, never a zero; and the JSON has what the table has."""
    table = bench("table")
    lead = table.Figure(name="ours", value=6_000.0, unit="a second", target=5_000.0)
    slow = table.Figure(name="wait", value=60.0, unit="ms", better="lower", target=50.0)
    rows = [
        *table.beside(lead, table.Figure(name="theirs", value=3_000.0, unit="a second")),
        slow,
        table.absent("peer", "", "no node"),
    ]
    section = table.Section(title="Group", figures=rows)
    out = io.StringIO()
    table.write_table([section], out)
    text = out.getvalue()
    assert all(part in text for part in ("6,000", "met", "NOT met", "2.00", "not measured", "no node"))
    kept = json.loads(table.as_json({}, "small", [section]))["sections"][0]["figures"]
    assert [figure["met"] for figure in kept] == [True, None, False, None]


def test_the_large_folder_is_sound_and_checked_in_time(bench: Any, tmp_path: Path) -> None:
    """A folder with mistakes would be measured for its mistakes. The bound is of the processor's time, and generous: a second is asked for."""
    check = bench("check")
    folder = bench("strategy_folder").write_large_folder(tmp_path)
    taken = []
    for _ in range(3):
        began = time.process_time()
        strategy = check.loaded(folder)
        taken.append(time.process_time() - began)
    assert (len(strategy.systems), len(strategy.flows), len(strategy.objects)) == (40, 200, 60)
    assert strategy.warnings == ()
    assert min(taken) < check.TARGET_SECONDS


def test_a_machine_without_node_is_told_so(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer's row then says what to install, and the other measures go on."""
    monkeypatch.setattr(bench("node_red").shutil, "which", lambda _name: None)
    with pytest.raises(RuntimeError, match="install Node"):
        bench("node_red").installed()


def test_no_hub_is_asked_for_what_a_vendor_does_not_take(bench: Any) -> None:
    """A target that Amazon's own plan makes impossible would say nothing of the hub: 5 items a second are 4 s for 20 items, and 200
    for 1,000; a vendor that takes a hundred in a call is bound by the pace of calls alone."""
    stock = bench("stock")
    least = [stock.least_seconds("amazon", items) for items in (5, 20, 1_000)]
    assert least == pytest.approx([1.0, 4.0, 200.0], rel=0.01)
    assert stock.least_seconds("square", 1_000) == 0.2
    few, some = (stock._figure("amazon", items, [0.5, 5.0]) for items in (5, 20))
    assert (few.target, few.met, some.target, some.met) == (stock.TARGET_SECONDS, False, None, None)
    assert "5 patches a second" in some.note and some.bound == least[1]
