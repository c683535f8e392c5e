"""The demo's vendors: four twins as separate programs on loopback, their secrets, and their own word about what arrived."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.console.actions import Book

VENDORS = ("shopify", "netsuite", "shipbob", "klaviyo")
DESTINATIONS = ("netsuite", "shipbob", "klaviyo")
ORDER_KINDS = {"netsuite": "salesOrder.create", "shipbob": "order.create", "klaviyo": "event.create"}
CLIENT_ID, CERTIFICATE_ID = "interlock-demo", "demo-certificate"
SCENARIOS = ("plain", "discount_order", "tax_included", "non_ascii", "same_sku_twice", "discount_shipping", "tip")
SHOP_TIME_SCALE = 600
"""The shop's four hours of webhook retries pass in 24 seconds."""
CONTROL_SECONDS = 10.0
EVERY_EFFECT = 10**9


class TwinWorld:
    """Twins of one demo folder: same ports and same state when the demo is started again in it."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / ".demo"
        self.urls: dict[str, str] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._broken: dict[str, str] = {}
        self._placed = 0

    # -- start and stop

    def prepare(self) -> Mapping[str, str]:
        """Choose ports and secrets once per folder; returns the addresses by vendor."""
        self._home.mkdir(parents=True, exist_ok=True)
        file = self._home / "ports.json"
        if not file.exists():
            file.write_text(json.dumps(dict(zip(VENDORS, _free_ports(len(VENDORS)), strict=True))), encoding="ascii")
        ports = json.loads(file.read_text(encoding="ascii"))
        self.urls = {vendor: f"http://127.0.0.1:{ports[vendor]}" for vendor in VENDORS}
        return self.urls

    def start(self, public_key: str, order_seed: int = 7) -> None:
        """Start the programs; `wait` returns when all answer."""
        configs = self.configs(public_key)
        for vendor in VENDORS:
            config = self._home / f"{vendor}.json"
            config.write_text(json.dumps(configs[vendor]), encoding="ascii")
            port = self.urls[vendor].rpartition(":")[2]
            command = [
                sys.executable, "-m", "interlock.twins", vendor, "--port", port, "--data", str(self._home / vendor),
                "--seed", str(order_seed), "--config", str(config), "--parent-pid", str(os.getpid()),
            ]  # fmt: skip
            log = (self._home / f"{vendor}.log").open("ab")
            self._processes[vendor] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)  # noqa: S603  ours
            log.close()

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        """What each twin is told. A test that wants another vendor overrides it."""
        return {
            "shopify": {"rest_calls_per_second": 1_000, "rest_bucket": 10_000, "time_scale": SHOP_TIME_SCALE},
            "netsuite": {
                "clients": [{"client_id": CLIENT_ID, "certificates": {CERTIFICATE_ID: public_key}}], "entities": "any",
                "concurrency": 100, "latency_seconds": 0.02,
            },
            "shipbob": {"rate_per_minute": 100_000},
            "klaviyo": {"limits": "off"},
        }  # fmt: skip

    async def wait(self) -> None:
        """Until each twin has said that it is ready. Raises SettingsError when one does not start."""
        await asyncio.gather(*(asyncio.to_thread(self._ready, vendor) for vendor in VENDORS))

    def _ready(self, vendor: str) -> None:
        process = self._processes[vendor]
        assert process.stdout is not None
        if not process.stdout.readline():
            log = (self._home / f"{vendor}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise SettingsError(
                f"the {vendor} twin does not start on {self.urls[vendor]}",
                code="SET024",
                why=log[-1] if log else f"it ended with status {process.poll()}",
                next_move=f"stop what uses that port, or delete {self._home} to choose others",
            )

    def stop(self) -> None:
        """End the programs that were started here."""
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self._processes.values():
            process.wait(timeout=CONTROL_SECONDS)
            if process.stdout is not None:
                process.stdout.close()

    # -- what a person does to the vendors

    async def place_orders(self, count: int) -> None:
        """Place orders in the shop, of several kinds in turn."""
        await self.place(count)

    async def place(self, count: int) -> list[dict[str, str]]:
        """Place orders; returns id and name of each."""
        placed: list[dict[str, str]] = []
        for number in range(count):
            scenario = SCENARIOS[(self._placed + number) % len(SCENARIOS)]
            answer = await self._control("shopify", "POST", "orders", {"count": 1, "scenario": scenario})
            placed += answer["orders"]
        self._placed += count
        return placed

    async def break_system(self, name: str, kind: str) -> None:
        """Make a twin fail until it is repaired."""
        await self._control(name, "POST", "break", {"kind": kind})
        self._broken[name] = kind

    async def repair_system(self, name: str) -> None:
        """Make it well again."""
        await self._control(name, "POST", "repair", {})
        self._broken.pop(name, None)

    def broken(self) -> dict[str, str]:
        """The twins that fail now."""
        return dict(self._broken)

    # -- what arrived, by the twins' own ledgers

    async def arrivals(self, order_ids: Sequence[str]) -> dict[str, Any]:
        """Delivered by destination, lost and duplicates: from the effect ledgers of the twins, never from the hub."""
        delivered, lost, duplicates = {}, 0, 0
        for vendor in DESTINATIONS:
            effects = await self._control(vendor, "GET", f"effects?limit={EVERY_EFFECT}", None)
            keys = [str(effect["key"]) for effect in effects if str(effect["kind"]).endswith(".create")]
            there = {id_ for id_ in order_ids if any(_is_about(key, id_) for key in keys)}
            delivered[vendor] = len(there)
            lost += len(order_ids) - len(there)
            summary = await self._control(vendor, "GET", "effects/summary", None)
            duplicates += sum(int(found["count"]) - 1 for found in summary["duplicates"])
        return {"delivered": delivered, "lost": lost, "duplicates": duplicates}

    async def books(self) -> list["Book"]:
        """Orders and duplicates by each vendor's own effect ledger."""
        from interlock.console.actions import Book

        found = []
        for vendor, kind in ORDER_KINDS.items():
            summary = await self._control(vendor, "GET", "effects/summary", None)
            again = {kind: 0}
            for each in summary["duplicates"]:
                again[each["kind"]] = again.get(each["kind"], 0) + int(each["count"]) - 1
            orders = int(summary["by_kind"].get(kind, 0)) - again[kind]
            found.append(Book(system=vendor, orders=orders, duplicates=sum(again.values())))
        return found

    async def _control(self, vendor: str, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        return await asyncio.to_thread(_call, f"{self.urls[vendor]}/_twin/{path}", method, body)


def write_secrets(folder: Path) -> str:
    """The demo's made-up secrets, once; returns the public key that the ERP's twin checks signatures with."""
    directory = folder / "secrets"
    directory.mkdir(mode=0o700, exist_ok=True)
    key_file = directory / "netsuite-private-key"
    if not key_file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        texts = {
            "shopify-access-token": "shpat_twin", "shopify-webhook-secret": "shpss_twin", "netsuite-client-id": CLIENT_ID,
            "netsuite-certificate-id": CERTIFICATE_ID, "shipbob-token": "twin-token", "klaviyo-private-key": "pk_twin",
        }  # fmt: skip
        for name, text in (*texts.items(), ("netsuite-private-key", pem.decode())):
            file = directory / name
            file.touch(mode=0o600)
            file.write_text(text, encoding="ascii")
    loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    public = loaded.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def _is_about(key: str, order_id: str) -> bool:
    """Keys are our references: shopify-<id>; for a signal, the metric before and the kind after it."""
    return key.rpartition("/")[2] in (f"shopify-{order_id}", f"shopify-{order_id}:placed")


def _call(url: str, method: str, body: Mapping[str, Any] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, method=method, headers={"content-type": "application/json"})  # noqa: S310  loopback
    with urlopen(request, timeout=CONTROL_SECONDS) as answer:  # noqa: S310  loopback
        return json.loads(answer.read())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
