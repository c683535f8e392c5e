"""Where the schemas lie, and which versions of the API count: the pinned one, the one before and the one after."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "shopify-schema"
CONNECTOR = ROOT / "src" / "interlock" / "connectors" / "shopify"
COVERAGE = ROOT / "docs" / "reference" / "twin-shopify-coverage.md"
TWIN = ROOT / "src" / "interlock" / "twins" / "shopify"


def versions() -> tuple[str, str, str]:
    """Previous, pinned and next version. The pinned one stands in connector.toml; there is a new one each quarter (F20)."""
    manifest = tomllib.loads((CONNECTOR / "connector.toml").read_text(encoding="utf-8"))
    pinned = manifest["connector"]["api_version"]
    return quarters_after(pinned, -1), pinned, quarters_after(pinned, 1)


def quarters_after(version: str, quarters: int) -> str:
    """`2026-10`, one quarter on, is `2027-01`."""
    year, month = map(int, version.split("-"))
    months = year * 12 + month - 1 + 3 * quarters
    return f"{months // 12}-{months % 12 + 1:02}"


def full_schema(api: str, version: str) -> Path:
    """The whole published schema of one version: of `admin`, or of `storefront-graphql`."""
    return CACHE / f"{api}_{version}.json.gz"


def needed() -> list[Path]:
    """Every file that `fetch` leaves in the cache."""
    return [full_schema(api, version) for api in ("admin", "storefront-graphql") for version in versions()]
