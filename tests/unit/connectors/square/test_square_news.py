"""Square's webhooks: signed over the address and the raw body, and what the body says."""

from __future__ import annotations

import base64
import hmac
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.connectors import registry
from interlock.connectors.contract import Envelope
from interlock.connectors.square import client, news
from interlock.errors import IntakeError

FIXTURES = Path(client.__file__).parent / "fixtures"
ADDRESS = "https://hub.example.com/intake/square"
KEY = b"signature-key"
HEADER = "x-square-hmacsha256-signature"
COUNTED_AT = 1_572_374_325_102_960  # 2019-10-29T18:38:45.10296Z


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def dialect(address: str = ADDRESS) -> Any:
    (found,) = registry.dialects("square", address)
    return found


def signature(body: bytes, address: str = ADDRESS, key: bytes = KEY) -> str:
    return base64.b64encode(hmac.digest(key, address.encode() + body, "sha256")).decode()


def test_the_published_vector_verifies() -> None:
    """Square's own test vector: our reading of the documentation is theirs. Control: another address, key or body is not."""
    vector = json.loads(fixture("webhook.signature-vector.json"))
    headers, body, key = {HEADER: vector["signature"]}, vector["body"].encode(), vector["key"].encode()
    ours = dialect(vector["url"])
    assert ours.recognises(headers) and ours.verify(headers, body, (key,))
    assert not dialect(vector["url"].replace("679a", "79a")).verify(headers, body, (key,))
    assert not ours.verify(headers, body, (b"another",))
    assert not ours.verify(headers, json.dumps(json.loads(body), indent=1).encode(), (key,))


def test_without_the_address_nothing_is_taken() -> None:
    """A folder that does not say where Square writes to fails closed, also against a signature of the body alone."""
    body = fixture("webhook.inventory.count.updated.json")
    for address in ("", ADDRESS):
        headers = {HEADER: signature(body, "")}
        assert not dialect(address).verify(headers, body, (KEY,))


@pytest.mark.parametrize("bad", ["", "*", "A" * 44, "A" * 43, "\u00e9" * 44])
def test_no_signature_and_none_that_fits(bad: str) -> None:
    """A header that is empty, no base64 or of another length equals none, in constant time; an empty key signs nothing."""
    body = b"{}"
    assert not dialect().verify({HEADER: bad}, body, (KEY, b""))
    assert not dialect().verify({HEADER: signature(body, key=b"")}, body, (b"",))
    assert not dialect().verify({HEADER: f"{signature(body)}, {signature(body)}"}, body, (KEY,))


def test_either_of_two_keys_verifies() -> None:
    """C11: while the key is replaced, both sign."""
    body = fixture("webhook.inventory.count.updated.json")
    for keys in ((KEY, b"new"), (b"new", KEY)):
        assert dialect().verify({HEADER: signature(body)}, body, keys)


def test_the_address_is_that_of_the_folder() -> None:
    """[intake] address is what Square was given; every other vendor's dialects stay as they are."""
    assert registry.dialects("shopify", ADDRESS) == registry.dialects("shopify")


def test_what_a_count_tells() -> None:
    """The published event: one level with the time of its change; it proves itself by its signed type."""
    body = fixture("webhook.inventory.count.updated.json")
    subject = dialect().subject(Envelope(dialect="square"), body)
    assert (subject.object, subject.key) == ("inventory_level", "FGQ5JJWT2PYTHF35CKZ2DSKP:YYQR03DGCTXA4")
    assert (subject.version, subject.facts, subject.shop) == (COUNTED_AT, ("inventory.count.updated",), "6SSW7HV8K2ST5")
    (level,) = news.told("anything", body).levels
    assert (level.item, level.location, str(level.quantities["available"])) == (
        "FGQ5JJWT2PYTHF35CKZ2DSKP",
        "YYQR03DGCTXA4",
        "10",
    )
    assert level.as_of_us == COUNTED_AT


def test_many_counts_in_one_event() -> None:
    """Up to 100 in one event: each is a level; other states are none; the event is keyed by itself."""
    event = json.loads(fixture("webhook.inventory.count.updated.json"))
    (count,) = event["data"]["object"]["inventory_counts"]
    more = [count | {"location_id": f"L{n}"} for n in range(99)]
    event["data"]["object"]["inventory_counts"] = [count | {"state": "WASTE"}, *more]
    body = json.dumps(event).encode()
    assert len(news.told("", body).levels) == 99
    assert news.subject_of(body).key == event["data"]["id"]


@pytest.mark.parametrize("kind", ["order.created", "order.updated"])
def test_what_an_order_tells(kind: str) -> None:
    """Its key, its version and that it happened; no lines, so the order is to be read."""
    body = fixture(f"webhook.{kind}.json")
    subject = news.subject_of(body)
    assert (subject.object, subject.key, subject.facts) == ("order", "eA3vssLHKJrv9H0IdJCM3gNqfdcZY", (kind,))
    assert subject.version == (1_587_078_866_129_000 if kind == "order.created" else 1_587_078_866_359_000)
    assert news.told(kind, body) == news.stock.Told(again=("eA3vssLHKJrv9H0IdJCM3gNqfdcZY",))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type": 1}', b"\xff", b"<html>", b"[" * 100_000])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    """400 with a code, never a crash."""
    with pytest.raises(IntakeError):
        news.subject_of(body)
    with pytest.raises(IntakeError):
        news.told("inventory.count.updated", body)


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(body: bytes) -> None:
    """Whatever is signed is read or refused."""
    with suppress(IntakeError):
        news.subject_of(body)
