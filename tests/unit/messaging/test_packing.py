"""What a body is on the disk: a third of what came, and never anything but what came."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.messaging.sqlite.packing import UnreadableBodyError, pack, unpack


def told(body: bytes) -> tuple[int, bytes]:
    return len(body), hashlib.sha256(body).digest()


@given(st.binary(max_size=4_096) | st.text(max_size=500).map(lambda text: text.encode() * 20))
def test_every_body_comes_back(body: bytes) -> None:
    """Whether it packs well, badly, or not at all."""
    assert unpack(pack(body), *told(body)) == body


def test_an_order_takes_a_third() -> None:
    """Published orders repeat their keys for each line: what is written and synced is a third of them."""
    body = (
        b'{"id":1,"admin_graphql_api_id":"gid://shopify/Order/1","line_items":['
        + b'{"sku":"TEA","price":"1.00"},' * 300
    )
    assert len(pack(body)) < len(body) / 3


def test_a_body_as_it_came_is_read_too() -> None:
    """What an older Interlock has stored is not packed."""
    body = b'{"id": 1}' * 1_000
    assert unpack(body, *told(body)) == body


@pytest.mark.parametrize("at", [0, 1, 40, -1])
def test_a_damaged_body_is_never_read_as_another(at: int) -> None:
    """A flipped byte, wherever it is; control: the same without the hash gives another body at least once."""
    body = b'{"id": 1, "total": "129.00"}' * 300
    stored = bytearray(pack(body))
    stored[at] ^= 0x01
    with pytest.raises(UnreadableBodyError):
        unpack(bytes(stored), *told(body))


def test_a_wrong_size_is_not_believed() -> None:
    """A damaged row must not make the hub ask for all memory."""
    body = b"x" * 10_000
    for size in (0, 9_999, 10_001, 2**31, -5):
        with pytest.raises(UnreadableBodyError):
            unpack(pack(body), size, told(body)[1])
