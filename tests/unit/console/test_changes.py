"""The page Changes: what differs, what it does, apply and roll back with preview and typed confirmation; and the command's door."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.browse import ORIGIN, Browser
from console.conftest import TOKEN, Desk
from console.store import Store
from interlock.messaging.sqlite.history import SqliteHistory
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.operations.changes import Changes
from interlock.release.switch import Switched, switch
from interlock.strategy import Snapshot, read_folder
from interlock.strategy.starter import write_starter

ROW = '[order.out.salesOrder]\nmessage = "note"\n'


class Room:
    """A folder whose starter state runs, its store, and a browser over the console of a hub that switches in the store."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        write_starter(folder)
        data = folder / "data"
        data.mkdir()
        self.first = asyncio.run(self._opened(data))
        self.history = SqliteHistory(data / "ledger.db")
        self.desk = Desk(store)
        state = self.desk.app.state
        state.console = msgspec.structs.replace(state.console, changes=Changes(folder, self.history, self.switch))
        self.browser: Browser = self.desk.signed_in()

    async def _opened(self, data: Path) -> str:
        await SqliteInbox(data / "inbox.db", 0).close()
        self.ledger_path = data / "ledger.db"
        snapshot = read_folder(self.folder)
        await self.switch(snapshot, Switched(why="the start"))
        return snapshot.id

    async def switch(self, snapshot: Snapshot, switched: Switched) -> str:
        ledger = SqliteLedger(self.ledger_path, 0)
        try:
            await switch(ledger, snapshot, switched, 1_000, ())
        finally:
            await ledger.close()
        return snapshot.id

    def edit(self, path: str = "mappings/netsuite.toml", text: str = ROW) -> str:
        """Change the folder; returns the release that it would be."""
        (self.folder / path).write_text(text)
        return read_folder(self.folder).id

    def apply(self, **values: Any) -> str:
        """Fill in the form; returns what the page says."""
        return self.browser.submit(self.browser.get("/changes"), "/changes/apply", **values).page.said

    def close(self) -> None:
        self.history.close()
        self.desk.views.close()


@pytest.fixture
def room(tmp_path: Path, store: Store) -> Iterator[Room]:
    made = Room(tmp_path / "acme", store)
    yield made
    made.close()


def test_a_folder_that_runs_says_so(room: Room) -> None:
    """The answer is first; the releases stand below, and there is nothing to apply."""
    page = room.browser.get("/changes").page
    assert f"The folder is what runs: release {room.first[:8]}." in page.said
    assert [form["action"] for form in page.forms if form["action"].startswith("/changes")] == []
    assert ("/changes" in page.links()) is True


def test_a_changed_folder_is_shown_and_tried_on_demand(room: Room) -> None:
    """What differs at once; what it does when it is asked for, by the same command that a shell would give."""
    room.edit()
    page = room.browser.get("/changes").page
    assert "The folder has 1 change that does not run yet, 0 breaking." in page.said
    assert "message \u2190 note" in page.said and "mappings/netsuite.toml:2" in page.said
    assert "Risk" not in page.said
    tried = room.browser.get("/changes?events=100").page
    assert "1 change, 0 breaking; no recorded order to try it on; risk medium." in tried.said
    assert "There is no recorded event to try it on." in tried.said


def test_applying_wants_a_reason_and_the_name_typed(room: Room) -> None:
    """Danger is deliberate: no reason, no name or another one, and nothing happens."""
    wanted = room.edit()
    for values in ({"typed": wanted[:8]}, {"why": "x"}, {"why": "x", "typed": room.first[:8]}):
        room.apply(**values)
        assert room.history.active() == room.first
    said = room.apply(why="for the accountants", typed=wanted[:8])
    assert f"The folder is what runs: release {wanted[:8]}." in said
    last = room.history.switches()[0]
    assert (last.release, last.who, last.why, last.before) == (
        wanted,
        "operator",
        "for the accountants",
        room.first,
    )


def test_a_folder_that_moved_on_is_looked_at_again(room: Room) -> None:
    """Between the look and the button somebody saved a file: what was looked at is not what would run."""
    wanted, page = room.edit(), room.browser.get("/changes")
    room.edit(text=ROW + 'memo = "name"\n')
    answer = room.browser.submit(page, "/changes/apply", why="x", typed=wanted[:8])
    assert (answer.status, "PLN001" in answer.page.said) == (409, True)
    assert room.history.active() == room.first


def test_a_folder_with_mistakes_says_which(room: Room) -> None:
    """The page stands, tells the mistake, and offers nothing to apply."""
    room.edit("flows/order-to-wms.toml", "nonsense")
    page = room.browser.get("/changes?events=100").page
    assert f"The folder cannot run as it is. Release {room.first[:8]} runs on." in page.said
    assert "flows/order-to-wms.toml" in page.said
    assert [form for form in page.forms if form["action"] == "/changes/apply"] == []


def test_rolling_back_is_previewed_and_typed(room: Room) -> None:
    """What it changes and what it leaves behind stand above the button."""
    wanted = room.edit()
    room.apply(why="x", typed=wanted[:8])
    path = f"/changes/releases/{room.first}/rollback"
    assert path in room.browser.get("/changes").page.links()
    preview = room.browser.get(path)
    assert "- mapping" not in preview.page.said and "message (was note)" in preview.page.said
    assert room.browser.submit(preview, path, why="wrong", typed="nonsense").status == 409
    assert room.history.active() == wanted
    room.browser.submit(preview, path, why="wrong", typed=room.first[:8])
    assert (room.history.active(), room.history.switches()[0].action) == (room.first, "rollback")
    assert "went back" in room.browser.get("/changes").page.said


def test_a_release_has_a_page(room: Room) -> None:
    """A sharable address for what ran, what it changed and what it wrote; none for what never was."""
    wanted = room.edit()
    room.apply(why="for the accountants", typed=wanted[:8])
    page = room.browser.get(f"/changes/releases/{wanted[:12]}").page
    assert "for the accountants" in page.said and "message \u2190 note" in page.said
    assert "It has written nothing." in page.said
    assert room.browser.get("/changes/releases/nowhere").status == 404


def ask(room: Room, body: object, token: str = TOKEN, **headers: str) -> tuple[int, Any]:
    sent = {"content-type": "application/json", "origin": ORIGIN, "authorization": f"Bearer {token}"} | headers
    answer = room.browser.ask("POST", "/api/releases", headers=sent, body=json.dumps(body).encode())
    return answer.status, json.loads(answer.body) if answer.body.startswith(b"{") else answer.text


def test_the_commands_door_takes_the_token_and_nothing_else(room: Room) -> None:
    """A session is not enough: another site's form could ride on it. Who asks is always written down as a command."""
    wanted = room.edit()
    asked = {"action": "apply", "release": wanted, "by": "console:operator", "why": "x"}
    assert ask(room, asked, token="wrong")[0] == 401
    assert ask(room, asked, authorization="")[0] == 401
    assert ask(room, asked, origin="https://evil.example")[0] == 403
    assert ask(room, ["nonsense"])[0] == 400
    assert room.history.active() == room.first
    assert ask(room, asked) == (200, {"release": wanted})
    assert room.history.switches()[0].who == "cli:console:operator"
    status, said = ask(room, asked | {"release": room.first})
    assert (status, said["error"]["code"]) == (409, "PLN001")
    assert ask(room, {"action": "rollback", "release": room.first, "by": "ann", "why": "x"})[0] == 200
    assert room.history.active() == room.first


def test_without_a_hub_there_is_no_page(browser: Browser, desk: Desk) -> None:
    """A console over a copy of a store has nothing to change."""
    desk.app.state.console = msgspec.structs.replace(desk.app.state.console, changes=None)
    assert browser.get("/changes").status == 404
