"""Advice on the console: one line on the flow's page, and the figures behind it."""

from console.browse import Browser


def test_the_flow_page_has_a_line_and_a_link(browser: Browser) -> None:
    """Who looks at a flow learns whether its pattern suits it without asking."""
    assert 'href="/flows/order-to-erp/advice"' in browser.get("/flows/order-to-erp").text
    text = browser.get("/flows/order-to-erp/advice").text
    assert "interlock advise order-to-erp" in text and "event-driven" in text
    assert browser.get("/flows/nowhere/advice").status == 404
