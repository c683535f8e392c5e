"""Differences between two folders: every kind of idea, in a line of plain words, with its place."""

import pytest
from two_folders import folder, starter

from interlock.canonical import load_contracts
from interlock.release.change import leaves, said
from interlock.release.difference import differences, summary
from interlock.strategy import Snapshot

ERP = "flows/order-to-erp.toml"
DESTINATIONS = (ERP, 'destinations = ["netsuite"]', 'destinations = ["netsuite", "klaviyo"]')
NETSUITE = "systems/netsuite.toml"
FUNCTION = "def upper(text: str) -> str:\n    return text.upper()\n"


def told(old: Snapshot, new: Snapshot) -> list[str]:
    """Every change as its line and place."""
    return [f"{change.line} | {change.where}" for change in differences(old, new)]


def test_a_mapping_change_of_one_field_is_one_line() -> None:
    """The number of the issue: a mapping change of one field is explained in one line."""
    new = folder({"mappings/netsuite.toml": '# for the accountants\n[order.out.salesOrder]\nmessage = "note"\n'})
    assert told(folder(), new) == [
        "+ mapping netsuite, order to salesOrder: message <- note | mappings/netsuite.toml:3"
    ]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ('memo = "name"', "~ mapping netsuite, order to salesOrder: memo <- name (was note)"),
        ("memo = { value = 7 }", "~ mapping netsuite, order to salesOrder: memo <- constant 7 (was note)"),
        ("memo = { remove = true }", "- mapping netsuite, order to salesOrder: memo (was note)"),
        ('memo = { from = "note", default = "none" }', "~ mapping netsuite, order to salesOrder: memo <- note, else none (was note)"),
        ('memo = "note"', ""),
    ],
)  # fmt: skip
def test_a_row_stands_over_the_connectors_own(row: str, line: str) -> None:
    """What counts is what runs: a row that says what the connector's mapping says already is no change."""
    found = differences(folder(), folder({"mappings/netsuite.toml": f"[order.out.salesOrder]\n{row}\n"}))
    assert [change.line for change in found] == ([line] if line else [])


def test_a_row_that_is_taken_back_is_told_where_it_was() -> None:
    """Without its row the connector's own holds again; the place is the line in the old folder."""
    old = folder({"mappings/netsuite.toml": '[order.out.salesOrder]\n\nmemo = "name"\n'})
    (change,) = differences(old, folder())
    assert (change.line, change.where) == (
        "~ mapping netsuite, order to salesOrder: memo <- note (was name)",
        "mappings/netsuite.toml:3",
    )


def test_comments_white_space_and_written_defaults_are_no_change() -> None:
    """A plan that cries at a comment is read by nobody. Defaults that are written down change nothing either."""
    files = {path: content.decode() for path, content in starter().items()}
    files[ERP] = "# reordered\n\n" + files[ERP].replace("[slo]", "paused = false\n\n[slo]\n# kept\n")
    files["security.toml"] += "\n\n# nothing\n"
    files["runbooks/intake.md"] = files["runbooks/intake.md"].replace("\n", "\n\n")
    new = folder(files)
    assert new.id != folder().id
    assert told(folder(), new) == []
    assert summary(differences(folder(), new)) == "nothing but comments and white space"


def test_a_destination_that_comes_or_goes_breaks_what_it_breaks() -> None:
    """To lose a destination breaks somebody's business; to gain one does not."""
    more = folder(change=DESTINATIONS)
    (came,), (went,) = differences(folder(), more), differences(more, folder())
    assert (came.line, came.breaking) == ("+ flow order-to-erp: also goes to klaviyo", "")
    assert went.line == "- flow order-to-erp: no longer goes to klaviyo"
    assert went.breaking == "new events no longer reach it"


@pytest.mark.parametrize(
    ("old", "new", "line", "breaking"),
    [
        ('"orders/edited", ', "", "- flow order-to-erp: no longer starts on orders/edited", True),
        ('impact = "high"', 'impact = "low"', "~ flow order-to-erp: impact: high -> low", False),
        ('pattern = "event-driven"', 'pattern = "hybrid"', "~ flow order-to-erp: pattern: event-driven -> hybrid", False),
        ("[slo]", "paused = true\n[slo]", "~ flow order-to-erp: is paused: its deliveries are made and wait", False),
        ("[slo]", 'when = "order.test"\n[slo]', "~ flow order-to-erp: when: always -> order.test", False),
        ("[slo]", "max_age_hours = 24\n[slo]", "+ flow order-to-erp: max_age_hours = 24", False),
        ("[slo]", "[retry]\nattempts = 3\n[slo]", "+ flow order-to-erp: retry.attempts = 3", False),
        ('owner = "finance-systems"', 'owner = "growth"', "~ flow order-to-erp: owner: finance-systems -> growth", False),
        ('runbook = "erp-refusals.md"', 'runbook = "intake.md"', "~ flow order-to-erp: runbook: erp-refusals.md -> intake.md", False),
        ("latency_seconds_p95 = 300", "latency_seconds_p95 = 200", "~ flow order-to-erp: slo.latency_seconds_p95: 300 -> 200", False),
        ('source = "shopify"', 'source = "klaviyo"', "~ flow order-to-erp: source: shopify -> klaviyo", True),
    ],
)  # fmt: skip
def test_each_value_of_a_flow(old: str, new: str, line: str, breaking: bool) -> None:
    """One line each, in words where there are words for it."""
    (change,) = differences(folder(), folder(change=(ERP, old, new)))
    assert (change.line, bool(change.breaking)) == (line, breaking)
    assert change.where.startswith(f"{ERP}:")


@pytest.mark.parametrize(
    ("path", "old", "new", "line"),
    [
        (NETSUITE, "concurrency = 5", "concurrency = 9", "~ system netsuite: limits.concurrency: 5 -> 9"),
        (NETSUITE, 'record_of = ["', 'record_of = ["price", "', "+ system netsuite: becomes record of price"),
        (NETSUITE, 'order_currency = "shop"', 'order_currency = "presentment"', "~ system netsuite: settings.order_currency: shop -> presentment"),
        ("strategy.toml", 'timezone = "UTC"', 'timezone = "Europe/Stockholm"', "~ strategy: timezone: UTC -> Europe/Stockholm"),
        ("strategy.toml", "[teams.", '[teams.night]\ncontact = "a@b.example"\nescalation = "c"\n[teams.', "+ team night: reached at a@b.example"),
        ("security.toml", "bodies_days = 30", "bodies_days = 90", "~ security: retention.bodies_days: 30 -> 90"),
        ("mappings/items.toml", '[shipbob]', '[netsuite.variants]\n"1" = "2"\n[shipbob]', "+ items of netsuite: variant 1 is 2"),
    ],
)  # fmt: skip
def test_systems_teams_security_and_items(path: str, old: str, new: str, line: str) -> None:
    """Owners, records, limits, retention, items: one line each, where it is written."""
    (change,) = differences(folder(), folder(change=(path, old, new)))
    assert change.line == line
    assert change.where.startswith(f"{path}:")


def test_a_contact_that_changes_is_the_teams() -> None:
    """A team is an idea of its own, though it stands in strategy.toml."""
    text = starter()["strategy.toml"].decode()
    contact = next(line for line in text.splitlines() if line.startswith("contact"))
    (change,) = differences(folder(), folder(change=("strategy.toml", contact, 'contact = "new@acme.example"')))
    assert change.about.startswith("team ")
    assert change.text.endswith("-> new@acme.example")


def test_whole_files_come_and_go_as_one_line() -> None:
    """A new flow is one thing to know of, not fifteen values."""
    flow = starter()["flows/order-to-wms.toml"].decode()
    new = folder(
        {
            "flows/stock.toml": flow.replace("orders/create", "orders/paid"),
            "systems/extra.toml": starter()[NETSUITE].decode(),
        }
    )
    came, gone = differences(folder(), new), differences(new, folder())
    assert [change.about for change in came] == ["system extra", "flow stock"]
    assert {change.mark for change in came} == {"+"}
    assert [bool(change.breaking) for change in gone] == [False, True]


def test_a_renamed_flow_is_one_change() -> None:
    """Not one that went and one that came, though its files say so."""
    flow = starter()[ERP].decode()
    (change,) = differences(folder(), folder({ERP: "", "flows/order-to-netsuite.toml": flow}))
    assert change.line == "~ flow order-to-erp: is called order-to-netsuite now"
    assert change.breaking


def test_functions_differ_by_what_they_do() -> None:
    """Comments, docstrings and layout do nothing."""
    old = folder({"functions.py": FUNCTION})
    same = FUNCTION.replace(") -> str:\n", ') -> str:\n    """In capitals."""\n') + "\n# the end\n"
    other = FUNCTION.replace("upper()", "lower()") + "\n\ndef more() -> None:\n    pass\n"
    assert told(old, folder({"functions.py": same})) == []
    assert told(old, folder({"functions.py": other})) == [
        "~ functions.py: upper() does something else | functions.py:1",
        "+ functions.py: more() | functions.py:5",
    ]
    (gone,) = differences(old, folder())
    assert (gone.mark, gone.breaking) == ("-", "a mapping that calls it no longer compiles")


def test_a_runbook_says_how_much_of_it_changed() -> None:
    """Which words changed is read in the runbook itself."""
    text = starter()["runbooks/intake.md"].decode()
    (change,) = differences(folder(), folder({"runbooks/intake.md": f"{text}\nCall the shop.\n"}))
    assert change.line == "~ runbook intake: 1 line came, 0 lines went"


def test_secrets_are_not_repeated() -> None:
    """A plan is printed, logged and shown."""
    assert said("https://user:hunter2@host.example") == "https://[secret]@host.example"
    assert said("x" * 100) == "x" * 57 + "..."


def test_the_summary_of_many_names_two() -> None:
    """A list of releases has a line for each."""
    changes = differences(
        folder(),
        folder(
            a=DESTINATIONS,
            b=(ERP, 'impact = "high"', 'impact = "low"'),
            c=(NETSUITE, "concurrency = 5", "concurrency = 9"),
        ),
    )
    assert (
        summary(changes)
        == "~ system netsuite: limits.concurrency: 5 -> 9; + flow order-to-erp: also goes to klaviyo; and 1 more"
    )


MEANING = load_contracts()["order.v1"].meaning
EXTENSION = f'extends = "order.v1"\nname = "order"\nversion = 1\nmeaning = "{MEANING}"\n\n[fields]\n'
TIER = 'tier = { type = "string", required = false, class = "internal", meaning = "Which tier", example = "gold" }\n'
STAMP = 'updated_at = { type = "timestamp", class = "internal", meaning = "x", example = "2026-11-23T09:12:03Z" }\n'


@pytest.mark.parametrize(
    ("old", "new", "mark", "breaking"),
    [
        ("", TIER, "+", False),
        (TIER, "", "-", False),
        (TIER, TIER.replace("Which tier", "The tier"), "~", False),
    ],
)
def test_a_contract_differs_by_the_rules_of_compatibility(old: str, new: str, mark: str, breaking: bool) -> None:
    """Field by field, over the contract that ships; an optional field may come and go."""
    sides = [folder({"objects/order.v1.toml": EXTENSION + rows} if rows else {}) for rows in (old, new)]
    (change,) = differences(*sides)
    assert (change.about, change.mark, bool(change.breaking)) == ("object order.v1", mark, breaking)
    assert "tier" in change.line
    assert change.where == "objects/order.v1.toml:7"


def test_a_retyped_field_breaks_who_reads_it() -> None:
    """The rule of the compatibility checker says why."""
    retyped = TIER.replace('"string"', '"decimal"').replace('"gold"', '"1"')
    found = differences(*(folder({"objects/order.v1.toml": EXTENSION + row}) for row in (TIER, retyped)))
    assert [change.mark for change in found] == ["~"] * len(found)
    assert any("tier" in change.line and change.breaking for change in found)


def test_a_new_version_is_one_line() -> None:
    """Both run side by side: it breaks nobody."""
    text = f'name = "order"\nversion = 2\nmeaning = "Ours"\n[fields]\n{STAMP}{TIER}'
    (change,) = differences(folder(), folder({"objects/order.v2.toml": text}))
    assert (change.line, change.breaking) == ("+ object order.v2: a contract of 2 fields", "")


RENAMED = {
    "systems/shipbob.toml": "",
    "systems/warehouse.toml": 'was = "shipbob"\n' + starter()["systems/shipbob.toml"].decode(),
    "flows/order-to-wms.toml": starter()["flows/order-to-wms.toml"].decode().replace('"shipbob"', '"warehouse"'),
    "mappings/items.toml": starter()["mappings/items.toml"].decode().replace("[shipbob]", "[warehouse]"),
}


def test_a_renamed_system_is_one_change() -> None:
    """Fault case 61: a name is not a new system, so nothing is lost and nothing breaks. Without `was` it is two: the control."""
    (change,) = differences(folder(), folder(RENAMED))
    assert change.line == "~ system shipbob: is called warehouse now; what was written there stays its own"
    assert not change.breaking
    undeclared = RENAMED | {"systems/warehouse.toml": starter()["systems/shipbob.toml"].decode()}
    found = differences(folder(), folder(undeclared))
    assert {change.line.partition(":")[0] for change in found} >= {"+ system warehouse", "- system shipbob"}
    assert any(change.breaking for change in found)


def test_what_is_published_is_a_promise() -> None:
    """To publish a version breaks nobody; to promise something else, or nothing any more, does."""
    lock = '["order.v2"]\nsha256 = "{}"\n["order.v2".fields]\n"id" = "id, internal"\n'
    none, one, other = (folder({"objects/published.lock": text}) for text in ("", lock.format("a"), lock.format("b")))
    (came,), (changed,) = differences(none, one), differences(one, other)
    assert (came.line, came.breaking) == ("+ published order.v2: changes no more", "")
    assert changed.line == "~ published order.v2: promises something else"
    assert changed.breaking


def test_tables_of_one_name_are_told_apart() -> None:
    """Two steps that call themselves alike are two: none may hide the other's change."""
    table = {"steps": [{"name": "book", "at": 1}, {"name": "book", "at": 2}, {"name": "send", "at": 3}]}
    assert dict(leaves(table)) == {
        ("steps", 0, "name"): "book", ("steps", 0, "at"): 1, ("steps", 1, "name"): "book", ("steps", 1, "at"): 2,
        ("steps", "send", "name"): "send", ("steps", "send", "at"): 3,
    }  # fmt: skip
