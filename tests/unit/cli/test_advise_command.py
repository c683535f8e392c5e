"""The command advise: fits, contradicts with figures, and is answered by a line of the file."""

from pathlib import Path

from commandline import call, said

from interlock.strategy.starter import write_starter


def test_the_starter_contradicts_nothing(tmp_path: Path) -> None:
    """What `interlock init` writes is argued for."""
    write_starter(tmp_path)
    result = call("advise", "--folder", tmp_path)
    assert result.exit_code == 0, result.output
    assert "ADV001 fits" in result.output


def test_a_contradiction_fails_until_it_is_answered(tmp_path: Path) -> None:
    """C90's neighbour: nobody may choose a pattern against the rules without a word about it."""
    write_starter(tmp_path)
    file = tmp_path / "flows/order-to-marketing.toml"
    text = (
        file.read_text(encoding="utf-8")
        .replace("every = true\n", "")
        .replace("[slo]", "[slo]\nexpected_events_per_day = 20")
    )
    file.write_text(text.replace('trigger = ["orders/create", ', 'trigger = ["orders/create"] # ["'), encoding="utf-8")
    result = call("advise", "order-to-marketing", "--folder", tmp_path, "--json")
    *rows, last = said(result)
    assert (result.exit_code, rows[0]["open"], last["contradicted"]) == (1, ["ADV004"], ["order-to-marketing"])
    assert "20 events a day (declared)" in rows[0]["points"][0]["because"]
    file.write_text('accepts = ["ADV004"]\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert call("advise", "order-to-marketing", "--folder", tmp_path).exit_code == 0


def test_an_unknown_flow_is_refused(tmp_path: Path) -> None:
    """A misspelt name is not a flow without advice."""
    write_starter(tmp_path)
    assert call("advise", "order-to-epr", "--folder", tmp_path).exit_code == 1


def test_a_store_gives_its_figures(filled: Path) -> None:
    """With a store the figures of its traffic are part of the answer."""
    rows = said(call("advise", "--folder", filled, "--json"))
    assert {row["measured"]["fan_out"] for row in rows[:-1]} == {1}
