"""A folder that was read again is what the console shows: an operator must never read yesterday's map."""

import msgspec

from console.conftest import Desk
from console.store import strategy
from interlock.console import show_strategy


def test_pages_show_the_release_of_now_and_nobody_is_signed_out(desk: Desk) -> None:
    """The title and the release stand on every page; the session goes on."""
    browser = desk.signed_in()
    assert "Renamed Outfitters" not in browser.get("/").text
    renamed = msgspec.structs.replace(strategy(), title="Renamed Outfitters", release="feedc0de" * 8)
    show_strategy(desk.app, renamed)
    page = browser.get("/map")
    assert page.status == 200
    assert "Renamed Outfitters" in page.text
    assert "feedc0de" in page.text
