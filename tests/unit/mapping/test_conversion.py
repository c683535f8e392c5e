"""Converters between versions: what is alike is copied, what is not needs a row, and nothing is lost in silence."""

from decimal import Decimal

import msgspec
import pytest

from interlock.canonical import Contract, parse_contract
from interlock.errors import MappingError
from interlock.mapping import Context, Functions, MappingFileError
from interlock.mapping.conversion import compile_conversion
from interlock.mapping.library import public_functions

V1 = """
name = "parcel"
version = 1
meaning = "A parcel"
[fields]
id = { type = "id", meaning = "its id" }
state = { type = "enum", values = ["open", "sent"], meaning = "its state" }
weight = { type = "decimal", unit = "kg", meaning = "how heavy" }
note = { type = "string", required = false, meaning = "a note" }
sender = { type = "object", of = "person", nullable = true, meaning = "from whom" }
lines = { type = "list", of = "line", meaning = "what is in it" }
[objects.person.fields]
name = { type = "string", class = "personal", meaning = "full name" }
[objects.line.fields]
sku = { type = "string", nullable = true, meaning = "its SKU" }
count = { type = "quantity", meaning = "how many" }
"""
V2 = (
    V1.replace("version = 1", "version = 2")
    .replace('["open", "sent"]', '["open", "sent", "lost"]')
    .replace('weight = { type = "decimal", unit = "kg"', 'weight = { type = "decimal", unit = "g"')
    .replace('note = { type = "string"', 'remark = { type = "string", renamed_from = "note"')
    .replace('sku = { type = "string", nullable = true', 'sku = { type = "string"')
)


def grams(kilograms: Decimal) -> Decimal:
    return kilograms * 1000


def kilograms(grams: Decimal) -> Decimal:
    return grams / 1000


FUNCTIONS = Functions(public_functions("interlock.mapping.standard"), {"grams": grams, "kilograms": kilograms})
UP = {"weight": {"from": "weight", "with": "grams"}, "lines[line].sku": {"from": "sku", "default": "?"}}
DOWN = {
    "weight": {"from": "weight", "with": "kilograms"},
    "state": {"from": "state", "table": {"open": "open", "sent": "sent", "lost": "sent"}},
}
DOCUMENT = b"""{"id": "7", "state": "sent", "weight": "1.5", "note": "fragile", "sender": {"name": "Ada"},
"lines": [{"sku": null, "count": 2}, {"sku": "A-1", "count": 1}]}"""


@pytest.fixture
def contracts() -> tuple[Contract, Contract]:
    return parse_contract(V1, "parcel.v1.toml"), parse_contract(V2, "parcel.v2.toml")


def test_an_object_goes_up_and_comes_down_again(contracts: tuple[Contract, Contract]) -> None:
    """Both versions run side by side: each object can be had in either, nested objects, lists and renames included."""
    old, new = contracts
    up = compile_conversion(UP, old, new, FUNCTIONS)
    down = compile_conversion(DOWN, new, old, FUNCTIONS)
    before = msgspec.json.decode(DOCUMENT, type=old.struct)
    after = up(before, Context(system=""))
    assert isinstance(after, new.struct)
    assert (after.weight, after.remark, after.sender.name) == (Decimal("1500.0"), "fragile", "Ada")
    assert [(line.sku, line.count) for line in after.lines] == [("?", 2), ("A-1", 1)]
    assert type(after.sender) is new.structs["person"]
    back = down(after, Context(system=""))
    assert msgspec.structs.replace(back, lines=()) == msgspec.structs.replace(before, lines=())


def test_a_null_object_stays_null(contracts: tuple[Contract, Contract]) -> None:
    """Copying looks into nested objects only where there are any."""
    old, new = contracts
    body = DOCUMENT.replace(b'{"name": "Ada"}', b"null")
    assert (
        compile_conversion(UP, old, new, FUNCTIONS)(
            msgspec.json.decode(body, type=old.struct), Context(system="")
        ).sender
        is None
    )


@pytest.mark.parametrize(
    ("left_out", "direction", "path"),
    [("weight", "up", "weight"), ("lines[line].sku", "up", "lines[].sku"), ("state", "down", "state")],
)
def test_what_is_not_alike_needs_a_row(
    contracts: tuple[Contract, Contract], left_out: str, direction: str, path: str
) -> None:
    """A unit, a null that is refused, an enum value that the other does not list: none of them is guessed."""
    old, new = contracts if direction == "up" else contracts[::-1]
    rows = {target: row for target, row in (UP if direction == "up" else DOWN).items() if target != left_out}
    with pytest.raises(MappingFileError) as raised:
        compile_conversion(rows, old, new, FUNCTIONS, file_name="objects/parcel.v1-v2.toml")
    assert f"{path} is not the same in {old.key} and {new.key}" in str(raised.value)


def test_an_optional_field_that_changed_its_type_is_not_lost(contracts: tuple[Contract, Contract]) -> None:
    """The control of silent nulls: an optional field may be left out, so leaving it out would pass every check."""
    old = contracts[0]
    new = parse_contract(
        V1.replace('note = { type = "string"', 'note = { type = "quantity"').replace("version = 1", "version = 2")
    )
    with pytest.raises(MappingFileError, match="note is not the same"):
        compile_conversion({}, old, new, FUNCTIONS)


def test_a_value_without_counterpart_says_where_it_stands(contracts: tuple[Contract, Contract]) -> None:
    """A table that does not list a value is an error with the path, not a guess."""
    old, new = contracts
    rows = {**DOWN, "state": {"from": "state", "table": {"open": "open", "sent": "sent"}}}
    down = compile_conversion(rows, new, old, FUNCTIONS)
    lost = msgspec.json.decode(
        DOCUMENT.replace(b'"sent"', b'"lost"').replace(b'"note"', b'"remark"').replace(b"null", b'"B"'), type=new.struct
    )
    with pytest.raises(MappingError) as raised:
        down(lost, Context(system=""))
    assert (raised.value.code, raised.value.path) == ("MAP004", "$.state")
