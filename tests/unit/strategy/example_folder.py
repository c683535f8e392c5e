"""A small sound folder, facts of made-up connectors, and examples laid over the folder."""

import re
from datetime import date
from pathlib import Path

from interlock.strategy import ConnectorFact, SettingFact, Snapshot, Strategy, WriteFact, load, read_folder, snapshot_of
from interlock.strategy.checks import Example
from interlock.strategy.facts import DocumentFact, MapProblem, RowFact, VersionFact

SALES_ORDER = DocumentFact(
    "order",
    "salesOrder",
    (RowFact("externalId", ("id",)), RowFact("entity", ("customer",)), RowFact("memo", ("note",)), RowFact("otherRefNum", ("name",))),
    requires=("externalId", "entity"),
)  # fmt: skip
PERSON = DocumentFact("customer", "person", (RowFact("id", ("id",)), RowFact("email", ("email",))), requires=("id",))

TODAY = date(2026, 11, 23)

FACTS = {
    "shopify": ConnectorFact(
        name="shopify",
        reads=frozenset({"order", "customer", "refund"}),
        subscribes=True,
        topics=frozenset({"orders/create", "orders/updated", "orders/cancelled", "refunds/create", "customers/create", "flow/*"}),
        writes=(
            WriteFact("inventory_level", "set", "idempotency-key"),
            WriteFact("order", "trigger", "person", signal=True, loops_with=("orders/updated", "flow/*")),
        ),
        credentials={"token": True, "webhook_secret": False},
        settings={"api_version": SettingFact()},
        scopes={"read order": ("read_orders",), "optional order": ("read_returns",)},
        api_version="2026-07",
        versions={
            "2025-10": VersionFact(date(2026, 10, 1)),
            "2026-01": VersionFact(date(2027, 1, 1)),
            "2026-04": VersionFact(date(2027, 4, 1), ("Order.taxes (Use `taxLines` instead.)",)),
            "2026-07": VersionFact(date(2027, 7, 1)),
        },
    ),
    "netsuite": ConnectorFact(
        name="netsuite",
        reads=frozenset({"customer.v1"}),
        topics=frozenset({"customer/updated"}),
        writes=(
            WriteFact("order", "salesOrder", "upsert"),
            WriteFact("order", "salesOrder.close", "upsert", creates=False, undoes="salesOrder"),
            WriteFact("customer", "customer", "upsert"),
        ),
        readings=frozenset({"customer"}),
        settings={
            "account": SettingFact(required=True),
            "guest_entity": SettingFact(),
            "lines": SettingFact("integer"),
        },
        credentials={"token": True},
        documents=lambda _override: (SALES_ORDER, PERSON),
    ),
    "klaviyo": ConnectorFact(
        name="klaviyo",
        writes=(WriteFact("customer", "profile", "upsert", straight=True),),
        credentials={"token": False, "client_id": False, "client_secret": False},
        access={"pair": ("client_id", "client_secret"), "token": ("token",)},
        documents=lambda _override: (PERSON,),
        try_map=lambda rows, _functions: next(
            (MapProblem(target, "this row cannot be read") for target, row in rows.items() if isinstance(row, int)), None
        ),
    ),
    "homemade": ConnectorFact(
        name="homemade", writes=(WriteFact("customer", "POST /people"),), credentials={"token": True}
    ),
    "slow-crm": ConnectorFact(
        name="slow-crm",
        writes=(WriteFact("customer", "contact", "look-up"),),
        credentials={"token": True},
        longest_processing_seconds=900,
    ),
    "counting": ConnectorFact(name="counting", credentials={"token": True}),
    "warehouse": ConnectorFact(
        name="warehouse",
        reads=frozenset({"inventory_level"}),
        topics=frozenset({"stock/changed", "stock/counted"}),
        writes=(WriteFact("order", "order", "upsert"),),
        credentials={"token": True},
    ),
}

_FLOW = """\
title = "{title}"
source = "{source}"
trigger = ["{topic}"]
object = "{thing}.v1"
destinations = ["{destination}"]
pattern = "event-driven"
rationale = "It is news."
impact = "high"
complexity = "low"
owner = "finance-systems"
runbook = "erp-refusals.md"
[slo]
silence_after_minutes = 60
[rollback]
how = "interlock rollback"
"""
_SYSTEM = """\
title = "{title}"
connector = "{connector}"
owner = "finance-systems"
url = "https://{name}.example.com"
record_of = [{records}]
[settings]
{settings}
[credentials]
token = "env:TOKEN"
"""

SOUND = {
    "strategy.toml": 'name = "acme"\ntitle = "Acme"\nenvironment = "staging"\n'
    '[teams.finance-systems]\ncontact = "finance@example.com"\nescalation = "+49 30 0000"\n',
    "security.toml": "[console]\nsession_hours = 8\n",
    "systems/shop.toml": _SYSTEM.format(name="shop", title="Shop", connector="shopify", records='"order"', settings="")
    + '[intake]\naddress = "https://hub.example.com/intake/shop"\n',
    "systems/erp.toml": _SYSTEM.format(
        name="erp", title="NetSuite", connector="netsuite", records='"customer"', settings='account = "1"'
    )
    + '[[record_of_where]]\nof = ["order.po_number"]\nchannels = ["pos"]\n',
    "systems/crm.toml": _SYSTEM.format(
        name="crm", title="Klaviyo", connector="klaviyo", records='"customer.accepts_marketing"', settings=""
    ),
    "flows/order-to-erp.toml": _FLOW.format(
        title="Orders", source="shop", topic="orders/create", thing="order", destination="erp"
    ),
    "flows/customer-to-crm.toml": _FLOW.format(
        title="Customers", source="erp", topic="customer/updated", thing="customer", destination="crm"
    ),
    "runbooks/erp-refusals.md": "# The ERP refuses orders\n",
}
REPORTS = _SYSTEM.format(name="reports", title="Reports", connector="counting", records="", settings="")


def with_example(example: Example, base: dict[str, str] = SOUND) -> dict[str, str]:
    """The sound folder, or another, with the example laid over it."""
    files = dict(base) | {other.file: other.text for other in example.beside}
    if '"reports"' in example.text:
        files["systems/reports.toml"] = REPORTS
    if example.absent:
        files.pop(example.file, None)
    elif example.whole or example.file not in files:
        files[example.file] = example.text
    else:
        files[example.file] = overlaid(files[example.file], example.text)
    return files


def overlaid(base: str, lines: str) -> str:
    """`base` with each `key = value` of `lines` replaced or added in its table, and each `# key` taken out."""
    tables: dict[str, dict[str, str]] = {"": {}}
    for text in (base, lines):
        table = tables[""]
        for line in filter(None, text.splitlines()):
            if line.startswith("["):
                table = tables.setdefault(line, {})
                continue
            key = re.match(r'(?:# )?("?[\w-]+)', line)[1]
            table.pop(key, None) if line.startswith("# ") else table.__setitem__(key, line)
    return "\n".join(line for header, table in tables.items() for line in (header, *table.values()) if line) + "\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    """The files on disk."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def snapshot(files: dict[str, str]) -> Snapshot:
    """The files as a snapshot, without a disk."""
    return snapshot_of({name: text.encode() for name, text in files.items()})


def load_files(files: dict[str, str]) -> Strategy:
    """The files, loaded with the made-up connectors."""
    return load(snapshot(files), connectors=FACTS)


def findings_on_disk(folder: Path, files: dict[str, str]) -> list:
    """All findings of a folder, errors and warnings."""
    from interlock.strategy.folder import Folder
    from interlock.strategy.load import check

    return check(Folder(read_folder(write(folder, files)), FACTS, today=TODAY))
