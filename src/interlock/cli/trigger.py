"""The command trigger: one signed webhook to the running hub, as the shop would send it."""

import base64
import contextlib
import hmac
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from interlock.cli.output import Output, fail, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.twin import LOOPBACK
from interlock.data_folder import data_folder, hub_url
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.strategy import System

TIMEOUT_SECONDS = 10


@click.command()
@click.argument("topic")
@click.option(
    "--body",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A JSON file; else an order is made up.",
)
@click.option(
    "--override",
    multiple=True,
    metavar="PATH=VALUE",
    help="Set a member, such as email=a@b.example or line_items.0.quantity=3.",
)
@click.option("--url", default="", help="The hub's address (default: the hub that runs on this folder).")
@folder_option
@speaks
def trigger(topic: str, body: Path | None, override: tuple[str, ...], url: str, folder: Path, out: Output) -> None:
    """Send a signed webhook to the running hub.

    It is signed with the shop's own secret from the folder. A shop that is a twin on this machine is given the order too;
    a real shop knows nothing of it.

    \b
    Examples: interlock trigger orders/create
              interlock trigger orders/create --override total_price=0 --override email=a@b.example
              interlock trigger orders/updated --body order.json
    """
    hub = (url or hub_url(data_folder(folder))).rstrip("/")
    if not hub:
        raise SettingsError(
            "no hub runs on this folder",
            code="SET032",
            where=str(folder),
            next_move=f"{start_command(folder)}, or give --url",
        )
    system, secret = _shop(folder)
    document = _read(body) if body else _order()
    for pair in override:
        _set(document, pair)
    raw = json.dumps(document).encode()
    _keep_in_twin(system, document, raw)
    status, answer = _post(f"{hub}/intake/{system.name}", raw, _headers(topic, system, secret, raw))
    name, key = document.get("name"), document.get("id")
    out.row(
        f"{len(raw):,} bytes of {topic} to {hub}: {status} {answer}".rstrip(),
        status=status,
        answer=answer,
        id=key,
        name=name,
    )
    shown = name or key
    if status != 200:
        out.summary(f"{topic} of {shown} was refused", "look up the code in docs/reference/errors.md", status=status)
        fail()
    out.summary(f"{topic} of {shown} was accepted", f"interlock show '{shown}'", status=status)


def _read(body: Path) -> dict[str, Any]:
    try:
        document = json.loads(body.read_bytes())
    except ValueError as error:
        raise click.UsageError(f"--body {body}: this is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise click.UsageError(f"--body {body}: the body of a webhook is a JSON object")
    return document


def _shop(folder: Path) -> "tuple[System, bytes]":
    """The first Shopify system, and the newest of its webhook secrets."""
    from interlock.cli.catalogue import read_strategy
    from interlock.strategy import resolve

    strategy = read_strategy(folder)
    system = next((one for one in strategy.systems.values() if one.connector == "shopify"), None)
    if system is None:
        raise SettingsError(
            "no system of this folder is a Shopify shop", code="SET033", next_move="add one under systems/"
        )
    given = system.credentials.get("webhook_secret", [])
    references = [given] if isinstance(given, str) else given
    if not references:
        raise SettingsError(
            "the shop has no webhook secret", code="SET033", where=f"systems/{system.name}.toml", next_move="add one"
        )
    return system, resolve(references[0], folder, os.environ).encode()


def _order() -> dict[str, Any]:
    import random

    from interlock.twins.shopify.orders import make_order

    number = random.randrange(100_000, 10_000_000)
    return make_order(random.Random(), number, "plain", placed_at=datetime.now(UTC).replace(microsecond=0))


def _set(document: Any, pair: str) -> None:
    """`a.0.b=value`; the value is JSON if it reads as such, else text."""
    path, equals, text = pair.partition("=")
    *parents, last = path.split(".")
    try:
        for part in parents:
            document = document[int(part) if isinstance(document, list) else part]
        document[int(last) if isinstance(document, list) else last] = _value(text)
    except (LookupError, ValueError, TypeError):
        raise click.UsageError(f"--override {pair!r}: the body has no such place") from None
    if not equals:
        raise click.UsageError(f"--override {pair!r}: write path=value")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _headers(topic: str, system: "System", secret: bytes, raw: bytes) -> dict[str, str]:
    """Shopify's classic headers; the signature covers the raw body (shopify.dev, "Verify webhook deliveries")."""
    import uuid

    return {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(secret, raw, "sha256")).decode(),
        "x-shopify-shop-domain": str(system.settings.get("shop") or urlsplit(system.url).hostname or ""),
        "x-shopify-api-version": str(system.settings.get("api_version", "")),
        "x-shopify-webhook-id": str(uuid.uuid4()),
        "x-shopify-event-id": str(uuid.uuid4()),
        "x-shopify-triggered-at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _keep_in_twin(system: "System", document: dict[str, Any], raw: bytes) -> None:
    """A shop that is a twin has the order too, so that a later read of it finds it; a real shop has its own orders."""
    import urllib.request

    if urlsplit(system.url).hostname not in LOOPBACK or not document.get("line_items"):
        return
    place = f"{system.url.rstrip('/')}/_twin/orders/{document.get('id')}"
    request = urllib.request.Request(place, data=raw, method="PUT")  # noqa: S310  this machine
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
        pass


def _post(url: str, raw: bytes, headers: dict[str, str]) -> tuple[int, str]:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(url, data=raw, headers=headers, method="POST")  # noqa: S310  the user's own hub
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")
    except OSError as error:
        raise SettingsError(
            "the hub does not answer", code="SET034", where=url, why=str(error), next_move="interlock status"
        ) from error
