"""The demo's story, clicked through in a real browser: an order arrives, a vendor breaks, the rest flows on, repair, replay, proof.

`interlock demo` runs as a program of its own, with its hub, its console and the four twins. What is asserted is what a person reads;
at the end the twin of the ERP is asked itself, past the console.
"""

from collections.abc import Iterator

import pytest
from demo import Demo, running
from person import Person

from interlock.cli.demo import write_project
from interlock.cli.twin_world import TwinWorld

pytestmark = pytest.mark.browser

ORDERS = 20
BEFORE = 2
"""One placed by the demo itself, one by the button."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose ERP takes ten requests a second and is asked again by itself only after ten minutes: only the replay moves it."""
    folder = tmp_path_factory.mktemp("demo")
    write_project(folder, TwinWorld(folder))
    netsuite = folder / "systems" / "netsuite.toml"
    text = netsuite.read_text().replace("rate_per_second = 200", "rate_per_second = 10", 1)
    netsuite.write_text(f"{text}\n[breaker]\nprobe_interval_seconds = 600\n")
    with running(folder) as made:
        yield made


def test_break_repair_replay_and_proof(person: Person, demo: Demo) -> None:
    """EXPERIENCE 3.5, the first five minutes: what a person does with the demo, what they read at each step, and the vendor's own word."""
    the_first_order_arrives(person, demo)
    its_story_names_every_system_and_field(person)
    the_erp_breaks_and_the_rest_flows_on(person, demo)
    the_outage_is_one_issue_with_an_owner(person)
    a_waiting_order_says_for_what(person)
    repaired_and_replayed_with_a_preview(person, demo)
    progress_and_proof(person, demo)
    it_is_all_in_the_audit(person, demo)
    assert person.complaints() == []


def the_first_order_arrives(person: Person, demo: Demo) -> None:
    person.opens(demo.link)
    person.reads("All 4 flows are healthy; the last delivery reached")
    person.reads("#1001", "NetSuite", "ShipBob", "Klaviyo", where="#latest")
    assert "token" not in person.window.current_url
    person.types("count", "1")
    person.presses("Place orders")
    person.reads("#1002", where="#latest")  # without a reload: the page asks for itself again


def its_story_names_every_system_and_field(person: Person) -> None:
    person.presses("#1001")
    said = person.reads("In sync in all 3 systems.", "Received", "orders/create from Shopify", "signature ok", "Routed")
    assert "done" in person.reads("NetSuite", where="#lanes")
    assert (
        said.count(" fields mapped") >= 4
    )  # the customer and the order at NetSuite, the order at ShipBob, the event at Klaviyo
    assert (
        "@example.com" not in person.window.page_source
    )  # the buyer's address is in every payload, and masked in all of them
    person.presses_summary("salesOrder.upsert")
    table = person.reads("Shopify", "Canonical order", "Value sent", where=".attempt[open] .fields")
    mapped, _, of = table.partition(" fields mapped")[0].partition(" of ")
    assert int(mapped) == int(of) > 20
    assert "po_number, name po_number, name derived otherRefNum #1001" in table
    canonical = person.reads("Canonical order", where=".attempt[open] .pair")
    assert 'name "#1001"' in canonical and "components" in canonical


def the_erp_breaks_and_the_rest_flows_on(person: Person, demo: Demo) -> None:
    person.presses("Home")
    person.presses("Break NetSuite")
    person.reads("NetSuite answers 503", "Repair NetSuite")
    person.types("count", str(ORDERS))
    person.presses("Place orders")
    person.reads("NetSuite has not answered since", f"with {ORDERS} orders waiting; everything else flows.")
    person.reads("healthy", "ShipBob", where="#tile-order-to-wms-shipbob")
    person.reads("healthy", "Klaviyo", where="#tile-order-to-marketing-klaviyo")
    person.reads(f"{ORDERS} wait", "it goes on by itself", where="#tile-order-to-erp-netsuite")
    demo.has("shipbob", "order.create", ORDERS + BEFORE)
    demo.has("klaviyo", "event.create", ORDERS + BEFORE)
    person.reads("not answering", where=".map a[href='/systems#netsuite']")
    assert [len(person.sees(f".map .edge.is-{state}")) for state in ("retrying", "dead")] == [1, 0]


def the_outage_is_one_issue_with_an_owner(person: Person) -> None:
    person.presses("Issues")
    person.reads("NetSuite has not answered since", f"{ORDERS} orders wait.", "Finance Systems")
    assert len(person.sees(".needs [data-row]")) == 1  # the demo's wrong number of stock is an issue too, of another kind
    person.presses(f"NetSuite does not answer: {ORDERS} orders wait")
    person.reads(
        "One issue, not 20", "It said Service Unavailable", "Next move See whether NetSuite is up", "tries one delivery every 10 min",
        "finance-systems@acme.example", "erp-refusals.md", f"All {ORDERS} orders at once", "ShipBob flows", "Klaviyo flows",
    )  # fmt: skip
    assert len(person.sees("tr[data-row]")) == ORDERS


def a_waiting_order_says_for_what(person: Person) -> None:
    person.presses("#1022")
    person.reads(
        "In sync in 2 of 3 systems.",
        "It waits until NetSuite answers again.",
        "NetSuite does not answer: it waits, and goes on by itself.",
    )


def repaired_and_replayed_with_a_preview(person: Person, demo: Demo) -> None:
    person.presses("Home")
    person.presses("Repair NetSuite")
    person.reads("Break NetSuite")
    person.reads(f"{ORDERS} orders waiting")  # repaired, and still nothing is sent before its time
    assert demo.effects("netsuite")["by_kind"]["salesOrder.create"] == BEFORE
    person.presses(f"NetSuite does not answer: {ORDERS} orders wait")
    person.presses(f"Replay {ORDERS}")
    person.reads(
        f"Replay {ORDERS} deliveries to NetSuite: the oldest is", "about 2 s at the destination's limit.", f"How many {ORDERS}", "Oldest", "ago",
        "2 s at its limit of 10 a second", "With the release that runs now", "With the release of each event",
    )  # fmt: skip
    person.types("why", "NetSuite is back")


def progress_and_proof(person: Person, demo: Demo) -> None:
    person.presses(f"Replay {ORDERS}")
    person.reads_one_of("Under way:", through := f"All {ORDERS} deliveries went through.")  # two seconds may pass before a look
    person.reads(through, "by operator")  # the page counts up by itself
    person.reads(
        f"NetSuite: {ORDERS} orders, 0 duplicates",
        f"NetSuite has {ORDERS + BEFORE} orders, 0 duplicates, by its own books",
        "NetSuite is back",
    )
    demo.has("netsuite", "salesOrder.create", ORDERS + BEFORE)


def it_is_all_in_the_audit(person: Person, demo: Demo) -> None:
    person.presses("Home")
    person.reads("All 4 flows are healthy", "stock needs a look")
    person.presses("Audit")
    person.reads("replay", "operator", "NetSuite is back")
    person.presses("Orders")
    person.presses("#1022")
    person.reads("In sync in all 3 systems.", "Replay", "by operator: NetSuite is back")


REFUSED = 3


def test_a_refusal_is_settled_by_a_person(person: Person, demo: Demo) -> None:
    """The other kind of trouble: ShipBob refuses three orders for good. One is given up with a typed confirmation, two are replayed."""
    person.opens(demo.link)
    before = demo.effects("shipbob")["by_kind"].get("order.create", 0)
    demo.asks("shipbob", "POST", {"kind": "status", "status": 400})
    person.types("count", str(REFUSED))
    person.presses("Place orders")
    person.reads(f"ShipBob has refused {REFUSED} orders since", f"{REFUSED} deliveries need a person")
    demo.asks("shipbob", "DELETE")
    the_cause_is_explained_and_owned(person)
    given_up = one_is_given_up_with_a_typed_confirmation(person)
    the_others_are_replayed(person, demo, before + REFUSED - 1)
    person.presses("Orders")
    person.presses(given_up)
    person.reads("Discard", "by operator: a test order", "cancelled")
    assert [each for each in person.complaints() if " 409 " not in each] == []  # the sheet that was not confirmed


def the_cause_is_explained_and_owned(person: Person) -> None:
    person.presses("Issues")
    person.reads(f"{REFUSED} deliveries need a person, with 1 cause.", "Warehouse", "The destination refused the data")
    person.presses("ShipBob: The service cannot answer now.; Bad Request")
    person.reads(
        "What it means The destination refused the data", "Next move correct the data or the mapping, then replay",
        "warehouse@acme.example", "wms-refusals.md", f"Replay {REFUSED}",
    )  # fmt: skip
    assert len(person.sees("tr[data-row]")) == REFUSED


def one_is_given_up_with_a_typed_confirmation(person: Person) -> str:
    """Returns the name of the order."""
    name = person.sees("tr[data-row] a")[0].text
    person.presses(name)
    person.reads(name, "In sync in 2 of 3 systems.", "ShipBob refused it")
    person.presses("Discard")
    person.reads("Discard 1 delivery to ShipBob", "gives up what is chosen for good")
    person.types("why", "a test order")
    person.types("typed", "7")
    person.presses("Discard 1")
    person.reads("Type 1 to confirm that so many are given up.")
    person.types("typed", "1")
    person.presses("Discard 1")
    person.reads(f"{REFUSED - 1} deliveries need a person, with 1 cause.")
    return name


def the_others_are_replayed(person: Person, demo: Demo, orders: int) -> None:
    person.presses("Replay")
    person.reads(f"Replay {REFUSED - 1} deliveries to ShipBob", f"{REFUSED - 1} dead")
    person.types("why", "ShipBob takes them again")
    person.presses(f"Replay {REFUSED - 1}")
    person.reads(
        f"All {REFUSED - 1} deliveries went through.", f"ShipBob has {orders} orders, 0 duplicates, by its own books"
    )
    demo.has("shipbob", "order.create", orders)
    person.presses("Issues")
    person.reads_no_more("need a person")
