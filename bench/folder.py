"""The strategy folder that is measured: the starter's three flows with the real connectors, pointed at the bench's destinations."""

from pathlib import Path

from interlock.cli.twin_world import write_secrets
from interlock.strategy.starter import write_starter

CONCURRENCY = 64
UNLIMITED = 100_000
"""Calls a second that no hub makes: the vendors' real limits (2.5 to 20 a second) would be all that is measured."""
_LIMITS = "[limits]\nconcurrency = {concurrency}\nrate_per_second = {calls_per_second}"
_CHANGES = {
    "systems/netsuite.toml": [
        ("[settings]", '[settings]\nalgorithm = "ES256"\nquiet_period_seconds = 1'),
        ("[limits]\nconcurrency = 5 ", f"{_LIMITS} "),
    ],
    "systems/shipbob.toml": [
        ("[settings]", "[settings]\nquiet_period_seconds = 1"),
        ("[credentials]", f"{_LIMITS}\n\n[credentials]"),
    ],
    "systems/klaviyo.toml": [
        ("[credentials]", f"[settings]\nquiet_period_seconds = 1\n\n{_LIMITS}\n\n[credentials]"),
    ],
    "systems/shopify.toml": [("rate_per_second = 2_000", "rate_per_second = 100_000")],
    "flows/order-to-wms.toml": [('waits_for = ["holds", "risk"]\n', "")],  # there is no shop that could be asked
}


def write_folder(folder: Path, urls: dict[str, str], calls_per_second: int = UNLIMITED) -> Path:
    """Write it; returns the folder. Raises ValueError when the starter has changed so that a change has no place."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {f"{vendor}_url": url for vendor, url in urls.items()}
    values |= {"shopify_url": "http://127.0.0.1:1", "shipbob_channel_id": "100", "title": "Bench"}
    write_starter(folder, values)
    for path, changes in _CHANGES.items():
        text = (folder / path).read_text(encoding="utf-8")
        for old, new in changes:
            if old not in text:
                raise ValueError(f"{path} has no {old!r} any more")
            text = text.replace(old, new.format(concurrency=CONCURRENCY, calls_per_second=calls_per_second), 1)
        (folder / path).write_text(text, encoding="utf-8")
    write_secrets(folder)
    return folder
