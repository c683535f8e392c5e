"""The folder that `interlock init` and `interlock demo` begin with: a made-up shop, four systems, four flows."""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from interlock.errors import SettingsError

DEFAULTS: Mapping[str, str] = {
    "name": "acme",
    "title": "Acme",
    "environment": "development",
    "timezone": "UTC",
    "shopify_url": "https://acme.myshopify.com",
    "netsuite_url": "https://1234567-sb1.suitetalk.api.netsuite.com",
    "netsuite_guest_entity": "1",
    "netsuite_charge_item": "1",
    "shipbob_url": "https://sandbox-api.shipbob.com",
    "shipbob_channel_id": "1",
    "shipbob_location": "1",
    "shopify_location": "1",
    "klaviyo_url": "https://a.klaviyo.com",
}
"""What stands where the templates say `{{ key }}`, unless given."""

SECRET_FILES = (
    "secrets/shopify-client-id",
    "secrets/shopify-client-secret",
    "secrets/netsuite-client-id",
    "secrets/netsuite-certificate-id",
    "secrets/netsuite-private-key",
    "secrets/shipbob-token",
    "secrets/klaviyo-private-key",
)
"""What the references point to. The demo writes these; others write their own."""

GITIGNORE = "# The store and the secrets are no part of the strategy.\ndata/\nsecrets/\n"
_PLACE = re.compile(r"\{\{ (\w+) \}\}")


def starter_files(values: Mapping[str, str] | None = None) -> dict[str, str]:
    """The texts by path, with `values` in their places. Raises SettingsError for a value that has no place."""
    given = values or {}
    unknown = sorted(given.keys() - DEFAULTS.keys())
    if unknown:
        raise SettingsError(
            f"the starter folder has no place for {', '.join(unknown)}", next_move=f"known: {', '.join(DEFAULTS)}"
        )
    filled = {**DEFAULTS, **given}
    texts = {path: _fill(template, filled, path) for path, template in _templates(files(__package__) / "acme", "")}
    return {**texts, ".gitignore": GITIGNORE}


def write_starter(directory: Path, values: Mapping[str, str] | None = None) -> list[Path]:
    """Write the starter folder and return its files. Nothing that is there is overwritten.

    Raises SettingsError SET020 when a file of the folder exists already.
    """
    texts = starter_files(values)
    present = sorted(path for path in texts if (directory / path).exists())
    if present:
        raise SettingsError(
            f"{directory} holds {present[0]} already",
            code="SET020",
            why="the starter folder overwrites nothing",
            next_move="choose an empty directory",
        )
    for path, text in texts.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return [directory / path for path in texts]


def _templates(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")


def _fill(template: str, values: Mapping[str, str], path: str) -> str:
    """Values go into TOML strings, where a quote or a backslash would end or change them."""

    def value_for(match: re.Match[str]) -> str:
        value = values[match[1]]
        return value.replace("\\", "\\\\").replace('"', '\\"') if path.endswith(".toml") else value

    return _PLACE.sub(value_for, template)
