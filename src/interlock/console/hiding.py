"""Which values of a destination's documents are personal, under two releases at once: for plans, which show samples."""

from functools import cache
from typing import Any

from interlock.console.payload import Masked, mask
from interlock.console.translation import ReleaseTranslator
from interlock.release.build import Build
from interlock.release.effect import Hide

OBJECTS = "order"


class _Only:
    """A shelf with one release on it."""

    def __init__(self, build: Build) -> None:
        self._build = build

    def current(self) -> Build:
        return self._build


def hiding(old: Build, new: Build) -> Hide:
    """Personal is what either of the two sends from a personal field, and what has the name of something personal."""
    translators = [ReleaseTranslator(_Only(build)) for build in (old, new)]  # type: ignore[arg-type]  # all it is asked

    @cache
    def personal(system: str) -> frozenset[str]:
        return frozenset().union(*(each.personal("destination", system, OBJECTS) for each in translators))

    def hide(destination: str, path: str, value: Any) -> bool:
        return _is_masked(mask(_at(path, value), personal(destination)))

    return hide


def _at(path: str, value: Any) -> Any:
    """A document that holds nothing but this value at its path: `item.items[2].amount`."""
    for name in reversed([part for part in path.replace("[", ".[").split(".") if part]):
        value = [value] if name.startswith("[") else {name: value}
    return value


def _is_masked(document: Any) -> bool:
    while isinstance(document, dict | list) and document:
        document = next(iter(document.values() if isinstance(document, dict) else document))
    return isinstance(document, Masked)
