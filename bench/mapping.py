"""How long an order takes from webhook bytes to NetSuite bytes: the published sample, compact, one thread.

    python bench/mapping.py

Prints the median and the best of many rounds, in microseconds. Nothing is cached that production would not have:
mappings are compiled once per release, the context once per (release, system).
"""

import json
import statistics
import timeit
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from interlock.canonical import load_contracts
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping

SAMPLE = Path(__file__).parents[1] / "tests" / "fixtures" / "shopify" / "webhook.orders.create.json"
TARGET_US = 40
ROUNDS, CALLS = 60, 300


def main() -> None:
    order = load_contracts()["order.v1"]
    shopify, netsuite = connector_mapping("shopify"), connector_mapping("netsuite")
    read = compile_in(shopify.table_in("order"), order, connector_functions("shopify"))
    write = compile_out(netsuite.table_out("order", "salesOrder"), order, connector_functions("netsuite"))
    zone = ZoneInfo("America/New_York")
    source = Context(system="shopify", timezone=zone)
    settings = netsuite.settings_with({"currencies": {"USD": "1"}})
    items = Items(rule="sku", system="netsuite")
    target = Context(system="netsuite", settings=settings, items=items, timezone=zone)
    body = json.dumps(json.loads(SAMPLE.read_bytes()), separators=(",", ":")).encode()
    document, value = read.decode(body), read(body, source)
    print(f"order of {len(body):,} bytes, {len(value.lines)} lines; {ROUNDS} rounds of {CALLS} calls")
    print(f"{'step':<28}{'median us':>10}{'best us':>10}")
    report("decode", lambda: read.decode(body))
    report("build canonical", lambda: read.build(document, source))
    report("build and encode vendor", lambda: write(value, target))
    median = report("total", lambda: write(read(body, source), target))
    print(f"target {TARGET_US} us: {'met' if median <= TARGET_US else 'NOT met'}")
    report("(json.loads alone)", lambda: json.loads(body))


def report(step: str, call: Callable[[], object]) -> float:
    times = [taken / CALLS * 1e6 for taken in timeit.repeat(call, number=CALLS, repeat=ROUNDS)]
    median = statistics.median(times)
    print(f"{step:<28}{median:>10.1f}{min(times):>10.1f}")
    return median


if __name__ == "__main__":
    main()
