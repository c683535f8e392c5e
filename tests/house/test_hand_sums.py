"""Every money case shows its sum as a bookkeeper would write it: the arithmetic is true, and it arrives at what the case expects.

A sum is text with calculations in it: `3 x 9.99 = 29.97`, `7 % of 29.97 = 2.0979 -> 2.10`. `=` is exact, `->` rounds half up to
the digits that follow, `cut` drops the rest. Nothing of the product is used here.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

MONEY = Path(__file__).parents[1] / "flows/cases/money"
CASES = [case for file in sorted(MONEY.glob("*.toml")) for case in tomllib.loads(file.read_text("utf-8"))["case"]]
TOKEN = re.compile(r"\d+(?:\.\d+)?(?![\w.]*[A-Za-z])|[A-Za-z][\w-]*|->|\S")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
SIGNS = {"x": "*", "of": "*", "%": "/ 100", "+": "+", "-": "-", "/": "/", "(": "(", ")": ")"}
EQUALS = {"=": None, "->": ROUND_HALF_UP, "cut": ROUND_DOWN}
Case = dict[str, Any]


def calculations(text: str) -> Iterator[list[str]]:
    """The runs of numbers and signs in a text that say what something is."""
    for counts, run in groupby(TOKEN.findall(text), _is_arithmetic):
        tokens = list(run)
        if counts and EQUALS.keys() & set(tokens):
            yield tokens


def results(text: str) -> set[Decimal]:
    """What the calculations of a text arrive at; AssertionError with the first one that is not true."""
    found = set()
    for tokens in calculations(text):
        terms = [list(run) for equals, run in groupby(tokens, EQUALS.__contains__) if not equals]
        signs = [token for token in tokens if token in EQUALS]
        assert len(terms) == len(signs) + 1, " ".join(tokens)
        for (left, right), sign in zip(pairwise(terms), signs, strict=True):
            assert _rounded(_value(left), right, EQUALS[sign]) == _value(right), " ".join(tokens)
        found.add(Decimal("".join(terms[-1])))
    return found


def named(text: str) -> set[Decimal]:
    """Every number that a text has."""
    return {Decimal(number) for number in NUMBER.findall(text)}


def expected(case: Case) -> set[Decimal]:
    """Every amount that is worked out in a case, in both currencies, without its sign: what it is given of tax, discount and
    duty, what the shop says of the sum, and what must become of it; nothing needs no naming."""
    told = case.get("refund", case)
    rows = (*told.get("lines", ()), *told.get("shipping", ()))
    given = [row[name] for row in rows for name in ("tax", "discount", "duty", "subtotal") if name in row]
    become = [case[name] for name in ("says", "is", "nets", "gives", "value", "parcel") if name in case]
    return {abs(amount) for text in _texts([given, become]) for amount in _both(text)} - {Decimal(0)}


def totals(case: Case) -> set[Decimal]:
    return set(_both(case["says"]["total"] if "says" in case else case["gives"]["total"]))


def _is_arithmetic(token: str) -> bool:
    return token in SIGNS or token in EQUALS or NUMBER.fullmatch(token) is not None


def _value(tokens: list[str]) -> Fraction:
    exact = [SIGNS.get(token, f"Fraction('{token}')") for token in tokens]
    value: Fraction = eval(" ".join(exact), {"Fraction": Fraction})
    return value


def _rounded(value: Fraction, like: list[str], rounding: str | None) -> Fraction:
    """With the digits of another number, where it is to be rounded."""
    if rounding is None:
        return value
    step = Decimal(1).scaleb(int(Decimal("".join(like)).as_tuple().exponent))
    steps = value / Fraction(step)
    far = Decimal(steps.numerator) / Decimal(steps.denominator)  # 28 digits: a half is exact
    return Fraction(far.to_integral_value(rounding)) * Fraction(step)


def _texts(value: Any) -> Iterator[str]:
    """The amounts in lists and tables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([inner for name, inner in value.items() if name != "channel"])
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _both(text: str) -> list[Decimal]:
    return [Decimal(amount) for amount in text.split(" / ")]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_sum_was_worked_by_hand(case: Case) -> None:
    """C28-C36, C53: a case that nobody added up proves that the code agrees with itself; here is the sum, and when it was checked."""
    assert date.fromisoformat(case["checked"]) >= date(2026, 11, 23)
    assert totals(case) <= results(case["sum"]), f"the sum does not arrive at {totals(case) - results(case['sum'])}"
    assert expected(case) <= named(case["sum"]), f"the sum does not name {expected(case) - named(case['sum'])}"


@pytest.mark.parametrize(
    "wrong",
    ["3 x 9.99 = 29.98", "7 % of 29.97 -> 2.09", "goods: 1.00 + 1.00 = 2.00, less 0.50: 2.00 - 0.50 = 1.40", "4.9995 cut 5.00",
     "0.025 -> 0.02", "2.0979 = 2.10"],
)  # fmt: skip
def test_a_false_sum_is_seen(wrong: str) -> None:
    """Control: arithmetic that is not true does not pass, wherever it stands in the text."""
    with pytest.raises(AssertionError):
        results(wrong)


def test_a_sum_of_another_case_is_seen() -> None:
    """Control: a sum that is true but arrives elsewhere, or leaves an amount out, belongs to another case."""
    case = next(case for case in CASES if case["id"] == "M204")
    other = next(case for case in CASES if case["id"] == "M205")
    with pytest.raises(AssertionError, match="does not arrive"):
        test_the_sum_was_worked_by_hand(case | {"sum": other["sum"]})
    with pytest.raises(AssertionError, match="does not name"):
        test_the_sum_was_worked_by_hand(case | {"sum": "89.98 + 0.00 = 89.98"})


def test_no_two_cases_are_the_same() -> None:
    """A case that repeats another one in other words adds nothing: what goes in differs in each."""
    words = {"id", "about", "sum", "checked"}
    kept = [str({name: value for name, value in case.items() if name not in words}) for case in CASES]
    assert sorted({one for one in kept if kept.count(one) > 1}) == []
