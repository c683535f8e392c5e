"""The command export: the strategy in the words of a standard, for the tools that read it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, counted, speaks
from interlock.cli.place import folder_option

if TYPE_CHECKING:
    from interlock.strategy import Strategy

Documents = Mapping[str, Any]


def _asyncapi(strategy: "Strategy") -> Documents:
    from interlock.export.asyncapi import asyncapi

    return {"asyncapi.json": asyncapi(strategy)}


def _backstage(strategy: "Strategy") -> Documents:
    from interlock.export.backstage import backstage_entities

    return {
        f"{entity['kind'].lower()}-{entity['metadata']['name']}.json": entity for entity in backstage_entities(strategy)
    }


def _odcs(strategy: "Strategy") -> Documents:
    from interlock.export.odcs import odcs

    return {f"{key}.odcs.json": document for key, document in odcs(strategy).items()}


def _json_schema(strategy: "Strategy") -> Documents:
    from interlock.canonical.json_schema import json_schema
    from interlock.strategy.contracts import contracts_of

    return {f"{key}.schema.json": json_schema(contract) for key, contract in contracts_of(strategy).items()}


STANDARDS: Mapping[str, Callable[["Strategy"], Documents]] = {
    "asyncapi": _asyncapi,
    "backstage": _backstage,
    "json-schema": _json_schema,
    "odcs": _odcs,
}


@click.command()
@click.argument("standard", type=click.Choice(list(STANDARDS)))
@click.option("--out", "directory", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Write the documents here; else they are printed, several as one object by file.")  # fmt: skip
@folder_option
@speaks
def export(standard: str, directory: Path | None, folder: Path, out: Output) -> None:
    """Write the strategy in the words of a standard.

    asyncapi (3.1: flows as channels), backstage (the catalog: systems, owners, records), json-schema (2020-12: a schema for
    each contract), odcs (3.1: a data contract for each object that moves). JSON is YAML too: tools that ask for YAML read it.

    \b
    Examples: interlock export asyncapi > asyncapi.json
              interlock export odcs --out contracts
    """
    import json

    documents = STANDARDS[standard](read_strategy(folder))
    if directory is None:
        whole = next(iter(documents.values())) if len(documents) == 1 else documents
        out.row(json.dumps(whole, indent=2, ensure_ascii=False), **documents)
        return
    directory.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        file = directory / name
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        out.row(f"wrote {file}", file=str(file))
    out.summary(f"{counted(len(documents), 'document')} of {standard} in {directory}", documents=len(documents))
