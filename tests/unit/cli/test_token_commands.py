"""`status` and `doctor` say it when a system gives no token any more, with the next move, and no token is in what they say."""

import asyncio
from pathlib import Path

import pytest
from commandline import call, said

from interlock.cli.tokens import token_lines
from interlock.clock import SystemClock
from interlock.connectors.token_store import Reconnect, StoredToken
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.security.vault import Vault

DEAD = Reconnect(
    code="invalid_grant", message="the shop gives no token (invalid_grant); install the app again, then reload",
    credentials="c", since_ms=4_000_000_000_000,
)  # fmt: skip
GOOD = StoredToken(
    system="shopify",
    grant="client credentials",
    origin="o",
    access="shpat_planted",
    refresh="shprt_planted",
    renewed_ms=1_000,
)


def kept(data: Path, token: StoredToken) -> None:
    """A vault with one token, as a hub leaves it."""

    async def story() -> None:
        vault = Vault(data, SystemClock(), environ={})
        assert await vault.commit("name", await vault.lease("name", 1.0) or 0, token)
        await vault.close()

    data.mkdir(exist_ok=True)
    asyncio.run(story())


def replaced(**changed: object) -> StoredToken:
    return StoredToken(**({field: getattr(GOOD, field) for field in GOOD.__struct_fields__} | changed))


@pytest.mark.parametrize(
    ("token", "words", "move"),
    [
        (GOOD, "client credentials, renewed 1.0 s ago", ""),
        (
            replaced(reconnect=DEAD),
            "reconnect: the shop gives no token (invalid_grant)",
            "install the app again, then reload",
        ),
        (
            replaced(lost_scope=("read_orders",)),
            "reconnect: the app has lost read_orders",
            "grant it again, then reload",
        ),
    ],
)
def test_the_words_of_each_state(tmp_path: Path, token: StoredToken, words: str, move: str) -> None:
    """C80: a person reads what is wrong and what to do, without opening the vendor's documentation."""
    kept(tmp_path / "data", token)
    (line,) = token_lines(tmp_path / "data", 2_000)
    assert (line.words, line.next) == (words, move)


def test_no_vault_is_no_line(tmp_path: Path) -> None:
    """Before the first run there is nothing to judge."""
    assert token_lines(tmp_path, 0) == []


def test_status_and_doctor_say_reconnect(filled: Path) -> None:
    """C80: the command that a monitor runs fails, and both name the system and the next move."""
    assert not [
        line for line in said(call("doctor", "--folder", filled, "--json")) if line.get("judgement") == "failed"
    ]
    kept(filled / "data", replaced(reconnect=DEAD))
    judged = [
        line for line in said(call("doctor", "--folder", filled, "--json")) if line.get("check") == "token of shopify"
    ]
    assert [line["judgement"] for line in judged] == ["failed"]
    shown = call("status", "--strict", "--folder", filled)
    assert "shopify: reconnect" in shown.stdout and "install the app again" in shown.stdout and shown.exit_code == 1
    assert "planted" not in shown.output + call("doctor", "--folder", filled).output


def test_status_says_reconnect_before_the_first_event(tmp_path: Path) -> None:
    """A shop that was never connected sends nothing, so an empty store is when it must be said (C80). The control: without it."""
    data = tmp_path / "data"
    data.mkdir()
    for store in (SqliteInbox(data / "inbox.db", 0), SqliteLedger(data / "ledger.db", 0)):
        store.group.connection.close()
    assert call("status", "--strict", "--folder", tmp_path).exit_code == 0
    kept(data, replaced(reconnect=DEAD))
    shown = call("status", "--strict", "--folder", tmp_path)
    assert "shopify: reconnect" in shown.stdout and "no event has arrived yet" in shown.stdout and shown.exit_code == 1
