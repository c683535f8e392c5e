"""JSON Schemas (2020-12) of the folder's files, from the model: editors complete and check with them as one types."""

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from interlock.canonical import ContractFile
from interlock.strategy.changes import ChangeFile
from interlock.strategy.decode import NAMED_BY_PLACE
from interlock.strategy.inventory import ItemsFile, Location, NoStock
from interlock.strategy.model import Flow, ItemTable, Security, StrategyFile, System
from interlock.strategy.slos import Slos

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS: dict[str, type[Struct]] = {
    "strategy": StrategyFile,
    "system": System,
    "flow": Flow,
    "security": Security,
    "slos": Slos,
    "object": ContractFile,
    "change": ChangeFile,
    "stock-items": ItemsFile,
}


def schemas() -> dict[str, dict[str, Any]]:
    """A schema by kind of file: strategy, system, flow, security, slos, items, locations, stock-items."""
    tables = {"items": _schema_of(dict[str, ItemTable]), "locations": _locations()}
    return {name: _schema_of(kind) for name, kind in KINDS.items()} | tables


def export(directory: Path) -> list[Path]:
    """Write `KIND.schema.json` for each kind into the directory, which is made when missing; return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas().items():
        file = directory / f"{name}.schema.json"
        file.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(file)
    return written


def _locations() -> dict[str, Any]:
    """Tables of one kind, and beside them what stands above them."""
    tables, above = _schema_of(dict[str, Location]), msgspec.json.schema(NoStock)["$defs"]["NoStock"]
    return {**tables, "properties": above["properties"]}


def _schema_of(kind: Any) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    for named in NAMED_BY_PLACE:
        definition = schema["$defs"].get(named.__name__)
        if definition:
            del definition["properties"]["name"]
            definition["required"].remove("name")
    return {"$schema": DIALECT, **schema}
