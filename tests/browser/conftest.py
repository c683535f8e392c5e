"""One browser and one console over the Monday store for all browser tests; skipped, and saying so, where there is no Chromium."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / "unit"), str(Path(__file__).parent)]

from chrome import CHROMIUM, DRIVER, MondayClock, Signed, chrome, cookies, give, look_like, served
from console.conftest import TOKEN, Desk
from console.store import NOW_MS, monday
from person import Person
from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def window() -> Iterator[Chrome]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("chromium and chromedriver are not installed (Debian: apt-get install chromium chromium-driver)")
    with chrome() as driver:
        yield driver


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(monday(tmp_path_factory.mktemp("monday")), clock=MondayClock(NOW_MS))
    yield made
    made.views.close()
    made.store.close()


@pytest.fixture(scope="session")
def entered(window: Chrome, desk: Desk) -> Iterator[tuple[str, Signed]]:
    """The address of the console, and what its browser was given at the door."""
    with served(desk.app) as at:
        window.get(f"{at}/?token={TOKEN}")
        yield at, cookies(window)


@pytest.fixture
def address(window: Chrome, entered: tuple[str, Signed]) -> str:
    """Signed in: a cookie is of all ports of a host, and another test's console may have put its own in the place."""
    at, signed = entered
    give(window, at, signed)
    return at


@pytest.fixture
def person(window: Chrome) -> Iterator[Person]:
    """Somebody at a desk, in the light; they leave what they looked at, so that no open page complains to the next test."""
    look_like(window, width=1440, theme="light")
    window.get_log("browser")
    yield Person(window)
    window.get("about:blank")
