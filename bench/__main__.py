"""All measures, one after the other, and one table.

python -m bench [--size small|full] [--only NAME ...] [--json FILE]
"""

import argparse
import asyncio
import importlib
import sys
import time
from pathlib import Path

from bench.machine import AROUND, ROOT, describe, pin
from bench.sizes import SIZES, Size
from bench.table import Section, absent, as_json, write_table

MEASURES = {
    "intake": "orders made durable",
    "mapping": "an order translated",
    "plan": "a changed folder tried on recorded orders",
    "deliveries": "an event to three destinations",
    "latency": "webhook sent to last arrived",
    "stock": "a change of stock to three channels",
    "backlog": "many waiting, many rows",
    "backfill": "share of the allowance used",
    "peer": "lost by a SIGKILL",
    "check": "a large folder checked",
    "contract_watch": "sources watched for drift",
    "stock_compare": "stock of a channel compared",
}
"""Each is a module of this folder with `async def measure(size) -> Section`."""


async def run(names: list[str], size: Size) -> list[Section]:
    """One after the other: two at once would measure each other. One that fails is a row that says so."""
    sections = []
    for name in names:
        began = time.monotonic()
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        sections.append(await _one(name, size))
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return sections


async def _one(name: str, size: Size) -> Section:
    try:
        section: Section = await importlib.import_module(f"bench.{name}").measure(size)
    except Exception as error:  # noqa: BLE001  the other measures are worth having
        why = f"{type(error).__name__}: {error}"
        section = Section(title=name, figures=[absent(MEASURES[name], "", why)])
    return section


def main() -> None:
    """Parse, run, print, keep."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Interlock, one measure after the other."
    )
    parser.add_argument(
        "--size", choices=SIZES, default="small", help="small shows that all works; full is worth quoting"
    )
    parser.add_argument(
        "--only", nargs="+", choices=MEASURES, default=list(MEASURES), metavar="NAME", help=f"of {', '.join(MEASURES)}"
    )
    parser.add_argument(
        "--json", type=Path, default=ROOT / "bench" / "results" / "latest.json", help="default: %(default)s"
    )
    given = parser.parse_args()
    machine = describe()
    pin(AROUND)
    sections = asyncio.run(run(given.only, SIZES[given.size]))
    print(f"\n{', '.join(f'{name} {value}' for name, value in machine.items())}\nsize {given.size}\n")
    write_table(sections, sys.stdout)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_bytes(as_json(machine, given.size, sections))


if __name__ == "__main__":
    main()
