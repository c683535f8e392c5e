"""Every check finds its bad example, and only it; and lets its good example pass."""

from pathlib import Path

import pytest

from interlock.strategy.checks import ALL, Check, Example

from .example_folder import SOUND, findings_on_disk, with_example

each_check = pytest.mark.parametrize("check", ALL, ids=lambda check: check.code)


def test_the_sound_folder_has_no_findings(tmp_path: Path) -> None:
    """The control of all others: what the examples are laid over is itself without fault."""
    assert findings_on_disk(tmp_path, SOUND) == []


@each_check
def test_the_bad_example_gives_exactly_this_code(check: Check, tmp_path: Path) -> None:
    """A check that finds nothing, or drags others along, would teach people to ignore it."""
    findings = findings_on_disk(tmp_path, with_example(check.bad))
    assert [finding.code for finding in findings] == [check.code], "\n".join(map(str, findings))
    (finding,) = findings
    assert finding.severity == check.severity
    assert finding.why, "a finding says why"


@each_check
def test_the_good_example_gives_none(check: Check, tmp_path: Path) -> None:
    """The remedy that the documentation shows must be one."""
    assert [str(finding) for finding in findings_on_disk(tmp_path, with_example(check.good))] == []


def test_codes_are_unique_and_titles_are_sentences() -> None:
    """Codes are addresses in the documentation."""
    codes = [check.code for check in ALL]
    assert len(codes) == len(set(codes)) >= 40
    assert all(check.title[0].isupper() and not check.title.endswith(".") for check in ALL)


SIGNAL = 'destinations = ["shop"]\nevery = true'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (SIGNAL, ""),
        ('destinations = ["shop"]', "once for each fact"),
        (f'{SIGNAL}\npattern = "middleware"', "once for each fact"),
        (f'{SIGNAL}\ntrigger = ["orders/create", "orders/updated"]', 'comes back as "orders/updated"'),
        (f'{SIGNAL}\ntrigger = ["flow/tell-us"]', 'comes back as "flow/tell-us"'),
        (f'{SIGNAL}\nobject = "customer.v1"', '"shop" is its source'),
    ],
)
def test_only_a_signal_may_go_back_to_its_source(lines: str, says: str, tmp_path: Path) -> None:
    """A workflow that changes the order tells of the change: only facts that happen once, one signal each, end (STR034).

    The control: the first folder is sound, each other is one line away from it.
    """
    findings = findings_on_disk(tmp_path, with_example(Example("flows/order-to-erp.toml", lines)))
    told = [str(finding) for finding in findings if finding.code == "STR034"]
    assert bool(told) == bool(says) and all(says in text for text in told), told
    assert says or findings == []
