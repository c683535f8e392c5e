"""What a folder leaves open: a comment `decide: ...` in any of its files, until somebody decides and deletes it."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

_MARK = re.compile(r"^\s*(?:#|<!--|[-*>])?\s*decide:\s*(?P<what>\S.*?)\s*(?:-->)?\s*$", re.IGNORECASE)
_READ = (".toml", ".md", ".py")


class Decision(Struct, frozen=True):
    """One that is open, with its place."""

    file: str
    line: int
    what: str


def decisions_of(files: Mapping[str, bytes]) -> Iterator[Decision]:
    """In the order of files and lines. A comment at the end of a line is no mark: it stands on a line of its own."""
    for file, content in sorted(files.items()):
        if not file.endswith(_READ) or b"decide:" not in content.lower():
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
            if found := _MARK.match(line):
                yield Decision(file, number, found["what"])
