"""The command export: what it prints can be read by the tools that it is for."""

import json
from pathlib import Path

import pytest
from commandline import call

from interlock.strategy.starter import write_starter


@pytest.fixture(name="acme")
def _acme(tmp_path: Path) -> Path:
    write_starter(tmp_path / "acme")
    return tmp_path / "acme"


def test_what_is_printed_is_the_document_alone(acme: Path) -> None:
    """It is sent into a file: no line beside it."""
    document = json.loads(call("export", "asyncapi", "--folder", acme).stdout)
    assert document["asyncapi"] == "3.1.0"


def test_several_documents_are_files(acme: Path, tmp_path: Path) -> None:
    """One for each object that moves; the summary says where."""
    result = call("export", "odcs", "--folder", acme, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert json.loads((tmp_path / "out/order.v1.odcs.json").read_text("utf-8"))["kind"] == "DataContract"
    assert "2 documents of odcs" in result.stdout


def test_a_wrong_folder_is_told(acme: Path) -> None:
    """A folder with mistakes exports nothing."""
    (acme / "strategy.toml").write_text("nam = 'acme'\n", encoding="utf-8")
    result = call("export", "json-schema", "--folder", acme)
    assert result.exit_code == 1
    assert result.stdout == ""
