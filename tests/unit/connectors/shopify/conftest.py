"""The whole schemas as fixtures."""

import pytest
from published_schemas import VERSIONS, published
from shopify_schema.full import Full


@pytest.fixture(params=VERSIONS)
def whole(request: pytest.FixtureRequest) -> Full:
    """The whole schema of the previous, the pinned and the next version."""
    return published(request.param)


@pytest.fixture
def pinned() -> Full:
    return published(VERSIONS[1])
