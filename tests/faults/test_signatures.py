"""Fault case 10: whatever is not signed by a valid secret over the raw bytes is answered 401 and leaves no row."""

import ast
import asyncio
import base64
import sys
from pathlib import Path

import apsw
import pytest
from experiment import Experiment
from hub_process import HubProcess
from wire import Line, request

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "intake"))
from door import PREFIXES, SECRET, START_MS, Entrance, a_door, order, signed
from forgeries import BODY, forgeries

from interlock.connectors.shopify.webhooks import Classic, Events
from interlock.messaging.event import Headers

SOURCE = Path(__file__).parents[2] / "src" / "interlock"
HOUR_MS = 3_600_000
VECTORS = sum(len(forgeries(dialect)) for dialect in PREFIXES)


async def taken(folder: Path, dialect: str, **door: object) -> list[str]:
    """The names of the forgeries that got in. Each must have been answered 401 or have left a row."""
    async with Entrance(folder, a_door(**door)) as entrance:
        found = []
        for name, headers, body in forgeries(dialect):
            before = entrance.stored
            answer = await entrance.knock(body, headers)
            if answer.status != 401 or entrance.stored != before or answer.problem["code"] != "INT004":
                found.append(name)
        return found


UNSENDABLE = {"signature: trailing newline", "signature: inner newline"}
"""No HTTP: a header ends at the line's end."""
SAME_ON_THE_WIRE = {"signature: leading space"}
"""Space before a header's value is not part of it (RFC 9110, 5.5), so this is genuine there."""


def test_no_forgery_is_taken_over_a_socket(tmp_path: Path) -> None:
    """Case 10: the same through a real server, whose parser joins, strips and cuts: 401 for all, one row for the genuine one."""

    async def story() -> dict[str, int]:
        answers = {}
        async with HubProcess(tmp_path / "hub", secret=SECRET) as hub:
            line = Line(hub.port)
            for dialect in PREFIXES:
                for name, headers, body in forgeries(dialect):
                    if name not in UNSENDABLE:
                        reply = await line.send(request("/intake/shopify", body, headers))
                        answers[f"{dialect}, {name}"] = reply.status
            await line.close()
        return answers

    answers = asyncio.run(story())
    genuine = {name for name in answers if name.partition(", ")[2] in SAME_ON_THE_WIRE}
    assert {answers[name] for name in genuine} == {200}
    assert {name: status for name, status in answers.items() if status != 401 and name not in genuine} == {}
    inbox = apsw.Connection(str(tmp_path / "hub" / "data" / "inbox.db"))
    assert inbox.execute("SELECT count(*) FROM event").get == 1
    inbox.close()


class Lenient:
    """What is often written instead: decode, which forgives, compare what is there, and sign what was parsed."""

    def verify(self, headers: Headers, body: bytes, secrets: tuple[bytes, ...]) -> bool:
        given = headers.get(f"{self.prefix}hmac-sha256", "").split(", ")[0]  # type: ignore[attr-defined]
        try:
            decoded = base64.b64decode(given)
        except ValueError:
            return False
        expected = base64.b64decode(signed(body.strip(b"\n\0 "), "classic", secret=secrets[0])[0][1])
        return expected.startswith(decoded)


class LenientClassic(Lenient, Classic):
    """Control."""


class LenientEvents(Lenient, Events):
    """Control."""


def test_no_forgery_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 10: over a hundred forgeries in each dialect: 401 and no row for all of them; a lenient verifier takes a dozen."""
    run = Experiment("10", suite=60, table=60, capsys=capsys)
    got_in = {
        dialect: asyncio.run(taken(tmp_path / dialect, dialect))
        for dialect in PREFIXES
        if (tmp_path / dialect).mkdir() is None
    }
    lenient = (LenientClassic(), LenientEvents())
    fooled = asyncio.run(taken(tmp_path, "classic", dialects=lenient))
    run.report(
        faults=VECTORS, trials=VECTORS, control=f"a lenient verifier took {len(fooled)}", dialects=len(PREFIXES),
        taken=sum(map(len, got_in.values())),
    )  # fmt: skip
    assert got_in == {"classic": [], "events": []}
    assert {
        "header: good, then bad",
        "signature: empty",
        "signature: half of the mac",
        "body: trailing newline",
    } <= set(fooled)


@pytest.mark.parametrize("dialect", PREFIXES)
def test_what_is_signed_is_taken(tmp_path: Path, dialect: str) -> None:
    """Case 10: the same body with its own signature is a 200 and one row, whatever the case of the header's name; empty it is a 400."""

    async def story() -> None:
        async with Entrance(tmp_path) as entrance:
            headers = signed(BODY, dialect)
            assert (await entrance.knock(BODY, headers)).status == 200
            assert (await entrance.knock(BODY, [(name.upper(), value) for name, value in headers])).status == 200
            assert entrance.stored == 1
            assert (await entrance.knock(b"", signed(b"", dialect))).status == 400

    asyncio.run(story())


@pytest.mark.parametrize("dialect", PREFIXES)
def test_rotation(tmp_path: Path, dialect: str) -> None:
    """Case 10: both secrets are good to the last millisecond of the declared overlap, then the old one opens nothing."""

    async def story() -> None:
        door = a_door(secrets=(b"new", SECRET), old_secrets_until_ms=START_MS + HOUR_MS)
        async with Entrance(tmp_path, door) as entrance:

            async def answers(number: int) -> tuple[int, int]:
                old, new = order(number), order(number + 1)
                by_old = await entrance.knock(old, signed(old, dialect))
                return by_old.status, (await entrance.knock(new, signed(new, dialect, secret=b"new"))).status

            assert await answers(10) == (200, 200)
            entrance.clock._elapsed = HOUR_MS / 1000 - 0.001
            assert await answers(20) == (200, 200)
            entrance.clock._elapsed = HOUR_MS / 1000
            assert await answers(30) == (401, 200)
            assert entrance.stored == 5
            assert (await entrance.knock(b"{}", signed(b"{}", dialect, secret=b"third"))).status == 401

    asyncio.run(story())


def compared_macs(source: str) -> list[int]:
    """Lines that compare with == or != what hmac made, or a name that it was given to."""
    module = ast.parse(source)

    def made(node: ast.AST) -> bool:
        return any(isinstance(part, ast.Call) and ast.unparse(part.func) in MAKERS for part in ast.walk(node))

    names = {
        target.id
        for node in ast.walk(module)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None and made(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Compare) and any(isinstance(sign, ast.Eq | ast.NotEq | ast.In) for sign in node.ops):
            sides = [node.left, *node.comparators]
            used = {part.id for side in sides for part in ast.walk(side) if isinstance(part, ast.Name)}
            if used & names or any(map(made, sides)):
                found.append(node.lineno)
    return found


MAKERS = {"hmac.digest", "hmac.new", "hmac.HMAC", "digest", "new"}


def test_the_source_compares_no_digest_with_equals() -> None:
    """Case 10: a comparison that ends at the first wrong byte tells a forger how far he is. Control: one is found."""
    sources = {file: file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py")}
    with_hmac = {file: text for file, text in sources.items() if "hmac" in text}
    assert {str(file): compared_macs(text) for file, text in with_hmac.items() if compared_macs(text)} == {}
    assert "compare_digest" in sources[SOURCE / "connectors" / "shopify" / "webhooks.py"]
    assert compared_macs("mine = hmac.new(k, b, 'sha256').hexdigest()\nok = given == mine") == [2]
    assert compared_macs("ok = base64.b64encode(hmac.digest(k, b, 'sha256')) != given") == [1]
    assert compared_macs("mine = hmac.digest(k, b, 'sha256')\nok = hmac.compare_digest(given, mine)") == []
