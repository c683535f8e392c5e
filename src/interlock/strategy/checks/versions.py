"""STR120-STR124: a published version changes no more, and a breaking one comes with converters and a change file."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from interlock.canonical import Contract
from interlock.canonical.compatibility import Comparison, compare
from interlock.canonical.contract import ContractError
from interlock.canonical.published import Lock, departures, read_lock, shipped_lock
from interlock.strategy.changes import LOCK_PATH
from interlock.strategy.checks.base import Check, Example
from interlock.strategy.finding import Finding
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.positions import Path

SHOWN_CHANGES = 4

_HEAD = """\
meaning = "What a customer asked to be told of"
[fields]
id = { type = "id", meaning = "Its id" }
updated_at = { type = "timestamp", meaning = "When it changed last" }
"""
OLD_TEXT = _HEAD + 'note = { type = "string", required = false, meaning = "A note" }\n'
NEW_TEXT = _HEAD + 'note = { type = "string", meaning = "A note" }\n'
OLD = Example("objects/wish.v1.toml", OLD_TEXT, whole=True)
NEW = Example("objects/wish.v2.toml", NEW_TEXT, whole=True)
LOCK_TEXT = """\
["wish.v1"]
sha256 = "8c44625f9f4bcc0158da3bc5cad1ed3b0e576985360ef299a97c5d84124f68a6"
["wish.v1".fields]
"id" = "id, internal"
"note" = "string, internal, optional"
"updated_at" = "timestamp, internal"
"""
LOCK = Example(LOCK_PATH, LOCK_TEXT, whole=True)
CONVERTERS_TEXT = '[up]\nnote = { from = "note", default = "" }\n[down]\n'
CONVERTERS = Example("objects/wish.v1-v2.toml", CONVERTERS_TEXT, whole=True)
CHANGE_TEXT = """\
title = "A wish always has a note"
kind = "breaking"
owner = "finance-systems"
object = "wish.v2"
replaces = "wish.v1"
deprecated_on = 2027-01-15
sunset_on = 2027-04-15
consumers = ["order-to-erp"]
rollback = "Name wish.v1 in the flows again; until the sunset both versions run."
converters = "wish.v1-v2"
[review]
from = 2026-11-23
to = 2026-12-07
"""


def change_file(old: str = "", new: str = "") -> Example:
    return Example("changes/0001.toml", CHANGE_TEXT.replace(old, new) if old else CHANGE_TEXT, whole=True)


WHOLE = (OLD, NEW, CONVERTERS)


class PublishedChanged(Check):
    code = "STR120"
    title = "A published version has changed"
    why = "others count on what was published; two meanings under one name cannot be told apart"
    bad = Example(OLD.file, OLD_TEXT.replace("string", "id"), whole=True, beside=(LOCK,))
    good = Example(OLD.file, f"# a comment changes nothing\n{OLD_TEXT}", whole=True, beside=(LOCK,))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for key, entry in published_versions(folder).items():
            contract = folder.contracts.contracts.get(key)
            ours = shipped_lock()[key].fields if key in shipped_lock() else ()  # what ships may grow under its version
            changes = list(departures(entry, contract, ours)) if contract and not _broken(folder, key) else []
            if contract and changes:
                shown = changes[:SHOWN_CHANGES]
                more = f"; and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else ""
                what = f"{key} is not what was published: {'; '.join(shown)}{more}"
                later = f"objects/{contract.name}.v{contract.version + 1}.toml"
                hint = f"take that back, and make version {contract.version + 1}: {later}"
                file = folder.objects.get(key)
                if file is None:
                    yield self.at(LOCK_PATH, what, line=1, column=1, next_move=hint)
                else:
                    yield self.finding(file, _place(contract, changes[0].partition(" ")[0]), what, next_move=hint)


class PublishedGone(Check):
    code = "STR121"
    title = "A published version is gone"
    why = "others count on what was published, until a change file has said when it ends"
    bad = Example(LOCK_PATH, LOCK_TEXT, whole=True)
    good = Example(LOCK_PATH, LOCK_TEXT, whole=True, beside=(OLD,))

    def run(self, folder: Folder) -> Iterable[Finding]:
        ended = {file.value.replaces for file in folder.changes.values()}
        for key in published_versions(folder):
            if key not in folder.contracts.contracts and key not in folder.objects and key not in ended:
                yield self.finding(
                    folder.published, (key,), f"{key} is gone", next_move=f"put objects/{key}.toml back", at_key=True
                )


class ReadableLock(Check):
    code = "STR122"
    title = "The list of published versions cannot be trusted"
    why = "it is written by `interlock publish` and not by hand"
    bad = Example(LOCK_PATH, LOCK_TEXT.replace("string", "id"), whole=True, beside=(OLD,))
    good = Example(LOCK_PATH, LOCK_TEXT, whole=True, beside=(OLD,))

    def run(self, folder: Folder) -> Iterable[Finding]:
        try:
            read_lock(folder.published.text, LOCK_PATH)
        except ContractError as error:
            yield self.at(LOCK_PATH, error.what, why=error.why, next_move=error.next_move, line=1, column=1)


class Step(NamedTuple):
    """A version of the folder's own and the one before it."""

    file: TomlFile[Any]
    old: Contract
    new: Contract
    comparison: Comparison

    @property
    def sentences(self) -> str:
        return "; ".join(change.sentence for change in self.comparison.breaking()[:SHOWN_CHANGES])

    @property
    def codes(self) -> str:
        return ", ".join(dict.fromkeys(change.code for change in self.comparison.breaking()))

    @property
    def converters(self) -> str:
        return f"{self.old.key}-v{self.new.version}"


class BreakingNeedsChange(Check):
    code = "STR123"
    title = "A breaking version comes without a change file"
    why = "those who use the old version need an owner to ask, dates to plan by and a way back"
    bad = Example(NEW.file, NEW_TEXT, whole=True, beside=(OLD, CONVERTERS))
    good = Example(NEW.file, NEW_TEXT, whole=True, beside=(OLD, CONVERTERS, change_file()))

    def run(self, folder: Folder) -> Iterable[Finding]:
        told = {(file.value.object, file.value.replaces) for file in folder.changes.values()}
        for step in breaking_steps(folder):
            if not any(new == step.new.key and old in ("", step.old.key) for new, old in told):
                yield self.at(
                    step.file.path,
                    f"{step.new.key} breaks those who use {step.old.key}: {step.sentences}",
                    line=1,
                    column=1,
                    next_move=f'write changes/NNNN.toml with object = "{step.new.key}" and replaces = "{step.old.key}"',
                )


class BreakingNeedsConverters(Check):
    code = "STR124"
    title = "A breaking version comes without converters"
    why = "both versions run side by side until the sunset, and each object must be had in either"
    bad = Example(NEW.file, NEW_TEXT, whole=True, beside=(OLD, change_file()))
    good = Example(NEW.file, NEW_TEXT, whole=True, beside=(OLD, CONVERTERS, change_file()))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in breaking_steps(folder):
            if step.converters not in folder.converters:
                yield self.at(
                    step.file.path,
                    f"nothing turns {step.old.key} into {step.new.key} and back ({step.codes})",
                    line=1,
                    column=1,
                    next_move=f"write objects/{step.converters}.toml with [up] and [down]",
                )


def published_versions(folder: Folder) -> Lock:
    """The published versions; none when the list cannot be read, which is a finding of its own."""
    try:
        return read_lock(folder.published.text, LOCK_PATH)
    except ContractError:
        return {}


def _place(contract: Contract, path: str) -> Path:
    """Where a field of documents, such as `lines[].sku`, stands in the file of its contract; the file's beginning when it
    does not."""
    *above, name = path.replace("[]", "").split(".")
    shape = ""
    for each in above:
        field = contract.fields_of(shape).get(each)
        if field is None or field.of not in contract.objects:
            return ()
        shape = field.of
    return ("objects", shape, "fields", name) if shape else ("fields", name)


def _broken(folder: Folder, key: str) -> bool:
    """Whether the file of a contract has findings already, so that what it says is not what its author means."""
    file = folder.objects.get(key)
    return bool(file and (file.error or file.problems or folder.contracts.problems.get(key)))


def breaking_steps(folder: Folder) -> Iterator[Step]:
    """Versions of the folder's own that do not go with the version before them, both ways."""
    contracts = folder.contracts.contracts
    for key, file in folder.objects.items():
        new = contracts.get(key)
        older = [each for each in contracts.values() if new and each.name == new.name and each.version < new.version]
        old = max(older, key=lambda contract: contract.version, default=None)
        if new and old and not _broken(folder, key) and not _broken(folder, old.key):
            comparison = compare(old, new)
            if not comparison.allowed("full"):
                yield Step(file, old, new, comparison)
