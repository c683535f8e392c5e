"""Each page of the console shows its command: those commands take what the page gives them."""

from pathlib import Path

import pytest
from commandline import call


@pytest.mark.parametrize(
    "option",
    ["--flow x", "--destination x", "--object order", "--key 1", "--name x", "--reason mapping", "--fingerprint f", "--ids 1,2", "--state dead,held",
     "--since 24h", "--from 1795438431000", "--until 1795438431000", "--text x"],
)  # fmt: skip
def test_the_list_takes_every_option_of_the_page(option: str, filled: Path) -> None:
    """The filter of a URL, as options."""
    assert call("deliveries", *option.split(), "--folder", filled).exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("status", "--map"),
        ("orders", "--state", "dead"),
        ("systems",),
        ("flows", "order-to-erp"),
        ("runbook", "erp-refusals.md"),
        ("audit",),
    ],
)
def test_other_chips_work_as_they_stand(command: tuple[str, ...], filled: Path) -> None:
    """With the arguments that the pages fill in."""
    assert call(*command, "--folder", filled).exit_code == 0
