"""The Klaviyo twin keeps Klaviyo's rules: unique events, profile upserts, JSON:API errors, two rate windows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

HEADERS = {"authorization": "Klaviyo-API-Key pk_twin", "revision": "2026-07-15"}


def profile(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "profile", "attributes": {"email": "sarah@klaviyo-demo.com"} | attributes}}


def event(**attributes: Any) -> dict[str, Any]:
    metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}}
    body = {
        "properties": {"OrderId": "1"},
        "metric": metric,
        "profile": profile(),
        "value": 9.99,
        "value_currency": "USD",
    }
    return {"data": {"type": "event", "attributes": body | attributes}}


@pytest.fixture
def klaviyo(start_twin: Any) -> Any:
    """A twin with the default limits."""
    return start_twin("klaviyo", headers=HEADERS)


def test_a_unique_id_is_recorded_once(klaviyo: Any) -> None:
    """The same unique_id for one profile and metric is accepted and ignored: a retry is safe (invariant 3)."""
    for _ in range(2):
        answer = klaviyo.send("POST", "/api/events", event(unique_id="order-1"))
        assert (answer.status, answer.text) == (202, "")
    klaviyo.send("POST", "/api/events", event(unique_id="order-2"))
    assert klaviyo.summary()["by_kind"] == {"event.create": 2, "profile.create": 1}
    assert klaviyo.summary()["duplicates"] == []
    rows = klaviyo.send("GET", "/api/events").json["data"]
    assert [row["attributes"]["event_properties"]["$value"] for row in rows] == [9.99, 9.99]


def test_without_deduplication_a_retry_duplicates(start_twin: Any) -> None:
    """Control: with the vendor's own check off, the summary shows the event twice."""
    twin = start_twin("klaviyo", {"unique_events": False}, HEADERS)
    for _ in range(2):
        twin.send("POST", "/api/events", event(unique_id="order-1"))
    assert twin.summary()["duplicates"] == [{"key": "Placed Order/order-1", "kind": "event.create", "count": 2}]


def test_without_unique_id_the_second_decides(klaviyo: Any) -> None:
    """Klaviyo's default: one event for a profile and metric in each second, so real events can be lost."""
    for _ in range(2):
        klaviyo.send("POST", "/api/events", event(time="2026-11-08T00:00:00+00:00"))
    klaviyo.send("POST", "/api/events", event(time="2026-11-08T00:00:01+00:00"))
    assert klaviyo.summary()["by_kind"]["event.create"] == 2


def test_unique_ids_survive_a_restart(klaviyo: Any) -> None:
    """A vendor does not forget what it has seen."""
    klaviyo.send("POST", "/api/events", event(unique_id="order-1"))
    klaviyo.stop(kill=True)
    klaviyo.start()
    klaviyo.send("POST", "/api/events", event(unique_id="order-1"))
    assert klaviyo.summary()["by_kind"]["event.create"] == 1


def test_profile_import_creates_then_updates(klaviyo: Any) -> None:
    """201 then 200; null clears a member, an absent one stays, and properties can be patched."""
    first = klaviyo.send(
        "POST", "/api/profile-import", profile(first_name="Sarah", title="Manager", properties={"a": 1})
    )
    assert first.status == 201
    change = profile(title=None, properties={"b": 2})
    change["data"]["meta"] = {"patch_properties": {"append": {"skus": "92538"}, "unset": "a"}}
    second = klaviyo.send("POST", "/api/profile-import", change)
    assert (second.status, second.json["data"]["id"]) == (200, first.json["data"]["id"])
    attributes = second.json["data"]["attributes"]
    assert (attributes["first_name"], attributes["title"]) == ("Sarah", None)
    assert attributes["properties"] == {"b": 2, "skus": ["92538"]}


def test_filters_and_pages(klaviyo: Any) -> None:
    """How a connector finds what it wrote."""
    for name in ("a", "b", "c"):
        klaviyo.send("POST", "/api/profile-import", profile(email=f"{name}@x.co", external_id=name))
    query = quote('any(external_id,["a","c"])')
    found = klaviyo.send("GET", f"/api/profiles?filter={query}").json["data"]
    assert [row["attributes"]["email"] for row in found] == ["a@x.co", "c@x.co"]
    page = klaviyo.send("GET", "/api/profiles?page[size]=2").json
    rest = klaviyo.send("GET", page["links"]["next"].removeprefix(klaviyo.url)).json
    assert [row["attributes"]["email"] for row in rest["data"]] == ["c@x.co"]
    assert rest["links"]["next"] is None
    bad = klaviyo.send("GET", f"/api/profiles?filter={quote('equals(shoe_size,1)')}")
    assert (bad.status, bad.json["errors"][0]["source"]) == (400, {"parameter": "filter"})


def test_events_by_metric(klaviyo: Any) -> None:
    """Events are filtered by the ids of metric and profile."""
    klaviyo.send("POST", "/api/events", event(unique_id="1"))
    metric = klaviyo.send("GET", "/api/metrics").json["data"][0]["id"]
    for value, count in ((metric, 1), ("none", 0)):
        query = quote(f'equals(metric_id,"{value}"),greater-than(timestamp,1)')
        assert len(klaviyo.send("GET", f"/api/events?filter={query}").json["data"]) == count


WRONG: list[tuple[Any, str]] = [
    (event(colour="red"), "/data/attributes/colour"),
    (event(metric=None), "/data/attributes/metric"),
    (event(profile=profile(email=None)), "/data/attributes/profile/data/attributes"),
    (event(profile=profile(email="nobody")), "/data/attributes/profile/data/attributes/email"),
    (event(time="yesterday"), "/data/attributes/time"),
    ({"data": {"type": "order", "attributes": {}}}, "/data/type"),
    ("not json", "/data"),
]


def test_wrong_bodies_have_pointers(klaviyo: Any) -> None:
    """A JSON:API error names the member, and nothing is recorded."""
    for body, pointer in WRONG:
        answer = klaviyo.send("POST", "/api/events", body)
        error = answer.json["errors"][0]
        assert (answer.status, error["status"], error["code"]) == (400, 400, "invalid")
        assert error["source"]["pointer"] == pointer
    assert klaviyo.summary()["total"] == 0


def test_key_and_revision_are_required(klaviyo: Any) -> None:
    """401 for a wrong key or scheme, 400 without a revision."""
    for value in ("", "Bearer pk_twin", "Klaviyo-API-Key pk_wrong"):
        answer = klaviyo.send("GET", "/api/profiles", headers={"authorization": value})
        assert (answer.status, answer.json["errors"][0]["code"]) == (401, "not_authenticated")
    assert klaviyo.send("GET", "/api/profiles", headers={"revision": "latest"}).status == 400


def test_two_windows_with_klaviyos_headers(start_twin: Any) -> None:
    """The steady window is told in headers while there is room; a 429 has Retry-After and none of them."""
    twin = start_twin("klaviyo", {"limits": {"profiles": [0, 2]}}, HEADERS)
    first = twin.send("GET", "/api/profiles")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    twin.send("GET", "/api/profiles")
    refused = twin.send("GET", "/api/profiles")
    assert (refused.status, refused.json["errors"][0]["code"]) == (429, "throttled")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "ratelimit-limit" not in refused.headers
    assert twin.send("POST", "/api/profile-import", profile()).status == 201
