"""How a write to NetSuite is put together: its declared operation, our reference, and a body in the digits that are kept."""

from __future__ import annotations

import re
from typing import Any, Final

from interlock.connectors.contract import Builder, Connection, Manifest, MappingError, Write, declared_write
from interlock.connectors.netsuite.two_digits import in_two_digits

EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
"""What may stand in an external id (docs.oracle.com section_156334828635)."""


class Drafting:
    """For one client: its builders, its settings and its manifest."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._manifest = manifest

    def builder(self, document: str) -> Builder:
        """The compiled mapping of a document."""
        return self._connection.builders[document]

    def setting(self, name: str) -> Any:
        """A setting of the system's file; None when it is not there."""
        return self._connection.settings.get(name)

    def body(self, build: Builder, document: Any) -> tuple[bytes, tuple[str, ...]]:
        """The document in the digits that NetSuite keeps, and what that changed."""
        return in_two_digits(build(document), self.setting("difference_item"))

    def write(self, operation: str, reference: str, body: bytes, **more: str) -> Write:
        """One call, as the manifest declares it."""
        return declared_write(self._manifest, operation, reference=reference, body=body, **more)


def reference_of(origin: str, key: str) -> str:
    """Our external id: the origin keeps two stores apart (C47)."""
    reference = f"{origin}-{key}"
    if EXTERNAL_ID.fullmatch(reference) is None:
        raise MappingError(f"{reference!r} cannot be an external id", path="$.id", code="MAP012", value=reference)
    return reference
