"""Which canonical fields the rows of a document take, and that the document compiles without any of them."""

import pytest

from interlock.canonical import load_contracts
from interlock.connectors import registry
from interlock.mapping import compile_out, connector_functions, connector_mapping
from interlock.mapping.language import table_of
from interlock.mapping.written import rows_of, without
from interlock.strategy.left_out import left_out
from interlock.strategy.ownership import Claim, Ownership

TABLE = table_of(
    {
        "@money": {"from": ["components", "currency"], "with": "first_of"},
        "total": "@money.total",
        "ship": {"object": "shipping_address"},
        "ship.city": "city",
        "ship.order": "$.name",
        "bill": {"object": "billing_address", "like": "ship"},
        "item.items[line]": {"each": "lines", "where": {"from": "current_quantity", "above": 0}},
        "item.items[line].sku": "sku",
        "item.items[line].whole": {"from": ".", "with": "item"},
        "item.items[line].place": "#",
        "item.items[line].tax[each]": {"each": "tax_lines"},
        "item.items[line].tax[each].rate": "rate",
        "item.items[tip]": {"where": {"from": "components.tips"}},
        "item.items[tip].name": {"value": "Tip"},
    }
)


def test_paths_start_at_the_root() -> None:
    """A row inside a list says `sku`; whose it is depends on which list."""
    found = {row.target: row.reads for row in rows_of(TABLE)}
    assert found["total"] == ("components", "currency")
    assert (found["ship.city"], found["bill.city"], found["ship.order"]) == (
        ("shipping_address.city",), ("billing_address.city",), ("name",),
    )  # fmt: skip
    assert (found["item.items[line]"], found["item.items[line].whole"]) == (("lines",), ("lines",))
    assert (found["item.items[line].sku"], found["item.items[line].place"]) == (("lines.sku",), ())
    assert found["item.items[line].tax[each].rate"] == ("lines.tax_lines.rate",)
    assert found["item.items[tip]"] == ("components.tips",)
    assert {row.target for row in rows_of(TABLE) if not row.whole} == {
        "ship", "bill", "item.items[line]", "item.items[line].tax[each]", "item.items[tip]",
    }  # fmt: skip


def test_what_is_emptied_goes_too() -> None:
    """An object of which nothing is left would be written as an empty one, and clear what is there."""
    kept = without(TABLE, {"ship.city", "ship.order"}).rows
    assert "ship" not in kept
    assert "bill" in kept


@pytest.mark.parametrize("connector", registry.names())
def test_every_document_compiles_without_any_of_its_fields(connector: str) -> None:
    """A folder may give any field to any system: the release must build, whichever rows go."""
    mapping, functions, contracts = connector_mapping(connector), connector_functions(connector), load_contracts()
    for document in registry.documents(connector, ""):
        if document.name not in mapping.documents(document.object):
            continue
        table = mapping.table_out(document.object, document.name)
        for field in sorted({path for row in document.rows for path in row.reads}):
            held = Ownership([Claim("source", document.object), Claim("other", f"{document.object}.{field}")])
            left = left_out(document, held, "source")
            assert left.rows or field in ("id", "origin")
            writer = compile_out(without(table, left.rows), contracts[f"{document.object}.v1"], functions)
            assert not {row.vendor for row in writer.fields} & set(left.rows)
