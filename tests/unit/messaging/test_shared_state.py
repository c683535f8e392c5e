"""What all processes of a hub share: a file that fails costs the sharing, never a delivery."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from interlock.messaging.sqlite import shared_state
from interlock.messaging.sqlite.shared_state import TRY_AGAIN_SECONDS, SqliteSharedState


class Time:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def count(state: SqliteSharedState, name: str = "a") -> int:
    """One more than was kept."""
    found: list[int] = []

    def more(kept: bytes | None) -> bytes:
        found.append(int(kept or b"0") + 1)
        return str(found[-1]).encode()

    state.change(name, more)
    return found[-1]


def locked(file: Path) -> Callable[[], None]:
    """Another process that hangs in a transaction; returns its end."""
    other = apsw.Connection(str(file))
    other.execute("BEGIN EXCLUSIVE")
    return other.close


def damaged(file: Path) -> Callable[[], None]:
    file.write_bytes(b"no database" * 1000)
    return file.unlink


def no_folder(file: Path) -> Callable[[], None]:
    file.parent.rmdir()
    return file.parent.mkdir


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shared_state, "BUSY_TIMEOUT_MS", 1)
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "allowance.db"


def test_two_processes_see_the_same(file: Path) -> None:
    """Two connections stand for them."""
    with closing(SqliteSharedState(file)) as one, closing(SqliteSharedState(file)) as other:
        assert [count(one), count(other), count(one)] == [1, 2, 3]


@pytest.mark.parametrize("broken", [locked, damaged, no_folder])
def test_a_file_that_fails_stops_nobody(
    file: Path, caplog: pytest.LogCaptureFixture, broken: Callable[[Path], Callable[[], None]]
) -> None:
    """Points are counted on in memory, with one line in the log, and in the file again when it works."""
    time = Time()
    end = broken(file)
    with closing(SqliteSharedState(file, time)) as state:
        assert [count(state), count(state), count(state)] == [1, 2, 3]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "allowance.db cannot be used" in caplog.text
        end()
        assert count(state) == 4, "it is left alone for a while"
        time.now += TRY_AGAIN_SECONDS
        assert count(state) == 1, "what all count in the file is what holds"
        assert "works again" in caplog.text
        with closing(SqliteSharedState(file)) as other:
            assert count(other) == 2


def test_a_full_disk_stops_nobody(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The transaction that did not fit is made again in memory, from what was kept before it."""
    with closing(SqliteSharedState(file, Time())) as state:
        assert count(state) == 1
        assert state._connection is not None
        state._connection.execute("PRAGMA max_page_count = 1")
        state.change("big", lambda _: b"x" * 100_000)
        assert "full" in caplog.text and "cannot be used" in caplog.text
        assert count(state) == 2, "memory goes on from what the file had"


def test_a_mistake_of_the_caller_is_raised(file: Path) -> None:
    """The control: only the file's own errors are passed over, and nothing of the change is kept."""

    def wrong(_: bytes | None) -> bytes:
        raise ValueError("wrong")

    with closing(SqliteSharedState(file)) as state:
        with pytest.raises(ValueError, match="wrong"):
            state.change("a", wrong)
        assert count(state) == 1


def test_two_that_begin_together_share_a_new_file(tmp_path: Path) -> None:
    """C72: a process that opens the file while another makes it waits for it, else each would count for itself."""
    file = tmp_path / "allowance.db"
    other = apsw.Connection(str(file))
    other.execute("BEGIN EXCLUSIVE")
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3 and other.in_transaction:
            other.execute("COMMIT")

    ours, theirs = SqliteSharedState(file, sleep=sleep), SqliteSharedState(file)
    ours.change("points", lambda _: b"1")
    theirs.change("points", lambda value: (value or b"nothing") + b"2")
    ours.change("points", lambda value: (value or b"nothing") + b"3")
    assert seen_by(theirs) == b"123"
    assert len(waited) == 3
    for one in (ours, theirs, other):
        one.close()


def seen_by(state: SqliteSharedState) -> bytes | None:
    seen: list[bytes | None] = []

    def look(value: bytes | None) -> bytes:
        seen.append(value)
        return value or b""

    state.change("points", look)
    return seen[0]
