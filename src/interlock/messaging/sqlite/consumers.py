"""Consumers of versions on SQLite: written with the ledger's group commit, read on the connection of the views."""

from collections.abc import Sequence

import apsw
import msgspec

from interlock.messaging.consumers import Consumer
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements

FILE = "consumers.sql"


class SqliteConsumerBook:
    """The ConsumerBook port."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group

    async def note(self, seen: Sequence[Consumer]) -> None:
        """All of them in one transaction."""
        note = statements(FILE)["note"]

        def work(connection: apsw.Connection) -> None:
            connection.executemany(note, map(msgspec.structs.asdict, seen))

        await self._group.run(work)


def read_consumers(connection: apsw.Connection) -> tuple[Consumer, ...]:
    """Every consumer; a store that no hub of this version has opened yet has none."""
    sql = statements(FILE)
    if not connection.execute(sql["there"]).get:
        return ()
    return tuple(
        Consumer(
            version=version, flow=flow, part=part, system=system, first_seen_ms=first, last_seen_ms=last, uses=uses
        )
        for version, flow, part, system, first, last, uses in connection.execute(sql["consumers"])
    )
