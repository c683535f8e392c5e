"""A Filter as a WHERE clause over `delivery d`: constant conditions, bound values, nothing pasted in."""

from typing import Any

from interlock.messaging.ledger import Filter

_CONDITIONS = {
    "flow": "d.flow = :flow",
    "destination": "d.destination = :destination",
    "object": "d.object = :object",
    "key": "d.key = :key",
    "name": "d.name = :name",
    "reason": "d.reason = :reason",
    "fingerprint": "d.id IN (SELECT delivery FROM dead_letter WHERE fingerprint = :fingerprint AND closed_ms = 0)",
    "since_ms": "d.received_ms >= :since_ms",
    "until_ms": "d.received_ms < :until_ms",
}


def choose(chosen: Filter) -> tuple[str, dict[str, Any]]:
    """The clause and its bindings. An empty filter chooses every delivery."""
    parts, values = ["1"], {}
    for field, condition in _CONDITIONS.items():
        value = getattr(chosen, field)
        if value:
            parts.append(condition)
            values[field] = value
    for field, column in (("states", "d.state"), ("ids", "d.id")):
        listed = getattr(chosen, field)
        if listed:
            names = [f"{field}_{index}" for index in range(len(listed))]
            parts.append(f"{column} IN ({', '.join(':' + name for name in names)})")
            values.update(zip(names, listed, strict=True))
    return " AND ".join(parts), values
