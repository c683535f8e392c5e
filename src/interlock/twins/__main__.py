"""Runs one twin: python -m interlock.twins VENDOR --port 0 --data DIR --seed 7 [--config FILE] [--parent-pid PID]."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path

VENDORS = {
    "shopify": "interlock.twins.shopify.shop:Shopify",
    "netsuite": "interlock.twins.netsuite:NetSuite",
    "shipbob": "interlock.twins.shipbob:ShipBob",
    "klaviyo": "interlock.twins.klaviyo:Klaviyo",
    "square": "interlock.twins.square.seller:Square",
    "amazon": "interlock.twins.amazon.marketplace:Amazon",
    "sink": "interlock.twins.sink:Sink",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the twin that the arguments name until SIGTERM."""
    options = _parser().parse_args(arguments)
    from interlock.twins.server import build, serve

    module, _, name = VENDORS[options.vendor].partition(":")
    factory = getattr(importlib.import_module(module), name)
    config = json.loads(options.config.read_text()) if options.config else {}
    app = build(factory, options.data, options.seed, config)
    serve(app, options.host, options.port, options.parent_pid)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m interlock.twins", description=__doc__)
    parser.add_argument("vendor", choices=sorted(VENDORS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="the folder of its state; made when missing")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--config", type=Path, help="a JSON file; the members are in docs/reference/twins.md")
    parser.add_argument("--parent-pid", type=int, help="end when this process ends")
    return parser


if __name__ == "__main__":
    main()
