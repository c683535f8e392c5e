"""STR125-STR129: the files of changes say all that those affected must know, and what they name and date holds."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from interlock.strategy.changes import CHANGE_NAME, CONVERTER_NAME, ChangeFile
from interlock.strategy.checks.base import Check, Example
from interlock.strategy.checks.versions import CHANGE_TEXT, WHOLE, breaking_steps, change_file, published_versions
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile

WRITTEN: Mapping[str, str] = {
    "replaces": 'add replaces = "order.v1": the version that goes',
    "review": "add [review] with from and to: the days in which those affected may object",
    "deprecated_on": "add deprecated_on: the day from which each use is warned of",
    "sunset_on": "add sunset_on: the day from which it is refused",
    "consumers": "add consumers: the flows and systems that `interlock consumers` lists for the old version",
    "rollback": "add rollback: how those affected go back, and until when that works",
    "converters": 'add converters = "order.v1-v2": the file in objects/ with [up] and [down]',
}
"""What a breaking change has to say, and how each is written."""


class WholeChange(Check):
    code = "STR125"
    title = "The file of a breaking change leaves something open"
    why = "a change is announced once, with all that those affected must know"
    bad = Example("changes/0001.toml", change_file("rollback", "# rollback").text, whole=True, beside=WHOLE)
    good = Example("changes/0001.toml", CHANGE_TEXT, whole=True, beside=WHOLE)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in _sound(folder.changes.values()):
            if file.value.kind == "breaking" and file.value.object:
                for key in (key for key, said in file.value.needed.items() if not said):
                    yield self.finding(file, (key,), f'{file.path}: "{key}" is missing', next_move=WRITTEN[key])


class ChangeNamesKnown(Check):
    code = "STR126"
    title = "A change names what does not exist"
    why = "whoever it is about would never be asked, or warned"
    bad = Example("changes/0001.toml", change_file("order-to-erp", "order-to-erp2").text, whole=True, beside=WHOLE)
    good = Example("changes/0001.toml", CHANGE_TEXT, whole=True, beside=WHOLE)

    def run(self, folder: Folder) -> Iterable[Finding]:
        contracts = {*folder.contracts.contracts, *folder.objects}
        flows = {*folder.flows, *_removed_flows(folder)}
        consumers = {*flows, *folder.systems}
        for file in _sound(folder.changes.values()):
            yield from self._named(file, "owner", file.value.owner, set(folder.strategy.value.teams), "team")
            yield from self._named(file, "object", file.value.object, contracts, "contract")
            yield from self._named(
                file, "replaces", file.value.replaces, {*contracts, *published_versions(folder)}, "contract"
            )
            yield from self._named(file, "flow", file.value.flow, flows, "flow")
            yield from self._named(file, "converters", file.value.converters, _converters(file.value), "converter")
            for name in file.value.consumers:
                yield from self._named(file, "consumers", name, consumers, "flow or system")

    def _named(self, file: TomlFile[ChangeFile], key: str, name: str, known: set[str], kind: str) -> Iterator[Finding]:
        if name and name not in known:
            yield self.finding(
                file, (key,), f'{file.path}: there is no {kind} "{name}"', next_move=did_you_mean(name, sorted(known))
            )


def _converters(change: ChangeFile) -> set[str]:
    """What the converters of a change are called. That the file is there is another rule (STR124)."""
    if not change.object or not change.replaces:
        return {change.converters}
    return {f"{change.replaces}-v{change.object.rpartition('.v')[2]}"}


def _removed_flows(folder: Folder) -> set[str]:
    """Flows that a breaking change may have taken away: their files are gone. A name that is only misspelt announces
    nothing, so `interlock apply` still asks for the change file (PLN005).
    """
    return {file.value.flow for file in _sound(folder.changes.values()) if file.value.kind == "breaking"}


class DatesInOrder(Check):
    code = "STR127"
    title = "The dates of a change are not in order"
    why = "first the review, then the warnings, then the sunset; brown-outs lie between the last two"
    bad = Example("changes/0001.toml", change_file("2027-04-15", "2026-12-24").text, whole=True, beside=WHOLE)
    good = Example("changes/0001.toml", CHANGE_TEXT, whole=True, beside=WHOLE)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in _sound(folder.changes.values()):
            for (before, first), (after, second) in _neighbours(file.value):
                if first > second:
                    what = f"{file.path}: {before} ({first}) is after {after} ({second})"
                    yield self.finding(file, tuple(after.split(".")), what, next_move="put them in order")
            for index, brown_out in enumerate(file.value.brown_outs):
                days = (file.value.deprecated_on, brown_out.start.date(), brown_out.end.date(), file.value.sunset_on)
                known = [day for day in days if day is not None]
                if known != sorted(known) or brown_out.start >= brown_out.end:
                    what = f"{file.path}: a brown-out is not between deprecation and sunset"
                    yield self.finding(file, ("brown_outs", index), what, next_move="move it")


class ChangeFileName(Check):
    code = "STR128"
    title = "A change or a converter is not named as it should be"
    why = "changes are numbered, and a converter's name says between which versions it stands"
    bad = Example("changes/new-wish.toml", CHANGE_TEXT, whole=True, beside=WHOLE)
    good = Example("changes/0001.toml", CHANGE_TEXT, whole=True, beside=WHOLE)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for change in folder.changes.values():
            if not CHANGE_NAME.fullmatch(change.name):
                yield self.at(change.path, f'"{change.name}" is not a number', next_move="write changes/0001.toml")
        known = {*folder.contracts.contracts, *folder.objects}
        for file in folder.converters.values():
            found = CONVERTER_NAME.fullmatch(file.name)
            keys = [f"{found['object']}.v{found[side]}" for side in ("old", "new")] if found else []
            if not found or int(found["old"]) >= int(found["new"]) or not known.issuperset(keys):
                what = f'"{file.name}" does not name two versions that there are'
                yield self.at(file.path, what, next_move="write the older first: objects/order.v1-v2.toml")


class HonestKind(Check):
    code = "STR129"
    title = "A change is called compatible, and is not"
    why = "nobody prepares for a change that is said to break nothing"
    bad = Example("changes/0001.toml", change_file('"breaking"', '"compatible"').text, whole=True, beside=WHOLE)
    good = Example("changes/0001.toml", CHANGE_TEXT, whole=True, beside=WHOLE)

    def run(self, folder: Folder) -> Iterable[Finding]:
        breaking = {step.new.key: step for step in breaking_steps(folder)}
        for file in _sound(folder.changes.values()):
            step = breaking.get(file.value.object)
            if step and file.value.kind == "compatible":
                what = f"{file.path}: {step.new.key} breaks those who use {step.old.key}: {step.sentences}"
                yield self.finding(file, ("kind",), what, next_move='write kind = "breaking"')


def _sound(files: Iterable[TomlFile[ChangeFile]]) -> Iterator[TomlFile[ChangeFile]]:
    """Files without mistakes of shape: those have findings already."""
    return (file for file in files if not file.error and not file.problems)


def _neighbours(change: ChangeFile) -> Iterator[tuple[tuple[str, date], tuple[str, date]]]:
    days = (
        ("review.from", change.review.first_day if change.review else None),
        ("review.to", change.review.last_day if change.review else None),
        ("deprecated_on", change.deprecated_on),
        ("sunset_on", change.sunset_on),
    )
    known = [(name, day) for name, day in days if day is not None]
    yield from itertools.pairwise(known)
