"""`interlock connect` against the twin: the merchant's yes, the way back, the tokens in the vault, and what others send meanwhile."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import pytest
from commandline import INTERLOCK, START_SECONDS, call, said

from interlock.cli.twin_world import _free_ports

SECRETS = {"shopify-client-id": "twin-client", "shopify-client-secret": "shpss_twin"}


class Stay(HTTPRedirectHandler):
    """A browser that does not follow where it is sent."""

    def redirect_request(self, *_: Any) -> None:
        return None


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a twin, as the program it is."""
    command = [sys.executable, "-m", "interlock.twins", "shopify", "--data", str(tmp_path_factory.mktemp("shop"))]
    with subprocess.Popen(
        [*command, "--seed", "7", "--parent-pid", str(os.getpid())], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.fixture
def folder(tmp_path: Path, shop: str) -> Path:
    """The starter folder, whose shop is the twin and wants an installation."""
    made = tmp_path / "acme"
    assert call("init", made).exit_code == 0
    file = made / "systems" / "shopify.toml"
    text = file.read_text(encoding="utf-8").replace("https://acme.myshopify.com", shop)
    file.write_text(text.replace("[settings]", '[settings]\naccess = "installation"', 1), encoding="utf-8")
    (made / "secrets").mkdir(exist_ok=True)
    for name, secret in SECRETS.items():
        (made / "secrets" / name).write_text(secret, encoding="utf-8")
        (made / "secrets" / name).chmod(0o600)
    return made


def sent_back(url: str) -> str:
    """Where the merchant's browser is sent once they said yes."""
    with pytest.raises(HTTPError) as caught:
        build_opener(Stay).open(url, timeout=30)
    with caught.value as answer:
        assert answer.code == 302, answer.read()
        return str(answer.headers["Location"])


def knocked(url: str) -> int:
    try:
        with urlopen(Request(url), timeout=30) as answer:
            return int(answer.status)
    except HTTPError as answer:
        answer.close()
        return answer.code


class Connecting:
    """The command as a program of its own, listening; `url` is what the merchant opens."""

    def __init__(self, folder: Path, *more: str) -> None:
        (port,) = _free_ports(1)
        self.callback = f"http://localhost:{port}/callback"
        command = [
            *INTERLOCK,
            "connect",
            "shopify",
            "--folder",
            str(folder),
            "--json",
            "--redirect-uri",
            self.callback,
            *more,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]

    def end(self) -> tuple[int, dict[str, Any]]:
        out, _ = self.process.communicate(timeout=START_SECONDS)
        return self.process.returncode, json.loads(out.splitlines()[-1])


def typed(folder: Path, answer: Any) -> tuple[dict[str, Any], str]:
    """What the command says at its end when what `answer` makes of the told address is pasted; and what was pasted."""
    command = [*INTERLOCK, "connect", "shopify", "--folder", str(folder), "--json", "--paste"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pasted = answer(json.loads(process.stdout.readline())["url"])
        out, _ = process.communicate(f"{pasted}\n", timeout=START_SECONDS)
    return json.loads(out.splitlines()[-1]), pasted


def token_judged(folder: Path) -> list[tuple[str, str, str]]:
    lines = said(call("doctor", "--folder", folder, "--json"))
    return [(one["judgement"], one["found"], one["next"]) for one in lines if one.get("check") == "token of shopify"]


def test_connected_while_strangers_knock(folder: Path) -> None:
    """C79: doctor says connect, the merchant says yes, the hub's next question is answered from the vault; no token is said.

    The controls: what a stranger sends (another state, a changed code, no signature) opens nothing and ends nothing."""
    (judged,) = token_judged(folder)
    assert judged[0] == "failed" and judged[2] == "interlock connect shopify"
    command = Connecting(folder)
    true = sent_back(command.url)
    assert true.startswith(f"{command.callback}?")
    for wrong in (
        "",
        "?state=1",
        f"?{true.partition('?')[2]}0",
        f"?{true.partition('?')[2].replace('code=', 'code=0')}",
    ):
        assert knocked(command.callback + wrong) == 400
    assert knocked(command.callback.replace("/callback", "/")) == 404
    assert knocked(true) == 200
    code, told = command.end()
    assert code == 0 and told["missing"] == [] and told["refresh_ends_ms"] > told["ends_ms"] > 0
    assert "shpat_" not in json.dumps(told) and "shprt_" not in json.dumps(told)
    (judged,) = token_judged(folder)
    assert judged[0] == "ok" and judged[1].startswith("installed app, renewed")
    assert b"shprt_" not in b"".join(file.read_bytes() for file in (folder / "data").iterdir() if file.is_file())


def test_paste(folder: Path) -> None:
    """On a machine without a browser the whole address is pasted; the same one a second time opens nothing (fault: replay)."""
    first, address = typed(folder, sent_back)
    assert first["granted"] and "summary" in first, first
    again, _ = typed(folder, lambda _: address)
    assert again["error"]["code"] == "CON011"


def test_a_code_is_spent_once(folder: Path, shop: str) -> None:
    """Somebody was faster with the code: nothing is kept, and the person is told to begin again."""

    def spent(url: str) -> str:
        address = sent_back(url)
        code = address.partition("code=")[2].partition("&")[0]
        form = f"client_id=twin-client&client_secret=shpss_twin&expiring=1&code={code}".encode()
        urlopen(f"{shop}/admin/oauth/access_token", form, timeout=30).close()
        return address

    told, _ = typed(folder, spent)
    assert told["error"]["code"] == "CON013"
    assert token_judged(folder)[0][0] == "failed"


def test_less_than_the_flows_need_is_said(folder: Path, shop: str) -> None:
    """A merchant, or the app's settings, may grant less: connected all the same, exit code 1, and which scopes are missing."""

    def less(url: str) -> str:
        address = sent_back(url)
        asked = Request(f"{shop}/_twin/scopes", b'{"scopes": ["read_orders"]}', {"content-type": "application/json"})
        urlopen(asked, timeout=30).close()
        return address

    told, _ = typed(folder, less)
    assert (
        "read_products" in told["missing"]
        and "read_orders" not in told["missing"]
        and told["granted"] == ["read_orders"]
    )


def test_what_cannot_be_connected(folder: Path) -> None:
    """A system that no merchant installs, one that is not there, an address that this machine cannot listen on."""
    for name, code in (("netsuite", "CON014"), ("nobody", "SET031")):
        shown = call("connect", name, "--folder", folder, "--json")
        assert (shown.exit_code, said(shown)[-1]["error"]["code"]) == (1, code)
    assert call("connect", "shopify", "--folder", folder, "--redirect-uri", "https://hub.example.com/a").exit_code == 2


def test_nobody_comes_back(folder: Path) -> None:
    """A terminal that is left open ends by itself."""
    (port,) = _free_ports(1)
    callback = f"http://127.0.0.1:{port}/callback"
    shown = call(
        "connect", "shopify", "--folder", folder, "--json", "--redirect-uri", callback, "--wait-minutes", "0.0001"
    )
    assert (shown.exit_code, said(shown)[-1]["error"]["code"]) == (1, "CON015")
