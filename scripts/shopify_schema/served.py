"""What the twin serves: the fields listed in its served/*.toml, and the few that follow from them without being listed."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .full import Full, Introspected, named

WHOLE = re.compile(r"(Connection|Edge|Payload|UserError)$|^(PageInfo|MoneyBag|MoneyV2|Count)$")
"""Types that need no list: they come with all their fields."""
LEAVES = ("SCALAR", "ENUM")


class ServedError(Exception):
    """A list that cannot be followed; the text says which and what to do."""


class Served(NamedTuple):
    """The fields of every type that is served in a version, and remarks for whoever writes the lists."""

    fields: dict[str, set[str]]
    remarks: list[str]


def listed(folder: Path) -> dict[str, dict[str, str]]:
    """Type -> field -> the file that lists it, over all files of the folder."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.toml")):
        for type_name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items():
            for field in entry["fields"]:
                found.setdefault(type_name, {})[field] = file.name
    return found


def served(full: Full, lists: dict[str, dict[str, str]]) -> Served:
    """Follow the lists through one version. A field that the version lacks is left out with a remark.

    A type that is reached and not listed gives its plain fields (scalars and enums that need no argument).
    """
    found = Served({}, [])
    for type_name, fields in lists.items():
        _take_listed(full, type_name, fields, found)
    waiting = list(found.fields)
    while waiting:
        for reached in _reached(full, found.fields, waiting.pop()):
            if reached not in found.fields:
                found.fields[reached] = _unlisted(full, reached, found)
                waiting.append(reached)
    _demand_members(full, found.fields)
    return found


def _take_listed(full: Full, type_name: str, fields: dict[str, str], found: Served) -> None:
    known = {each["name"] for each in (full.types.get(type_name) or {}).get("fields") or ()}
    for field, file in fields.items():
        if field not in known:
            found.remarks.append(f"there is no {type_name}.{field} ({file})")
    if known:
        found.fields[type_name] = known & set(fields)


def _reached(full: Full, fields: dict[str, set[str]], type_name: str) -> Iterator[str]:
    for field in full.types[type_name].get("fields") or ():
        name = named(field["type"])
        if field["name"] in fields[type_name] and full.types[name]["kind"] not in LEAVES:
            yield name


def _unlisted(full: Full, name: str, found: Served) -> set[str]:
    kind = full.types[name]["kind"]
    if kind == "UNION":
        return set()
    known = [each for each in full.types[name]["fields"] if not each["isDeprecated"]]
    if WHOLE.search(name):
        return {each["name"] for each in known}
    plain = {each["name"] for each in known if _is_plain(full, each)}
    if not plain:
        raise ServedError(
            f"{name} is reached in {full.version} and has no plain fields: list some of it, [{name}] fields = [...], of "
            + ", ".join(sorted(each["name"] for each in known))
        )
    found.remarks.append(f"{name} is reached but not listed: its plain fields are served")
    return plain


def _is_plain(full: Full, field: Introspected) -> bool:
    needs_argument = any(each["type"]["kind"] == "NON_NULL" and each["defaultValue"] is None for each in field["args"])
    return full.types[named(field["type"])]["kind"] in LEAVES and not needs_argument


def _demand_members(full: Full, fields: dict[str, set[str]]) -> None:
    for name in fields:
        members: Iterable[Introspected] = full.types[name].get("possibleTypes") or ()
        if full.types[name]["kind"] == "UNION" and not any(each["name"] in fields for each in members):
            choice = ", ".join(each["name"] for each in members)
            raise ServedError(f"the union {name} is reached in {full.version}: list fields of at least one of {choice}")
