"""The crosswalk of items: order of look-up, holding, conflicts."""

import msgspec
import pytest

from interlock.errors import UnmappedReference
from interlock.mapping import MappingFileError, load_items

TABLE = """
[netsuite]
rule = "listed"
generic_item = "999"
[netsuite.variants]
v1 = "11"
[netsuite.skus]
MUG = "22"
[shipbob]
rule = "sku"
"""


class Line(msgspec.Struct):
    variant_id: str | None = None
    sku: str | None = None
    product_exists: bool = True
    title: str = "Mug"


ITEMS = load_items(TABLE)


@pytest.mark.parametrize(
    ("system", "line", "item", "how"),
    [
        ("netsuite", Line("v1", "MUG"), "11", "listed"),
        ("netsuite", Line("v2", "MUG"), "22", "listed"),
        ("netsuite", Line(None, "GONE", product_exists=False), "999", "generic"),
        ("shipbob", Line("v1", "MUG"), "MUG", "rule"),
    ],
)
def test_variant_then_sku_then_rule_then_generic(system: str, line: Line, item: str, how: str) -> None:
    """C25, C27: the surest key decides."""
    match = ITEMS[system].find(line)
    assert (match.item, match.how) == (item, how)


@pytest.mark.parametrize(
    ("system", "line"), [("netsuite", Line("v9", "NEW")), ("shipbob", Line("v9", "")), ("shipbob", Line())]
)
def test_what_nobody_mapped_is_held(system: str, line: Line) -> None:
    """C26: never a guess, never the generic item for a product that exists."""
    with pytest.raises(UnmappedReference) as raised:
        ITEMS[system].find(line)
    assert (raised.value.kind, raised.value.system) == ("item", system)
    assert raised.value.reference


def test_conflicts_are_reported() -> None:
    """C27: two variants with one SKU, and a variant that disagrees with its SKU, go to a person."""
    found = ITEMS["netsuite"].conflicts([Line("v1", "MUG"), Line("v2", "MUG"), Line("v3", "CUP")])
    assert found == ("variant v1 is item 11, its SKU 'MUG' is item 22", "SKU 'MUG' is on variants v1, v2")
    assert ITEMS["netsuite"].conflicts([Line("v3", "CUP"), Line("v3", "CUP")]) == ()


def test_a_wrong_rule_is_told() -> None:
    """A misspelt rule must not fall back to another one."""
    with pytest.raises(MappingFileError, match="the items cannot be read") as raised:
        load_items('[netsuite]\nrule = "skus"', "mappings/items.toml")
    assert "skus" in raised.value.why
