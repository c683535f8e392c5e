"""The commands compatibility and publish: honest exit codes, and a folder that keeps what it promised."""

from pathlib import Path

import pytest
from commandline import call, said

from interlock.strategy.starter import write_starter

HEAD = """\
meaning = "What a customer asked to be told of"
[fields]
id = { type = "id", meaning = "Its id" }
updated_at = { type = "timestamp", meaning = "When it changed last" }
"""
OPTIONAL = 'note = { type = "string", required = false, meaning = "A note" }\n'
REQUIRED = 'note = { type = "string", meaning = "A note" }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The starter folder with an object of its own."""
    write_starter(tmp_path / "acme")
    objects = tmp_path / "acme" / "objects"
    objects.mkdir(exist_ok=True)
    (objects / "wish.v1.toml").write_text(HEAD + OPTIONAL)
    return tmp_path / "acme"


def test_compatibility_tells_each_change_and_fails_when_the_mode_does_not_hold(folder: Path, tmp_path: Path) -> None:
    """A pipeline asks before a new version is merged."""
    draft = tmp_path / "wish.v2.toml"
    draft.write_text(HEAD + REQUIRED)
    broken = call("compatibility", "wish.v1", draft, "--folder", folder, "--json")
    assert broken.exit_code == 1
    change, summary = said(broken)
    assert (change["path"], change["code"], change["backward"], change["forward"]) == ("note", "CMP012", False, True)
    assert summary["keeps"] == ["forward", "forward-transitive"]
    assert call("compatibility", "wish.v1", draft, "--folder", folder, "--mode", "forward").exit_code == 0
    ladder = call("compatibility", "wish", "--folder", folder)
    assert (ladder.exit_code, ladder.stdout) == (0, "0 changes; full holds\n")


def test_a_published_version_refuses_to_load_when_it_changed(folder: Path) -> None:
    """A published version is immutable; its words, its order and its comments are no part of it."""
    assert call("publish", "wish.v1", "--folder", folder).stdout == "published wish.v1 with 3 fields\n"
    file = folder / "objects" / "wish.v1.toml"
    file.write_text("# reworded\n" + HEAD.replace("Its id", "Its own id") + OPTIONAL)
    again = call("publish", "wish.v1", "--folder", folder)
    assert (again.exit_code, again.stdout) == (0, "wish.v1 is published already, and says what it said\n")
    file.write_text(HEAD + REQUIRED)
    refused = call("check", folder, "--json")
    assert refused.exit_code == 1
    (finding,) = [line for line in said(refused) if line.get("code") == "STR120"]
    assert finding["what"] == (
        'wish.v1 is not what was published: note was "string, internal, optional", is "string, internal"'
    )
    assert "objects/wish.v2.toml" in finding["next"]
    line = (HEAD + REQUIRED).splitlines().index(REQUIRED.strip()) + 1
    assert finding["where"].startswith(f"objects/wish.v1.toml:{line}:")


def test_what_is_not_ones_own_is_not_published(folder: Path) -> None:
    """What ships is promised by Interlock; what is not there cannot be promised."""
    assert "CMP102" in call("publish", "order.v1", "--folder", folder).stderr
    assert "CMP101" in call("publish", "wish.v7", "--folder", folder).stderr
