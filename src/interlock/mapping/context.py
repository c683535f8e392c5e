"""What a mapping may know besides the document: the system, its settings, its items and the shop's time zone."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from interlock.errors import MappingError
from interlock.mapping.items import Items

UTC = ZoneInfo("UTC")


class Context(Struct, frozen=True, kw_only=True):
    """Made once per (release, system), shared by all documents. `timezone` is the shop's; its day is posted."""

    system: str
    settings: Mapping[str, Any] = {}
    items: Items | None = None
    timezone: ZoneInfo = UTC

    def setting(self, name: str) -> Any:
        """A setting that must be there. MappingError says which one to add, and where."""
        value = self.settings.get(name)
        if value is None:
            raise MappingError(
                f"{self.system} has no setting {name!r}",
                code="MAP003",
                why="the mapping needs it for this document",
                next_move=f"add {name} under [settings] in systems/{self.system}.toml",
            )
        return value
