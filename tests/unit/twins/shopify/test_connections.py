"""Connections: pages, cursors, both directions, and the caps."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.twins.shopify.admin import connections
from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import AdminError

ITEMS = [{"id": number, "at": number // 3} for number in range(20)]


def key(item: dict[str, Any]) -> tuple[int, int]:
    return item["at"], item["id"]


def walk(size: int, **arguments: Any) -> list[list[int]]:
    """The ids of every page, following the end cursor."""
    pages, cursor = [], None
    while True:
        page = connection(ITEMS, {"first": size, "after": cursor, **arguments}, key=key)
        pages.append([node["id"] for node in page["nodes"]])
        if not page["pageInfo"]["hasNextPage"]:
            return pages
        cursor = page["pageInfo"]["endCursor"]


def test_pages_give_each_item_once() -> None:
    """Whatever the page size, all items come once and in order, forwards and reversed."""
    for size in (1, 7, 20, 250):
        assert [one for page in walk(size) for one in page] == list(range(20))
        assert [one for page in walk(size, reverse=True) for one in page] == list(range(19, -1, -1))


def test_last_and_before_go_backwards() -> None:
    """`last` gives the end of the list in its own order; `before` goes on from there."""
    page = connection(ITEMS, {"last": 3}, key=key)
    assert [node["id"] for node in page["nodes"]] == [17, 18, 19]
    assert page["pageInfo"]["hasPreviousPage"] and not page["pageInfo"]["hasNextPage"]
    before = connection(ITEMS, {"last": 3, "before": page["pageInfo"]["startCursor"]}, key=key)
    assert [node["id"] for node in before["nodes"]] == [14, 15, 16] and before["pageInfo"]["hasNextPage"]


def test_a_cursor_outlives_changes_of_the_list() -> None:
    """An order that arrives between two pages neither repeats nor hides another: the cursor knows its item, not its place."""
    first = connection(ITEMS, {"first": 5}, key=key)
    more = sorted([*ITEMS[:2], *ITEMS[3:], {"id": 99, "at": 0}], key=key)
    page = connection(more, {"first": 5, "after": first["pageInfo"]["endCursor"]}, key=key)
    assert [node["id"] for node in page["nodes"]] == [5, 6, 7, 8, 9]
    by_place = connection(more, {"first": 5, "after": connection(ITEMS, {"first": 5})["pageInfo"]["endCursor"]})
    assert by_place["nodes"][0]["id"] == 5


def test_a_filter_and_a_shape() -> None:
    """Only what is wanted counts for the size of a page; nodes are shown as asked."""
    page = connection(
        ITEMS, {"first": 3}, key=key, wanted=lambda item: item["id"] % 2 == 1, show=lambda item: {"n": item["id"]}
    )
    assert page["nodes"] == [{"n": 1}, {"n": 3}, {"n": 5}] and page["pageInfo"]["hasNextPage"]
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]


def test_an_empty_list() -> None:
    """No item, no cursors."""
    page = connection([], {"first": 3})
    assert page["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


@pytest.mark.parametrize(
    "arguments", [{}, {"first": 1, "last": 1}, {"first": 251}, {"first": 0}, {"first": 1, "after": "?"}]
)
def test_what_is_refused(arguments: dict[str, Any]) -> None:
    """A size is needed and bounded, and a cursor must be one of ours."""
    with pytest.raises(AdminError):
        connection(ITEMS, arguments)


def test_nobody_pages_past_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """C75: 25,000 objects and no more; who needs more must narrow the query. Below the cap the last page comes whole."""
    monkeypatch.setattr(connections, "MOST_OBJECTS", 10)
    assert connection(ITEMS[:10], {"first": 10})["pageInfo"]["hasNextPage"] is False
    with pytest.raises(AdminError):
        walk(5)


def test_counts_say_whether_they_are_exact() -> None:
    """Above its limit a count is only a lower bound."""
    assert count(5) == {"count": 5, "precision": "EXACT"}
    assert count(10_001) == {"count": 10_000, "precision": "AT_LEAST"}
    assert count(10_001, None) == {"count": 10_001, "precision": "EXACT"}
