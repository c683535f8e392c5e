"""Traffic as the store remembers it: the newest events by object, and what ended per flow and destination. Knows no strategy."""

import msgspec


class Arrival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event of the inbox, without its content. `facts` are space-separated, each with an optional `#id`."""

    system: str
    object: str
    key: str
    facts: str
    at_ms: int

    def proves(self, topic: str) -> bool:
        """Whether its content proves this topic."""
        return any(fact.partition("#")[0] == topic for fact in self.facts.split(" "))


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of a flow to a destination that ended well; `unchanged` of the `done` had nothing to write."""

    flow: str
    destination: str
    done: int
    unchanged: int


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """The newest events, and what ended, since `since_ms`."""

    since_ms: int
    arrivals: tuple[Arrival, ...] = ()
    ended: tuple[Ended, ...] = ()
