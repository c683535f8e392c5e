"""What deliveries left out because another system is record of it: noted and audited once, then only counted."""

from __future__ import annotations

import apsw
import msgspec

from interlock.messaging.ledger import Closing
from interlock.messaging.refused import RefusedCount
from interlock.messaging.sqlite.statements import statements

ROWS_MAX = 500
"""So many lines of the list of refused fields."""


def note_refused(connection: apsw.Connection, closing: Closing) -> None:
    """In the transaction that ends the claim. An audit row for each field that this delivery leaves out for the first
    time: an attempt, a replay or a newer state of the object adds none."""
    sql, delivery = statements("refused.sql"), closing.delivery
    for one in closing.refused:
        row = (delivery.id, one.field, one.record, one.team, closing.now_ms)
        if connection.execute(sql["note"], row).get == 1:
            detail = {"ids": [delivery.id], "field": one.field, "record": one.record, "team": one.team}
            said = (closing.now_ms, f"delivery/{delivery.id}", one.words, msgspec.json.encode(detail).decode())
            connection.execute(sql["audit"], said)


def read_refused(connection: apsw.Connection, since_ms: int) -> tuple[RefusedCount, ...]:
    """What was left out since then, most deliveries first."""
    cursor = connection.execute(statements("refused.sql")["since"], {"since_ms": since_ms, "limit": ROWS_MAX})
    return tuple(RefusedCount(**dict(zip(RefusedCount.__struct_fields__, row, strict=True))) for row in cursor)
