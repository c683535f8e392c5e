"""Amounts in two digits: each line rounded by itself, the rest an entry, what NetSuite cannot hold told (C33)."""

import json
import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from interlock.connectors.netsuite.two_digits import in_two_digits, rounded
from interlock.errors import MappingError

CENT = Decimal("0.01")


def document(*amounts: str) -> bytes:
    lines = ", ".join(f'{{"item": {{"id": "1"}}, "quantity": 1, "amount": {amount}}}' for amount in amounts)
    return f'{{"externalId": "shopify-1", "item": {{"items": [{lines}]}}, "memo": "x"}}'.encode()


def lines(body: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(body, parse_float=Decimal, parse_int=Decimal)["item"]["items"]
    return found


def test_what_has_two_digits_is_not_touched() -> None:
    """Every other order keeps its own bytes."""
    body = document("12.34", "5", "-0.10")
    assert in_two_digits(body, "9") == (body, ())


def test_the_rest_of_the_rounded_lines_is_an_entry() -> None:
    """C33: 3 x 1.234 KWD are 3.702: 3.70 at NetSuite, as three times 1.23 and a line of 0.01; 0.002 are told."""
    body, (told,) = in_two_digits(document("1.234", "1.234", "1.234"), "9")
    assert [line["amount"] for line in lines(body)] == [Decimal("1.23")] * 3 + [CENT]
    assert lines(body)[-1]["item"] == {"id": "9"}
    assert "3.702 is booked as 3.70" in told and "0.01 of it is a line of rounding" in told
    assert json.loads(body)["memo"] == "x"


def test_lines_that_add_up_by_themselves_need_no_entry() -> None:
    """C33: 2.468 and 0.123 are 2.591: 2.47 and 0.12 are 2.59 already."""
    body, (told,) = in_two_digits(document("2.468", "0.123"), None)
    assert [line["amount"] for line in lines(body)] == [Decimal("2.47"), Decimal("0.12")]
    assert "2.591 is booked as 2.59" in told and "line of rounding" not in told


def test_without_an_item_for_it_the_order_stops() -> None:
    """C31: the cent is never added to some line: the words name the setting."""
    with pytest.raises(MappingError) as raised:
        in_two_digits(document("1.234", "1.234", "1.234"), None)
    assert raised.value.code == "MAP003" and "difference_item" in raised.value.what


def test_any_document_adds_up_to_its_own_rounded_total() -> None:
    """C33: over 500 documents the lines are the rounded sum, and never more than half a cent from the shop's."""
    chance = random.Random(33)
    for _ in range(500):
        amounts = [Decimal(chance.randrange(-9_999, 99_999)).scaleb(-3) for _ in range(chance.randrange(1, 9))]
        body, _ = in_two_digits(document(*map(str, amounts)), "9")
        found = [line["amount"] for line in lines(body)]
        assert all(amount == amount.quantize(CENT) for amount in found)
        assert sum(found) == sum(amounts).quantize(CENT, ROUND_HALF_UP)


def test_control_lines_that_are_rounded_alone_drift() -> None:
    """Control: without the entry nine lines of 0.335 are 0.04 more than the order."""
    amounts = [Decimal("0.335")] * 9
    assert sum(map(rounded, amounts)) - rounded(sum(amounts, Decimal(0))) == Decimal("0.04")
