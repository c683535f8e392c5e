"""Shopify's search syntax over plain items."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.twins.shopify.admin.context import AdminError
from interlock.twins.shopify.admin.search import Searched, search

ITEMS: list[dict[str, Any]] = [
    {
        "id": 1,
        "name": "#1001",
        "at": "2026-07-01T10:00:00-04:00",
        "tags": ["vip", "Big Order"],
        "total": "10.00",
        "test": False,
    },
    {"id": 2, "name": "#1002", "at": "2026-07-02T10:00:00-04:00", "tags": [], "total": "99.50", "test": True},
    {
        "id": 9007199254740993,
        "name": "#1003",
        "at": "2026-07-03T10:00:00-04:00",
        "tags": ["vip"],
        "total": "100",
        "test": False,
    },
]
FIELDS = {
    "id": Searched(lambda item: item["id"], "id"),
    "name": Searched(lambda item: item["name"]),
    "updated_at": Searched(lambda item: item["at"], "time"),
    "tag": Searched(lambda item: item["tags"]),
    "total": Searched(lambda item: item["total"], "number"),
    "test": Searched(lambda item: item["test"], "flag"),
}

CASES = {
    "": [0, 1, 2],
    "updated_at:>='2026-07-02T14:00:00Z'": [1, 2],
    "updated_at:>'2026-07-02T14:00:00Z'": [2],
    'updated_at:<"2026-07-02T14:00:00Z"': [0],
    "updated_at:>=2026-07-02T00:00:00Z updated_at:<=2026-07-02T23:00:00Z": [1],
    "updated_at:>=2026-07-02 AND updated_at:<2026-07-03": [1],
    "id:2": [1],
    "id:gid://shopify/Order/2": [1],
    "id:>9007199254740992": [2],
    "name:#1001": [0],
    "#1002": [1],
    "name:#10*": [0, 1, 2],
    "tag:VIP": [0, 2],
    "tag:'big order'": [0],
    "-tag:vip": [1],
    "NOT tag:vip": [1],
    "tag:*": [0, 2],
    "tag:vip AND total:>=100": [2],
    "total:10 OR total:99.5": [0, 1],
    "(tag:vip AND total:10) OR test:true": [0, 1],
    "tag:vip -(total:100 OR id:2)": [0],
    "test:false tag:vip total:<50": [0],
}


@pytest.mark.parametrize("text", CASES)
def test_a_query_finds_what_it_says(text: str) -> None:
    """The hub reconciles by such queries: one that finds too little would prove nothing lost."""
    query = search(text, FIELDS, default=("name",))
    assert [number for number, item in enumerate(ITEMS) if query.wanted(item)] == CASES[text]


def test_bounds_hold_for_every_item_found() -> None:
    """An index may skip what lies outside of the bounds; under OR or NOT there are none that hold."""
    sure = search("updated_at:>='2026-07-02T14:00:00Z' tag:vip", FIELDS)
    assert sure.bounds["updated_at"][0].isoformat() == "2026-07-02T14:00:00+00:00"
    assert search("updated_at:>='2026-07-02T14:00:00Z' OR tag:vip", FIELDS).bounds == {}
    assert search("-updated_at:>='2026-07-02T14:00:00Z'", FIELDS).bounds == {}


def test_an_unknown_name_is_ignored_with_a_warning() -> None:
    """Shopify answers everything and warns: a client that trusts the filter must be able to see it in the twin."""
    query = search("colour:red", FIELDS)
    assert all(query.wanted(item) for item in ITEMS)
    assert query.warnings == [{"field": "colour", "message": "Invalid search field for this query."}]


def test_a_value_that_is_no_time_is_refused() -> None:
    """Recorded from the platform: a bad timestamp is an error, not an empty answer."""
    with pytest.raises(AdminError, match=r"Invalid timestamp for query filter `updated_at`\."):
        search("updated_at:>yesterday", FIELDS)
