"""The commands twin up, fault and load: a vendor's twin, and the levers of its control API."""

import json
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from interlock.cli import twin_shop
from interlock.cli.output import Output, counted, speaks
from interlock.cli.place import folder_option
from interlock.errors import SettingsError

if TYPE_CHECKING:
    import subprocess

TIMEOUT_SECONDS = 10
LOOK_SECONDS = 0.2
VENDORS = ("shopify", "netsuite", "shipbob", "klaviyo", "amazon", "square", "sink")
PROFILES = ("steady", "flash-sale", "backfill")
EVEN_RATE, EVEN_SECONDS = 10.0, 10.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.group()
def twin() -> None:
    """Run a vendor's twin, make it fail, give it load."""


@twin.command()
@click.argument("vendor", type=click.Choice(VENDORS))
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0 takes a free one.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="The folder of its state (default: ./twin-VENDOR)."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Where its chance begins.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A JSON file; see docs/reference/twins.md.",
)
@speaks
def up(vendor: str, port: int, data: Path | None, seed: int, config: Path | None, out: Output) -> None:
    """Run a twin until a signal ends it; its address is its first line.

    \b
    Examples: interlock twin up netsuite --port 9100
              interlock twin up shopify --data /tmp/shop --seed 3
    """
    import subprocess

    place = data or Path(f"twin-{vendor}")
    arguments = ["--port", str(port), "--data", str(place), "--seed", str(seed)]
    arguments += ["--config", str(config)] if config else []
    command = [sys.executable, "-P", "-m", "interlock.twins", vendor, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603  ourselves, no shell
        assert process.stdout is not None
        ready = process.stdout.readline()
        if not ready:
            raise SettingsError(f"the {vendor} twin does not start on port {port}", code="SET024", where=str(place),
                                why="its own words stand above", next_move="choose another --port or --data")  # fmt: skip
        _live(process, json.loads(ready), place, config, out)


def _live(
    process: "subprocess.Popen[bytes]", ready: dict[str, Any], place: Path, config: Path | None, out: Output
) -> None:
    """Until it ends; a signal to this process ends it in good order."""
    import signal

    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    url = ready["url"]
    access = twin_shop.access(url, config) if ready["twin"] == "shopify" else {}
    out.row(f"{ready['twin']} twin at {url}; its state is in {place}; Ctrl-C ends it", **ready, **access)
    for line in twin_shop.said(access) if access else ():
        out.progress(line)
    if access:
        out.progress(f"next: interlock twin load {url} --profile backfill --orders 1000")
    out.progress(f"next: interlock twin fault {url} 503")
    try:
        process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
    out.summary(f"the {ready['twin']} twin has ended", f"forget its state: rm -r {place}", url=url)


@twin.command()
@click.argument("where", metavar="NAME|URL")
@click.argument("kind", required=False)
@click.option("--seconds", type=float, help="For how long (default: until repaired).")
@click.option("--count", type=int, help="For how many requests.")
@click.option("--share", type=click.FloatRange(0, 1), help="The chance of each request to be struck (default: 1).")
@folder_option
@speaks
def fault(
    where: str,
    kind: str | None,
    seconds: float | None,
    count: int | None,
    share: float | None,
    folder: Path,
    out: Output,
) -> None:
    """Make a twin fail; `repair` ends all faults.

    NAME is a system of the folder whose address is on this machine, as in a demo. KIND is 503, 500, 429, 401, hang,
    reset, lost-answer, late, slow or garbage; without it, the faults in force are listed.

    \b
    Examples: interlock twin fault netsuite 503
              interlock twin fault netsuite repair
              interlock twin fault http://127.0.0.1:9100 lost-answer --count 3
    """
    url = _url(where, folder)
    if kind == "repair":
        removed = _call(url, "repair", {})["removed"]
        out.summary(
            f"{where} is well again: {counted(removed, 'fault')} removed", "interlock status", url=url, removed=removed
        )
    elif kind:
        asked = {"kind": kind, "for_seconds": seconds, "count": count, "share": share}
        rule = _call(url, "break", {name: value for name, value in asked.items() if value is not None})
        out.summary(
            f"{where} fails now: {_said(rule)}",
            f"interlock twin fault {where} repair",
            "interlock tail",
            url=url,
            rule=rule,
        )
    else:
        rules = _call(url, "faults")
        for rule in rules:
            out.row(f"{_said(rule)}; struck {rule['hits']} of {rule['seen']}", **rule)
        out.summary(
            f"{where} has {counted(len(rules), 'fault')}",
            f"interlock twin fault {where} 503",
            url=url,
            faults=len(rules),
        )


def _said(rule: dict[str, Any]) -> str:
    status = f" {rule['status']}" if rule.get("status") else ""
    lasts = f", for {rule['for_seconds']:g} s" if rule.get("for_seconds") else ""
    often = f", {rule['count']} times" if rule.get("count") else ""
    share = f", {rule['share']:.0%} of requests" if rule.get("share", 1) < 1 else ""
    return f"{rule['kind']}{status}{lasts}{often}{share}"


@twin.command()
@click.argument("where", metavar="[NAME|URL]", default="shopify")
@click.option("--profile", type=click.Choice(PROFILES), help="A believable shop; without it, orders at an even pace.")
@click.option("--orders", type=click.IntRange(1, 1_000_000), help="With a profile: how many.")
@click.option(
    "--rate",
    type=click.FloatRange(0, 1_000, min_open=True),
    help="Orders per second (default: 10); of a flash sale, webhooks (300).",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 86_400, min_open=True),
    help="For how long (default: 10; of a flash sale's peak, 300).",
)
@click.option(
    "--days", type=click.IntRange(1, 3_650), help="With backfill: how many days the orders are of (default: 90)."
)
@click.option("--seed", type=int, help="With a profile: the same seed gives the same shop (default: 7).")
@click.option("--background", is_flag=True, help="Return at once.")
@folder_option
@speaks
def load(
    where: str,
    profile: str | None,
    orders: int | None,
    rate: float | None,
    seconds: float | None,
    days: int | None,
    seed: int | None,
    background: bool,
    folder: Path,
    out: Output,
) -> None:
    """Have the shop's twin take orders for a while.

    A profile brings an assortment of hundreds of products, returning buyers of several countries, discounts, parcels,
    edits, refunds and cancellations. `steady` is a day, in --seconds; `flash-sale` is counted in webhooks; `backfill`
    writes the past at once, without a webhook: what was there before anybody listened.

    \b
    Examples: interlock twin load --rate 20 --seconds 30
              interlock twin load --profile steady --orders 2000 --seconds 120
              interlock twin load --profile flash-sale
              interlock twin load http://127.0.0.1:9100 --profile backfill --orders 100000 --seed 3
    """
    url = _url(where, folder)
    if profile:
        asked = {"profile": profile, "orders": orders, "rate": rate, "seconds": seconds, "days": days, "seed": seed}
        twin_shop.load(_call, url, asked, background, out)
        return
    if orders or days or seed is not None:
        raise SettingsError("--orders, --days and --seed need --profile", code="SET029", where="interlock twin load",
                            why="without a profile orders come at --rate for --seconds", next_move="add --profile steady")  # fmt: skip
    _even(url, rate or EVEN_RATE, seconds or EVEN_SECONDS, background, out)


def _even(url: str, rate: float, seconds: float, background: bool, out: Output) -> None:
    """Orders of the twin's mix of scenarios, at even distances."""
    before = _call(url, "state")["orders"]
    count = _call(url, "load", {"rate_per_second": rate, "seconds": seconds})["orders"]
    if background:
        out.summary(f"{counted(count, 'order')} begun at {rate:g} a second", "interlock tail", url=url, orders=count)
        return
    began = time.monotonic()
    _wait(url, before, count, out)
    took_seconds = time.monotonic() - began
    out.summary(
        f"{counted(count, 'order')} placed in {took_seconds:.1f} s",
        "interlock status",
        url=url,
        orders=count,
        seconds=round(took_seconds, 1),
    )


def _wait(url: str, before: int, count: int, out: Output) -> None:
    with out.bar(count, "placing orders") as step:
        placed = 0
        while placed < count:
            time.sleep(LOOK_SECONDS)
            state = _call(url, "state")
            step(min(count, state["orders"] - before) - placed)
            placed = min(count, state["orders"] - before)
            if not state["loads_running"]:
                return


def _url(where: str, folder: Path) -> str:
    """A twin's address: as given, or that of the folder's system, which must be on this machine."""
    if "://" in where:
        return where.rstrip("/")
    file = folder / "systems" / f"{where}.toml"
    try:
        url = str(tomllib.loads(file.read_text(encoding="utf-8")).get("url", ""))
    except (OSError, ValueError) as error:
        why = "the folder has no such system" if isinstance(error, FileNotFoundError) else str(error)
        raise SettingsError(f"there is no twin {where!r}", code="SET029", where=str(file), why=why,
                            next_move="name a system of a demo's folder (--folder), or give the twin's URL") from None  # fmt: skip
    if urlsplit(url).hostname not in LOOPBACK:
        raise SettingsError(f"{where} is no twin", code="SET029", where=str(file), why=f"its address is {url}, which is not this machine",
                            next_move="run a twin, and give its URL: interlock twin up " + where)  # fmt: skip
    return url.rstrip("/")


def _call(url: str, path: str, asked: dict[str, Any] | None = None) -> Any:
    import urllib.error
    import urllib.request

    place = f"{url}/_twin/{path}"
    data = None if asked is None else json.dumps(asked).encode()
    request = urllib.request.Request(place, data=data, headers={"content-type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  a twin that the user names
            return json.loads(response.read())
    except urllib.error.HTTPError as refused:
        with refused:
            why = refused.read().decode(errors="replace")
        raise SettingsError(
            "the twin refused", code="SET029", where=place, why=why, next_move="interlock twin fault --help"
        ) from None
    except (OSError, ValueError) as error:
        raise SettingsError("the twin does not answer", code="SET029", where=place, why=str(error),
                            next_move="start it: interlock demo, or interlock twin up") from None  # fmt: skip
