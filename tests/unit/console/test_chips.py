"""Every page shows its command; a command that does not exist, or does not take those options, is worse than none."""

import shlex

import click
import pytest

from console.browse import Browser
from console.test_pages import PATHS
from interlock.cli import main

ASKED = ("/deliveries?q=TSHIRT-OLD&state=dead,waiting&since=24h", "/deliveries?flow=order-to-erp&name=%231210", "/orders?q=12&state=dead",
         "/bulk?action=release&state=held", "/bulk?action=hold&q=TSHIRT-OLD", "/bulk?action=replay&ids=3,4", "/bulk?action=replay&state=dead&since=24h",
         "/objects/order/404404")  # fmt: skip


def chips(browser: Browser, path: str) -> list[str]:
    return [attributes["data-copy"] for _, attributes in browser.get(path).page.tags if "data-copy" in attributes]


def parsed(text: str) -> None:
    """Raises what the command line would say about it; runs nothing."""
    program, name, *arguments = shlex.split(text)
    assert program == "interlock" and isinstance(main, click.Group)
    with click.Context(main, info_name="interlock") as group:
        command = main.get_command(group, name)
        if command is None:
            raise click.UsageError(f"no command {name!r}")
        command.make_context(name, arguments, parent=group)


@pytest.mark.parametrize("path", [*PATHS, *ASKED])
def test_every_chip_is_a_command_that_exists(browser: Browser, path: str) -> None:
    """CONSOLE principle 5: what a page offers to copy works as it stands."""
    for text in chips(browser, path):
        parsed(text)


def test_most_pages_have_a_chip(browser: Browser) -> None:
    """The other half: the test above must not pass because there is nothing to try."""
    assert sum(bool(chips(browser, path)) for path in PATHS) >= len(PATHS) - 1


@pytest.mark.parametrize(
    "text", ["interlock frobnicate", "interlock status --colour red", "interlock find", "interlock replay --state dead"]
)
def test_the_check_can_fail(text: str) -> None:
    """The control: an unknown command, an unknown option, a missing argument and a missing reason are refused."""
    with pytest.raises(click.UsageError):
        parsed(text)
