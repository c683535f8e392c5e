"""The page that says what is served follows the lists; every listed root field has something that answers it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from shopify_harness import running_twin

from interlock.twins.shopify.admin.coverage import coverage, page
from interlock.twins.shopify.admin.resolvers import merged

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "twin-shopify-coverage.md"


def test_the_page_is_up_to_date() -> None:
    """Who reads it decides by it; after a change: scripts/shopify-schema cut."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_root_field_that_is_listed_is_answered() -> None:
    """A root field has no parent to be read from: without a resolver it is a promise and no more."""
    listed = coverage()
    promised = {f"{root}.{name}" for root in ("QueryRoot", "Mutation") for name in listed[root]}
    assert promised - merged().resolvers.keys() == set()


def test_the_list_over_http(tmp_path: Path) -> None:
    """The same, for a program."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            assert "name" in (await twin.call("GET", "/_twin/coverage")).body["Shop"]

    asyncio.run(story())
