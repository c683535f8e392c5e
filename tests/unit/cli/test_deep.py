"""`doctor --deep` finds what was damaged after it was accepted, and nothing in a store that is well."""

import re
from pathlib import Path

import apsw
import pytest
from commandline import call, said

CHANGED = "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'USD', 'EUR') AS BLOB) WHERE position = ?"


def spoil(folder: Path, file: str, statement: str, *values: object) -> None:
    """Change a store behind the hub's back."""
    connection = apsw.Connection(str(folder / "data" / file))
    connection.execute(statement, values)
    connection.close()


def orders(folder: Path) -> list[int]:
    """The positions of the events of orders: those of stock stand between them."""
    connection = apsw.Connection(str(folder / "data" / "inbox.db"))
    found = [row[0] for row in connection.execute("SELECT position FROM event WHERE object = 'order' ORDER BY position")]
    connection.close()
    return found


def judged(folder: Path) -> tuple[int, list[dict[str, object]]]:
    """Exit code, and the failed checks."""
    result = call("doctor", "--deep", "--folder", folder, "--json")
    return result.exit_code, [row for row in said(result)[:-1] if row["judgement"] == "failed"]


def test_a_store_that_is_well_has_no_findings(filled: Path) -> None:
    """The control: without damage every body is read and nothing is found."""
    result = call("doctor", "--deep", "--folder", filled)
    assert result.exit_code == 0
    assert re.search(r"contents: all pages, \d+ bodies with the SHA-256", result.stdout)


def test_every_damaged_body_is_named(filled: Path) -> None:
    """One changed byte: the event, its order and both hashes are told, for each damaged one (STO003 sends people here)."""
    first, _, third = orders(filled)[:3]
    for position in (first, third):
        spoil(filled, "inbox.db", CHANGED, position)
    code, failed = judged(filled)
    assert code == 1
    assert [str(one["found"]).split(",")[0] for one in failed] == [f"event {first}", f"event {third}"]
    assert "#1001" in str(failed[0]["found"])


def test_a_trimmed_body_is_no_damage(filled: Path) -> None:
    """Retention forgets bodies on purpose."""
    spoil(filled, "inbox.db", "UPDATE event SET body = NULL WHERE position = 1")
    assert judged(filled) == (0, [])


@pytest.mark.parametrize("file", ["inbox.db", "ledger.db"])
def test_damaged_pages_are_found(file: str, filled: Path) -> None:
    """A disk that returns other bytes than were written."""
    spoil(filled, file, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = filled / "data" / file
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 6_000] = b"\xff" * 6_000
    path.write_bytes(content)
    code, failed = judged(filled)
    assert code == 1
    assert any(file in str(one["check"]) or "cannot be read" in str(one["found"]) for one in failed)


def test_an_inbox_older_than_the_ledger_is_found(filled: Path) -> None:
    """Restored from different backups, an open delivery would wait for an event that no longer exists."""
    spoil(
        filled, "ledger.db", "UPDATE delivery SET state = 'pending' WHERE name = '#1003' AND destination = 'netsuite'"
    )
    assert judged(filled)[0] == 0
    spoil(filled, "inbox.db", "DELETE FROM event WHERE position >= (SELECT max(position) FROM event WHERE name = '#1003')")
    code, failed = judged(filled)
    assert code == 1
    assert {str(one["check"]) for one in failed} == {"inbox and ledger"}
    assert any("#1003" in str(one["found"]) for one in failed)
    assert any("cursor" in str(one["found"]) for one in failed)
