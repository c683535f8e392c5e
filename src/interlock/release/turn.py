"""One recorded event under one release: where it would go, and what would be written there. Nothing is sent."""

from collections.abc import Callable

import msgspec

from interlock.errors import InterlockError
from interlock.messaging.event import Event
from interlock.messaging.process import STEERING
from interlock.messaging.releases import Document
from interlock.messaging.write import Past
from interlock.release.build import Build

NOTHING_WRITTEN = Past()
"""Plans are made as if nothing had been written yet: the translation is compared, not the history."""

Way = tuple[str, str, str]
"""Flow, destination, signal."""


class Failed(msgspec.Struct, frozen=True):
    """A translation that is not possible: its code, and the place it is about. Never the value, which may be personal."""

    code: str
    what: str


Planned = dict[str, list[bytes]] | str | Failed
"""The bodies by operation; or why nothing is to be done; or why nothing can be."""


class Turn:
    """Reads the object at most once, and plans at most once for each destination and signal."""

    def __init__(self, build: Build, event: Event) -> None:
        self.build = build
        self.event = event
        ways: list[Way] = [(want.flow, want.destination, want.signal) for want in build.wants(event)]
        self.ways = [way for way in ways if not way[1].startswith(STEERING)]
        self.processes = {flow for flow, destination, _ in ways if destination.startswith(STEERING)}
        """Flows of which a process would run, which reads other systems on its way: its steps are not tried on paper."""
        self._read: Document | Failed | None = None
        self._plans: dict[Way, Planned] = {}

    def share(self, other: "Turn") -> None:
        """Take the object as the other turn reads it: both would read it alike."""
        if any(not other.build.straight(flow) for flow, _, _ in other.ways):
            self._read = other.object()

    @property
    def failed(self) -> Failed | None:
        """Why the object cannot be read, when a flow asks for it."""
        if all(self.build.straight(flow) for flow, _, _ in self.ways):
            return None
        found = self.object()
        return found if isinstance(found, Failed) else None

    def admits(self, way: Way) -> bool:
        """Whether the flow takes the object, judged at the time at which it came."""
        document = self._document(way[0])
        try:
            return not isinstance(document, Failed) and not self.build.admits(
                way[0], document, way[2], self.event.received_at_ms
            )
        except Exception:  # noqa: BLE001  a condition that fails lets nothing through
            return False

    def document_key(self, way: Way) -> Way:
        """Equal for ways on which the same is written."""
        flow, destination, signal = way
        return (flow if self.build.straight(flow) else "", destination, signal)

    def plan(self, way: Way) -> Planned:
        """What would be written on this way."""
        key = self.document_key(way)
        if key not in self._plans:
            self._plans[key] = self._planned(way, self._document(way[0]))
        return self._plans[key]

    def _planned(self, way: Way, document: Document | Failed) -> Planned:
        if isinstance(document, Failed):
            return document
        try:
            destination = self.build.destination(way[1], self.event.system)
            plan = destination.plan(document.value, signal=way[2], past=NOTHING_WRITTEN)
        except Exception as error:  # noqa: BLE001  the user's functions may raise anything: it is what we want to know
            return _failed(error)
        if not plan.writes:
            return plan.because
        found: dict[str, list[bytes]] = {}
        for write in plan.writes:
            found.setdefault(write.operation, []).append(write.body)
        return found

    def _document(self, flow: str) -> Document | Failed:
        if self.build.straight(flow):
            return _tried(lambda: self.build.raw(flow, self.event.key, self.event.body or b""))
        return self.object()

    def object(self) -> Document | Failed:
        """The canonical object."""
        if self._read is None:
            event = self.event
            self._read = _tried(lambda: self.build.document(event.system, event.object, event.body or b""))
        return self._read


def _tried(read: Callable[[], Document]) -> Document | Failed:
    try:
        return read()
    except Exception as error:  # noqa: BLE001  as above
        return _failed(error)


def _failed(error: Exception) -> Failed:
    if isinstance(error, InterlockError):
        return Failed(error.code, error.where or error.what)
    return Failed(type(error).__name__, "a function of the mapping")
