"""The command privacy on a store at rest: what is listed, a copy in a file of one's own, an erasure that waits for the hub."""

import asyncio
import json
import shutil
from pathlib import Path

import apsw
import pytest
from commandline import call, said

from interlock.hub import Hub
from interlock.messaging.sqlite.packing import unpack

DAY_MS = 86_400_000
ROW = {
    "uid": "u", "kind": "export", "system": "shopify", "person": "", "event": 0, "received_ms": 1, "due_ms": 1 + 30 * DAY_MS,
    "state": "asked", "by": "webhook", "why": "customers/data_request", "orders": "[]", "values_known": b"", "hashes": "[]",
}  # fmt: skip


@pytest.fixture
def asked(filled: Path) -> Path:
    """A folder whose customer of the first order asked for a copy in 1970."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as store:
        (order,) = store.execute("SELECT key FROM object WHERE object = 'order' ORDER BY id LIMIT 1").fetchone()
        row = ROW | {"person": "1", "orders": json.dumps([order])}
        store.execute(f"INSERT INTO privacy_request ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row)
    return filled


def test_what_is_overdue_fails(asked: Path, filled: Path) -> None:
    """C91: a cron job notices. What is shown has no value of the person."""
    result = call("privacy", "--folder", asked)
    assert result.exit_code == 1 and "1 request is overdue: customer 1 of shopify wants a copy of their data." in result.output
    row, summary = said(call("privacy", "--folder", asked, "--json"))
    assert (row["kind"], row["overdue"], summary["overdue"], summary["open"]) == ("export", True, 1, 1)
    assert "values" not in row and "traces" not in row


def test_a_copy_is_a_file_for_its_owner_alone_and_audited(asked: Path, tmp_path: Path) -> None:
    """Everything of the order is in it, with the ids at other systems; then a person says that it was handed over."""
    file = tmp_path / "copy.json"
    assert call("privacy", "export", 1, "--to", file, "--why", "asked by mail", "--folder", asked).exit_code == 0
    held = json.loads(file.read_text())
    assert file.stat().st_mode & 0o077 == 0
    assert {row["system"] for row in held["elsewhere"]} == {"netsuite", "shipbob", "klaviyo"}
    assert held["events"] and held["attempts"] and all(row["external_id"] or row["reference"] for row in held["elsewhere"])
    assert call("privacy", "done", 1, "--why", "sent", "--folder", asked).exit_code == 0
    assert call("privacy", "done", 1, "--why", "sent", "--folder", asked).exit_code == 1
    assert call("privacy", "--folder", asked).exit_code == 0
    actions = [row["action"] for row in said(call("audit", "--folder", asked, "--json"))[:-1]]
    assert actions[:2] == ["privacy-done", "reveal"]


def test_an_erasure_by_hand_waits_for_the_hub(filled: Path) -> None:
    """It is a row with a reason; nobody can say it done; what is named wrongly is refused."""
    result = call("privacy", "redact", "--system", "shopify", "--customer", "77", "--why", "letter", "--folder", filled)
    assert result.exit_code == 0 and "the hub does it when it runs again" in result.output
    refused = call("privacy", "done", 1, "--why", "x", "--folder", filled)
    assert refused.exit_code == 1 and "PRV012" in refused.output
    wrong = call("privacy", "redact", "--system", "nowhere", "--customer", "77", "--why", "x", "--folder", filled)
    assert wrong.exit_code == 1 and "PRV010" in wrong.output
    assert "PRV011" in call("privacy", "export", 9, "--why", "x", "--folder", filled).output


def person_of(data: Path) -> tuple[str, bytes]:
    """Customer and mail address of an order that the demo has left."""
    with apsw.Connection(str(data / "inbox.db")) as store:
        for sha256, size, stored in store.execute("SELECT sha256, size_bytes, body FROM event WHERE object = 'order' AND body NOT NULL"):
            customer = json.loads(unpack(stored, size, sha256)).get("customer") or {}
            if customer.get("email"):
                return str(customer["id"]), customer["email"].encode()
    raise AssertionError("no order has a person")


def hits(data: Path, mail: bytes) -> int:
    """Files that hold the address, and bodies that do once they are unpacked."""
    with apsw.Connection(str(data / "inbox.db")) as store:
        bodies = [unpack(row[2], row[1], row[0]) for row in store.execute("SELECT sha256, size_bytes, body FROM event WHERE body NOT NULL")]
    raw = [file.read_bytes() for file in data.iterdir() if file.is_file()]
    return sum(mail in text for text in (*bodies, *raw))


def test_the_hub_erases_and_an_older_copy_of_the_stores_is_erased_at_its_start(filled: Path) -> None:
    """C91 in the real assembly: by hand beside a stopped hub, carried out when it runs; a backup that is put back too."""
    data = filled / "data"
    customer, mail = person_of(data)
    shutil.copytree(data, filled / "backup")
    assert hits(data, mail)

    async def run(*, look: bool) -> None:
        hub = Hub(filled)
        await hub.open()
        try:
            if look:
                await hub.privacy.look()
        finally:
            await hub.close()

    call("privacy", "redact", "--system", "shopify", "--customer", customer, "--why", "letter", "--folder", filled)
    asyncio.run(run(look=True))
    row = said(call("privacy", "--folder", filled, "--json"))[0]
    assert (row["state"], row["left"]) == ("done", {}) and row["removed"]["events"] and row["proven_ms"]
    assert hits(data, mail) == 0
    for name in ("inbox.db", "ledger.db"):
        shutil.copy(filled / "backup" / name, data / name)
    assert hits(data, mail)
    asyncio.run(run(look=False))
    assert hits(data, mail) == 0
