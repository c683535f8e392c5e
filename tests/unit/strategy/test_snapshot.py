"""Snapshots: the same files are the same release, and nothing outside the folder is read."""

from pathlib import Path

import pytest

from interlock.strategy import StrategyErrors, load, read_folder, snapshot_of
from interlock.strategy.snapshot import MAX_FILE_BYTES

from .example_folder import FACTS, SOUND, write


def test_the_id_is_that_of_names_and_contents(tmp_path: Path) -> None:
    """A release is known by its content: order, place and unread files do not matter; a byte or a name does."""
    first = read_folder(write(tmp_path / "a", SOUND))
    second = read_folder(write(tmp_path / "b", dict(reversed(SOUND.items())) | {"README.md": "x", "data/x.toml": "y", "drafts/z.toml": ""}))
    assert first.id == second.id
    assert first.short == first.id[:12]
    assert second.unread == ()  # drafts are where the guides put the next version of a contract
    assert first.id == snapshot_of(first.files).id
    moved = {name.replace("order-to-erp", "order-to-e"): content for name, content in first.files.items()}
    assert snapshot_of(moved).id != first.id
    assert snapshot_of({"a": b"1b", "c": b""}).id != snapshot_of({"a": b"", "1bc": b""}).id


def test_only_known_files_are_read(tmp_path: Path) -> None:
    """Secrets, data and hidden files never enter a release."""
    extra = {
        "secrets/token.toml": "x",
        ".env": "x",
        "flows/.hidden.toml": "x",
        "flows/notes.txt": "x",
        "flows/deep/x.toml": "x",
    }
    snapshot = read_folder(write(tmp_path, {**SOUND, **extra}))
    assert set(snapshot.files) == set(SOUND)
    assert snapshot.unread == ("flows/deep/x.toml",)


@pytest.mark.parametrize("make", ["file", "directory", "dangling"])
def test_links_do_not_lead_out(tmp_path: Path, make: str) -> None:
    """A link to /etc or to another shop's folder must not be read into a release; the other files are."""
    outside = tmp_path / "outside"
    write(outside, {"x.toml": 'password = "hunter2"'})
    folder = write(tmp_path / "folder", SOUND)
    link = folder / ("objects" if make == "directory" else "flows/stolen.toml")
    link.symlink_to({"file": outside / "x.toml", "directory": outside, "dangling": outside / "none"}[make])
    snapshot = read_folder(folder)
    assert not any(b"hunter2" in content for content in snapshot.files.values())
    with pytest.raises(StrategyErrors) as caught:
        load(snapshot, connectors=FACTS)
    assert [finding.code for finding in caught.value.findings] == ["STR001"]


def test_links_inside_are_followed(tmp_path: Path) -> None:
    """One mapping for two systems may be a link."""
    folder = write(tmp_path, {**SOUND, "mappings/erp.toml": "# same"})
    (folder / "mappings/crm.toml").symlink_to("erp.toml")
    assert read_folder(folder).files["mappings/crm.toml"] == b"# same"


def test_size_is_bounded(tmp_path: Path) -> None:
    """A file as large as allowed is read, one byte more is not."""
    folder = write(tmp_path, {**SOUND, "functions.py": "#" * MAX_FILE_BYTES})
    assert len(read_folder(folder).files["functions.py"]) == MAX_FILE_BYTES
    write(tmp_path, {"functions.py": "#" * (MAX_FILE_BYTES + 1)})
    assert [problem.file for problem in read_folder(folder).problems] == ["functions.py"]


def test_no_folder(tmp_path: Path) -> None:
    """A mistyped path says how to begin."""
    with pytest.raises(StrategyErrors, match="interlock init"):
        read_folder(tmp_path / "none")
