"""What operators ask of the ledger: preview, replay, discard, hold; each audited in the transaction that does it."""

from typing import Any, cast

import apsw
import msgspec

from interlock.messaging.ledger import Filter, Preview
from interlock.messaging.sqlite.choose import choose
from interlock.messaging.sqlite.lane import hand_on
from interlock.messaging.sqlite.process import discarded

LATE_MS = 15 * 60_000
"""A delivery whose event is older than this is read again from its source when it is replayed."""

_COUNT = """SELECT count(*), coalesce(min(d.received_ms), 0), coalesce(max(d.received_ms), 0) FROM delivery d WHERE """
_GROUP = {
    "destination": "SELECT d.destination, count(*) FROM delivery d WHERE /*where*/ GROUP BY d.destination",
    "state": "SELECT d.state, count(*) FROM delivery d WHERE /*where*/ GROUP BY d.state",
}
_OPEN_STATES = "('pending', 'retrying', 'uncertain', 'waiting', 'held')"


class OperatorWork:
    """Bulk actions over a Filter."""

    def __init__(self, sql: dict[str, str]) -> None:
        self._sql = sql

    def preview(self, connection: apsw.Connection, chosen: Filter) -> Preview:
        """Counts, and the oldest and newest receipt."""
        where, values = choose(chosen)
        count, oldest, newest = connection.execute(_COUNT + where, values).get
        groups: dict[str, dict[str, int]] = {
            name: dict(
                cast("list[tuple[str, int]]", connection.execute(text.replace("/*where*/", where), values).fetchall())
            )
            for name, text in _GROUP.items()
        }
        return Preview(
            count=min(count, chosen.limit),
            by_destination=groups["destination"],
            by_state=groups["state"],
            oldest_ms=oldest,
            newest_ms=newest,
        )

    def replay(self, connection: apsw.Connection, chosen: Filter, by: str, why: str, release: str, now_ms: int) -> int:
        """Open each chosen delivery once: one that an open replay holds already is left alone (C84)."""
        text = msgspec.json.encode(chosen).decode()
        replay = int(connection.execute(self._sql["open_replay"], (now_ms, by, why, text, release)).get)
        where, values = choose(chosen)
        limited = f"{where} ORDER BY d.id LIMIT {int(chosen.limit)}"
        connection.execute(self._sql["replay_candidates"].replace("/*where*/", limited), values | {"replay": replay})
        items = connection.execute("SELECT delivery FROM replay_item WHERE replay = ? ORDER BY delivery", (replay,))
        ids = [row[0] for row in items]
        for id_ in ids:
            connection.execute(self._sql["reopen"], {"now": now_ms, "release": release, "late": LATE_MS, "id": id_})
            connection.execute(self._sql["close_letter"], (now_ms, "replayed", by, why, id_))
        total = connection.execute(self._sql["replay_total"], (replay,)).get
        self._audit(connection, by, "replay", f"replay {replay}", why, {"filter": chosen, "total": total}, now_ms)
        return replay

    def discard(self, connection: apsw.Connection, chosen: Filter, by: str, why: str, now_ms: int) -> int:
        """Cancel open and dead deliveries and let their lanes go on."""
        ids = self._ids(connection, chosen, f"(d.state = 'dead' OR d.state IN {_OPEN_STATES})")
        for id_ in ids:
            connection.execute(
                "UPDATE delivery SET state = 'cancelled', token = token + 1, reason = 'discarded', error = ?, "
                "waiting_for = '', updated_ms = ? WHERE id = ?",
                (why, now_ms, id_),
            )
            connection.execute(self._sql["close_letter"], (now_ms, "discarded", by, why, id_))
            connection.execute(self._sql["replay_result"], ("cancelled", id_))
            discarded(connection, id_, now_ms)
            system, object_name, key, destination = connection.execute(
                "SELECT system, object, key, destination FROM delivery WHERE id = ?", (id_,)
            ).get
            hand_on(connection, self._sql, system=system, object_name=object_name, key=key, destination=destination)
        self._audit(connection, by, "discard", f"{len(ids)} deliveries", why, {"filter": chosen, "ids": ids}, now_ms)
        return len(ids)

    def hold(
        self, connection: apsw.Connection, chosen: Filter, by: str, why: str, now_ms: int, *, release: bool
    ) -> int:
        """Held deliveries keep their place in the lane; letting go makes them due now."""
        if release:
            ids = self._ids(connection, chosen, "d.state = 'held'")
            statement = (
                "UPDATE delivery SET state = 'pending', due_ms = ?1, updated_ms = ?1, reason = '', error = ?2 "
                "WHERE id = ?3"
            )
        else:
            ids = self._ids(connection, chosen, "d.state IN ('pending', 'retrying', 'waiting')")
            statement = "UPDATE delivery SET state = 'held', updated_ms = ?1, reason = 'held', error = ?2 WHERE id = ?3"
        for id_ in ids:
            connection.execute(statement, (now_ms, why, id_))
        action = "release" if release else "hold"
        self._audit(connection, by, action, f"{len(ids)} deliveries", why, {"filter": chosen, "ids": ids}, now_ms)
        return len(ids)

    def pause_replay(self, connection: apsw.Connection, replay: int, by: str, *, paused: bool, now_ms: int) -> None:
        """What the replay has not done yet is held, or goes on."""
        connection.execute("UPDATE replay SET paused = ? WHERE id = ?", (int(paused), replay))
        rows = connection.execute("SELECT delivery FROM replay_item WHERE replay = ? AND result = ''", (replay,))
        chosen = Filter(ids=tuple(row[0] for row in rows))
        if chosen.ids:
            self.hold(connection, chosen, by, f"replay {replay} paused" if paused else "", now_ms, release=not paused)

    def _ids(self, connection: apsw.Connection, chosen: Filter, also: str) -> list[int]:
        where, values = choose(chosen)
        # `where` and `also` are constant texts of this package (choose.py); every value is bound.
        query = f"SELECT d.id FROM delivery d WHERE {where} AND {also} ORDER BY d.id LIMIT {int(chosen.limit)}"  # noqa: S608
        return [row[0] for row in connection.execute(query, values)]

    def _audit(
        self, connection: apsw.Connection, who: str, action: str, subject: str, why: str, detail: Any, now_ms: int
    ) -> None:
        connection.execute(
            self._sql["audit"], (now_ms, who, action, subject, why, msgspec.json.encode(detail).decode())
        )
