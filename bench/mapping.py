"""How long an order takes from webhook bytes to NetSuite bytes, in one thread.

    python -m bench.mapping [ROUNDS]

Prints the median and the best of many rounds, in microseconds. Nothing is cached that production would not have:
mappings are compiled once per release, the context once per (release, system).
"""

import json
import statistics
import sys
import timeit
from collections.abc import Callable
from zoneinfo import ZoneInfo

from bench.machine import Program, python
from bench.sample import ORDER_BYTES, order, published
from bench.sizes import Size
from bench.table import Figure, Section, beside
from interlock.canonical import load_contracts
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping

TARGET_US = 40
ROUNDS, CALLS = 60, 300
TOTAL, WHOLE, PLAIN = "webhook bytes to NetSuite bytes", "the same, published sample of 10.7 KB", "json.loads alone"


def steps() -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    body, sample = order(), published()
    contract = load_contracts()["order.v1"]
    shopify, netsuite = connector_mapping("shopify"), connector_mapping("netsuite")
    read = compile_in(shopify.table_in("order"), contract, connector_functions("shopify"))
    write = compile_out(netsuite.table_out("order", "salesOrder"), contract, connector_functions("netsuite"))
    zone = ZoneInfo("America/New_York")
    source = Context(system="shopify", timezone=zone)
    settings = netsuite.settings_with({"currencies": {"USD": "1"}})
    target = Context(system="netsuite", settings=settings, items=Items(rule="sku", system="netsuite"), timezone=zone)
    document, value = read.decode(body), read(body, source)
    return {
        TOTAL: lambda: write(read(body, source), target),
        WHOLE: lambda: write(read(sample, source), target),
        "decode": lambda: read.decode(body),
        "build canonical": lambda: read.build(document, source),
        "build and encode vendor": lambda: write(value, target),
        PLAIN: lambda: json.loads(body),
    }


def timed(rounds: int) -> dict[str, tuple[float, float]]:
    """Median and best microseconds of each step."""
    found = {}
    for name, call in steps().items():
        times = [taken / CALLS * 1e6 for taken in timeit.repeat(call, number=CALLS, repeat=rounds)]
        found[name] = (statistics.median(times), min(times))
    return found


async def measure(size: Size) -> Section:
    """The same in a process of its own, on the measured core."""
    program = Program(python("mapping", size.mapping_rounds, "json"))
    found: dict[str, tuple[float, float]] = json.loads(await program.line())
    program.stop()
    figures = {
        name: Figure(name=name, value=median, unit="us", better="lower", note=f"best of its rounds {best:.1f}")
        for name, (median, best) in found.items()
    }
    figures[TOTAL].target = TARGET_US
    plain = figures.pop(PLAIN)
    lead, *parts = figures.values()
    return Section(title=f"Mapping of an order of {ORDER_BYTES / 1000:.0f} KB", figures=[*beside(lead, plain), *parts])


def main(rounds: int = ROUNDS, form: str = "text") -> None:
    """Print as a table, or as one line of JSON."""
    found = timed(rounds)
    if form == "json":
        print(json.dumps(found), flush=True)
        return
    print(
        f"order of {ORDER_BYTES:,} bytes; {rounds} rounds of {CALLS} calls\n{'step':<34}{'median us':>10}{'best us':>10}"
    )
    for name, (median, best) in found.items():
        print(f"{name:<34}{median:>10.1f}{best:>10.1f}")
    print(f"target {TARGET_US} us: {'met' if found[TOTAL][0] <= TARGET_US else 'NOT met'}")


if __name__ == "__main__":
    main(*(int(given) if given.isdigit() else given for given in sys.argv[1:]))  # type: ignore[arg-type]
