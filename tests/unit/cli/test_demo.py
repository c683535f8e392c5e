"""The first five minutes: the demo from nothing to orders at their destinations, again in the same folder, and how it refuses."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from commandline import INTERLOCK, START_SECONDS, Living, call, interlock

from interlock.cli import start
from interlock.data_folder import URL_FILE
from interlock.messaging.sqlite import connect

FIRST_ORDER_SECONDS = 60
"""The promise is 5; a machine that runs other tests beside this one gets twelve times that."""

Left = tuple[Path, "subprocess.CompletedProcess[str]"]


def test_every_order_arrives_once(left: Left) -> None:
    """The last line counts by the vendors' own ledgers; a script in CI reads nothing else."""
    _, ran = left
    *_, last = map(json.loads, ran.stdout.splitlines())
    assert ran.returncode == 0, ran.stderr
    assert last["orders"] == 3
    assert last["delivered"] == {"netsuite": 3, "shipbob": 3, "klaviyo": 3}
    assert (last["dead"], last["lost"], last["duplicates"]) == (0, 0, 0)
    assert last["first_order_seconds"] < FIRST_ORDER_SECONDS


def test_again_in_the_same_folder_goes_on(left: Left, filled: Path) -> None:
    """A second start must neither write the project again nor deliver what was delivered. Ports and records are the first one's."""
    ran = interlock("demo", filled, "--orders", 2, "--exit", "--json", "--port", 0)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, ran.stderr
    assert lines[0]["files"] == 0
    assert [line["orders_before"] for line in lines if line.get("event") == "resumed"] == [3]
    assert lines[-1]["orders"] == 2
    assert (lines[-1]["lost"], lines[-1]["duplicates"]) == (0, 0)
    names = [line["order"] for line in lines if line.get("event") == "settled"]
    assert names == ["#1004", "#1005"]


def test_the_first_line_comes_at_once(tmp_path: Path) -> None:
    """Somebody who waits before an empty line thinks that nothing happens: the words come before anything heavy is imported."""
    code = (
        "import sys; import interlock.cli.start as s\n"
        "def progress(self, text): print(*sorted(sys.modules)); sys.exit(0)\n"
        "s.Output.progress = progress\n"
        f"s.demo(['{tmp_path}/demo'], standalone_mode=False)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"aiohttp", "uvicorn", "starlette", "apsw", "cryptography", "interlock.hub"} & set(ran.stdout.split())


def test_a_port_in_use_is_told_before_anything_is_written(tmp_path: Path) -> None:
    """What, where, why and a port that is free; and no half-made folder."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = call("demo", tmp_path / "demo", "--exit", "--port", port)
    assert result.exit_code == 1
    assert f"SET023 port {port} is in use" in result.stderr
    assert "--port " in result.stderr
    assert not (tmp_path / "demo").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder below a file cannot be made by anybody, root included."""
    (tmp_path / "file").touch()
    result = call("demo", tmp_path / "file" / "demo", "--exit", "--port", 0, "--json")
    error = json.loads(result.stdout.splitlines()[-1])["error"]
    assert result.exit_code == 1
    assert error["code"] == "SET021"
    assert str(tmp_path) in error["where"]
    assert error["why"]
    assert error["next"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    """The usual case: somebody else's folder."""
    tmp_path.chmod(0o500)
    result = call("demo", tmp_path / "demo", "--exit", "--port", 0)
    tmp_path.chmod(0o700)
    assert result.exit_code == 1
    assert "SET021" in result.stderr


def test_an_old_sqlite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The WAL-reset bug would eat the demo's own data; nothing is started on such an engine."""
    monkeypatch.setattr(connect.apsw, "sqlite_lib_version", lambda: "3.40.1")
    result = call("demo", tmp_path / "demo", "--exit", "--port", 0)
    assert result.exit_code == 1
    assert "SET010 SQLite 3.40.1" in result.stderr
    assert not (tmp_path / "demo").exists()


def test_a_folder_of_ones_own_is_refused(tmp_path: Path) -> None:
    """A demo in a real strategy folder would send made-up orders to the real ERP."""
    folder = tmp_path / "acme"
    assert call("init", folder).exit_code == 0
    result = call("demo", folder, "--exit", "--port", 0)
    assert result.exit_code == 1
    assert "SET025" in result.stderr
    assert not (folder / ".demo").exists()


def test_a_second_demo_at_the_same_time_is_refused(living: Living) -> None:
    """Two hubs on one store would deliver twice; the message says who has it and where it serves."""
    result = call("demo", living.folder, "--exit", "--port", 0)
    assert result.exit_code == 1
    assert "SET022" in result.stderr
    assert str(living.process.pid) in result.stderr
    assert living.at("arrived")["url"] in result.stderr


def test_it_says_where_it_is_and_forgets_it_when_it_ends(tmp_path: Path) -> None:
    """Commands beside a demo find it by this file; Ctrl-C ends it in good order, says what ran, where the data is, how to delete it."""
    command = [*INTERLOCK, "demo", str(tmp_path / "demo"), "--orders", "1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "by the vendors' own books" not in (line := process.stdout.readline()):
            assert line, "the demo ended early"
        url_file = tmp_path / "demo" / "data" / URL_FILE
        assert url_file.read_text().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 0
    assert "Ended: the hub and the twins" in out
    assert f"rm -r {tmp_path / 'demo'}" in err
    assert not url_file.exists()


def test_interrupted_while_it_starts_leaves_nothing_running(tmp_path: Path) -> None:
    """Impatience: an interrupt right after the first line must end the twins too, and say so without a traceback."""
    command = [*INTERLOCK, "demo", str(tmp_path / "demo"), "--exit", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "project written" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in err
    ports = json.loads((tmp_path / "demo" / ".demo" / "ports.json").read_text())
    deadline = time.monotonic() + START_SECONDS
    while any(_answers(port) for port in ports.values()):
        assert time.monotonic() < deadline


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("terminal", "environ", "opens"),
    [
        (True, {"DISPLAY": ":0"}, True),
        (True, {"BROWSER": "firefox"}, True),
        (True, {"DISPLAY": ":0", "CI": "1"}, False),
        (True, {"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1"}, False),
        (True, {}, False),
        (False, {"DISPLAY": ":0"}, False),
    ],
)
def test_the_browser_opens_only_for_a_person_with_a_screen(
    terminal: bool, environ: dict[str, str], opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a test, in CI, over ssh and in a pipe a browser would be in the way."""
    monkeypatch.setattr(start.sys, "platform", "linux")
    monkeypatch.setattr(start.os, "environ", environ)
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(getattr(start.sys, stream), "isatty", lambda: terminal, raising=False)
    assert start._has_browser() is opens


@pytest.mark.parametrize("option", ["--exit", "--json", "--no-browser"])
def test_these_options_open_none(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the terminal: who asks for an end or for JSON is a program."""
    wishes: list[Any] = []

    async def run_demo(wish: Any, out: object) -> int:
        wishes.append(wish)
        return 0

    monkeypatch.setattr(start, "_has_browser", lambda: True)
    monkeypatch.setattr("interlock.cli.demo.run_demo", run_demo)
    call("demo", tmp_path / "demo", option)
    call("demo", tmp_path / "demo")
    assert [wish.browse for wish in wishes] == [False, True]
