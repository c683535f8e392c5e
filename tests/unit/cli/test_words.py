"""What commands say about times, lengths and next moves reads well and works as it stands."""

import sys
from pathlib import Path

import click
import pytest

from interlock.cli.choice import moment
from interlock.cli.output import Output, counted, program
from interlock.cli.times import ago, clock, stamp, took

AT_MS = 1_795_438_431_204


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (84.4, "84 ms"),
        (1_000, "1.0 s"),
        (61_000, "61.0 s"),
        (119_000, "119.0 s"),
        (240_000, "4 min"),
        (7_300_000, "2 h"),
        (172_800_000, "2 d"),
    ],
)
def test_a_length_of_time_has_the_unit_that_a_person_would_use(milliseconds: float, text: str) -> None:
    """`240000 ms` has to be worked out by the reader."""
    assert took(milliseconds) == text


def test_times_are_utc_and_say_so() -> None:
    """Two people in two zones must read the same line."""
    assert stamp(AT_MS) == "2026-11-23 12:53:51Z"
    assert clock(AT_MS) == "12:53:51.204"
    assert ago(0, AT_MS) == "never"
    assert ago(AT_MS - 5_000, AT_MS) == "5.0 s ago"


def test_counts_agree_with_their_words() -> None:
    """`1 orders` is what a program says."""
    assert [counted(1, "order"), counted(2, "order"), counted(0, "delivery", "deliveries")] == [
        "1 order",
        "2 orders",
        "0 deliveries",
    ]


def test_a_moment_is_read_in_four_forms() -> None:
    """Before now, by the calendar with and without a zone, and as the console's URLs have it."""
    assert moment("1795438431204") == AT_MS
    assert (
        moment("2026-11-23T12:53:51.204Z")
        == moment("2026-11-23T12:53:51.204")
        == moment("2026-11-23T13:53:51.204+01:00")
        == AT_MS
    )
    assert moment("1h") - moment("2h") == pytest.approx(3_600_000, abs=1_000)
    with pytest.raises(click.UsageError):
        moment("yesterday")


@pytest.mark.parametrize(
    ("move", "shown"),
    [
        ("interlock issues", "interlock issues --folder f"),
        ("interlock run", "interlock run f"),
        ("interlock runbook erp-refusals.md", "interlock runbook erp-refusals.md --folder f"),
        ("correct them and run: interlock check", "correct them and run: interlock check f"),
        ("interlock demo elsewhere", "interlock demo elsewhere"),
        ("interlock twin up netsuite", "interlock twin up netsuite"),
        ("interlock show '#1' --folder g", "interlock show '#1' --folder g"),
        ("rm -r interlock-demo", "rm -r interlock-demo"),
    ],
)
def test_a_suggestion_gets_the_folder_that_was_given(move: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command takes it in its own way, and some take none."""
    Output(as_json=False, folder="f").summary("done", move)
    assert capsys.readouterr().err == f"next: {shown}\n"


def test_a_program_off_the_path_is_suggested_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`scripts/demo` runs .venv/bin/interlock, which the reader's shell does not know by its name."""
    (tmp_path / "interlock").touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "interlock")])
    monkeypatch.setenv("PATH", "/nowhere")
    assert program() == str(tmp_path / "interlock")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "interlock"
