"""A time limit for code that is not ours: a mapping function that loops for ever is interrupted, and its delivery is
poison.

Setting an alarm for each translation would cost more than most translations. So one timer ticks while translations are
being made, and looks whether the present one is over its limit; it stops by itself when there are none.
"""

import atexit
import signal
import threading
import time
from types import FrameType, TracebackType

TICK_SECONDS = 0.25
"""How late an interruption may come."""


class StalledError(Exception):
    """The translation took longer than the limit, or asked for the end of the process."""


class _Interruption(BaseException):
    """Raised inside the block, and again at each tick: code that catches every Exception must not outlive its limit."""


class TimeLimit:
    """`with TimeLimit(2.0):` raises StalledError inside the block. Works in the main thread, elsewhere it does nothing.

    It interrupts Python code between byte codes; code inside a C function is interrupted when that returns. One block
    at a time: the main thread translates one object after the other.
    """

    _ticking = False
    _entered = 0
    _seen = -1
    _latest: float | None = None
    _seconds = 0.0

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        TimeLimit._entered += 1
        TimeLimit._seconds = self.seconds
        TimeLimit._latest = time.monotonic() + self.seconds
        if not TimeLimit._ticking:
            TimeLimit._ticking = True
            signal.signal(signal.SIGALRM, _tick)
            signal.setitimer(signal.ITIMER_REAL, TICK_SECONDS, TICK_SECONDS)
            atexit.unregister(_stop)
            atexit.register(_stop)  # a tick after Python has put the handlers away would end the process

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        TimeLimit._latest = None
        if isinstance(error, _Interruption):
            raise StalledError(str(error)) from None
        if isinstance(error, SystemExit):  # `exit()` in a function of the user's is about one object, not about the hub
            raise StalledError(f"the code asked to end the process: {error!r}") from error

    @classmethod
    def look(cls) -> None:
        """Interrupt the block that is over its limit; stop ticking when no block was entered since the last look."""
        if cls._latest is not None:
            if time.monotonic() > cls._latest:
                raise _Interruption(f"longer than {cls._seconds:g} s")
        elif cls._entered == cls._seen:
            cls._ticking = False
            _stop()
        cls._seen = cls._entered


def _stop() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.0)


def _tick(_signal: int, frame: FrameType | None) -> None:
    if frame is None or frame.f_code is not TimeLimit.__exit__.__code__:  # there the block has ended already
        TimeLimit.look()
