"""Amazon and Square beside the starter folder's four vendors: their twins as programs, and their systems in a folder of stock."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AMAZON = """\
title = "Amazon"
connector = "amazon"
owner = "storefront"
url = "{url}"

[settings]
seller_id = "A2TWINSELLER"
marketplace_id = "ATVPDKIKX0DER"
token_url = "/auth/o2/token"
feed_from_lines = {feed_from_lines}
feed_look_seconds = 0.1

[credentials]
client_id = "file:secrets/amazon-client-id"
client_secret = "file:secrets/amazon-client-secret"
refresh_token = "file:secrets/amazon-refresh-token"
"""
SQUARE = """\
title = "Tills"
connector = "square"
owner = "storefront"
url = "{url}"

[settings]
shop = "TWINMERCHANT1"

[credentials]
access_token = "file:secrets/square-access-token"
webhook_secret = ["file:secrets/square-signature-key"]

[intake]
address = "{address}"
"""
SIGNATURE_KEY = "square-key"
COUNTS_TOLD = "inventory.count.updated"
MUG = "MUG-W"
"""The one item of most tests."""


@contextmanager
def vendor(name: str, folder: Path, config: dict[str, Any]) -> Iterator[Callable[[], str]]:
    """A twin as a program; its address, for which one waits: others may start meanwhile."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "interlock.twins", name, "--data", str(folder), "--parent-pid", str(os.getpid())]
    process = subprocess.Popen([*command, "--config", str(folder / "config.json")], stdout=subprocess.PIPE)
    said = process.stdout
    assert said is not None
    try:
        yield lambda: json.loads(said.readline())["url"]
    finally:
        process.terminate()
        process.wait(60)
        said.close()


def add_amazon(folder: Path, url: str, *, feed_from_lines: int = 1_500, more: str = "") -> None:
    """Amazon's system and its secrets; `more` stands at the end of its file."""
    text = AMAZON.format(url=url, feed_from_lines=feed_from_lines)
    (folder / "systems/amazon.toml").write_text(text + more, encoding="utf-8")
    _secret(folder, "amazon-client-id", "amzn1.application-oa2-client.twin")
    _secret(folder, "amazon-client-secret", "amzn1.oa2-cs.v1.twin")
    _secret(folder, "amazon-refresh-token", "Atzr|twin")


def add_square(folder: Path, url: str, address: str, *, more: str = "") -> None:
    """Square's system and its secrets; its webhooks are signed over `address`."""
    (folder / "systems/square.toml").write_text(SQUARE.format(url=url, address=address) + more, encoding="utf-8")
    _secret(folder, "square-access-token", "twin-token")
    _secret(folder, "square-signature-key", SIGNATURE_KEY)


def show_at(folder: Path, **places: str) -> None:
    """The starter folder's flow of stock goes to these channels too, and its location has these places there."""
    channels = ", ".join(f'"{name}"' for name in ("shopify", *places))
    edit(folder / "flows/stock-to-shopify.toml", '["shopify"]', f"[{channels}]")
    named = "".join(f', {name} = ["{place}"]' for name, place in places.items())
    edit(folder / "inventory/locations.toml", " }\n", f"{named} }}\n")


def edit(file: Path, old: str, new: str) -> None:
    """Another text in a file; fails where the old one does not stand."""
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file.name} has no {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def _secret(folder: Path, name: str, text: str) -> None:
    file = folder / "secrets" / name
    file.write_text(text, encoding="ascii")
    file.chmod(0o600)
