"""How often a flow left a field out of its deliveries because another system is record of it."""

import msgspec


class RefusedCount(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one flow at one destination. `deliveries` is how many left it out, `times` how often in all."""

    flow: str
    destination: str
    field: str
    record: str
    team: str
    deliveries: int
    times: int
    first_ms: int
    last_ms: int
