"""The command run: what it says while it serves, how it ends, and that a hub that does not come up leaves nothing open."""

import signal
import subprocess
from pathlib import Path

from commandline import INTERLOCK, START_SECONDS, call, said

from interlock.data_folder import URL_FILE, lock_holder, lock_store


def test_a_release_that_cannot_be_built_closes_what_was_opened(tmp_path: Path) -> None:
    """Without its secrets the folder does not become active. Its stores, connections and the lock are let go at once.

    Unclosed connections would be warnings, which are errors here; a held lock would refuse the next start.
    """
    assert call("init", tmp_path / "acme").exit_code == 0
    for _ in range(2):
        result = call("run", tmp_path / "acme", "--port", 0)
        assert result.exit_code == 1
        assert "SEC003" in result.stderr
    assert lock_holder(tmp_path / "acme" / "data") == ""
    lock_store(tmp_path / "acme" / "data").close()


def test_a_folder_with_mistakes_tells_each_of_them(tmp_path: Path) -> None:
    """In words and as data: `2 mistakes` alone would send the reader to another command."""
    assert call("init", tmp_path / "acme").exit_code == 0
    for name in ("klaviyo", "shipbob"):
        file = tmp_path / "acme" / "systems" / f"{name}.toml"
        file.write_text(file.read_text().replace("owner =", "ovner ="))
    error = said(call("run", tmp_path / "acme", "--json"))[-1]["error"]
    assert {one["where"].partition(":")[0] for one in error["findings"]} >= {
        "systems/klaviyo.toml",
        "systems/shipbob.toml",
    }
    assert "systems/klaviyo.toml" in call("run", tmp_path / "acme").stderr


def test_a_held_lock_is_refused(filled: Path) -> None:
    """The control: a lock that is held does refuse, with the process that holds it."""
    with lock_store(filled / "data"):
        result = call("run", filled, "--port", 0)
    assert result.exit_code == 1
    assert "SET022" in result.stderr


def test_it_serves_reads_again_and_ends_in_good_order(filled: Path) -> None:
    """SIGHUP reads the folder, SIGTERM closes it; meanwhile, and only then, other commands find its address."""
    command = [*INTERLOCK, "run", str(filled), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            url = process.stdout.readline().removeprefix("console: ").partition("/?token=")[0]
            assert (filled / "data" / URL_FILE).read_text() == url
            assert process.stderr.readline().startswith("Opening ")
            process.send_signal(signal.SIGHUP)
            while not (line := process.stderr.readline()).startswith("release "):
                assert line, "it ended"  # between them it says that no shop answers
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=START_SECONDS)
        finally:
            process.kill()  # else the test would wait for it
    assert process.returncode == 0
    assert out.splitlines()[-1] == "closed in good order"
    assert not (filled / "data" / URL_FILE).exists()
