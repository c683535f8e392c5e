"""Commands about versions of contracts: compatibility says whom a new one breaks, publish promises that one changes no more."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, speaks
from interlock.cli.place import folder_option
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interlock.canonical import Contract
    from interlock.canonical.compatibility import Comparison, Ladder

MODES = ("backward", "forward", "full", "backward-transitive", "forward-transitive", "full-transitive")


@click.command()
@click.argument("versions", nargs=-1, required=True)
@click.option("--mode", type=click.Choice(MODES), default="full", help="What must hold (default: full).")
@folder_option
@speaks
def compatibility(versions: tuple[str, ...], mode: str, folder: Path, out: Output) -> None:
    """Say whom a new version of a contract breaks.

    VERSIONS are keys (order.v1) or files, oldest first; one object's name means all its versions. Each change is a sentence
    with the code of its rule. Exit code 1 when the mode does not hold.

    \b
    Examples: interlock compatibility order.v1 order.v2
              interlock compatibility order --mode backward-transitive
              interlock compatibility order.v1 drafts/order.v2.toml --json
    """
    from interlock.canonical.compatibility import compare_ladder

    ladder = compare_ladder(_chosen(versions, folder))
    for pair in (*ladder.steps, *(ladder.leaps if mode.endswith("transitive") else ())):
        _tell(pair, out)
    holds = ladder.verdicts()
    _sum_up(ladder, mode, holds[mode], out)  # type: ignore[index]  # click has checked it
    if not holds[mode]:  # type: ignore[index]
        fail()


@click.command()
@click.argument("key")
@folder_option
@speaks
def publish(key: str, folder: Path, out: Output) -> None:
    """Promise that a version of a contract changes no more.

    Writes what the version says, without its words, to objects/published.lock; commit that file. From then on a folder in
    which the version says anything else does not load: changes go into the next version.

    \b
    Example: interlock publish order.v2
    """
    from interlock.canonical.published import published, read_lock, with_published
    from interlock.cli.catalogue import read_strategy
    from interlock.strategy import contracts_of
    from interlock.strategy.changes import LOCK_PATH

    strategy = read_strategy(folder)
    contract = _known(key, contracts_of(strategy), folder)
    if key not in strategy.objects:
        raise SettingsError(f"{key} ships with Interlock and is not yours to publish", code="CMP102",
                            where=str(folder / "objects"), next_move="name a version that objects/ of the folder holds")  # fmt: skip
    file = folder / LOCK_PATH
    if key in read_lock(strategy.published, LOCK_PATH):
        out.summary(f"{key} is published already, and says what it said", key=key, published=False)
        return
    file.write_text(with_published(strategy.published, contract), encoding="utf-8")
    out.summary(f"published {key} with {counted(len(published(contract).fields), 'field')}", f"git add {file}",
                key=key, published=True, sha256=published(contract).sha256)  # fmt: skip


def _chosen(versions: tuple[str, ...], folder: Path) -> "list[Contract]":
    """The contracts that were named, oldest first."""
    from interlock.canonical import parse_contract
    from interlock.cli.catalogue import read_strategy
    from interlock.strategy import contracts_of

    if all(Path(name).is_file() for name in versions):
        return [parse_contract(Path(name).read_text(encoding="utf-8"), name) for name in versions]
    known = contracts_of(read_strategy(folder))
    ladder = sorted((each for each in known.values() if each.name == versions[0]), key=lambda each: each.version)
    if len(versions) == 1 and ladder:
        return ladder
    return [
        parse_contract(Path(name).read_text(encoding="utf-8"), name) if Path(name).is_file() else _known(name, known, folder)
        for name in versions
    ]  # fmt: skip


def _known(key: str, contracts: "Mapping[str, Contract]", folder: Path) -> "Contract":
    if key not in contracts:
        raise SettingsError(f'there is no contract "{key}"', code="CMP101", where=str(folder / "objects"),
                            why=f"there are {', '.join(sorted(contracts))}", next_move="name one of these, or a file")  # fmt: skip
    return contracts[key]


def _tell(pair: "Comparison", out: Output) -> None:
    for change in pair.changes:
        out.row(change.sentence, old=pair.old, new=pair.new, path=change.path, kind=change.kind, code=change.code,
                backward=change.backward, forward=change.forward, sentence=change.sentence)  # fmt: skip


def _sum_up(ladder: "Ladder", mode: str, holds: bool, out: Output) -> None:
    changes = sum(len(pair.changes) for pair in ladder.steps)
    keeps = [name for name, kept in ladder.verdicts().items() if kept]
    text = f"{counted(changes, 'change')}; {mode} {'holds' if holds else 'does not hold'}"
    moves = () if holds else ("see docs/reference/compatibility.md for each code, and a way that breaks nobody",)
    out.summary(text, *moves, mode=mode, holds=holds, keeps=keeps, changes=changes)
