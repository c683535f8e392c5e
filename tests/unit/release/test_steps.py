"""The steps of a process, compiled: parts add up to the whole, names can stand in references, places are filled or left."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.canonical import load_contracts
from interlock.errors import MappingError
from interlock.mapping import Context, compile_in, connector_functions, connector_mapping
from interlock.messaging.outcome import Retry
from interlock.messaging.process import Message
from interlock.messaging.write import Absent, Past, Plan, Write
from interlock.release.parts import PLAIN, grouped, name_of, part_of
from interlock.release.steps import Staged, StagedDestination, Steps
from interlock.strategy import Flow
from interlock.strategy.steps import StepRule

BASE = json.loads((Path(__file__).parents[2] / "flows/cases/base.order.json").read_text("utf-8"))
CONTRACT = load_contracts()["order.v1"]
READ = compile_in(connector_mapping("shopify").table_in("order"), CONTRACT, connector_functions("shopify"))


def canonical(**changes: Any) -> Any:
    return READ(json.dumps(BASE | changes).encode(), Context(system="shopify"))


class Shelf:
    """Records by key; an answer that is no bytes is given as it is."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def records(self, name: str) -> "Shelf":
        return self

    async def fetch(self, record: str, key: str, *, timeout_seconds: float) -> Any:
        return self.answers.get(key, Absent())


async def at_once(_: str) -> None:
    """No limit."""


def steps_of(*rules: dict[str, Any], **answers: Any) -> Steps:
    flow = Flow(
        name="p", title="P", source="shopify", trigger=["orders/create"], object="order.v1", destinations=["erp"],
        pattern="middleware", rationale="-", impact="low", complexity="low", owner="-", runbook="-",
        steps=msgspec.convert(rules, list[StepRule]),
    )  # fmt: skip
    return Steps(flow, CONTRACT, Shelf(answers))


def message(script: Steps, part: str = "", **facts: Any) -> Message:
    packed = {name.replace("_", "-"): msgspec.json.encode(fact) for name, fact in facts.items()}
    return Message(object=script.pack(canonical()), part=part, facts=packed)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=2, max_size=2))
def test_parts_add_up_to_the_order(makers: list[str]) -> None:
    """However the lines are split: each component of the parts, and the total, is the order's, to the cent."""
    order = canonical()
    parts = grouped(makers)
    made = [part_of(order, "lines", parts, name) for name in parts]
    for field in order.components.__struct_fields__:
        assert (
            sum(getattr(one.components, field).shop.amount for one in made)
            == getattr(order.components, field).shop.amount
        )
    assert sum(one.original_total.shop.amount for one in made) == order.original_total.shop.amount
    assert sorted(line.id for one in made for line in one.lines) == sorted(line.id for line in order.lines)
    assert sum(len(one.shipping) for one in made) == len(order.shipping)
    assert made[-1].components.total.shop.amount > 0


@given(st.lists(st.one_of(st.none(), st.booleans(), st.text(max_size=60), st.integers()), max_size=8))
def test_names_of_parts_can_stand_in_references(values: list[Any]) -> None:
    """Whatever the data says: letters, digits and hyphens, 30 at the most, and different values never meet."""
    names = [name_of(value) for value in values]
    assert all(PLAIN.fullmatch(name) and len(name) <= 30 for name in names)
    told = {
        ("" if value is None else str(value).lower() if isinstance(value, bool) else str(value)) for value in values
    }
    assert len(set(names)) == len(told) or any(text in ("none", "") for text in told)


def test_an_object_survives_its_keeping() -> None:
    """What is packed when a run begins is what its steps read later, digit by digit."""
    script = steps_of({"name": "book", "kind": "write", "system": "erp"})
    order = canonical()
    assert msgspec.json.decode(script.pack(order), type=CONTRACT.struct) == order


def test_a_record_is_looked_up_by_the_message(tmp_path: Path) -> None:
    """Only the members that are asked for are kept; what is not there is null, what is silent is tried again."""
    rule = {
        "name": "buyer",
        "kind": "enrich",
        "system": "erp",
        "read": "customer",
        "key": "{order.origin}-{order.customer.id}",
        "take": ["tier"],
    }
    script = steps_of(rule, **{"shopify-115310627314723954": b'{"tier": {"id": "1"}, "phone": "123"}'})

    async def ask(found: Steps) -> Any:
        return await found.enrich(found.steps["buyer"], message(found), pace=at_once, timeout_seconds=1)

    assert asyncio.run(ask(script)) == b'{"tier":{"id": "1"}}'
    assert asyncio.run(ask(steps_of(rule))) == b"null"
    silent = Retry(code="503", message="down")
    assert asyncio.run(ask(steps_of(rule, **{"shopify-115310627314723954": silent}))) is silent


def test_a_table_is_looked_up_for_each_line_and_splits_them() -> None:
    """The lines of one maker stay together; a line that the table does not know goes by the default."""
    makers = {
        "name": "makers",
        "kind": "enrich",
        "each": "order.lines",
        "key": "{item.sku}",
        "table": {"MUG": "Kiln & Co"},
        "default": "own",
    }
    script = steps_of(makers, {"name": "split", "kind": "split", "each": "order.lines", "by": "makers"})
    found = asyncio.run(script.enrich(script.steps["makers"], message(script), pace=at_once, timeout_seconds=1))
    assert found == b'["Kiln & Co","own"]'
    parts = script.parts(script.steps["split"], message(script, makers=json.loads(found)))
    assert list(json.loads(parts).values()) == [[0], [1]]


def test_a_part_is_an_object_of_its_own_at_its_destination() -> None:
    """Its id and name say which part, so that its reference is its own; `set` fills what the message has, and only that."""
    script = steps_of(
        {"name": "split", "kind": "split", "each": "order.lines", "by": "sku"},
        {
            "name": "ship",
            "kind": "write",
            "system": "erp",
            "set": {"note": "for {buyer.name}", "po_number": "{buyer.nothing}"},
            "compensate": "order.cancel",
        },
    )
    one = script.document(
        script.steps["ship"], message(script, "mug", split={"mug": [0]}, buyer={"name": "Ada"}), undo=False
    )
    assert (one.value.id, one.value.name, [line.sku for line in one.value.lines]) == (
        "5300000001001-mug",
        "#1001-mug",
        ["MUG"],
    )
    assert (one.value.note, one.value.po_number, one.undo) == ("for Ada", None, "")
    undone = script.document(script.steps["ship"], message(script, "gone", split={"mug": [0]}), undo=True)
    assert (undone.value.cancelled_at, undone.value.lines, undone.undo) == (undone.value.updated_at, (), "order.cancel")


def test_the_first_case_that_holds_is_taken() -> None:
    """A router decides by the object and by what steps have added; when nothing holds it goes on as it says."""
    cases = [
        {"when": "message.order.components.total.shop.amount > 1000", "next": "book"},
        {"when": 'message.buyer.tier == "gold"', "next": "end"},
    ]
    script = steps_of(
        {"name": "way", "kind": "route", "cases": cases, "otherwise": "book"},
        {"name": "book", "kind": "write", "system": "erp"},
    )
    assert script.choose(script.steps["way"], message(script, buyer={"tier": "gold"})) == ""
    assert script.choose(script.steps["way"], message(script, buyer=None)) == "book"


def test_only_the_named_operation_takes_back() -> None:
    """A connector that would call something else to undo a write is stopped: a person decides."""

    class Vendor:
        def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
            from interlock.messaging.write import Once

            return Plan(writes=(Write(operation="order.delete", once=Once.UPSERT, reference="1", body=b""),))

    destination = StagedDestination(Vendor())  # type: ignore[arg-type]
    assert destination.plan(Staged(None), signal="", past=Past()).writes
    with pytest.raises(MappingError, match=r"order\.delete would be called") as raised:
        destination.plan(Staged(None, "order.cancel"), signal="", past=Past())
    assert raised.value.code == "MAP007"


def test_money_of_a_part_is_that_of_its_lines() -> None:
    """The cups are 40.00 of goods; the mug bears the shipping too, because it is the first part."""
    order = canonical()
    totals = {
        name: part_of(order, "lines", {"mug": [0], "cup": [1]}, name).components.total.shop.amount
        for name in ("mug", "cup")
    }
    assert totals == {"mug": Decimal("110.00"), "cup": Decimal("40.00")}
