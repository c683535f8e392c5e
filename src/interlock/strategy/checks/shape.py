"""STR001-STR010: files that can be read, keys that exist, values of the right type."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, ClassVar

from interlock.strategy.checks.base import Check, Example, dotted, subject
from interlock.strategy.decode import Problem
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import NAME_PATTERN, OBJECT_PATTERN
from interlock.strategy.snapshot import MAX_FILE_BYTES

KINDS_OF_FILES = (
    "strategy.toml",
    "security.toml",
    "slos.toml",
    "functions.py",
    "systems/",
    "objects/",
    "flows/",
    "mappings/",
    "inventory/",
    "changes/",
    "runbooks/",
)
LOCATIONS_FILE = "inventory/locations.toml"
KINDS_OF_STOCK = (LOCATIONS_FILE, "inventory/items.toml", "inventory/items/NAME.toml")
WRITTEN = {
    "a list": 'put it in brackets: ["one", "another"]',
    "a table": 'write { name = "value" }, or a [table] of its own',
    "a whole number": "write it in digits, without quotes or a fraction: 12",
    "a number": "write it in digits, without quotes: 0.5",
    "text": "put it in double quotes",
    "true or false": "write true or false, without quotes",
}
"""How each type is written, for somebody who writes TOML once a year; dates bring their example with them."""
ABOVE_TABLES = "write ignore at the top of the file, before the first table: what stands below one belongs to it"
NAMES_BEGIN = "does not match ^[a-z]"
LIMITS = "its limits stand in docs/reference/strategy-folder.md"


class ReadableFile(Check):
    code = "STR001"
    title = "A file cannot be read"
    why = f"files have at most {MAX_FILE_BYTES:,} bytes and lie inside the folder; links that lead out are not followed"
    bad = Example("mappings/erp.toml", "#" * (MAX_FILE_BYTES + 1), whole=True)
    good = Example("mappings/erp.toml", "# nothing is overridden", whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        return folder.snapshot.problems


class Syntax(Check):
    code = "STR002"
    title = "A file is not TOML"
    why = "nothing in the file is used until it can be read; the other files are checked all the same"
    bad = Example("flows/order-to-erp.toml", "impact = high")
    good = Example("flows/order-to-erp.toml", 'impact = "high"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.toml_files():
            if file.error:
                line, column = file.error_at
                yield self.at(
                    file.path,
                    f"{file.path} is not TOML: {file.error}",
                    line=line,
                    column=column,
                    next_move="texts stand in double quotes",
                )


class StrategyFilePresent(Check):
    code = "STR003"
    title = "There is no strategy.toml"
    why = "strategy.toml names the shop, its environment and its teams"
    bad = Example("strategy.toml", "", absent=True)
    good = Example("strategy.toml", 'name = "acme"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        if "strategy.toml" not in folder.snapshot.files and not any(
            problem.file == "strategy.toml" for problem in folder.snapshot.problems
        ):
            yield self.at(
                "strategy.toml", "the folder has no strategy.toml", next_move="write one, or begin with: interlock init"
            )


class _OfShape(Check):
    """A check whose mistakes the decoder has already met."""

    kind: ClassVar[str]

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.toml_files():
            for problem in file.problems:
                if problem.kind == self.kind:
                    yield self.describe(file, problem)

    def describe(self, file: TomlFile[Any], problem: Problem) -> Finding:
        raise NotImplementedError


class UnknownKey(_OfShape):
    code = "STR004"
    kind = "unknown-key"
    title = "A key is not known"
    why = "a key that nobody reads would look as if it did something"
    bad = Example("flows/order-to-erp.toml", "test_order = true")
    good = Example("flows/order-to-erp.toml", "test_orders = true")

    def describe(self, file: TomlFile[Any], problem: Problem) -> Finding:
        what = f'{subject(file)}: unknown key "{dotted(problem.path)}"'
        above = problem.path[-1] == "ignore" and file.path.startswith("inventory/")
        hint = ABOVE_TABLES if above else did_you_mean(str(problem.path[-1]), problem.known)
        return self.finding(file, problem.path, what, next_move=hint, at_key=True)


class MissingKey(_OfShape):
    code = "STR005"
    kind = "missing-key"
    title = "A required key is missing"
    why = "the key has no default that would be right for everyone"
    bad = Example("flows/order-to-erp.toml", "# owner")
    good = Example("flows/order-to-erp.toml", 'owner = "finance-systems"')

    def describe(self, file: TomlFile[Any], problem: Problem) -> Finding:
        key = dotted(problem.path)
        why = _whose(file) if problem.detail == "owner" else ""
        return self.finding(
            file,
            problem.path,
            f'{subject(file)}: "{key}" is missing',
            why=why,
            next_move=f"add {key} = ...",
            at_key=True,
        )


def _whose(file: TomlFile[Any]) -> str:
    """What an owner is for: a location's is the system that counts there, anything else's a team."""
    if file.path == LOCATIONS_FILE:
        return "one system counts what lies there, and its numbers are the truth"
    return "what has no owner is nobody's when it needs a person"


class WrongType(_OfShape):
    code = "STR006"
    kind = "wrong-type"
    title = "A value has the wrong type"
    why = "values are never converted in silence"
    bad = Example("flows/order-to-erp.toml", 'paused = "no"')
    good = Example("flows/order-to-erp.toml", "paused = false")

    def describe(self, file: TomlFile[Any], problem: Problem) -> Finding:
        return self.finding(
            file,
            problem.path,
            f'{subject(file)}: "{dotted(problem.path)}" has the wrong type',
            why=problem.detail,
            next_move=WRITTEN.get(problem.detail.removeprefix("expected ").partition(", found ")[0], ""),
        )


class BadValue(_OfShape):
    code = "STR007"
    kind = "bad-value"
    title = "A value is out of bounds or not among the choices"
    why = "every limit is named, with its unit, in docs/reference/strategy-folder.md"
    bad = Example("flows/order-to-erp.toml", 'impact = "hihg"')
    good = Example("flows/order-to-erp.toml", 'impact = "high"')

    def describe(self, file: TomlFile[Any], problem: Problem) -> Finding:
        chosen = problem.detail.partition('"')[2].partition('"')[0]
        bounds = problem.detail.partition(" must be ")[2]
        otherwise = f"write one that is {bounds}" if bounds else LIMITS
        if NAMES_BEGIN in problem.detail:
            otherwise = "use lower-case letters and digits, with hyphens between words: berlin-store"
        hint = did_you_mean(chosen, problem.known) if problem.known else otherwise
        return self.finding(
            file,
            problem.path,
            f'{subject(file)}: "{dotted(problem.path)}" is not allowed',
            why=problem.detail,
            next_move=hint,
        )


class FileName(Check):
    code = "STR008"
    title = "A file name is not a name"
    why = "the file's name is the name of what it describes; it appears in addresses, metrics and other files"
    bad = Example("objects/order.toml", 'extends = "order.v1"', whole=True)
    good = Example("objects/order.v1.toml", 'extends = "order.v1"', whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        plain = (*folder.systems.values(), *folder.flows.values(), *folder.mappings.values())
        for file in plain:
            if not re.search(NAME_PATTERN, file.name):
                hint = "use lower-case letters, digits and hyphens: order-to-erp.toml"
                yield self.at(file.path, f'"{file.name}" is not a name', next_move=hint)
        for file in folder.objects.values():
            if not re.search(OBJECT_PATTERN, file.name):
                hint = "write the object and its version: order.v1.toml"
                yield self.at(file.path, f'"{file.name}" is not an object with its version', next_move=hint)


class UnreadFile(Check):
    code = "STR009"
    severity = "warning"
    title = "A file is not read"
    why = "it is not where the strategy's files are, so what it says has no effect"
    bad = Example("flow/order-to-wms.toml", "paused = true", whole=True)
    good = Example("README.md", "about this shop", whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for path in folder.snapshot.unread:
            yield self.at(path, f"{path} is not read", next_move=_meant(PurePosixPath(path)))


def _meant(path: PurePosixPath) -> str:
    """Where it was probably meant to be."""
    if path.parts[0] == "inventory" and path.suffix != ".toml":
        return "items stand in TOML: inventory/items.toml, or inventory/items/NAME.toml"
    if path.parent.match("inventory/items/*"):
        return "files of items stand in inventory/items/ itself, no folder deeper"
    if path.parts[0] == "inventory":
        return did_you_mean(str(path), KINDS_OF_STOCK)
    return did_you_mean(str(path) if len(path.parts) == 1 else f"{path.parts[0]}/", KINDS_OF_FILES)


class ListedTwice(Check):
    code = "STR010"
    title = "A name is listed twice"
    why = "the second has no effect, or was meant to be another"
    bad = Example("flows/order-to-erp.toml", 'destinations = ["erp", "erp"]')
    good = Example("flows/order-to-erp.toml", 'destinations = ["erp"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in (*folder.flows.values(), *folder.systems.values()):
            for key in ("trigger", "destinations", "record_of", "record_of_own"):
                yield from self._in_list(file, key, file.data.get(key))

    def _in_list(self, file: TomlFile[Any], key: str, values: Any) -> Iterable[Finding]:
        texts = [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
        for value, count in Counter(texts).items():
            if count > 1:
                second = len(values) - 1 - values[::-1].index(value)
                yield self.finding(
                    file, (key, second), f'{subject(file)}: {key} lists "{value}" {count} times', next_move="keep one"
                )
