"""A release on paper: its mappings compiled and its conditions too, without a secret, and with no host that it may reach."""

from pathlib import Path

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.http import Http
from interlock.release.build import Build
from interlock.strategy import Snapshot, Strategy, load

NOT_NEEDED = "not needed on paper"


class PaperBuild(Build):
    """Translates as the release would; what it would write stays a plan."""

    def __init__(self, strategy: Strategy) -> None:
        super().__init__(
            strategy, Path(), http=Http(frozenset()), clock=SystemClock(), environ={}, secret=lambda _reference: NOT_NEEDED
        )


def on_paper(snapshot: Snapshot) -> PaperBuild:
    """A folder that loads, with every mapping compiled. Raises StrategyErrors, MappingFileError, SettingsError."""
    build = PaperBuild(load(snapshot, connectors=registry.facts()))
    build.warm()
    return build
