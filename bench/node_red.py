"""Node-RED as a measured program: HTTP in, answered at once, a function that maps, three HTTP requests. From the npm registry."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench.machine import Program, cache, free_ports
from bench.sinks import Sinks
from bench.way import Server

VERSION = "4.1.11"
"""The newest that runs on Node.js 18, 20 and 22; version 5 asks for 22.9."""
INSTALL_SECONDS = 300
NPM_OPTIONS = ("--no-audit", "--no-fund", "--omit=dev")
VENDORS = ("netsuite", "shipbob", "klaviyo")
FUNCTION = """
const o = msg.payload;
const reference = "shopify-" + o.admin_graphql_api_id.split("/").pop();
const address = a => ({address1: a.address1, address2: a.address2, city: a.city, province_code: a.province_code, zip: a.zip,
                       country_code: a.country_code, phone: a.phone});
const json = {"content-type": "application/json"};
msg.payload = "{}";
return [
  msg,
  {method: "PUT", url: env.get("NETSUITE") + "/services/rest/record/v1/salesOrder/eid:" + reference, headers: json, payload: {
    otherRefNum: o.name, currency: {refName: o.currency}, tranDate: o.created_at.slice(0, 10),
    item: {items: o.line_items.map(l => ({item: {externalId: l.sku}, quantity: l.quantity, rate: l.price, description: l.title}))},
    shippingAddress: address(o.shipping_address), billingAddress: address(o.billing_address)}},
  {method: "POST", url: env.get("SHIPBOB") + "/2026-01/order", headers: json, payload: {
    reference_id: reference, shipping_method: "Standard",
    recipient: {name: o.shipping_address.name, email: o.email, address: address(o.shipping_address)},
    products: o.line_items.map(l => ({reference_id: l.sku, quantity: l.quantity}))}},
  {method: "POST", url: env.get("KLAVIYO") + "/api/events", headers: json, payload: {data: {type: "event", attributes: {
    unique_id: reference, metric: {data: {type: "metric", attributes: {name: "Placed Order"}}},
    profile: {data: {type: "profile", attributes: {email: o.email}}},
    value: o.total_price, properties: {items: o.line_items.map(l => l.title)}}}}},
];
"""
"""The answer first, then the mapping of handwritten_app.py; no signature is checked. The id is taken as text: JavaScript's numbers end at 2^53, below Shopify's sample."""
REQUEST = {"z": "bench", "type": "http request", "method": "use", "ret": "txt", "persist": True, "wires": [[]]}
DELAY = {
    "z": "bench",
    "type": "delay",
    "pauseType": "rate",
    "nbRateUnits": "1",
    "rateUnits": "second",
    "drop": False,
    "outputs": 1,
}
SETTINGS = """
module.exports = {
  uiHost: "127.0.0.1", uiPort: Number(process.env.PORT), flowFile: "flows.json", httpAdminRoot: false, credentialSecret: "bench",
  logging: {console: {level: "warn", metrics: false, audit: false}}, diagnostics: {enabled: false},
};
"""


async def start(folder: Path, sinks: Sinks, calls_per_second: int = 0) -> Server:
    """Serve one flow; `calls_per_second` to each destination are let through by its own delay node, 0 sets none. Raises RuntimeError when Node.js or npm is not here, or the registry is not reached."""
    script = await asyncio.to_thread(installed)
    home = folder / "node-red"
    home.mkdir(exist_ok=True)
    (home / "flows.json").write_text(json.dumps(flow(calls_per_second)), encoding="utf-8")
    (home / "settings.js").write_text(SETTINGS, encoding="utf-8")
    (port,) = free_ports(1)
    environ = {"PORT": str(port), **{name.upper(): url for name, url in sinks.urls.items()}}
    command = ["node", str(script), "--userDir", str(home), "--settings", str(home / "settings.js")]
    program = Program(command, log=folder / "node-red.log", environ=environ)
    await program.listening(port, "/ready")
    return Server(program, port, "/orders")


def installed() -> Path:
    """Node-RED's start script, installed once into the cache folder."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        raise RuntimeError(
            f"{' and '.join(missing)} not found on this machine: install Node.js 18 or newer to measure Node-RED"
        )
    home = cache() / f"node-red-{VERSION}"
    script = home / "node_modules" / "node-red" / "red.js"
    if not script.exists():
        command = ["npm", "install", "--prefix", str(home), *NPM_OPTIONS, f"node-red@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            raise RuntimeError(f"npm could not install Node-RED {VERSION}: {done.stderr.strip().splitlines()[-1]}")
    return script


def flow(calls_per_second: int) -> list[dict[str, Any]]:
    """HTTP in, the function, and its four outputs: the answer, which goes first, and a request each."""
    before = "wait-" if calls_per_second else ""
    outputs = [["answer"], *([f"{before}{vendor}"] for vendor in VENDORS)]
    return [
        {"id": "bench", "type": "tab", "label": "Orders to three systems"},
        {"id": "in", "z": "bench", "type": "http in", "url": "/orders", "method": "post", "wires": [["map"]]},
        {"id": "map", "z": "bench", "type": "function", "func": FUNCTION, "outputs": len(outputs), "wires": outputs},
        {"id": "answer", "z": "bench", "type": "http response", "statusCode": "200", "wires": []},
        *({"id": vendor, **REQUEST} for vendor in VENDORS),
        *(
            {"id": f"wait-{vendor}", "rate": str(calls_per_second), **DELAY, "wires": [[vendor]]}
            for vendor in VENDORS
            if before
        ),
    ]
