"""An executor that commits when it is told to."""

import threading
from concurrent.futures import Executor, Future
from typing import Any


class Held(Executor):
    """`holding` False: at once."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.holding = True

    def submit(self, work: Any, /, *_given: Any, **_named: Any) -> Future[Any]:
        self.asked.append(work)
        if not self.holding:
            self.commit()
        return Future()

    def commit(self) -> None:
        """In a thread of its own, as in a hub."""
        thread = threading.Thread(target=self.asked.pop(0))
        thread.start()
        thread.join()
