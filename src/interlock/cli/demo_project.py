"""The demo's folder: the starter folder with the twins' addresses, written once and taken up again; never somebody's own folder."""

import os
import socket
from pathlib import Path

from interlock.cli.demo_stock import write_inventory
from interlock.cli.twin_world import TwinWorld, is_free
from interlock.data_folder import STRATEGY_FILE, data_folder, hub_url, lock_holder
from interlock.errors import SettingsError

_LIMITS = {
    "systems/netsuite.toml": ("concurrency = 5 ", "rate_per_second = 200\nconcurrency = 5 "),
    "systems/shipbob.toml": ("[credentials]", "[limits]\nrate_per_second = 200\n\n[credentials]"),
    "systems/klaviyo.toml": ("[credentials]", "[limits]\nrate_per_second = 200\n\n[credentials]"),
    "systems/shopify.toml": ("[intake]", "[limits]\nrate_per_second = 200\n\n[intake]"),
}
"""The twins are not the vendors: the demo need not wait for their real limits."""
_SETTINGS = {
    "flows/stock-to-shopify.toml": ("[publish]\n", "[publish]\nread_every_seconds = 2\nsettle_seconds = 1\n"),
    "systems/netsuite.toml": ("[settings]", '[settings]\nalgorithm = "ES256"\nquiet_period_seconds = 5'),
    "systems/shipbob.toml": ("[settings]", "[settings]\nquiet_period_seconds = 5"),
    "systems/klaviyo.toml": ("[credentials]", "[settings]\nquiet_period_seconds = 5\n\n[credentials]"),
}

_PLACES = {"shipbob_channel_id": "100", "shipbob_location": "8", "shopify_location": "655441491"}
"""As the twins call them."""


def require_free(folder: Path, port: int) -> None:
    """Refuse what could only fail later, before anything is written or started.

    Raises SettingsError: SET010 an old SQLite, SET022 a demo that runs already, SET023 the port, SET025 a folder that is no demo's.
    """
    from interlock.messaging.sqlite.connect import require_safe_engine

    require_safe_engine()
    if (folder / STRATEGY_FILE).exists() and not TwinWorld(folder).exists():
        raise SettingsError(
            f"{folder} holds a strategy that no demo wrote", code="SET025", where=str(folder / STRATEGY_FILE),
            why="the demo would deliver made-up orders to the systems that it names", next_move="choose another folder: interlock demo DIR",
        )  # fmt: skip
    _require_alone(folder)
    _require_port(folder, port)


def _require_alone(folder: Path) -> None:
    data = data_folder(folder)
    holder = lock_holder(data)
    if not holder:
        return
    url = hub_url(data)
    serves = f" and serves {url}" if url else ""
    raise SettingsError(
        "a demo or a hub runs on this folder already", code="SET022", where=str(data),
        why=f"process {holder} holds the lock{serves}",
        next_move=f"{f'open {url}, ' if url else ''}end process {holder}, or choose another folder: interlock demo DIR --port 0",
    )  # fmt: skip


def _require_port(folder: Path, port: int) -> None:
    """Before the twins are started; the hub says the same, later."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            free = next((one for one in range(port + 1, min(port + 20, 65_536)) if is_free(one)), 0)
            raise SettingsError(
                f"port {port} is in use", code="SET023", where=f"127.0.0.1:{port}", why=getattr(error, "strerror", "") or str(error),
                next_move=f"choose another: interlock demo {folder} --port {free}",
            ) from error  # fmt: skip


def write_project(folder: Path, world: TwinWorld) -> int:
    """Write the starter folder with the twins' addresses; an existing demo is taken up as it is. Returns the files written."""
    try:
        return _written(folder, world)
    except OSError as error:
        raise SettingsError(
            f"cannot write to {folder}", code="SET021", where=str(error.filename or folder), why=error.strerror or str(error),
            next_move="choose a folder that you may write to: interlock demo DIR",
        ) from error  # fmt: skip


def _written(folder: Path, world: TwinWorld) -> int:
    from interlock.strategy.starter import write_starter

    folder.mkdir(parents=True, exist_ok=True)
    urls = world.prepare()
    if (folder / STRATEGY_FILE).exists():
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "the folder is read-only", str(folder))
        return 0
    values = {f"{vendor}_url": url for vendor, url in urls.items()}
    written = write_starter(folder, {**values, **_PLACES, "environment": "demo", "title": "Acme (demo)"})
    write_inventory(folder)
    for table in (_LIMITS, _SETTINGS):
        for path, (old, new) in table.items():
            file = folder / path
            file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    return len(written)
