"""Extending a contract: a folder adds fields to ours, or says an object of its own, and changes nothing of ours."""

import json
import random
import tomllib

import jsonschema_rs
import msgspec
import pytest

from interlock.canonical import Assembly, Contract, ContractFile, assemble, load_contracts, parse_contract
from interlock.canonical.extension import extended
from interlock.canonical.json_schema import json_schema

from .instances import instance

OURS = load_contracts()
TIER = 'loyalty_tier = { type = "string", required = false, class = "personal", meaning = "Tier", example = "gold" }'
ORDER = f'extends = "order.v1"\n[fields]\n{TIER}\n[objects.line.fields]\nengraver = {{ type = "id", required = false, meaning = "Who" }}\n'
WISH = """
meaning = "A wish"
[fields]
id = { type = "id", meaning = "Its id" }
updated_at = { type = "timestamp", meaning = "When it changed" }
"""


def assembled(**files: str) -> Assembly:
    """The files by stem, with `_v` for `.v` in the names."""
    texts = {name.replace("_v", ".v"): text for name, text in files.items()}
    return assemble({name: msgspec.convert(tomllib.loads(text), ContractFile) for name, text in texts.items()}, OURS)


def rules(**files: str) -> list[str]:
    return [problem.rule for problems in assembled(**files).problems.values() for problem in problems]


def test_fields_are_added_and_ours_stay() -> None:
    """A user extends an object without editing ours: all of ours is there, in its order, with theirs after it."""
    contract = assembled(order_v1=ORDER).contracts["order.v1"]
    ours = OURS["order.v1"]
    assert list(contract.fields) == [*ours.fields, "loyalty_tier"]
    assert contract.meaning == ours.meaning
    assert contract.paths().items() >= ours.paths().items()
    assert contract.added_fields("") == {"loyalty_tier"} and contract.added_fields("line") == {"engraver"}
    assert contract.added_fields("address") == frozenset()
    assert "loyalty_tier" in contract.personal_paths()


def test_the_shipped_contract_is_untouched() -> None:
    """The control: another folder of the same process must not see the field."""
    assembled(order_v1=ORDER)
    assert "loyalty_tier" not in load_contracts()["order.v1"].fields


def test_what_ours_accepts_the_extension_accepts() -> None:
    """Nothing that was valid may become invalid by adding a field: each order of ours is one of the extension, as a struct
    and by its JSON Schema."""
    contract, chance = assembled(order_v1=ORDER).contracts["order.v1"], random.Random(3)
    check = jsonschema_rs.Draft202012Validator(json_schema(contract))
    for _ in range(40):
        written = msgspec.json.encode(instance(OURS["order.v1"], chance))
        assert msgspec.json.decode(written, type=contract.struct).loyalty_tier is None
        assert check.is_valid(json.loads(written))


def test_a_required_addition_would_refuse_them() -> None:
    """The control: with the rule against required additions taken away, an order of ours is refused."""
    file = msgspec.convert(tomllib.loads(ORDER.replace("required = false, ", "", 1)), ContractFile)
    contract = Contract(extended(file, OURS["order.v1"].file), "order.v1.toml")
    written = msgspec.json.encode(instance(OURS["order.v1"], random.Random(3)))
    with pytest.raises(msgspec.ValidationError, match="loyalty_tier"):
        msgspec.json.decode(written, type=contract.struct)


def test_an_object_of_its_own() -> None:
    """A folder may say objects that we never heard of, and extend them or ours under a new name."""
    found = assembled(wish_v1=WISH, list_v1=f'extends = "wish.v1"\n[fields]\n{TIER}', b2b_order_v1=ORDER)
    assert not any(found.problems.values())
    assert list(found.contracts["list.v1"].fields) == ["id", "updated_at", "loyalty_tier"]
    assert found.contracts["b2b_order.v1"].name == "b2b_order"
    assert "loyalty_tier" not in found.contracts["order.v1"].fields


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({"order_v1": 'extends = "order.v1"\n[fields]\nnote = { type = "id", required = false, meaning = "x" }'}, "changes-ours"),
        ({"order_v1": 'extends = "order.v1"\n[objects.line.fields]\nsku = { type = "id", required = false, meaning = "x" }'}, "changes-ours"),
        ({"order_v1": 'extends = "order.v1"\n[fields]\nmine = { type = "id", meaning = "x" }'}, "required-addition"),
        ({"order_v1": 'extends = "order.v1"\n[objects.line.fields]\nmine = { type = "id", meaning = "x" }'}, "required-addition"),
        ({"order_v1": f'meaning = "x"\n[fields]\n{TIER}'}, "replaces-ours"),
        ({"order_v1": f'extends = "odrer.v1"\n[fields]\n{TIER}'}, "extends"),
        ({"order_v9": f'extends = "order.v9"\n[fields]\n{TIER}'}, "extends"),
        ({"order_v1": f'name = "ordre"\nextends = "order.v1"\n[fields]\n{TIER}'}, "place"),
        ({"order_v1": f'version = 2\nextends = "order.v1"\n[fields]\n{TIER}'}, "place"),
        ({"wish_v1": 'meaning = "x"'}, "says-nothing"),
        ({"wish_v1": 'meaning = "x"\n[fields]\nid = { type = "id", meaning = "x" }'}, "not-versioned"),
        ({"wish_v1": WISH + '"Gift Note" = { type = "id", meaning = "x" }'}, "field-name"),
        ({"wish_v1": WISH + 'class = { type = "id", meaning = "x" }'}, "field-name"),
        ({"wish_v1": WISH + '[objects.money.fields]\nx = { type = "id", meaning = "x" }'}, "field-name"),
        ({"wish_v1": WISH + 'x = { type = "id", of = "money", meaning = "x" }'}, "no-such-object"),
        ({"order_v1": 'extends = "order.v1"\n[objects.lines.fields]\nmine = { type = "id", required = false, meaning = "x" }'}, "unheld"),
        ({"wish_v1": WISH + 'x = { type = "string", values = ["a"], meaning = "x" }'}, "enum-values"),
        ({"wish_v1": WISH + 'x = { type = "enum", values = ["a", "a"], meaning = "x" }'}, "enum-values"),
        ({"wish_v1": WISH + 'x = { type = "money", unit = "EUR", meaning = "x" }'}, "unit"),
        ({"wish_v1": WISH + 'x = { type = "id", since = "soon", meaning = "x" }'}, "lifetime"),
        ({"wish_v1": WISH + 'x = { type = "id", deprecated = { since = "soon" }, meaning = "x" }'}, "lifetime"),
    ],
)  # fmt: skip
def test_what_a_file_may_not_do(files: dict[str, str], rule: str) -> None:
    """Each rule finds its mistake, alone; the contract of ours that it would have changed stands as it was."""
    assert rules(**files) == [rule]
    assert assembled(**files).contracts["order.v1"].paths() == OURS["order.v1"].paths()


def test_two_that_extend_each_other_are_told() -> None:
    """A loop of extensions would never end."""
    files = {"one_v1": f'extends = "two.v1"\n[fields]\n{TIER}', "two_v1": f'extends = "one.v1"\n[fields]\n{TIER}'}
    assert set(rules(**files)) == {"extends"}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", '"x"', "7"),
        ("id", '"7"', "7"),
        ("decimal", '"0.19"', '"a lot"'),
        ("decimal", '"-7"', '"NaN"'),
        ("money", '"1 EUR"', '"1"'),
        ("money", '"1.00 EUR / 9 SEK"', '"1 EUR / 2 SEK / 3 DKK"'),
        ("amount", '"-1.50 EUR"', '"1 EUR / 9 SEK"'),
        ("quantity", "3", "true"),
        ("date", '"2026-11-23"', '"23.11.2026"'),
        ("timestamp", '"2026-11-23T09:00:00Z"', '"2026-11-23T09:00:00"'),
        ("country", '"DE"', '"de"'),
        ("currency", '"EUR"', '"EURO"'),
        ("boolean", "true", '"true"'),
    ],
)
def test_examples_are_of_their_type(kind: str, good: str, bad: str) -> None:
    """People and tools take an example as it stands."""
    field = f'x = {{ type = "{kind}", meaning = "x", example = %s }}'
    assert rules(wish_v1=WISH + field % good) == []
    assert rules(wish_v1=WISH + field % bad) == ["example"]
    assert rules(wish_v1=WISH + f'x = {{ type = "list", of = "{kind}", meaning = "x", example = {bad} }}') == [
        "example"
    ]


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """Nobody wants to correct one mistake at a time."""
    text = ORDER + (
        '[objects.gift.fields]\na = { type = "enum", meaning = "" }\nb = { type = "list", of = "gifft", meaning = "" }\n'
        'c = { type = "object", of = "gift", meaning = "" }\n'
    )
    found = assembled(order_v1=text).problems["order.v1"]
    assert [problem.rule for problem in found] == ["enum-values", "no-such-object", "loop"]
    assert found[1].next_move == 'did you mean "gift"?'
    assert found[0].path == ("objects", "gift", "fields", "a", "values")


def test_a_contract_without_files_is_ours() -> None:
    """A folder without objects has what ships."""
    assert assembled().contracts == dict(OURS)
    assert parse_contract(WISH, "objects/wish.v3.toml").key == "wish.v3"
