"""docs/reference/commands.md says of each command what the command says of itself: a section, every option, an example."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from interlock.cli import COMMANDS, main
from interlock.cli.choice import KNOWN

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
COMMON = {"--json", "--folder", "--help", "--where", "--from", *(f"--{name}" for name in KNOWN)}
"""Told once, at the top of the page."""


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name."""
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", leaf) for sub, leaf in command.commands.items())
        else:
            yield name, command


def section(name: str) -> str:
    """The text under the command's heading."""
    found = re.search(rf"^### interlock {name}\b.*?$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def options(command: click.Command) -> set[str]:
    """The long options."""
    return {
        text
        for one in command.params
        if isinstance(one, click.Option)
        for text in (*one.opts, *one.secondary_opts)
        if text.startswith("--")
    }


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=[name for name, _ in leaves()])
def test_a_command_has_its_section(name: str, command: click.Command) -> None:
    """An option that is not written down is found by nobody; one that is gone sends people the wrong way."""
    text = section(name)
    assert f"    interlock {name}" in text
    assert sorted(options(command) - COMMON - set(re.findall(r"--[a-z-]+", text))) == []
    table = re.findall(r"^\| `(--.*?) \|", text, re.MULTILINE)
    told = {option for cell in table for option in re.findall(r"--[a-z-]+", cell)}
    assert sorted(told - options(command)) == []


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=[name for name, _ in leaves()])
def test_help_has_an_example(name: str, command: click.Command) -> None:
    """Most people copy a line and change it."""
    assert f"interlock {name}" in (command.help or "")
    assert all(one.help for one in command.params if isinstance(one, click.Option))


def test_common_options_are_told_once() -> None:
    """At the top of the page, where the table of choices stands."""
    head = PAGE.partition("## Begin")[0]
    assert [option for option in COMMON - {"--help"} if option not in head] == []
