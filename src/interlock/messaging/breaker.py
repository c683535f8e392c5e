"""A destination's circuit breaker: after enough failures in a row nobody calls, but for one probe at a time."""

from typing import Literal

from interlock.clock import Clock

BreakerState = Literal["closed", "open", "probing"]
LOCKED = "locked"


class Breaker:
    """Closed: calls flow. Open: none do, until `probe_interval_seconds` have passed. Probing: one is trying.

    Only failures of the destination as a whole count (no answer, 5xx), never a refusal of one document. While it is not
    closed no delivery loses an attempt, so nothing expires during an outage (fault case 22). It is `locked` when what
    keeps it open is a refusal of our credentials or permission: the probes then find out when they are renewed.
    """

    def __init__(self, clock: Clock, *, failures: int = 10, probe_interval_seconds: float = 30.0) -> None:
        self._clock = clock
        self.limit = failures
        self.probe_interval_seconds = probe_interval_seconds
        self.state: BreakerState = "closed"
        self.failures = 0
        self.last_error = ""
        self.locked = False
        self._next_probe = 0.0

    def restore(self, state: str, failures: int, last_error: str) -> None:
        """Take up what was known before a restart; an open one may probe at once."""
        self.failures, self.last_error = failures, last_error
        self.state = "closed" if state == "closed" else "open"
        self.locked = state == LOCKED
        self._next_probe = self._clock.monotonic()

    @property
    def shown(self) -> str:
        """The state as it is stored and shown."""
        return LOCKED if self.locked and self.state != "closed" else self.state

    def room(self) -> int | None:
        """None: no limit. 0: nobody may call. 1: a probe may."""
        if self.state == "closed":
            return None
        if self.state == "open" and self._clock.monotonic() >= self._next_probe:
            return 1
        return 0

    def wait_seconds(self) -> float:
        """How long until the next probe may start."""
        return max(0.0, self._next_probe - self._clock.monotonic()) if self.state == "open" else 0.0

    def probe(self) -> None:
        """The one allowed call of an open breaker starts."""
        self.state = "probing"
        self._next_probe = self._clock.monotonic() + self.probe_interval_seconds

    def no_probe(self) -> None:
        """The probe found nothing to send: the breaker stays open, and the next delivery may probe."""
        if self.state == "probing":
            self.state = "open"
            self._next_probe = self._clock.monotonic()

    def probe_now(self) -> None:
        """An operator says that the destination is back."""
        self._next_probe = self._clock.monotonic()

    def success(self) -> bool:
        """A call was answered; returns True when that closes the breaker."""
        changed = self.state != "closed"
        self.state, self.failures, self.locked = "closed", 0, False
        return changed

    def failure(self, error: str, *, locked: bool = False, at_once: bool = False) -> bool:
        """A call was not answered, or not let in (`locked`; `at_once`: no call would be); returns True when that opens
        the breaker, or tells why it is open."""
        self.failures += 1
        self.last_error = error
        before = (self.state == "closed", self.locked)
        if self.state == "probing" or (self.state == "closed" and (at_once or self.failures >= self.limit)):
            self.state, self.locked = "open", locked
            self._next_probe = self._clock.monotonic() + self.probe_interval_seconds
        return (self.state == "closed", self.locked) != before
