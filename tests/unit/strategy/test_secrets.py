"""References: what they lead to, and clear words when they lead nowhere, without the secret in them."""

import logging
from pathlib import Path

import pytest

from interlock.strategy import SecretError, resolve


def secret_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "secrets" / "token"
    file.parent.mkdir()
    file.write_bytes(content)
    file.chmod(mode)
    return folder


def test_environment() -> None:
    """`env:NAME` is the variable as it stands."""
    assert resolve("env:TOKEN", Path(), {"TOKEN": "s3cret "}) == "s3cret "


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
def test_file(tmp_path: Path, content: bytes) -> None:
    """Editors end files with a newline, which is no part of the secret."""
    assert resolve("file:secrets/token", secret_file(tmp_path, content), {}) == "s3cret"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("hunter2", "SEC001"),
        ("vault:x", "SEC001"),
        ("env:NOT_SET", "SEC002"),
        ("env:EMPTY", "SEC004"),
        ("file:secrets/none", "SEC003"),
        ("file:../secrets/token", "SEC003"),
        ("file:/etc/passwd", "SEC003"),
        ("file:secrets", "SEC003"),
    ],
)
def test_dead_ends(tmp_path: Path, reference: str, code: str) -> None:
    """Each dead end has a code and a next move; a literal secret is not repeated."""
    secret_file(tmp_path, b"x")
    with pytest.raises(SecretError) as caught:
        resolve(reference, tmp_path, {"EMPTY": ""})
    assert caught.value.code == code
    assert caught.value.next_move
    assert "hunter2" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A binary key file is refused in words that do not quote it."""
    with pytest.raises(SecretError, match="UTF-8"):
        resolve("file:secrets/token", secret_file(tmp_path, b"\xff\xfe"), {})


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It works, and the operator hears of it; a private file is silent (the control)."""
    folder = secret_file(tmp_path, b"s3cret", 0o644)
    with caplog.at_level(logging.WARNING):
        assert resolve("file:secrets/token", folder, {}) == "s3cret"
        assert "SEC005" in caplog.text and "s3cret" not in caplog.text
        caplog.clear()
        (folder / "secrets/token").chmod(0o600)
        resolve("file:secrets/token", folder, {})
    assert caplog.text == ""
