"""The rehearsal: both releases are given the same events, and only what differs is told, with counts and masked samples (C87)."""

from pathlib import Path
from typing import Any

import pytest
from two_folders import folder, orders, starter

from interlock.console.hiding import hiding
from interlock.release.plan import Plan, plan
from interlock.release.rehearsal import PROCESS
from interlock.strategy import Snapshot

ERP = "flows/order-to-erp.toml"
EXAMPLE = Path(__file__).parents[3] / "docs" / "guides" / "examples" / "order-process.toml"
MAPPING = "[order.out.salesOrder]\n"
UNSEEN = "2 of 2 events run a process that changes with this, and its steps are not tried here"
NOTES = {"note": lambda number: "Ring twice" if number % 3 == 0 else None}


def planned(new: Snapshot, count: int = 9, old: Snapshot | None = None, **fields: Any) -> Plan:
    """The plan over so many orders, a note on every third."""
    return plan(old or folder(), new, orders(count, **(NOTES | fields)), hiding)


def lines(found: Plan) -> list[str]:
    return [line.line for line in found.effect.lines]


def test_a_field_that_is_filled_in() -> None:
    """The scene of the demo: `message <- note` fills in what was empty, and the sum says so."""
    found = planned(folder({"mappings/netsuite.toml": MAPPING + 'message = "note"\n'}))
    assert lines(found) == [
        "netsuite salesOrder.upsert message: filled in 3 of 9, such as #1003: nothing -> •••••",
        "netsuite salesOrder.upsert message: sent as null 6 of 9, such as #1001: nothing -> null",
    ]
    assert found.summary == "1 change, 0 breaking; 3 of 9 orders differ; risk low"
    assert found.rollback == f'interlock rollback {folder().short} --why "..."'


def test_a_value_that_becomes_another_one() -> None:
    """C87: "changes 51 of 51" with a sample; a value that is nobody's name is shown as it is."""
    found = planned(folder({"mappings/netsuite.toml": MAPPING + 'otherRefNum = { value = "shop" }\n'}))
    assert lines(found) == ['netsuite salesOrder.upsert otherRefNum: changes 9 of 9, such as #1001: "#1001" -> "shop"']
    assert found.risk.level == "medium"


def test_a_change_on_the_way_in_is_seen_at_every_destination() -> None:
    """The canonical object is between: who maps the source's field anew changes what every destination gets."""
    found = planned(folder({"mappings/shopify.toml": '[order.in]\nemail = "name"\n'}), 3)
    assert {line.destination for line in found.effect.lines} >= {"netsuite", "shipbob"}
    assert found.effect.differ == 3


def test_orders_that_go_elsewhere() -> None:
    """A condition decides who gets what; the orders that stay away are counted, and make the risk high."""
    small = (ERP, "[slo]", "when = \"order.name == '#1002'\"\n[slo]")
    away, back = planned(folder(change=small)), planned(folder(), old=folder(change=small))
    assert lines(away) == ["netsuite flow order-to-erp: no longer gets 8 of 9, such as #1001"]
    assert (away.risk.level, away.risk.reasons[0]) == ("high", "8 of 9 orders no longer reach a destination")
    assert lines(back) == ["netsuite flow order-to-erp: now gets 8 of 9, such as #1001"]
    assert back.risk.level == "medium"


def test_a_destination_that_comes() -> None:
    """An order that a destination gets by another flow already is no news."""
    without = folder(change=(ERP, 'destinations = ["netsuite"]', 'destinations = ["shipbob"]'))
    assert lines(planned(folder(), old=without)) == ["netsuite flow order-to-erp: now gets 9 of 9, such as #1001"]
    more = ("flows/order-to-wms.toml", 'destinations = ["shipbob"]', 'destinations = ["shipbob", "netsuite"]')
    assert lines(planned(folder(change=more))) == []


def test_failures_that_are_new() -> None:
    """An order that can no longer be translated is told before anything else, by code and place, never with its value."""
    found = planned(folder(change=("mappings/items.toml", '[netsuite]\nrule = "sku"', '[netsuite]\nrule = "listed"')))
    assert found.effect.lines[0].what == "fails"
    assert found.effect.lines[0].subject == "MAP010"
    assert found.effect.lines[0].count == 9
    assert found.risk.level == "high"
    healed = planned(
        folder(), old=folder(change=("mappings/items.toml", '[netsuite]\nrule = "sku"', '[netsuite]\nrule = "listed"'))
    )
    assert [(line.what, line.count) for line in healed.effect.lines] == [("heals", 9)]


def test_a_function_that_raises_is_a_failure_not_an_end() -> None:
    """The user's code may raise anything; the plan tells where, and goes on."""
    function = {"functions.py": "def strange(text: str | None) -> str:\n    return text[99]\n"}
    found = planned(
        folder(function | {"mappings/netsuite.toml": MAPPING + 'memo = { from = "name", with = "strange" }\n'}), 2
    )
    assert [(line.what, line.count) for line in found.effect.lines] == [("fails", 2)]


def test_what_decides_nothing_is_not_tried() -> None:
    """Owners, words and limits change no document: no event is read, and the plan says so."""

    def unread() -> Any:
        raise AssertionError("no event need be read")
        yield

    found = plan(folder(), folder(change=(ERP, 'impact = "high"', 'impact = "low"')), unread(), hiding)
    assert found.effect.untouched
    assert found.summary == "1 change, 0 breaking; no recorded order is treated otherwise; risk low"


def test_events_that_cannot_be_tried_are_counted() -> None:
    """A body that was forgotten, and an event that only says that something changed: left out, with the reason."""
    events = list(orders(3, **NOTES))
    events[0].body, events[1].complete = None, False
    found = plan(folder(), folder({"mappings/netsuite.toml": MAPPING + 'memo = "name"\n'}), iter(events), hiding)
    assert (found.effect.events, found.effect.objects, sum(found.effect.left_out.values())) == (3, 1, 2)


def test_several_events_of_an_order_count_once() -> None:
    """The sum is about orders: one that changed twice is one."""
    twice = [*orders(4), *orders(4, updated_at="2026-11-30T10:00:00-05:00")]
    found = plan(folder(), folder({"mappings/netsuite.toml": MAPPING + 'otherRefNum = "id"\n'}), iter(twice), hiding)
    assert (found.effect.events, found.effect.objects, found.effect.differ) == (8, 4, 4)
    assert found.effect.lines[0].count == 4


def test_nothing_recorded_is_no_proof_of_harmlessness() -> None:
    """No data = no go: a mapping that nothing was tried on is not of low risk."""
    found = planned(folder({"mappings/netsuite.toml": MAPPING + 'memo = "name"\n'}), 0)
    assert (found.risk.level, found.risk.reasons) == ("medium", ("it is not tried on any recorded order",))
    assert "no recorded order to try it on" in found.summary


@pytest.mark.parametrize(
    ("change", "level"),
    [
        (("strategy.toml", 'environment = "development"', 'environment = "staging"'), "high"),
        (("systems/netsuite.toml", 'record_of = ["', 'record_of = ["price", "'), "high"),
        (("systems/netsuite.toml", "concurrency = 5", "concurrency = 9"), "low"),
        (("systems/klaviyo.toml", 'url = "https://', 'url = "https://eu.'), "medium"),
    ],
)
def test_risk_of_what_no_order_shows(change: tuple[str, str, str], level: str) -> None:
    """Who may reach, see or write what, and where calls go, is judged by the change itself."""
    assert planned(folder(change=change), 1).risk.level == level


def test_personal_values_are_masked_and_the_rest_is_not() -> None:
    """The control: without anybody to say what is personal, everything is hidden."""
    new = folder({"mappings/netsuite.toml": MAPPING + 'otherRefNum = { value = "shop" }\nemail = "name"\n'})
    shown = {line.subject: line.sample.new for line in planned(new, 1).effect.lines}
    assert shown == {"salesOrder.upsert otherRefNum": '"shop"', "salesOrder.upsert email": "•••••"}
    blind = plan(folder(), new, orders(1)).effect.lines
    assert {line.sample.new for line in blind} == {"•••••"}


def test_what_was_not_asked_for_is_not_said_to_be_harmless() -> None:
    """`--events 0` reads nothing; nor does a running release that this Interlock cannot build, which is compared by its files."""
    row = folder({"mappings/netsuite.toml": MAPPING + 'memo = "name"\n'})
    unasked = plan(folder(), row, None)
    assert unasked.summary == "1 change, 0 breaking; not tried on recorded orders; risk medium"
    unreadable = folder({"mappings/netsuite.toml": MAPPING + 'memo = "nome"\n'})
    found = planned(row, old=unreadable)
    assert (len(found.changes), found.risk.level) == (1, "medium")
    assert "cannot be built by this Interlock any more" in found.not_tried


def test_the_same_folder_and_the_first_one() -> None:
    """What there is to say when there is nothing to compare."""
    assert planned(folder()).summary == f"nothing has changed; release {folder().short} runs"
    assert plan(None, folder(), iter(())).summary == "no release runs yet: this folder would be the first"


def test_a_process_is_routed_but_not_walked() -> None:
    """Its steps ask other systems, which a plan must not do: the orders are counted as not tried, not as alike."""
    text = EXAMPLE.read_text(encoding="utf-8")
    both = {"flows/order-process.toml": text, ERP: "", "flows/order-to-wms.toml": "", "slos.toml": ""}
    found = planned(folder(both | {"mappings/netsuite.toml": MAPPING + 'memo = "name"\n'}), 2, old=folder(both))
    assert lines(found) == []
    assert list(found.effect.left_out.items()) == [(PROCESS, 2)]
    assert found.risk.reasons == (UNSEEN,)
    same = planned(folder(both | {"runbooks/intake.md": "# Changed"}), 2, old=folder(both))
    assert same.effect.untouched, "the control"


def test_a_process_that_changes_is_not_called_harmless() -> None:
    """Beside other flows, whose orders are alike, "no order is treated otherwise" would be said of what nobody tried. The
    control: what changes elsewhere is judged as ever.
    """
    process = {"flows/order-process.toml": EXAMPLE.read_text(encoding="utf-8")}
    found = planned(folder(process), 2)
    assert (lines(found), found.risk.level, found.risk.reasons) == ([], "medium", (UNSEEN,))
    elsewhere = folder(
        process | {"mappings/klaviyo.toml": '[order.out.placed_order]\n"data.attributes.note" = "name"\n'}
    )
    assert planned(elsewhere, 2, old=folder(process)).effect.unseen == 0


def test_a_renamed_system_is_given_the_same() -> None:
    """Fault case 61: under its new name it gets what it got, and no order is counted as lost or new."""
    files = starter()
    renamed = {
        "systems/shipbob.toml": "",
        "systems/warehouse.toml": 'was = "shipbob"\n' + files["systems/shipbob.toml"].decode(),
        "flows/order-to-wms.toml": files["flows/order-to-wms.toml"].decode().replace('"shipbob"', '"warehouse"'),
        "mappings/items.toml": files["mappings/items.toml"].decode().replace("[shipbob]", "[warehouse]"),
    }
    found = planned(folder(renamed), 2)
    assert [change.key for change in found.changes] == ["was"]
    assert (lines(found), found.effect.differ) == ([], 0)
