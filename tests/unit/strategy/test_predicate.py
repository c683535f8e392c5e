"""Conditions: what they mean, what they refuse and where, and that an absent field never matches by accident."""

import timeit
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from interlock.canonical import load_contracts
from interlock.strategy import PredicateError, compile_predicate
from interlock.strategy.predicate import condition_fields


class Money(msgspec.Struct):
    amount: Decimal
    currency: str = "EUR"


class Order(msgspec.Struct):
    test: bool = False
    total: Money | None = None
    tags: list[str] = []
    note: str | None = None


def holds(text: str, order: Any) -> bool:
    return compile_predicate(text, "order")(order)


PAID = Order(total=Money(Decimal("100.10")), tags=["vip", "b2b"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.test == false and order.total.amount > 100", True),
        ("order.total.amount == 100.1", True),
        ("order.total.amount > 100.1", False),
        ("not order.test", True),
        ("order.total.currency in ['EUR', 'USD'] and 'vip' in order.tags", True),
        ("order.total.currency not in ('EUR',)", False),
        ("len(order.tags) >= 2 or order.test", True),
        ("order.note == null", True),
        ("50 < order.total.amount <= 100.10", True),
        ("-1 < order.total.amount", True),
        ("  order.test\n  == false", True),
    ],
)
def test_meaning(text: str, expected: bool) -> None:
    """Conditions mean what they say; decimals are exact."""
    assert holds(text, PAID) is expected
    assert holds(text, msgspec.to_builtins(PAID, builtin_types=(Decimal,))) is expected, "mappings read the same"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.total.amount > 100", False),
        ("order.total.amount <= 100", False),
        ("order.total.amount == null", True),
        ("order.total.amount != 5", True),
        ("'x' in order.note", False),
        ("'x' not in order.note", True),
        ("len(order.note) == 0", True),
        ("1 < order.total.amount < 5", False),
        ("order.test == false and order.nothing.at.all > 3", False),
    ],
)
def test_absent_fields(text: str, expected: bool) -> None:
    """C22: a guest's order has no customer; a condition on it must neither raise nor match."""
    assert holds(text, Order()) is expected


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("order.test = false", 12, "not an expression"),
        ("ordre.test == false", 1, 'unknown name "ordre"'),
        ("order.test == flase", 15, 'unknown name "flase"'),
        ("order.test and open('x')", 16, "only len"),
        ("order.total.amount + 1 > 2", 1, "BinOp"),
        ("order.__class__ == 1", 1, "not a field"),
        ("'é' == order.note and order._x", 23, "not a field"),
        ("order.note is null", 1, "operator Is"),
        ("[order.test]", 1, "not a condition"),
        ("(lambda: 1)() == 1", 1, "only len"),
        ("[x for x in order.tags] == 1", 1, "ListComp"),
        ("order.tags[0] == 'a'", 1, "Subscript"),
        ("'a'.upper == 1", 1, "only order has fields"),
        ("order.note == b'x'", 15, "kind bytes"),
        ("", 1, "not an expression"),
        ("   ordre", 4, "unknown name"),
    ],
)
def test_refusals_name_the_column(text: str, column: int, words: str) -> None:
    """What is not a condition is refused before anything runs, at its column."""
    with pytest.raises(PredicateError, match=r".") as caught:
        compile_predicate(text, "order")
    assert words in caught.value.what
    assert caught.value.column == column


def test_size_is_bounded() -> None:
    """A condition is written by a person; anything longer is not one."""
    with pytest.raises(PredicateError, match="characters"):
        compile_predicate("order.test or " * 100 + "order.test", "order")
    with pytest.raises(PredicateError, match="parts"):
        compile_predicate(" or ".join(["order.a"] * 90), "order")
    with pytest.raises(PredicateError):
        compile_predicate("(" * 400 + "order.a" + ")" * 400, "order")
    with pytest.raises(PredicateError):
        compile_predicate("-" * 900 + "1", "order")


def test_known_fields_are_checked() -> None:
    """With the contract at hand a misspelt field is found before the first order."""
    with pytest.raises(PredicateError, match=r"total\.amuont") as caught:
        compile_predicate("order.total.amuont > 1", "order", fields={"total.amount", "test"})
    assert caught.value.next_move == 'did you mean "total.amount"?'


def test_an_object_may_be_called_as_a_word_of_python() -> None:
    """`return` is an object of commerce; texts that hold the word stay as they are, and places too."""
    holds = compile_predicate('return.status == "a return" and return.total > 1', "return", fields={"status", "total"})
    assert holds({"status": "a return", "total": 2})
    assert not holds({"status": "a RETURN", "total": 2})
    with pytest.raises(PredicateError, match='return has no field "stats"') as caught:
        compile_predicate("1 < return.stats", "return", fields={"status"})
    assert (caught.value.column, caught.value.next_move) == (5, 'did you mean "status"?')


def test_the_fields_of_a_contract() -> None:
    """Both sides of money, lists as a whole; what is inside a list has no path of its own."""
    fields = condition_fields(load_contracts()["order.v1"])
    assert fields is not None
    assert {"test", "lines", "customer", "customer.email", "components.total.presentment.amount"} <= fields
    assert not {"lines[]", "lines.sku", "total", "components.total.amount"} & fields
    assert {"credit_limit.currency"} <= (condition_fields(load_contracts()["company.v1"]) or set())
    assert condition_fields(None) is None


def test_speed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every event of a flow passes its condition; this prints what that costs."""
    condition = compile_predicate("order.test == false and order.total.amount > 100", "order")
    seconds = min(timeit.repeat(lambda: condition(PAID), number=20_000, repeat=3)) / 20_000
    with capsys.disabled():
        print(f"\ncondition: {seconds * 1e6:.2f} us")
