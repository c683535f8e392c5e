"""The command contracts: every object with its versions, or the fields of one, as text, Markdown, JSON Schema or TOML."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, speaks
from interlock.cli.place import folder_option
from interlock.data_folder import STRATEGY_FILE
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interlock.canonical import Contract
    from interlock.canonical.table import Line, Section
    from interlock.strategy import Strategy

NAME_WIDTH = 20
ABOUT_WIDTH = 40


@click.command()
@click.argument("key", required=False)
@click.option("--markdown", is_flag=True, help="As a Markdown page, for a document.")
@click.option("--schema", is_flag=True, help="As JSON Schema 2020-12; needs KEY.")
@click.option("--toml", is_flag=True, help="As the file that the next version begins from; needs KEY.")
@folder_option
@speaks
def contracts(key: str | None, markdown: bool, schema: bool, toml: bool, folder: Path, out: Output) -> None:
    """List the contracts of all objects, or print one.

    KEY is an object with its version (order.v1), or the object alone for the version that the flows move. Fields that the
    folder adds are marked with +. Outside of a strategy folder these are the contracts that ship.

    \b
    Examples: interlock contracts
              interlock contracts order.v1
              interlock contracts order --markdown > docs/order.md
              interlock contracts order.v1 --schema > order.v1.schema.json
              interlock contracts order.v1 --toml > drafts/order.v2.toml
    """
    if (schema or toml) and not key:
        raise click.UsageError(f"--{'schema' if schema else 'toml'} needs KEY, such as order.v1")
    strategy = _strategy(folder)
    found = _contracts(strategy)
    if key is None:
        _list(found, strategy, out, markdown=markdown)
    else:
        _print(_chosen(key, found, strategy), out, markdown=markdown, schema=schema, toml=toml)


def _strategy(folder: Path) -> "Strategy | None":
    from interlock.cli.catalogue import read_strategy

    return read_strategy(folder) if (folder / STRATEGY_FILE).exists() else None


def _contracts(strategy: "Strategy | None") -> "Mapping[str, Contract]":
    from interlock.canonical import load_contracts
    from interlock.strategy import contracts_of

    return load_contracts() if strategy is None else contracts_of(strategy)


def _chosen(key: str, found: "Mapping[str, Contract]", strategy: "Strategy | None") -> "Contract":
    from interlock.strategy import contract_of

    if key in found:
        return found[key]
    moved = contract_of(strategy, key) if strategy is not None else found.get(f"{key}.v1")
    if moved is None:
        raise SettingsError(f'there is no contract "{key}"', code="CMP101",
                            why=f"there are {', '.join(sorted(found))}", next_move="interlock contracts")  # fmt: skip
    return moved


def _list(found: "Mapping[str, Contract]", strategy: "Strategy | None", out: Output, *, markdown: bool) -> None:
    if markdown and not out.as_json:
        out.row("| Contract | Fields | Personal | Meaning |\n|---|---|---|---|")
    for key, contract in sorted(found.items()):
        paths, personal = contract.paths(), contract.personal_paths()
        written, read = _use(strategy, key)
        numbers = f"{counted(len(paths), 'field')}, {len(personal)} personal"
        way = f"; {' and '.join(written)} to {', '.join(read)}" if written else ""
        text = f"{key:<{NAME_WIDTH}} {numbers:<26} {contract.meaning}{way}"
        page = f"| `{key}` | {len(paths)} | {len(personal)} | {contract.meaning} |"
        out.row(page if markdown else text, key=key, name=contract.name, version=contract.version,
                meaning=contract.meaning, fields=len(paths), personal=len(personal), extends=contract.extends,
                written_by=written, read_by=read)  # fmt: skip
    if not markdown or out.as_json:
        out.summary(counted(len(found), "contract"), "interlock contracts order.v1", contracts=len(found))


def _use(strategy: "Strategy | None", key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from interlock.strategy.contracts import use_of

    if strategy is None:
        return (), ()
    use = use_of(strategy, key)
    return use.writers, use.readers


def _print(contract: "Contract", out: Output, *, markdown: bool, schema: bool, toml: bool) -> None:
    from interlock.canonical.json_schema import json_schema
    from interlock.canonical.table import markdown as as_markdown
    from interlock.canonical.table import sections
    from interlock.canonical.toml_text import toml_text

    if toml and not out.as_json:
        click.echo(toml_text(contract), nl=False)
        return
    if schema:
        click.echo(json.dumps(json_schema(contract), indent=None if out.as_json else 2, ensure_ascii=False))
        return
    if markdown and not out.as_json:
        click.echo(as_markdown(contract), nl=False)
        return
    for section in sections(contract):
        _tell(section, out)
    paths, personal = contract.paths(), contract.personal_paths()
    out.summary(f"{contract.key}: {counted(len(paths), 'field')}, {len(personal)} personal",
                f"interlock contracts {contract.key} --schema", key=contract.key, meaning=contract.meaning,
                extends=contract.extends, fields=len(paths), personal=list(personal))  # fmt: skip


def _tell(section: "Section", out: Output) -> None:
    if not out.as_json:
        click.echo(f"{section.name or 'fields'}: {section.meaning}" if section.meaning else section.name)
    for line in section.lines:
        out.row(_text(line), object=section.name, field=line.name, type=line.kind, needed=line.needed,
                data_class=line.data_class, meaning=line.meaning, example=line.example, lifetime=line.notes,
                added=line.added)  # fmt: skip


def _text(line: "Line") -> str:
    marked = f"{'+' if line.added else ' '} {line.name}"
    about = f"{line.kind}, {line.needed}, {line.data_class}"
    notes = f" ({line.notes})" if line.notes else ""
    return f" {marked:<{NAME_WIDTH + 2}} {about:<{ABOUT_WIDTH}} {line.meaning}{notes}"
