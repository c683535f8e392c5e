"""Seals small secrets with AES-256-GCM; the key is in the environment, or in a file beside the store that its owner alone reads.

A seal is bound to the place it stands at: moved to another row, or put back after it was replaced, it does not open.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interlock.errors import SettingsError
from interlock.folder_sync import sync_folder

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_VARIABLE: Final = "INTERLOCK_VAULT_KEY"
KEY_FILE: Final = "vault.key"

Random = Callable[[int], bytes]


class Seal:
    """One key. `random` gives the nonces."""

    def __init__(self, key: bytes, random: Random = secrets.token_bytes) -> None:
        self._cipher = AESGCM(key)
        self._random = random

    def close(self, plain: bytes, place: str) -> bytes:
        """Nonce and ciphertext."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises SettingsError SET042 when it was sealed with another key, for another place, or changed."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise SettingsError(
                "the vault cannot be opened: another key, or a changed file",
                code="SET042",
                where="vault.db",
                why="what is in it was not sealed with this key for this place",
                next_move=f"bring {KEY_FILE} or {KEY_VARIABLE} back, or remove vault.db: tokens are asked for anew",
            ) from None


def vault_key(data: Path, environ: Mapping[str, str], random: Random = secrets.token_bytes) -> bytes:
    """The key of the environment, else that of the file, made when there is none. Raises SettingsError SET041."""
    if given := environ.get(KEY_VARIABLE, ""):
        return _read(given, KEY_VARIABLE)
    path = data / KEY_FILE
    if not path.exists():
        _make(path, base64.b64encode(random(KEY_BYTES)))
    return _read(path.read_text(encoding="ascii", errors="replace"), str(path))


def _make(path: Path, text: bytes) -> None:
    """Whole or not at all, and never over one that another process made meanwhile."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    sync_folder(path.parent)


def _read(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(
            "the vault's key is not 32 bytes in base64",
            code="SET041",
            where=where,
            next_move="make one: head -c 32 /dev/urandom | base64",
        )
    return key
