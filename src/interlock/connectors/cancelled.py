"""Hears that a task was cancelled while it awaited a library that forgets it when its own answer is there at that moment.

pyreqwest's coroutines are PyO3's: `throw` tells the future in Rust that it is cancelled and then polls it, and one that is
ready by then returns its result (PyO3 src/coroutine.rs, `Coroutine::poll`; pyreqwest 0.15: 18 of 460 calls that were
cancelled about when their answer came). Whoever is cancelled once and goes on for ever keeps the hub from ending.
"""

import asyncio


def cancellations() -> int:
    """How often the task that runs has been asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def require_wanted(before: int) -> None:
    """Raises CancelledError when the task was asked to end since it had been asked `before` times: nobody wants what came."""
    if cancellations() > before:
        raise asyncio.CancelledError
