"""Credentials stand outside the folder's texts: `env:NAME` and `file:relative/path`, looked up when connecting."""

import logging
import re
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from interlock.errors import SettingsError

MAX_SECRET_BYTES = 64_000
_REFERENCE = re.compile(r"env:(?P<variable>[A-Za-z_][A-Za-z0-9_]*)|file:(?P<file>[^\0]+)")
_READABLE_BY_ALL = stat.S_IRGRP | stat.S_IROTH

_log = logging.getLogger("interlock.strategy.secrets")


class SecretError(SettingsError):
    """A reference leads to no usable secret. The text never holds the secret."""

    default_code = "SEC001"


def is_reference(text: str) -> bool:
    """Whether `text` is `env:NAME` or `file:relative/path` inside the folder, rather than a secret itself."""
    match = _REFERENCE.fullmatch(text)
    return bool(match) and (match["file"] is None or _stays_inside(match["file"])) if match else False


def resolve(reference: str, folder: Path, environ: Mapping[str, str]) -> str:
    """The secret behind a reference, without its last newline. Raises SecretError; warns of a file open to others."""
    match = _REFERENCE.fullmatch(reference)
    if not match:
        raise SecretError(
            "a credential is not a reference",
            code="SEC001",
            why="its value is not shown",
            next_move="write env:NAME or file:relative/path",
        )
    secret = _from_environment(match["variable"], environ) if match["variable"] else _from_file(match["file"], folder)
    if not secret:
        raise SecretError(
            f"the secret of {reference} is empty", code="SEC004", where=reference, next_move="write the secret there"
        )
    return secret


def _from_environment(variable: str, environ: Mapping[str, str]) -> str:
    if variable not in environ:
        raise SecretError(
            f"the environment has no variable {variable}",
            code="SEC002",
            where=f"env:{variable}",
            next_move=f"set {variable} before starting",
        )
    return environ[variable]


def _from_file(name: str, folder: Path) -> str:
    reference = f"file:{name}"
    if not _stays_inside(name):
        raise SecretError(
            f"{reference} leads out of the strategy folder",
            code="SEC003",
            where=reference,
            next_move="use a path below the folder, or a link there",
        )
    file = folder / name
    try:
        mode = file.stat().st_mode
        with file.open("rb") as stream:
            content = stream.read(MAX_SECRET_BYTES + 1)
        secret = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or "") if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SecretError(
            f"the secret file {name} cannot be read",
            code="SEC003",
            where=reference,
            why=why,
            next_move="create it, readable by the hub's user only",
        ) from None
    if len(content) > MAX_SECRET_BYTES:
        raise SecretError(
            f"the secret file {name} is larger than {MAX_SECRET_BYTES:,} bytes", code="SEC003", where=reference
        )
    if mode & _READABLE_BY_ALL:
        _log.warning("SEC005 other users of this machine can read the secret file %s; next: chmod 600 it", name)
    return secret.removesuffix("\n").removesuffix("\r")


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
