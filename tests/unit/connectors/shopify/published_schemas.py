"""Shopify's published schemas, where they were fetched (scripts/shopify-schema fetch); without them a test is skipped."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[4] / "scripts"))

from shopify_schema.full import Full, full
from shopify_schema.places import needed, versions

VERSIONS = versions()


def published(version: str, api: str = "admin") -> Full:
    """A whole schema, or the reason why it is not here."""
    if not all(file.is_file() for file in needed()):
        pytest.skip("Shopify's schemas are not on this machine: run scripts/shopify-schema fetch")
    return full(api, version)
