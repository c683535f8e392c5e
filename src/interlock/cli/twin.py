"""The commands twin up, fault and load: a vendor's twin in this process, and its control API."""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from interlock.cli.output import Output, fail, speaks

TIMEOUT_SECONDS = 10
VENDORS = ("shopify", "netsuite", "shipbob", "klaviyo", "sink")


@click.group()
def twin() -> None:
    """Run a vendor's twin, make it fail, give it load."""


@twin.command()
@click.argument("vendor", type=click.Choice(VENDORS))
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0 takes a free one.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The folder of its state (default: ./twin-VENDOR).")
@click.option("--seed", type=int, default=7, show_default=True)
def up(vendor: str, port: int, data: Path | None, seed: int) -> None:
    """Run a twin until a signal ends it; its address is its first line."""
    place = str(data or Path(f"twin-{vendor}"))
    arguments = [vendor, "--port", str(port), "--data", place, "--seed", str(seed)]
    os.execv(sys.executable, [sys.executable, "-m", "interlock.twins", *arguments])  # noqa: S606  ourselves, no shell


@twin.command()
@click.argument("url")
@click.argument("kind")
@click.option("--seconds", type=float, help="For how long (default: until repaired).")
@click.option("--count", type=int, help="For how many requests.")
@speaks
def fault(url: str, kind: str, seconds: float | None, count: int | None, out: Output) -> None:
    """Make the twin at URL fail: 503, 429, hang, lost-answer, ...; `repair` ends all faults."""
    if kind == "repair":
        _call(out, url, "repair", {})
    else:
        asked = {"kind": kind, "for_seconds": seconds, "count": count}
        _call(out, url, "break", {name: value for name, value in asked.items() if value is not None})


@twin.command()
@click.argument("url")
@click.option("--rate", type=float, default=10.0, show_default=True, help="Orders per second.")
@click.option("--seconds", type=float, default=10.0, show_default=True)
@speaks
def load(url: str, rate: float, seconds: float, out: Output) -> None:
    """Have the shop's twin at URL take orders for a while."""
    _call(out, url, "load", {"rate_per_second": rate, "seconds": seconds})


def _call(out: Output, url: str, path: str, asked: dict[str, Any]) -> None:
    place = f"{url.rstrip('/')}/_twin/{path}"
    request = urllib.request.Request(place, data=json.dumps(asked).encode(), headers={"content-type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  a twin that the user names
            answer = response.read().decode()
    except (OSError, ValueError) as error:
        text = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else str(error)
        out.summary(f"the twin refused or did not answer: {text}", "interlock twin up shopify", url=place)
        fail()
    out.row(answer, answer=json.loads(answer))
    out.summary(f"{path}: done", f"interlock twin fault {url} repair" if path == "break" else "interlock status", url=place)
