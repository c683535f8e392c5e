"""One file of a folder in two versions, parsed only when its bytes differ; says where each value stands."""

from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import msgspec

from interlock.release.change import MARKS, Change, Mark
from interlock.strategy.folder import TomlFile
from interlock.strategy.model import Flow, Security, StrategyFile, System
from interlock.strategy.positions import Path
from interlock.strategy.snapshot import Snapshot

MODELS: dict[str, type[msgspec.Struct]] = {
    "strategy": StrategyFile, "system": System, "flow": Flow, "security": Security,
}  # fmt: skip


class TwoFiles:
    """`before` and `after` of one path; a side that is not there is an empty file."""

    def __init__(self, kind: str, path: str, old: Snapshot, new: Snapshot) -> None:
        self.kind = kind
        self.path = path
        self.name = PurePosixPath(path).stem
        self.old, self.new = old, new
        self.was, self.is_ = path in old.files, path in new.files

    @property
    def about(self) -> str:
        """What the file is about: `flow order-to-erp`."""
        return self.kind if self.kind in ("strategy", "security") else f"{self.kind} {self.name}"

    @property
    def mark(self) -> Mark:
        return MARKS[self.was, self.is_]

    @cached_property
    def before(self) -> TomlFile[Any]:
        return TomlFile(self.path, self.old.files.get(self.path, b""), MODELS.get(self.kind))

    @cached_property
    def after(self) -> TomlFile[Any]:
        return TomlFile(self.path, self.new.files.get(self.path, b""), MODELS.get(self.kind))

    def tables(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Both as plain tables: with every default where the file has a model, so that writing one down changes nothing."""
        if self.kind not in MODELS:
            return self.before.data, self.after.data
        return msgspec.to_builtins(self.before.value), msgspec.to_builtins(self.after.value)

    def where(self, path: Path, *, gone: bool = False) -> str:
        """`flows/order-to-erp.toml:7`: in the new file, or in the old one for what is gone."""
        return f"{self.path}:{(self.before if gone else self.after).at(path).line}"

    def change(
        self, mark: Mark, text: str, path: Path = (), *, key: str = "", about: str = "", breaking: str = ""
    ) -> Change:
        """A change at a place of this file; without a place it is about the file as a whole."""
        return Change(
            mark=mark, kind=self.kind, about=about or self.about, text=text, key=key or ".".join(map(str, path)),
            where=self.where(path, gone=mark == "-") if path else self.path, breaking=breaking,
        )  # fmt: skip
