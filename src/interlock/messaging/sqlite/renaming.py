"""Following a system's new name on SQLite."""

from collections.abc import Mapping, Sequence

import apsw

from interlock.messaging.renaming import Move
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.stock_book import shown_at


class SqliteRenamings:
    """The Renamings port, in the ledger's transactions."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements("renaming.sql")

    async def known(self) -> dict[str, str]:
        """From the book."""
        return {str(was): str(name) for was, name in self._group.reading.execute(self._sql["known"])}

    async def follow(self, moves: Sequence[Move], names: Mapping[str, str], now_ms: int) -> int:
        """All moves, and what is known of them, or nothing."""
        return await self._group.run(lambda connection: self._follow(connection, moves, names, now_ms))

    def _follow(self, connection: apsw.Connection, moves: Sequence[Move], names: Mapping[str, str], now_ms: int) -> int:
        moved = sum(self._move(connection, move, now_ms) for move in moves)
        connection.execute(self._sql["forget"])
        connection.executemany(self._sql["remember"], names.items())
        return moved

    def _move(self, connection: apsw.Connection, move: Move, now_ms: int) -> int:
        count = self._move_lanes(connection, move)
        count += self._move_lanes(connection, Move(shown_at(move.was), shown_at(move.name)))
        for table, column in connection.execute(self._sql["stock"]).fetchall():
            self._rename(connection, table, column, move)
        connection.execute(self._sql["audit"], (now_ms, f"system {move.was} is {move.name}"))
        return count

    def _move_lanes(self, connection: apsw.Connection, move: Move) -> int:
        """Of one destination: the system itself, or its stock."""
        count = int(connection.execute(self._sql["open"], (move.was,)).get)
        named = {"was": move.was, "name": move.name}
        for (table,) in connection.execute(self._sql["tables"]).fetchall():
            self._rename(connection, table, "destination", move)
        connection.execute(self._sql["links"], named)
        connection.execute(self._sql["one_head"], {"name": move.name})
        connection.execute(self._sql["some_head"], named)
        return count

    @staticmethod
    def _rename(connection: apsw.Connection, table: object, column: object, move: Move) -> None:
        """The names come from the schema itself; the values are bound."""
        statement = f'UPDATE OR IGNORE "{table}" SET "{column}" = :name WHERE "{column}" = :was'  # noqa: S608
        connection.execute(statement, {"was": move.was, "name": move.name})
