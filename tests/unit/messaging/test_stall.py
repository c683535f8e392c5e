"""Code that is not ours ends: by itself, or by its limit, and never takes the process with it."""

import contextlib
import sys
import time

import pytest

from interlock.messaging import stall
from interlock.messaging.stall import StalledError, TimeLimit

# A tick may fall into a callback of the interpreter itself (a collection, a weak reference), where what is raised is only told;
# the next tick comes.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _fast_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(TimeLimit, "_ticking", False)


def endless() -> None:
    while True:
        pass


def stubborn() -> None:
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.001)


def swallowing(times: int) -> None:
    for _ in range(times):
        with contextlib.suppress(BaseException):
            endless()
    endless()


def test_a_loop_is_interrupted() -> None:
    """Fault case 19: a function that never ends is one dead letter, not a hub that stands still."""
    with pytest.raises(StalledError, match="longer than"), TimeLimit(0.05):
        endless()


def test_a_loop_that_catches_everything_is_interrupted() -> None:
    """Fault case 19: `except Exception` inside the loop is common, and must not swallow the end."""
    with pytest.raises(StalledError), TimeLimit(0.05):
        stubborn()


def test_an_interruption_that_was_swallowed_is_followed_by_others() -> None:
    """Even a bare `except:` gets another one at the next tick."""
    with pytest.raises(StalledError), TimeLimit(0.05):
        swallowing(3)


def test_an_exit_is_about_one_object() -> None:
    """Fault case 19: `sys.exit()` in a mapping function ended the hub at every start, and nobody was suspected."""
    with pytest.raises(StalledError, match="SystemExit"), TimeLimit(5):
        sys.exit(1)


def test_what_is_quick_is_left_alone() -> None:
    """The alarm of one block never rings in the next."""
    for _ in range(20):
        with TimeLimit(0.02):
            pass
        time.sleep(0.005)
    with pytest.raises(KeyError), TimeLimit(5):
        raise KeyError("its own errors are its own")
