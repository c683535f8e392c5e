"""The demo's vendors: four twins as separate programs on loopback, their secrets, and their own word about what arrived."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

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
WAREHOUSES = [{"id": 8, "name": "Cicero (IL)"}, {"id": 9, "name": "Ottawa (ON)"}]
SHOP_TOKEN = "shpat_twin"  # noqa: S105  made up, like all the demo's secrets
TWIN_PORTS = (20_000, 32_000)
"""Linux gives 32768 and above to outgoing connections, others 49152 and above."""
PORT_WAIT_SECONDS = 3.0
"""Twins of a demo that was killed end within a second or two of it."""
FEW_ORDERS, BLOCK_ORDERS = 70, 25
"""Few are placed one by one, of all kinds in turn; many in blocks of a kind."""
HEADERS = {"content-type": "application/json", "x-shopify-access-token": SHOP_TOKEN}
EFFECTS_PAGE = 10_000
FAULTS_LOOK_SECONDS = 1.0
SHORT_KINDS = {"reset_before": "reset", "reset_after": "lost-answer", "late_effect": "late"}

Placed = list[dict[str, str]]


class TwinWorld:
    """Twins of one demo folder: same ports and same state when the demo is started again in it."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / ".demo"
        self.urls: dict[str, str] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._broken: dict[str, str] = {}
        self._placed = 0

    # -- start and stop

    def exists(self) -> bool:
        """Whether a demo was here before."""
        return (self._home / "ports.json").exists()

    def prepare(self) -> Mapping[str, str]:
        """Choose ports once per folder; returns the addresses by vendor."""
        self._home.mkdir(parents=True, exist_ok=True)
        file = self._home / "ports.json"
        if not file.exists():
            file.write_text(json.dumps(dict(zip(VENDORS, _free_ports(len(VENDORS)), strict=True))), encoding="ascii")
        ports = json.loads(file.read_text(encoding="ascii"))
        self.urls = {vendor: f"http://127.0.0.1:{ports[vendor]}" for vendor in VENDORS}
        return self.urls

    def start(self, public_key: str, order_seed: int = 7) -> None:
        """Start the programs; `wait` returns when all answer. Raises SettingsError for a port that somebody else has."""
        configs = self.configs(public_key)
        deadline = time.monotonic() + PORT_WAIT_SECONDS
        for vendor in VENDORS:
            self._require_port(vendor, deadline)
            self._start(vendor, configs[vendor], order_seed)

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        """What each twin is told. A test that wants another vendor overrides it."""
        return {
            "shopify": {"rest_calls_per_second": 1_000, "rest_bucket": 10_000, "time_scale": SHOP_TIME_SCALE},
            "netsuite": {
                "clients": [{"client_id": CLIENT_ID, "certificates": {CERTIFICATE_ID: public_key}}], "entities": "any",
                "concurrency": 100, "latency_seconds": 0.02,
            },
            "shipbob": {"rate_per_minute": 100_000, "locations": WAREHOUSES},
            "klaviyo": {"limits": "off"},
        }  # fmt: skip

    def _require_port(self, vendor: str, deadline: float) -> None:
        port = _port(self.urls[vendor])
        while not is_free(port):
            if time.monotonic() > deadline:
                raise SettingsError(
                    f"port {port} of the {vendor} twin is in use", code="SET024", where=str(self._home / "ports.json"),
                    why="another program took it since this demo was made",
                    next_move=f"end that program, or begin anew: interlock demo {_other(self._home)}",
                )  # fmt: skip
            time.sleep(0.05)

    def _start(self, vendor: str, config: dict[str, Any], order_seed: int) -> None:
        file = self._home / f"{vendor}.json"
        file.write_text(json.dumps(config), encoding="ascii")
        command = [
            sys.executable, "-P", "-m", "interlock.twins", vendor, "--port", str(_port(self.urls[vendor])),
            "--data", str(self._home / vendor), "--seed", str(order_seed), "--config", str(file), "--parent-pid", str(os.getpid()),
        ]  # fmt: skip
        # A session of its own: Ctrl-C is for the demo, which lets its calls end before the twins do.
        with (self._home / f"{vendor}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  ours
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self._processes[vendor] = process

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
                where=str(self._home / f"{vendor}.log"),
                why=log[-1] if log else f"it ended with status {process.poll()}",
                next_move=f"read that file, or begin anew: interlock demo {_other(self._home)}",
            )

    def stop(self) -> None:
        """End the programs that were started here."""
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self._processes.values():
            try:
                process.wait(timeout=CONTROL_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    # -- what a person does to the vendors

    async def place_orders(self, count: int) -> None:
        """Place orders in the shop, of several kinds in turn."""
        await self.place(count)

    async def place(self, count: int, on_placed: Callable[[Placed], None] | None = None) -> Placed:
        """Place orders; returns id and name of each, and tells them as they come."""
        placed: Placed = []
        while len(placed) < count:
            block = 1 if count <= FEW_ORDERS else min(BLOCK_ORDERS, count - len(placed))
            scenario = SCENARIOS[self._placed % len(SCENARIOS)]
            answer = await self._control("shopify", "POST", "orders", {"count": block, "scenario": scenario})
            self._placed += 1
            placed += answer["orders"]
            if on_placed is not None:
                on_placed(answer["orders"])
        return placed

    async def orders_in_shop(self) -> int:
        """How many orders the shop has."""
        return int((await self._control("shopify", "GET", "state", None))["orders"])

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

    async def watch_faults(self) -> None:
        """See the faults that another process made (`interlock twin fault`), for ever, so that the console shows them too."""
        while True:
            await asyncio.sleep(FAULTS_LOOK_SECONDS)
            for vendor in VENDORS:
                try:
                    rules = await self._control(vendor, "GET", "faults", None)
                except OSError:  # it was ended by hand: the hub will say so
                    continue
                if rules:
                    self._broken.setdefault(vendor, _short(rules[0]))
                else:
                    self._broken.pop(vendor, None)

    # -- what arrived, by the twins' own ledgers

    async def arrivals(self, order_ids: Sequence[str]) -> dict[str, Any]:
        """Delivered by destination, lost and duplicates: from the effect ledgers of the twins, never from the hub."""
        delivered, duplicates = {}, 0
        for vendor in DESTINATIONS:
            created = await self._created(vendor)
            delivered[vendor] = sum(id_ in created for id_ in order_ids)
            duplicates += await self._duplicates(vendor)
        lost = sum(len(order_ids) - count for count in delivered.values())
        return {"delivered": delivered, "lost": lost, "duplicates": duplicates}

    async def _duplicates(self, vendor: str) -> int:
        summary = await self._control(vendor, "GET", "effects/summary", None)
        return sum(int(found["count"]) - 1 for found in summary["duplicates"])

    async def _created(self, vendor: str) -> set[str]:
        """The ids of our orders that the vendor has created a record of."""
        found: set[str] = set()
        after = 0
        while effects := await self._control(vendor, "GET", f"effects?after={after}&limit={EFFECTS_PAGE}", None):
            keys = (str(effect["key"]) for effect in effects if str(effect["kind"]).endswith(".create"))
            found.update(id_ for key in keys if (id_ := _order_id(key)))
            after = effects[-1]["seq"]
        return found

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
        return await asyncio.to_thread(ask_twin, f"{self.urls[vendor]}/_twin/{path}", method, body)


def write_secrets(folder: Path) -> str:
    """The demo's made-up secrets, once; returns the public key that the ERP's twin checks signatures with."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    directory = folder / "secrets"
    directory.mkdir(mode=0o700, exist_ok=True)
    key_file = directory / "netsuite-private-key"
    if not key_file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        texts = {
            "shopify-client-id": "twin-client", "shopify-client-secret": "shpss_twin", "netsuite-client-id": CLIENT_ID,
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


def _order_id(key: str) -> str:
    """Keys are our references: shopify-<id>; for a signal, the metric before and the kind after it. '' for another's."""
    reference = key.rpartition("/")[2]
    if not reference.startswith("shopify-"):
        return ""
    id_, _, kind = reference.removeprefix("shopify-").partition(":")
    return id_ if kind in ("", "placed") else ""


def _short(rule: Mapping[str, Any]) -> str:
    """A rule under the name that `break` knows it by."""
    kind = str(rule["kind"])
    return str(rule.get("status") or kind) if kind == "status" else SHORT_KINDS.get(kind, kind)


def ask_twin(url: str, method: str, body: Mapping[str, Any] | None) -> Any:
    """The answer of a twin's control side."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, method=method, headers=HEADERS)  # noqa: S310  loopback
    with urlopen(request, timeout=CONTROL_SECONDS) as answer:  # noqa: S310  loopback
        return json.loads(answer.read())


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def is_free(port: int) -> bool:
    """Whether a program can listen on this port of the loopback address now."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _other(home: Path) -> str:
    """A folder beside this demo's that is not there yet."""
    folder = home.parent
    return next(str(one) for one in _names(folder) if not one.exists())


def _names(folder: Path) -> Iterator[Path]:
    number = 2
    while True:
        yield folder.with_name(f"{folder.name}-{number}")
        number += 1


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has now, below those that systems give to outgoing connections: a demo comes back to its own."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(*TWIN_PORTS)
        if port not in found and is_free(port):
            found.append(port)
    return found
