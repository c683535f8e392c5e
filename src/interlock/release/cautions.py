"""Cautions: what a person should know of every object from a source while its documents drift from the mapping."""

from collections.abc import Iterable, Mapping

Told = tuple[str, str, str, str]
"""System, object, destination, words."""


class Cautions:
    """Shared by all builds of a shelf; replaced as a whole when drift opens, ends or is accepted."""

    def __init__(self) -> None:
        self._words: Mapping[tuple[str, str], dict[str, tuple[str, ...]]] = {}

    def tell(self, told: Iterable[Told]) -> None:
        """What holds from now on."""
        words: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
        for system, object_name, destination, text in told:
            of_object = words.setdefault((system, object_name), {})
            of_object[destination] = (*of_object.get(destination, ()), text)
        self._words = words

    def of(self, system: str, object_name: str) -> Mapping[str, tuple[str, ...]]:
        """The words by destination; {} in a healthy world."""
        return self._words.get((system, object_name), {})
