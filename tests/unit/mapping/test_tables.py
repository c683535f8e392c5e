"""Mapping tables: every row of a compiled mapping is in the table, in the right column, and what nobody maps is named."""

import csv
import io

from interlock.canonical import load_contracts
from interlock.canonical.contract import parse_contract
from interlock.mapping import compile_in, compile_out, connector_functions, connector_mapping
from interlock.mapping.compile import FieldRow
from interlock.mapping.reads import Reads, parts_of
from interlock.mapping.table_text import as_csv, markdown
from interlock.mapping.tables import Document, MappingTable, leaves_of, mapping_table, plain, words_for

CONTRACT = parse_contract(
    """
name = "order"
version = 1
meaning = "What a customer bought"
[fields]
id = { type = "id", meaning = "its id" }
note = { type = "string", nullable = true, meaning = "a note", class = "personal" }
total = { type = "decimal", meaning = "the sum" }
channel = { type = "string", required = false, meaning = "where" }
lines = { type = "list", of = "line", meaning = "what" }
[objects.line.fields]
sku = { type = "string", meaning = "which" }
size = { type = "string", meaning = "how large" }
"""
)


def small() -> MappingTable:
    """A source and a destination with two documents."""
    source = (
        FieldRow("@money", "$", "derived"),
        FieldRow("id", "id", "mapped"),
        FieldRow("note", "remark", "mapped"),
        FieldRow("total", "@money.total", "mapped"),
        FieldRow("lines[].sku", "items[].code", "mapped"),
    )
    first = (
        FieldRow("id", "reference", "mapped"),
        FieldRow("total, note", "summary", "derived"),
        FieldRow("lines[]", "rows[line].item", "derived"),
        FieldRow("'web'", "origin", "constant"),
    )
    second = (FieldRow("id", "reference", "mapped"), FieldRow("note", "memo", "mapped"))
    return mapping_table(
        CONTRACT,
        (
            Document(system="shop", title="Shop", direction="in", name="in", rows=source),
            Document(system="erp", title="ERP", direction="out", name="sale", rows=first),
            Document(system="erp", title="ERP", direction="out", name="credit", rows=second),
        ),
    )


def texts(table: MappingTable) -> dict[str, dict[str, list[str]]]:
    return {
        line.canonical: {system: [cell.path for cell in cells] for system, cells in line.cells.items()}
        for line in table.lines
    }


def test_each_field_has_its_line_and_each_system_its_column() -> None:
    """As the article shows them: the field, each system, the canonical name."""
    found = texts(small())
    assert found["id"] == {"shop": ["id"], "erp": ["reference"]}
    assert found["note"] == {"shop": ["remark"], "erp": ["summary", "memo"]}
    assert found["total"] == {"shop": ["worked out (money)"], "erp": ["summary"]}
    assert found["lines[]"] == {"erp": ["rows[line].item"]}
    assert found["channel"] == {}
    cells = {line.canonical: line.cells for line in small().lines}
    assert cells["id"]["erp"][0].documents == ()
    assert (cells["note"]["erp"][0].documents, cells["note"]["erp"][0].with_others) == (("sale",), ("total",))
    assert [(one.system, one.path, one.value) for one in small().constants] == [("erp", "origin", "'web'")]


def test_coverage_counts_and_names_what_nobody_maps() -> None:
    """A field that nobody fills is null for ever, and nobody would notice: it is named, per system and over all."""
    table = small()
    read, written = table.coverage
    assert (read.total, read.mapped, read.derived, read.unmapped) == (6, 3, 1, ("channel", "lines[].size"))
    assert written.unmapped == ("channel",)  # an element that goes as a whole carries its fields
    assert written.vendor == {"mapped": 3, "derived": 2, "constant": 1}
    assert (table.unfilled, table.unsent) == (("channel", "lines[].size"), ("channel",))
    assert round(read.percent) == 67


def test_a_function_without_a_source_is_no_field_of_the_system() -> None:
    """`with origin` would read as a field of the shop that is called so."""
    rows = (FieldRow("channel", "with origin", "derived"),)
    table = mapping_table(CONTRACT, (Document(system="shop", title="Shop", direction="in", name="in", rows=rows),))
    assert texts(table)["channel"] == {"shop": ["worked out (origin)"]}


def test_words_of_a_path() -> None:
    """The first column is for people who do not read paths."""
    assert words_for("lines[].unit_price") == "Lines: unit price"
    assert words_for("shipping_address.province_code") == "Shipping address: province code"


def test_markdown_and_csv_hold_the_whole_table() -> None:
    """What goes into a review and a spreadsheet is the same table; a cell never becomes a formula."""
    text = markdown(small())
    assert "| Field | Shop | ERP | Canonical |" in text
    assert "| Note | `remark` | `summary` (derived; with total; in sale)<br>`memo` (in credit) | `note` |" in text
    assert "| ERP | sale | `origin` | `'web'` |" in text
    rows = list(csv.DictReader(io.StringIO(as_csv(small()))))
    assert [row["canonical"] for row in rows] == [*texts(small()), ""]
    assert rows[1] == {
        "field": "Note", "shop": "remark", "erp": "summary (derived; with total; in sale); memo (in credit)", "canonical": "note",
        "type": "string", "class": "personal",
    }  # fmt: skip
    bad = mapping_table(
        CONTRACT,
        (
            Document(
                system="s", title="S", direction="out", name="d", rows=(FieldRow("note", "=HYPERLINK(1)", "mapped"),)
            ),
        ),
    )
    assert "'=HYPERLINK(1)" in as_csv(bad)


def test_every_row_of_the_shipped_mappings_is_in_the_table() -> None:
    """Drawn from what is compiled: no row may be lost on the way to the page."""
    contract = load_contracts()["order.v1"]
    shopify, netsuite = connector_mapping("shopify"), connector_mapping("netsuite")
    reader = compile_in(shopify.table_in("order"), contract, connector_functions("shopify"))
    writer = compile_out(netsuite.table_out("order", "salesOrder"), contract, connector_functions("netsuite"))
    table = mapping_table(
        contract,
        (
            Document(system="shopify", title="Shopify", direction="in", name="in", rows=reader.fields),
            Document(system="netsuite", title="NetSuite", direction="out", name="salesOrder", rows=writer.fields),
        ),
    )
    lines = {line.canonical.removesuffix("[]"): line for line in table.lines}
    constants = {one.path for one in table.constants}
    for row in reader.fields:
        if not row.canonical.startswith("@"):
            assert lines[plain(row.canonical).removesuffix("[]")].cells["shopify"]
    for row in writer.fields:
        if row.kind == "constant":
            assert row.vendor in constants
            continue
        for path in parts_of(row.canonical):
            cells = lines[plain(path).removesuffix("[]")].cells["netsuite"]
            assert row.vendor in {cell.path for cell in cells}
    assert table.unfilled == ()
    assert len(leaves_of(contract)) == table.coverage[0].total


def test_what_a_reader_reads_and_what_is_made_of_it() -> None:
    """Drift in a field that only a function looks at is as grave: its paths are known too."""
    contract = load_contracts()["order.v1"]
    reader = compile_in(connector_mapping("shopify").table_in("order"), contract, connector_functions("shopify"))
    reads = Reads(reader)
    assert reads.made_of("note") == ("note",)
    assert reads.made_of("line_items[].tax_lines[].price_set.shop_money.amount") == ("lines[].tax_lines[].amount",)
    assert "components.total" in reads.made_of("current_total_price_set.shop_money.amount")
    assert reads.made_of("customer") == tuple(
        f"customer.{name}" for name in ("id", "email", "phone", "first_name", "last_name")
    )
    assert reads.reads("line_items[].tip")
    assert not reads.reads("total_weight")
    assert reads.made_of("total_weight") == ()
