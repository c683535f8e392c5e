"""One idea that differs between two folders, in a line of plain words."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from interlock.strategy.finding import mask_secrets

Mark = Literal["+", "-", "~"]
LONGEST_VALUE = 60
MARKS: Mapping[tuple[bool, bool], Mark] = {(False, True): "+", (True, False): "-", (True, True): "~"}
"""By whether the old folder has it, and whether the new one has."""


class Change(Struct, frozen=True, kw_only=True):
    """`about` names the idea (`flow order-to-erp`), `text` what is different, `where` is file:line in the new folder, or
    in the old one for what is gone. `breaking` says why it breaks something, "" when it does not; `window` is the change
    file that announces it. `kind` and `key` are for rules: `flow`, `destinations`.
    """

    mark: Mark
    kind: str
    about: str
    text: str
    where: str
    key: str = ""
    breaking: str = ""
    window: str = ""

    @property
    def line(self) -> str:
        """The whole of it, on one line."""
        return f"{self.mark} {self.about}: {self.text}"


def said(value: Any) -> str:
    """A value as people write it, without what looks like a secret."""
    if value is None:
        return "unset"
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    elif isinstance(value, str) and value and value.strip() == value and "\n" not in value:
        text = value
    elif isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        text = ", ".join(value) or "none"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    text = mask_secrets(text)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value of a table with its path; a list of plain values is one value, an empty table none."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list) and value and all(isinstance(member, Mapping) for member in value):
        names = [member.get("name", member.get("sku", at)) for at, member in enumerate(value)]
        times = Counter(map(str, names))
        for at, member in enumerate(value):
            yield from leaves(member, (*path, names[at] if times[str(names[at])] == 1 else at))
    else:
        yield path, value
