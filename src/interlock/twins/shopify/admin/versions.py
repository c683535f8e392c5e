"""Which versions of the API are supported, and which serves a request that asks for another.

Facts: a version each quarter, supported for a year (F20); one that left support falls forward to the oldest supported,
and X-Shopify-API-Version says which answered (docs/api/usage/versioning); one that never was is a 404.
The published schemas begin with 2026-04: the twin answers 2026-01 with that schema, under its own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SUPPORTED_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")  # by the 12-month rule, November 2026
UNSTABLE_VERSIONS = ("2027-01", "unstable")
IDEMPOTENCY_SINCE = "2026-04"


class Versions:
    """The versions of one twin; `supported_versions` of its configuration, oldest first."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.supported = tuple(config.get("supported_versions", SUPPORTED_VERSIONS))

    def served(self, asked: str) -> str | None:
        """The version that answers; None when there never was such a one. No version asked: the oldest supported."""
        if not asked:
            return str(self.supported[0])
        if asked in self.supported or asked in UNSTABLE_VERSIONS:
            return asked
        if re.fullmatch(r"20\d\d-(01|04|07|10)", asked) and asked < self.supported[0]:
            return str(self.supported[0])
        return None

    def public(self) -> list[dict[str, Any]]:
        """All of them as ApiVersion."""
        stable = [{"handle": one, "displayName": one, "supported": True} for one in self.supported]
        candidate, unstable = UNSTABLE_VERSIONS
        return [
            *stable,
            {"handle": candidate, "displayName": f"{candidate} (Release candidate)", "supported": False},
            {"handle": unstable, "displayName": unstable, "supported": False},
        ]
