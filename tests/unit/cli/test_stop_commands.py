"""The commands pause, drain and resume: on a store at rest, and beside a hub that runs."""

from pathlib import Path

from commandline import Living, call, said

FLOW = "order-to-erp"


def test_a_stop_is_kept_and_lifted(filled: Path) -> None:
    """Without a hub too: the stop is in the store, audited, and a second resume says that there was nothing to lift."""
    assert call("pause", FLOW, "--why", "month's end", "--folder", filled).exit_code == 0
    assert "is paused" in call("pause", FLOW, "--why", "again", "--folder", filled).output
    resumed = said(call("resume", FLOW, "--why", "open", "--folder", filled, "--json"))[-1]
    assert (resumed["resumed"], resumed["state"]) == (True, "running")
    assert call("resume", FLOW, "--why", "open", "--folder", filled).exit_code == 1
    actions = [row["action"] for row in said(call("audit", "--folder", filled, "--json"))[:-1]]
    assert actions[:3] == ["resume", "pause", "pause"]


def test_a_reason_and_a_known_flow_are_needed(filled: Path) -> None:
    """A stop of a misspelt flow would be no stop."""
    assert call("pause", FLOW, "--folder", filled).exit_code == 2
    refused = call("pause", "order-to-epr", "--why", "x", "--folder", filled)
    assert refused.exit_code == 1 and "SET028" in refused.output


def test_what_the_folder_pauses_only_the_folder_lets_go_on(filled: Path) -> None:
    """Both stops are heeded: lifting one does not lift the other, and the command says so."""
    file = filled / "flows" / f"{FLOW}.toml"
    file.write_text("paused = true\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    refused = call("drain", FLOW, "--why", "x", "--folder", filled)
    assert refused.exit_code == 1 and "FLW010" in refused.output
    call("pause", FLOW, "--why", "x", "--folder", filled)
    lifted = call("resume", FLOW, "--why", "y", "--folder", filled)
    assert lifted.exit_code == 0 and "the folder still pauses it" in lifted.output


def test_a_drain_needs_a_hub(filled: Path) -> None:
    """Nothing ends by itself while no hub runs; the wish is kept."""
    asked = call("drain", FLOW, "--why", "x", "--folder", filled)
    assert asked.exit_code == 1 and "SET032" in asked.output
    assert call("drain", FLOW, "--no-wait", "--why", "x", "--folder", filled).exit_code == 0


def test_beside_a_running_hub(living: Living) -> None:
    """A drain with nothing queued ends at once in a pause; a resume lets it go on."""
    drained = said(call("drain", FLOW, "--why", "new account", "--folder", living.folder, "--json"))[-1]
    assert (drained["state"], drained["left"]) == ("paused", {})
    assert call("resume", FLOW, "--why", "done", "--folder", living.folder).exit_code == 0


def test_status_tells_of_a_stop(filled: Path) -> None:
    """Who asks whether it works learns that somebody stopped it, and who."""
    call("pause", FLOW, "--why", "month's end", "--folder", filled)
    rows = said(call("status", "--folder", filled, "--json"))
    (stop,) = (row for row in rows if row.get("kind") == "stop")
    assert (stop["flow"], stop["state"], stop["why"]) == (FLOW, "paused", "month's end")
    assert "month's end" in call("flows", FLOW, "--folder", filled).output
