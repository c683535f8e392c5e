"""The command matrix: nine boxes for people, one object per flow for programs."""

from pathlib import Path

from commandline import call, said

from interlock.strategy.starter import write_starter


def test_the_matrix_is_drawn_and_listed(tmp_path: Path) -> None:
    """A real three by three with ranks, and the same flows in the JSON, in the order of their ranks."""
    write_starter(tmp_path)
    drawn = call("matrix", "--folder", tmp_path)
    assert drawn.exit_code == 0, drawn.output
    assert drawn.output.count("+----") >= 4 and "#1 order-to-wms" in drawn.output
    *rows, last = said(call("matrix", "--folder", tmp_path, "--json"))
    assert [row["rank"] for row in rows] == [1, 2, 3, 4] and last["flows"] == 4
    assert rows[0]["flow"] == "order-to-wms" and all(row["rollback"] for row in rows)


def test_the_matrix_is_a_page(tmp_path: Path) -> None:
    """What stands in the documentation is not drawn by hand."""
    write_starter(tmp_path)
    assert call("matrix", "--markdown", "--folder", tmp_path).output.startswith("| Impact | Low complexity |")
