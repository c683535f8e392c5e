"""A Filter as a WHERE clause over `delivery d`: constant conditions, bound values, nothing pasted in."""

import json
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
    "refused": "d.id IN (SELECT delivery FROM refused_field WHERE field = :refused)",
    "since_ms": "d.received_ms >= :since_ms",
    "until_ms": "d.received_ms < :until_ms",
    "changed_since_ms": "d.updated_ms >= :changed_since_ms",
}
_LISTS = {
    "states": "d.state IN (SELECT value FROM json_each(:states))",
    "ids": "d.id IN (SELECT value FROM json_each(:ids))",
}
"""One value however long the list: a statement takes no more than 32,766 of them, and a replay holds 100,000."""


def choose(chosen: Filter) -> tuple[str, dict[str, Any]]:
    """The clause and its bindings. An empty filter chooses every delivery."""
    parts, values = ["1"], {}
    for field, condition in _CONDITIONS.items():
        value = getattr(chosen, field)
        if value:
            parts.append(condition)
            values[field] = value
    for field, condition in _LISTS.items():
        listed = getattr(chosen, field)
        if listed:
            parts.append(condition)
            values[field] = json.dumps(listed)
    return " AND ".join(parts), values
