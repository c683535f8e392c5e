"""twin up on its own gives whoever starts it a shop to call; twin load fills it."""

import json
import os
import signal
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

from commandline import INTERLOCK, call, said

from interlock.cli import twin_shop


def ask(found: dict[str, str], query: str) -> dict[str, object]:
    """A request as the line that is printed makes it."""
    headers = {"X-Shopify-Access-Token": found["access_token"], "Content-Type": "application/json"}
    request = Request(found["graphql"], json.dumps({"query": query}).encode(), headers)  # noqa: S310
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        data: dict[str, object] = json.loads(answer.read())["data"]
        return data


def test_a_shop_of_ones_own(tmp_path: Path) -> None:
    """Somebody who only wants a Shopify to test against: address, token and secret are said, they work, and a load fills it."""
    command = [*INTERLOCK, "twin", "up", "shopify", "--data", str(tmp_path / "shop"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None and up.stderr is not None
        found = json.loads(up.stdout.readline())
        assert found["client_secret"] == "shpss_twin" and found["data"] == str(tmp_path / "shop")
        assert ask(found, "{ shop { currencyCode } }") == {"shop": {"currencyCode": "USD"}}
        result = call("twin", "load", found["url"], "--profile", "backfill", "--orders", 60, "--json")
        assert result.exit_code == 0, result.output
        assert said(result)[-1]["placed"] == 60
        assert ask(found, "{ ordersCount { count } }") == {"ordersCount": {"count": 60}}
        background = call("twin", "load", found["url"], "--profile", "steady", "--orders", 2, "--background", "--json")
        assert said(background)[-1]["profile"] == "steady"
        lost = call("twin", "load", found["url"], "--orders", 60)
        assert (lost.exit_code, "need --profile" in lost.stderr) == (1, True)
        os.kill(up.pid, signal.SIGTERM)
        rest = up.stdout.read()
        assert json.loads(rest.splitlines()[-1])["url"] == found["url"]
        up.stderr.read()


def test_what_is_said_can_be_tried(tmp_path: Path) -> None:
    """The printed request names the shop's own token, also when a configuration changed it."""
    config = tmp_path / "shop.json"
    config.write_text('{"access_token": "shpat_other"}')
    token, request = twin_shop.said(twin_shop.access("http://127.0.0.1:9100", config))
    assert "shpat_other" in token and "shpss_twin" in token
    assert "curl -s http://127.0.0.1:9100/admin/api/2026-07/graphql.json -H 'X-Shopify-Access-Token: shpat_other'" in request
