"""The whole schemas, and a shop with stock, as fixtures."""

from collections.abc import Iterator

import pytest
from published_schemas import VERSIONS, published
from shopify_schema.full import Full
from stock_shop import Shop


@pytest.fixture(params=VERSIONS)
def whole(request: pytest.FixtureRequest) -> Full:
    """The whole schema of the previous, the pinned and the next version."""
    return published(request.param)


@pytest.fixture
def pinned() -> Full:
    return published(VERSIONS[1])


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for all tests of stock: each takes items of its own."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    yield made
    made.end()
