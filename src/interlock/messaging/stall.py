"""A time limit for code that is not ours: a mapping function that loops for ever is interrupted, and its delivery is
poison."""

import signal
import threading
from types import FrameType, TracebackType


class StalledError(Exception):
    """The translation took longer than the limit."""


class TimeLimit:
    """`with TimeLimit(2.0):` raises StalledError inside the block. Works in the main thread, elsewhere it does nothing.

    It interrupts Python code between byte codes; code inside a C function is interrupted when that returns.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._armed = False

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._armed = True
            signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._armed:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        if self._armed:
            raise StalledError(f"longer than {self.seconds:g} s")
