"""The commands plan, apply, rollback and releases, over what a demo has left: what they say, and how they end."""

import re
from pathlib import Path

import pytest
from commandline import call, said

ROW = '[order.out.salesOrder]\nmessage = "name"\n'


@pytest.fixture
def changed(filled: Path) -> Path:
    """The demo's folder with one row of NetSuite's mapping changed."""
    (filled / "mappings" / "netsuite.toml").write_text(ROW)
    return filled


def test_a_plan_is_read_from_top_to_bottom(changed: Path) -> None:
    """Each change in a line, what it does in a line, risk, the way back, and the sum last; nothing about reading."""
    result = call("plan", changed)
    lines = [line for line in result.stdout.splitlines() if line]
    assert result.exit_code == 0
    assert lines[0] == "+ mapping netsuite, order to salesOrder: message <- name  mappings/netsuite.toml:2"
    assert re.fullmatch(r"On the last \d+ recorded events, about 3 orders.*:", lines[1])
    assert re.fullmatch(
        r"  netsuite salesOrder\.upsert message: filled in 3 of 3, such as #\d+: nothing -> •••••", lines[2]
    )
    assert lines[3] == "risk low: only fills in what was empty, in 3 of 3 orders"
    assert re.fullmatch(
        r'undo: interlock rollback [0-9a-f]{12} --why "\.\.\." --folder ' + re.escape(str(changed)), lines[4]
    )
    assert lines[5:] == ["1 change, 0 breaking; 3 of 3 orders differ; risk low"]
    assert result.stderr == f"next: interlock apply {changed}\n"


def test_exit_codes_tell_a_script(changed: Path) -> None:
    """0 unless asked for; then 3 for changes, never 2, which is wrong usage; 1 for a folder that cannot run."""
    assert call("plan", changed).exit_code == 0
    assert call("plan", changed, "--detailed-exitcode").exit_code == 3
    assert call("plan", changed, "--detailed-exitcode", "--nonsense").exit_code == 2
    (changed / "mappings" / "netsuite.toml").unlink()
    same = call("plan", changed, "--detailed-exitcode")
    assert (same.exit_code, "nothing has changed; release" in same.stdout) == (0, True)
    (changed / "flows" / "order-to-erp.toml").write_text("nonsense")
    assert call("plan", changed, "--detailed-exitcode").exit_code == 1


def test_a_row_that_does_not_compile_is_told_with_its_place(changed: Path) -> None:
    """Before anything is compared: the folder could not run."""
    (changed / "mappings" / "netsuite.toml").write_text('[order.out.salesOrder]\nmessage = "nome"\n')
    result = call("plan", changed)
    assert result.exit_code == 1
    assert "mappings/netsuite.toml:2" in result.stderr


def test_a_plan_that_will_be_refused_says_so(changed: Path) -> None:
    """`apply` refuses what breaks others and nobody announced (PLN005): the plan must not send people there."""
    (changed / "flows" / "order-to-erp.toml").unlink()
    slos = changed / "slos.toml"
    slos.write_text(slos.read_text().replace('"order-to-erp", ', ""))
    result = call("plan", changed, "--events", 0)
    assert "changes/NNNN.toml: flow order-to-erp; or: interlock apply --unannounced" in result.stderr
    assert said(call("plan", changed, "--events", 0, "--json"))[-1]["unannounced"] == ["flow order-to-erp"]
    removal = 'title = "x"\nkind = "breaking"\nowner = "growth"\nflow = "order-to-erp"\n'
    (changed / "changes" / "0002.toml").write_text(removal)
    assert call("plan", changed, "--events", 0).stderr == f"next: interlock apply {changed}\n"


def test_much_is_cut_and_full_is_not(changed: Path) -> None:
    """A screen is enough to decide; the rest is there for who asks."""
    rows = "".join(f'"SKU-{n}" = "{n}"\n' for n in range(60))
    items = changed / "mappings" / "items.toml"
    items.write_text(items.read_text().replace("[netsuite.skus]", f"[netsuite.skus]\n{rows}"))
    short, full = call("plan", changed, "--events", 0), call("plan", changed, "--events", 0, "--full")
    assert "  and 21 more changes: --full\n" in short.stdout
    assert "Not tried on recorded orders: it was not asked for" in short.stdout
    assert full.stdout.count("items of netsuite") == 60
    assert len(said(call("plan", changed, "--events", 0, "--json"))) == 62


def test_apply_without_a_hub_and_back(changed: Path) -> None:
    """Shown, applied, listed, rolled back, listed: each says what it did and what to do next."""
    applied = call("apply", changed, "--yes", "--why", "for the accountants")
    assert applied.exit_code == 0
    last = applied.stdout.splitlines()[-1]
    assert re.fullmatch(rf"release [0-9a-f]{{12}} runs at the next start: interlock demo {changed}", last)
    assert "next: interlock rollback" in applied.stderr
    assert "nothing has changed" in call("apply", changed, "--yes").stdout

    listed = call("releases", "--folder", changed).stdout.splitlines()
    assert listed[0].startswith("* ") and "apply by cli:" in listed[0]
    assert listed[0].endswith("+ mapping netsuite, order to salesOrder: message <- name")
    assert listed[-1] == "2 releases; * runs"

    looked = call("rollback", "--folder", changed, "--why", "wrong", "--dry-run")
    assert "would run; nothing is changed" in looked.stdout.splitlines()[-1]
    back = call("rollback", "--folder", changed, "--why", "wrong")
    assert back.exit_code == 0
    assert "wrote nothing" in back.stdout.splitlines()[-1], "the newer release never ran"
    assert "rollback by cli:" in call("releases", "--folder", changed).stdout.splitlines()[0]
    again = said(call("rollback", listed[1].split()[0], "--folder", changed, "--why", "wrong", "--json"))
    assert again[-1]["rolled_back"] is False, "it runs already"


def test_what_a_demo_wrote_is_listed_when_it_is_left(changed: Path) -> None:
    """Forwards too: to go to a later release leaves what the earlier one wrote."""
    call("apply", changed, "--yes")
    first = call("releases", "--folder", changed).stdout.splitlines()[1].split()[0]
    call("rollback", "--folder", changed, "--why", "wrong")
    rows = said(call("plan", changed, "--json"))
    assert rows[-1]["running"].startswith(first)


def test_there_is_nothing_to_go_back_to(filled: Path) -> None:
    """An error with a code and a way out, not a traceback."""
    result = call("rollback", "--folder", filled, "--why", "x")
    assert (result.exit_code, "PLN007" in result.stderr) == (1, True)
    assert "PLN002" in call("rollback", "nowhere", "--folder", filled, "--why", "x").stderr


def test_before_anything_ran(tmp_path: Path) -> None:
    """A folder without a store: the plan says so, apply makes it the first release, releases has none to list."""
    assert call("init", tmp_path / "acme").exit_code == 0
    assert call("plan", tmp_path / "acme").stdout == "no release runs yet: this folder would be the first\n"
    assert call("releases", "--folder", tmp_path / "acme").exit_code == 0
    assert "SET030" in call("rollback", "--folder", tmp_path / "acme", "--why", "x").stderr
    assert call("apply", tmp_path / "acme", "--yes").exit_code == 0
    assert "the first release" in call("releases", "--folder", tmp_path / "acme").stdout
