"""Keeps each README in step with its manifest: python -m interlock.connectors.readme NAME rewrites its block."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

from interlock.connectors import registry

BEGIN: Final = "<!-- config: made from connector.toml and mapping.toml by python -m interlock.connectors.readme -->"
END: Final = "<!-- end of config -->"


def config_table(name: str) -> str:
    """The block between the marks: credentials, settings and operations of one connector."""
    found = registry.manifest(name)
    rows = [("credential", item.name, "yes" if item.required else "", "", item.meaning) for item in found.credentials]
    rows += [
        ("setting", item.name, "yes" if item.required else "", _shown(item.default), item.meaning)
        for item in found.settings
    ]
    known = {row[1] for row in rows}
    mapping = tomllib.loads(registry.text_of(name, "mapping.toml")).get("settings", {})
    rows += [
        ("mapping", key, "", _shown(item.get("default")), item["meaning"])
        for key, item in mapping.items()
        if key not in known
    ]
    lines = [BEGIN, "| kind | name | required | default | meaning |", "|---|---|---|---|---|"]
    lines += [f"| {kind} | `{key}` | {need} | {default} | {meaning} |" for kind, key, need, default, meaning in rows]
    if found.operations:
        lines += ["", "| operation | becomes once-only by | what it does |", "|---|---|---|"]
        lines += [
            f"| `{one.name}` | {one.once.value if one.once else ''} | {one.meaning} |" for one in found.operations
        ]
    return "\n".join([*lines, END])


def injected(readme: str, block: str) -> str:
    """The text with its block replaced, or with the block at its end."""
    if BEGIN not in readme:
        return f"{readme.rstrip()}\n\n{block}\n"
    return re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: block, readme, count=1, flags=re.DOTALL)


def _shown(value: object) -> str:
    return "" if value in (None, {}, []) else f"`{value}`"


def main() -> None:
    """Rewrite the README of the connectors named, or of all."""
    for name in sys.argv[1:] or registry.names():
        file = Path(__file__).parent / name / "README.md"
        file.write_text(injected(file.read_text(encoding="utf-8"), config_table(name)), encoding="utf-8")


if __name__ == "__main__":
    main()
