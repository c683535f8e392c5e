"""What a published version of a contract promises, line by line, and the lock file that holds those who published to it.

A line is a path and what documents have there; words (meaning, example, deprecation) are no part of it, nor is the order:

["order.v2"]
sha256 = "..."
["order.v2".fields]
"id" = "id, internal"
"lines[].sku" = "string, internal, nullable"

`python -m interlock.canonical.published` publishes the contracts that ship. Those may grow by optional fields under their
version, as a folder may add fields of its own to them: every rule of compatibility allows it (CMP002), and a new version would
make everybody move for what nobody has to read.
"""

import hashlib
import importlib.resources
import json
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from interlock.canonical.contract import Contract, ContractError, Field, load_contracts

LOCK_FILE = "published.lock"
HEAD = """\
# Versions that others count on. Written by `interlock publish`; a version that stands here changes no more: make the next one.
"""


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """One version as it was published; `sha256` is over its key and its lines."""

    sha256: str
    fields: dict[str, str]


Lock = Mapping[str, Published]


def published(contract: Contract) -> Published:
    """What publishing this contract promises."""
    lines = {path: _line(contract, field) for path, field in sorted(contract.paths().items())}
    return Published(fingerprint(contract.key, lines), lines)


def fingerprint(key: str, lines: Mapping[str, str]) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(json.dumps([key, sorted(lines.items())]).encode()).hexdigest()


def read_lock(text: str, file_name: str = LOCK_FILE) -> Lock:
    """The versions of a lock file. ContractError says what is wrong with it, hand-made edits included."""
    try:
        found = msgspec.convert(tomllib.loads(text), dict[str, Published])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ContractError("the lock file cannot be read", where=file_name, why=str(error)) from error
    for key, entry in found.items():
        if fingerprint(key, entry.fields) != entry.sha256:
            raise ContractError(
                f"the lines of {key} are not the ones that were published",
                where=file_name,
                why="its hash does not fit them: the file was edited or merged by hand",
                next_move=f"take the table of {key} from the history of this file again",
            )
    return found


def with_published(text: str, contract: Contract) -> str:
    """The text of the lock file with one more version."""
    entry, quoted = published(contract), f'"{contract.key}"'
    rows = "".join(f"{json.dumps(path)} = {json.dumps(line)}\n" for path, line in entry.fields.items())
    return f'{text or HEAD}\n[{quoted}]\nsha256 = "{entry.sha256}"\n[{quoted}.fields]\n{rows}'


def departures(before: Published, contract: Contract, grown: Collection[str] = ()) -> Iterator[str]:
    """How a contract differs from what was published of it, a phrase for each path; `grown` are paths of ours that it may have
    besides."""
    after = published(contract).fields
    for path in sorted({*before.fields, *after}):
        was, now = before.fields.get(path), after.get(path)
        if was is None and path in grown:
            continue
        if was is None:
            yield f"{path} is new"
        elif now is None:
            yield f"{path} is gone"
        elif was != now:
            yield f'{path} was "{was}", is "{now}"'


def only_grew(before: Published, contract: Contract) -> bool:
    """Whether all that is new since is optional, and nothing else is different. What lies in a new field comes with it."""
    after = published(contract).fields
    optional = {path for path in after if path not in before.fields and "optional" in after[path].split(", ")}
    allowed = {path for path in after if any(path == one or path.startswith(f"{one}.") for one in optional)}
    return not any(departures(before, contract, allowed))


@cache
def shipped_lock() -> Lock:
    """The versions that ship with Interlock and have been published."""
    file = importlib.resources.files("interlock.canonical") / "objects" / LOCK_FILE
    return read_lock(file.read_text("utf-8"), f"canonical/objects/{LOCK_FILE}") if file.is_file() else {}


def _line(contract: Contract, field: Field) -> str:
    """What documents have at one path. The name of a nested object is no part of a document."""
    held = "object" if field.of in contract.objects else field.of
    words = [
        f"list of {held}" if field.type == "list" else held if field.type == "object" else field.type,
        f"in {field.unit}" if field.unit else "",
        f"one of {', '.join(sorted(field.values))}" if field.values else "",
        field.data_class,
        "" if field.required else "optional",
        "nullable" if field.nullable and field.required else "",
    ]
    return ", ".join(word for word in words if word)


def main() -> None:
    """Publish the contracts that ship and are not published yet, and what is new and optional in the others; every line that
    is published stays."""
    file = Path(__file__).parent / "objects" / LOCK_FILE
    known = read_lock(file.read_text(encoding="utf-8")) if file.exists() else {}
    text = ""
    for key, contract in load_contracts().items():
        if key in known and not only_grew(known[key], contract):
            sys.exit(f"{key} is not what was published: {'; '.join(departures(known[key], contract))}")
        if key not in known or any(departures(known[key], contract)):
            sys.stderr.write(f"published {key}\n")
        text = with_published(text, contract)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
