"""The commands on folders in a temporary directory: what they say, and with which exit code."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from commandline import call

from interlock.cli import COMMANDS, main
from interlock.cli.output import Output, speaks

HEAVY = ("rich", "aiohttp", "asyncio", "starlette", "uvicorn", "apsw", "msgspec", "cryptography", "urllib.request")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert call("init", str(tmp_path / "acme")).exit_code == 0
    return tmp_path / "acme"


def test_help_imports_nothing_heavy() -> None:
    """Help must come at once, so it may not import what only the hub needs."""
    code = "import sys; from interlock.cli import main; main(['--help'], standalone_mode=False); print('\\n', *sys.modules)"
    words = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        .stdout.split("\n")[-2]
        .split()
    )
    assert "interlock.cli" in words
    assert not words & set(HEAVY)


def test_every_line_of_help_is_the_commands_own() -> None:
    """The table of the lazy group could drift from the commands it names."""
    for name, (module, line) in COMMANDS.items():
        assert (getattr(import_module(module), name).help or "").split("\n")[0] == line


def test_help_of_every_command_imports_no_server() -> None:
    """A command's own help comes as fast: what runs the hub or reads the store is imported when it is needed."""
    code = (
        "import sys\nfrom interlock.cli import COMMANDS, main\n"
        "for name in COMMANDS: main([name, '--help'], standalone_mode=False)\nprint('\\n', *sys.modules)"
    )
    words = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        .stdout.split("\n")[-2]
        .split()
    )
    assert not words & set(HEAVY)


def test_the_version_is_the_packages() -> None:
    """`--version` is the first thing that a bug report asks for."""
    result = call("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("interlock, version ")


def test_a_mistyped_command_is_guessed() -> None:
    """Wrong usage, with the nearest name."""
    result = call("stauts")
    assert result.exit_code == 2
    assert "Did you mean 'status'?" in result.stderr


def test_every_command_takes_json() -> None:
    """A script may rely on it without looking it up."""
    context = click.Context(main)
    commands = [main.get_command(context, name) for name in COMMANDS]
    leaves = [leaf for one in commands for leaf in (one.commands.values() if isinstance(one, click.Group) else [one])]
    assert [
        leaf.name for leaf in leaves if leaf is None or "as_json" not in {option.name for option in leaf.params}
    ] == []


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyError("x"), 70, "HUB000 a mistake in Interlock: KeyError"),
        (PermissionError(13, "denied", "/x"), 1, "SET026"),
    ],
)
def test_what_nobody_foresaw_is_told_in_words(error: Exception, code: int, words: str) -> None:
    """No traceback for a person; a mistake of ours has an exit code of its own, so that it is not taken for a finding."""

    @click.command()
    @speaks
    def broken(out: Output) -> None:
        raise error

    result = CliRunner().invoke(broken, [])
    assert (result.exit_code, words in result.stderr) == (code, True)
    assert "Traceback" not in result.output


def test_the_starter_folder_has_no_findings(folder: Path) -> None:
    """What init writes, check accepts: else the first minute ends in a mistake of ours."""
    result = call("check", str(folder))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("; 0 errors, 0 warnings")


def test_three_mistakes_are_told_at_once(folder: Path) -> None:
    """Every finding in one run, counted in the last line, exit code 1."""
    for name in ("netsuite", "shipbob", "klaviyo"):
        file = folder / "systems" / f"{name}.toml"
        file.write_text(file.read_text().replace(f'connector = "{name}"', 'connector = "nothing"'))
    result = call("check", str(folder), "--json")
    *findings, summary = map(json.loads, result.stdout.splitlines())
    wrong = {one["where"].split(":")[0] for one in findings if one["severity"] == "error"}
    assert result.exit_code == 1
    assert wrong >= {"systems/netsuite.toml", "systems/shipbob.toml", "systems/klaviyo.toml"}
    assert summary["errors"] == sum(one["severity"] == "error" for one in findings)


def test_init_overwrites_nothing(folder: Path) -> None:
    """A second init would destroy what somebody wrote."""
    result = call("init", str(folder))
    assert result.exit_code == 1
    assert "SET020" in result.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("status",), 0),
        (("issues",), 0),
        (("find", "1001"), 1),
        (("show", "1001"), 1),
        (("orders",), 0),
        (("tail",), 1),
    ],
)
def test_without_a_store_the_reason_is_said(folder: Path, command: tuple[str, ...], code: int) -> None:
    """Empty output would leave open whether nothing happened or nothing was read."""
    result = call(*command, "--folder", str(folder))
    assert "no hub has run in this folder yet" in result.stdout
    assert result.exit_code == code


def test_doctor_judges_in_json(folder: Path) -> None:
    """A supervisor reads the judgement of each check and the counts."""
    result = call("doctor", "--folder", str(folder), "--json")
    *checks, summary = map(json.loads, result.stdout.splitlines())
    assert {"SQLite", "disk", "clock", "lock"} <= {one["check"] for one in checks}
    assert summary["checks"] == len(checks)
    assert result.exit_code == (1 if summary["failed"] else 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("discard", "--why", "x"),
        ("hold", "--where", "colour=red", "--why", "x"),
        ("retry",),
        ("nothing",),
        ("deliveries", "--state", "red"),
        ("deliveries", "--since", "soon"),
    ],
)
def test_wrong_usage_is_2(folder: Path, arguments: tuple[str, ...]) -> None:
    """A filter that is not understood must never choose everything."""
    options = ("--folder", str(folder)) if arguments != ("nothing",) else ()
    assert call(*arguments, *options).exit_code == 2


def test_trigger_says_that_no_hub_runs(folder: Path) -> None:
    """A webhook that nobody takes must not look sent."""
    result = call("trigger", "orders/create", "--folder", str(folder))
    assert result.exit_code == 1
    assert "SET032 no hub runs" in result.stderr
