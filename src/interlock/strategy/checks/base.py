"""What a check is: a code, a title, an example that fails and one that passes, and a way to find the mistake.

An example is a few lines of one file. They are laid over a small sound folder: a line replaces the one with the same
key, `# key` takes it out, and a file that the folder does not have is taken as it stands. Tests run every example;
docs/reference/checks.md is written from them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal, NamedTuple

from interlock.strategy.finding import Finding, mask_secrets
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.positions import Path


class Example(NamedTuple):
    """Lines of `file`. `whole`: they are all of the file; `absent`: the file is not there; `beside`: other files that it
    needs, whole."""

    file: str
    text: str
    whole: bool = False
    absent: bool = False
    beside: "tuple[Example, ...]" = ()


class Check(ABC):
    """One rule of the folder. Subclasses are found by `interlock.strategy.checks.ALL`."""

    code: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    bad: ClassVar[Example]
    good: ClassVar[Example]
    severity: ClassVar[Literal["error", "warning"]] = "error"

    @abstractmethod
    def run(self, folder: Folder) -> Iterable[Finding]:
        """Every place where the rule is broken."""

    def finding(
        self, file: TomlFile[Any], path: Path, what: str, *, why: str = "", next_move: str = "", at_key: bool = False
    ) -> Finding:
        """A finding at the value (or the key) at `path`."""
        position = file.at_key(path) if at_key else file.at(path)
        return self.at(file.path, what, why=why, next_move=next_move, line=position.line, column=position.column)

    def at(
        self, path: str, what: str, *, why: str = "", next_move: str = "", line: int = 0, column: int = 0
    ) -> Finding:
        """A finding at a place that is not a TOML key, such as a whole file."""
        what, why, next_move = (mask_secrets(text) for text in (what, why or self.why, next_move))
        return Finding(self.code, what, path, line, column, why, next_move, self.severity)


def subject(file: TomlFile[Any]) -> str:
    """What a file is about, as people say it: `flow order-to-erp`, `system netsuite`, `security.toml`."""
    folder, _, _ = file.path.rpartition("/")
    return (
        f"{folder.removesuffix('s')} {file.name}"
        if folder in {"systems", "flows", "objects", "mappings"}
        else file.path
    )


def dotted(path: Path) -> str:
    """A path as it is written in TOML: `limits.concurrency`, `destinations[1]`."""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return words


def elements(key: str, values: list[str], raw: Any) -> Iterator[tuple[str, Path]]:
    """Each value with its path. Values that were left out for their shape do not shift the others."""
    kept = set(values)
    for index, value in enumerate(raw if isinstance(raw, list) else []):
        if isinstance(value, str) and value in kept:
            yield value, (key, index)
