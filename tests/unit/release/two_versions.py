"""A folder with two versions of the order, built without a network: order.v2 renames a field and turns another into an enum."""

import re
from pathlib import Path
from typing import Any, cast

from interlock.canonical.contract import starter_texts
from interlock.clock import VirtualClock
from interlock.connectors.registry import facts
from interlock.release.build import Build
from interlock.strategy import load, read_folder
from interlock.strategy.starter import write_starter

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify"
START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z"""
CONVERTERS = """\
[up]
purpose = { from = "test", table = { true = "test", false = "sale" } }
[down]
test = { from = "purpose", table = { test = true, sale = false } }
"""
CHANGE = """\
title = "An order says what it is for"
kind = "breaking"
owner = "finance-systems"
object = "order.v2"
replaces = "order.v1"
deprecated_on = 2026-02-01
sunset_on = 2026-04-01
consumers = ["order-to-erp", "order-to-wms", "netsuite"]
rollback = "Name order.v1 in the flows again; until the sunset both versions run."
converters = "order.v1-v2"
[review]
from = 2026-01-01
to = 2026-01-15
[[brown_outs]]
from = 2026-03-10T09:00:00Z
to = 2026-03-10T11:00:00Z
"""


def order_v2() -> str:
    """The order that ships, with `note` called `remark` and `test` said as `purpose`."""
    text = starter_texts()["order.v1.toml"].replace("version = 1", "version = 2", 1)
    text = re.sub(r"(?m)^note = \{", 'remark = { renamed_from = "note",', text, count=1)
    purpose = 'purpose = { type = "enum", values = ["sale", "test"], class = "internal", meaning = "What it is for", example = "sale" }'
    return re.sub(r"(?m)^test = .*$", purpose, text, count=1)


def folder_with_two(folder: Path, **files: str) -> Path:
    """The starter folder with order.v2; `files` replace or add others, `__` in a name stands for `/`."""
    write_starter(folder)
    given = {
        "objects/order.v2.toml": order_v2(),
        "objects/order.v1-v2.toml": CONVERTERS,
        "changes/0001.toml": CHANGE,
        **{name.replace("__", "/") + ".toml": text for name, text in files.items()},
    }
    for name, text in given.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for file in (folder / "systems").glob("*.toml"):
        for name in re.findall(r'"file:([^"]+)"', file.read_text(encoding="utf-8")):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("secret", encoding="utf-8")
            (folder / name).chmod(0o600)
    return folder


def edited(folder: Path, name: str, old: str, new: str) -> None:
    """One text of a file replaced."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def built(folder: Path, clock: VirtualClock | None = None) -> Build:
    """The folder, loaded and compiled; nothing connects."""
    strategy = load(read_folder(folder), connectors=facts())
    nowhere = cast("Any", object())
    return Build(strategy, folder, http=nowhere, clock=clock or VirtualClock(START_MS), environ={})
