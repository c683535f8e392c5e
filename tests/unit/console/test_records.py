"""/strategy/records: whose word counts, at which place, who writes it, and the deliveries that left something out."""

import re

from console.browse import Browser
from console.store import LEFT_OUT


def test_the_map_names_record_owner_and_exception(browser: Browser) -> None:
    """An operator who finds a wrong stock level must see whose level counts at that location, and whom to call."""
    said = browser.get("/strategy/records").page.said
    assert re.search(r"tags\s+record\s+left out: order-to-marketing\s+owner Growth growth@acme\.example", said)
    assert re.search(r"on_hand\s+record\s+location 24826418\s+record\s+all other places", said)
    assert "7 objects in 4 systems: each field that moves has one record." in said


def test_every_count_leads_to_its_deliveries(browser: Browser) -> None:
    """CONSOLE principle 4: the number of deliveries that left a field out, and behind it exactly these."""
    page = browser.get("/strategy/records").page
    listed = next(link for link in page.links() if "refused=customer.tags" in link)
    assert f"was left out of {len(LEFT_OUT)} deliveries in 7 days" in page.said
    found = browser.get(listed).page.said
    assert f"{len(LEFT_OUT)} deliveries." in found
    assert "OWN001 refused: customer.tags is Klaviyo's (growth)" in found


def test_a_list_of_what_was_left_out_is_acted_on_as_such(browser: Browser) -> None:
    """A replay of these must take these and not everything: the filter goes through the sheet into the ledger's choice."""
    sheet = browser.get("/bulk?action=replay&refused=customer.tags")
    assert f"{len(LEFT_OUT)}" in sheet.page.said
    assert 'name="refused"' in sheet.text
