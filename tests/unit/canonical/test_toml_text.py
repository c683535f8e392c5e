"""A contract as TOML: what is printed is the contract, word for word, so that the next version begins from the truth."""

import msgspec
import pytest

from interlock.canonical import Contract, load_contracts
from interlock.canonical.compatibility import compare
from interlock.canonical.contract import parse_contract
from interlock.canonical.extension import assemble
from interlock.canonical.field import ContractFile, Field
from interlock.canonical.toml_text import toml_text

ADDED = """
extends = "order.v1"
[fields]
tier = { type = "enum", values = ["gold", "a \\"b\\" \\\\ \\u00e9"], required = false, class = "personal", unit = "", meaning = "Tier\\tor none", since = "2", deprecated = { since = "2026-12-01", use = "tags[]" } }
[objects.line.fields]
gift = { type = "list", of = "string", required = false, meaning = "Cards", example = "For Ada" }
"""


def again(contract: Contract) -> Contract:
    head = f'name = "{contract.name}"\nversion = {contract.version}\n'
    return parse_contract(head + toml_text(contract), "again.toml")


@pytest.mark.parametrize("key", sorted(load_contracts()))
def test_what_ships_is_printed_whole(key: str) -> None:
    """Every field with every key of it; nested objects too."""
    contract = load_contracts()[key]
    assert (again(contract).fields, again(contract).objects) == (contract.fields, contract.objects)
    assert again(contract).meaning == contract.meaning


def test_what_a_folder_adds_is_printed_with_it() -> None:
    """An extension stands alone then, with quotes, tables and lists as they were; the control: without it, it is another."""
    ours = load_contracts()
    extended = assemble({"order.v1": msgspec.toml.decode(ADDED, type=ContractFile)}, ours).contracts["order.v1"]
    assert again(extended).fields == extended.fields and again(extended).objects == extended.objects
    assert not compare(extended, again(extended)).changes
    assert compare(ours["order.v1"], again(extended)).changes


def test_an_old_name_is_not_carried_on() -> None:
    """It is the name in the version before, which the next version's is not."""
    wish = parse_contract(
        'name = "wish"\nversion = 2\nmeaning = "x"\n[fields]\nid = { type = "id", meaning = "x", renamed_from = "key" }\n'
    )
    assert again(wish).fields == {"id": Field(type="id", meaning="x")}
