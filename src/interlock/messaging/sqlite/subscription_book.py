"""The book of webhook subscriptions on the ledger's file."""

from collections.abc import Sequence

import apsw

from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.subscriptions import Kept

FILE = "subscription_book.sql"


class SqliteSubscriptionBook:
    """The SubscriptionBook port, in the ledger's transactions."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements(FILE)

    async def kept(self) -> tuple[Kept, ...]:
        """By system and topic."""
        return read_subscriptions(self._group.reading)

    async def keep(self, found: Sequence[Kept], gone: Sequence[tuple[str, str]], *, said: Sequence[str], now_ms: int) -> None:
        """All in one transaction, with the audit of what was done."""

        def work(connection: apsw.Connection) -> None:
            for one in found:
                connection.execute(self._sql["keep"], _row(one))
            for system, topic in gone:
                connection.execute(self._sql["forget"], (system, topic))
            for words in said:
                connection.execute(statements("ledger.sql")["audit"], (now_ms, "hub", "subscribe", words, "", "{}"))

        await self._group.run(work)


def _row(one: Kept) -> tuple[str | int, ...]:
    """The columns, in their order."""
    return (one.system, one.topic, one.address, one.state, one.since_ms, one.looked_ms, one.lost, one.lost_ms, one.problem)


def read_subscriptions(connection: apsw.Connection) -> tuple[Kept, ...]:
    """What was found at the last look; nothing in a store that no hub of this version has opened yet."""
    sql = statements(FILE)
    if not connection.execute(sql["there"]).get:
        return ()
    return tuple(
        Kept(system=system, topic=topic, address=address, state=state, since_ms=since_ms, looked_ms=looked_ms, lost=lost,
             lost_ms=lost_ms, problem=problem)
        for system, topic, address, state, since_ms, looked_ms, lost, lost_ms, problem in connection.execute(sql["subscriptions"])
    )  # fmt: skip
