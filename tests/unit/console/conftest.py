"""The Monday store, built once, and a signed-in browser over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.browse import Browser
from console.changing import RecordedChanges
from console.drifting import SampleMappings
from console.store import NOW_MS, RecordedActions, RecordedDemo, SmallTranslator, Store, monday, strategy
from interlock.clock import Clock, VirtualClock
from interlock.console import create_console
from interlock.strategy.model import Strategy

TOKEN = "let-me-in"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    built = monday(tmp_path_factory.mktemp("monday"))
    yield built
    built.close()


class Desk:
    """A console over a store, with its recorded actions and a browser."""

    def __init__(
        self,
        folder_store: Store,
        *,
        scheme: str = "http",
        demo: bool = True,
        clock: Clock | None = None,
        runs: Strategy | None = None,
    ) -> None:
        self.store = folder_store
        self.views = folder_store.views()
        self.actions = RecordedActions(self.views)
        self.demo = RecordedDemo()
        self.mappings = SampleMappings()
        self.changes = RecordedChanges()
        self.clock = VirtualClock(NOW_MS)
        self.app = create_console(
            views=self.views, actions=self.actions, strategy=runs or strategy(), token=TOKEN, clock=clock or self.clock,
            demo=self.demo if demo else None, translator=SmallTranslator(), mappings=self.mappings,
            changes=self.changes,
        )  # fmt: skip
        self.browser = Browser(self.app, scheme=scheme)

    def signed_in(self) -> Browser:
        self.browser.get(f"/?token={TOKEN}")
        return self.browser


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    made = Desk(store)
    yield made
    made.views.close()


@pytest.fixture
def browser(desk: Desk) -> Browser:
    return desk.signed_in()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    built = Store(Path(tmp_path_factory.mktemp("empty")))
    yield built
    built.close()
