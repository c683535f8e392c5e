"""A store that an earlier version filled keeps every row when its schema grows."""

import hashlib
from pathlib import Path

import apsw

from interlock.messaging.sqlite.migrate import migrate, migrations


def old_store(path: Path) -> None:
    """A ledger as the first migration made it, with one delivery and its crosswalk row."""
    connection = apsw.Connection(str(path))
    number, name, text = next(iter(migrations("ledger")))
    connection.execute(text)
    connection.execute(
        "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT"
    )
    connection.execute(
        "INSERT INTO migration VALUES (?, ?, ?, 0)", (number, name, hashlib.sha256(text.encode()).hexdigest())
    )
    connection.execute(
        "INSERT INTO delivery (flow, system, destination, object, key, name, signal, lane, state, head, opened, priority, due_ms, release, "
        "wanted_event, wanted_version, reread, received_ms, created_ms, updated_ms) "
        "VALUES ('f', 'shop', 'erp', 'order', '7', '#7', '', 'erp/shop/order/7', 'pending', 1, 1, 0, 0, 'r', 1, 10, 0, 0, 0, 0)"
    )
    connection.execute(
        "INSERT INTO link VALUES ('erp', 'shop', 'order', '7', 'put', '', 'IL-7', 'SO-7', 10, 'h', 5, 3)"
    )
    connection.close()


def test_filled_store_of_the_first_version_is_brought_along(tmp_path: Path) -> None:
    """The crosswalk is rebuilt by 0002: losing a row of it would make an order twice."""
    old_store(tmp_path / "ledger.db")
    connection = apsw.Connection(str(tmp_path / "ledger.db"))
    assert migrate(connection, "ledger", 1) == [name for _, name, _ in list(migrations("ledger"))[1:]]
    link = connection.execute(
        "SELECT system, origin, object, key, operation, reference, external_id, version, content_hash, written_ms, writes FROM link"
    )
    assert link.fetchall() == [("erp", "shop", "order", "7", "put", "IL-7", "SO-7", 10, "h", 5, 3)]
    assert connection.execute("SELECT key, destination, head, state FROM delivery").fetchall() == [
        ("7", "erp", 1, "pending")
    ]
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    assert migrate(connection, "ledger", 2) == []
    connection.close()
