"""The command backfill on a store at rest: what is open, what may be done to it, and what a hub is needed for."""

from pathlib import Path

import apsw
import pytest
from commandline import Living, call, said

ROW = {
    "system": "shopify", "object": "order", "since_us": 0, "until_us": 1, "how": "bulk", "go": "all", "state": "reading",
    "expected": 1_000, "seen": 400, "new": 390, "asked_ms": 1, "started_ms": 1, "by": "ann", "why": "new warehouse",
}  # fmt: skip


@pytest.fixture
def underway(filled: Path) -> Path:
    """A folder whose hub was stopped in the middle of a backfill."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as store:
        marks = ", ".join(f":{name}" for name in ROW)
        store.execute(f"INSERT INTO backfill ({', '.join(ROW)}) VALUES ({marks})", ROW)
    return filled


def test_the_list_says_how_far_each_is(underway: Path) -> None:
    """As text for people, with every number for programs."""
    assert "40%" in call("backfill", "list", "--folder", underway).output
    row, summary = said(call("backfill", "list", "--folder", underway, "--json"))
    assert (row["seen"], row["new"], row["known"], row["share"]) == (400, 390, 10, 0.4)
    assert (summary["count"], summary["open"]) == (1, 1)


def test_a_backfill_is_paused_resumed_and_given_up(underway: Path) -> None:
    """Each with a reason, in the audit; what cannot be done says so with exit code 1."""

    def do(action: str) -> tuple[int, str]:
        result = call("backfill", action, 1, "--why", "sale", "--folder", underway)
        return result.exit_code, result.output

    assert do("pause")[0] == 0
    code, words = do("pause")
    assert code == 1 and "is paused: nothing to pause" in words
    assert [do("resume")[0], do("cancel")[0], do("resume")[0]] == [0, 0, 1]
    actions = [row["action"] for row in said(call("audit", "--folder", underway, "--json"))[:-1]]
    assert actions[:3] == ["cancel", "resume", "pause"]
    assert call("backfill", "pause", 1, "--folder", underway).exit_code == 2, "a reason is needed"
    missing = call("backfill", "pause", 99, "--why", "x", "--folder", underway)
    assert missing.exit_code == 1 and "SET031" in missing.output


def test_a_hub_is_needed_to_begin(filled: Path) -> None:
    """Nothing reads while no hub runs, and no row is left behind that would begin by surprise."""
    refused = call("backfill", "orders", "--folder", filled)
    assert refused.exit_code == 1 and "SET032" in refused.output
    assert said(call("backfill", "list", "--folder", filled, "--json"))[-1]["count"] == 0


@pytest.mark.parametrize(
    ("command", "system"), [("products", ""), ("orders", "netsuite"), ("orders", "nowhere")]
)
def test_what_nobody_moves_is_not_read(command: str, system: str, filled: Path) -> None:
    """Events that no flow wants would fill the disk for nothing; the message names what could be read."""
    refused = call("backfill", command, "--folder", filled, *(["--system", system] if system else []))
    assert refused.exit_code == 1 and "BFL002" in refused.output
    assert system != "netsuite" or "shopify" in refused.output


def test_a_day_that_is_none_is_wrong_usage(filled: Path) -> None:
    """Exit code 2, before anything is asked."""
    assert call("backfill", "orders", "--since", "yesterday", "--folder", filled).exit_code == 2


def test_beside_a_running_hub(living: Living) -> None:
    """A dry run says how many would come and leaves nothing open; then everything is read, and what the webhooks told is
    known: nothing is delivered again."""
    looked = said(call("backfill", "orders", "--dry-run", "--folder", living.folder, "--json"))[-1]
    assert looked["expected"] >= 2 and looked["missing"] == "" and "nothing is changed" in looked["summary"]
    before = said(call("deliveries", "--folder", living.folder, "--json"))[-1]
    result = call("backfill", "orders", "--why", "a look", "--folder", living.folder, "--json")
    assert result.exit_code == 0, result.output
    read = said(result)[-1]
    assert (read["state"], read["seen"], read["new"]) == ("done", looked["expected"], 0)
    assert said(call("deliveries", "--folder", living.folder, "--json"))[-1]["states"] == before["states"]
    listed = said(call("backfill", "list", "--folder", living.folder, "--json"))
    assert [row["state"] for row in listed[:-1]][:2] == ["done", "cancelled"]
