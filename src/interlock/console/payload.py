"""Payloads as people may see them: source, canonical and destination side by side, personal values masked by their class."""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

Side = Literal["source", "canonical", "destination"]

MASK = "•••••"
LARGEST_SHOWN_BYTES = 200_000
MOST_LINES = 2_000

PERSONAL_NAMES = frozenset(
    [
        "email",
        "contact_email",
        "phone",
        "first_name",
        "last_name",
        "full_name",
        "display_name",
        "company_name",
        "address1",
        "address2",
        "address3",
        "address_line1",
        "address_line2",
        "addr1",
        "addr2",
        "attention",
        "addressee",
        "street",
        "city",
        "zip",
        "postal_code",
        "postcode",
        "latitude",
        "longitude",
        "browser_ip",
        "ip_address",
        "client_ip",
        "user_agent",
        "note",
        "memo",
        "message",
        "gift_message",
        "vat_number",
        "tax_id",
        "birthday",
        "date_of_birth",
        "iban",
        "account_number",
        "card_number",
        "token",
        "checkout_token",
        "cart_token",
        "recipient",
        "order_status_url",
        "landing_site",
        "referring_site",
        "phone_number",
        "mobile",
        "fax",
    ]
)
"""Leaves that are personal whatever a contract says: masking must not depend on a mapping being complete.

Compared without case and dashes.
"""

PERSONAL_BRANCHES = frozenset(
    [
        "customer",
        "client_details",
        "billing_address",
        "shipping_address",
        "default_address",
        "billingaddress",
        "shippingaddress",
        "address",
        "addresses",
        "recipient",
        "person",
        "profile",
        "note_attributes",
        "payment_details",
        "buyer",
    ]
)
"""Everything below these is masked, save ids, currencies and codes of countries."""

HARMLESS_NAMES = frozenset(
    [
        "id",
        "external_id",
        "externalid",
        "currency",
        "country",
        "country_code",
        "countrycode",
        "province_code",
        "internalid",
        "refname",
        "type",
        "state",
    ]
)

_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[a-z]{2,}", re.IGNORECASE)


class Token(msgspec.Struct, frozen=True):
    """One line of a shown document: indent, key and value, and the kind that colours the value."""

    indent: int
    key: str
    value: str
    kind: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A document for the page. `why_empty` says why there is none."""

    lines: tuple[Token, ...] = ()
    masked: int = 0
    fields: int = 0
    why_empty: str = ""


def show_body(body: bytes | None, *, personal: frozenset[str], revealed: bool) -> Shown:
    """A raw body. One that is not JSON cannot be masked by field, so nothing of it is shown until it is revealed."""
    if body is None:
        return Shown(why_empty="trimmed: kept for the days that security.toml says")
    if len(body) > LARGEST_SHOWN_BYTES:
        return Shown(why_empty=f"{len(body)} bytes: too large to show; use the command")
    document = as_read(body)
    if document is None:
        if not revealed:
            return Shown(why_empty=f"{len(body)} bytes that are not JSON: hidden until you ask to see personal values")
        text = body.decode("utf-8", "replace").splitlines()[:MOST_LINES]
        return Shown(lines=tuple(Token(0, "", line, "text") for line in text))
    return show(document, personal=personal, revealed=revealed)


def as_read(body: bytes | None) -> Any | None:
    """A JSON body with each number as it was written; None when it is none, or too large to look at."""
    if not body or len(body) > LARGEST_SHOWN_BYTES:
        return None
    try:
        return json.loads(body, parse_float=_as_written, parse_int=_as_written)
    except (ValueError, RecursionError):
        return None


def show(document: Any, *, personal: frozenset[str], revealed: bool) -> Shown:
    """A decoded document, line by line."""
    masked = document if revealed else mask(document, personal)
    lines = tuple(token for token, _ in zip(_lines(masked, "", 0), range(MOST_LINES), strict=False))
    leaves = [token for token in lines if token.kind not in {"open", "close"}]
    return Shown(lines=lines, masked=sum(token.kind == "mask" for token in leaves), fields=len(leaves))


class Masked:
    """Stands where a personal value was."""


MASKED = Masked()


class _Number(str):
    """A number as it was written: an id above 2^53 or a price keeps every digit."""

    __slots__ = ()


def _as_written(text: str) -> _Number:
    return _Number(text)


def mask(document: Any, personal: frozenset[str], path: str = "", *, below: bool = False) -> Any:
    """The document with personal leaves replaced. `below`: inside a branch that is personal as a whole."""
    below = below or (isinstance(document, dict | list) and path.lstrip(".") in personal)
    if isinstance(document, dict):
        return {key: _mask_member(key, value, personal, path, below) for key, value in document.items()}
    if isinstance(document, list):
        return [mask(item, personal, f"{path}[]", below=below) for item in document]
    if document is None or isinstance(document, bool):
        return document
    if below or path.lstrip(".") in personal:
        return MASKED
    return MASKED if isinstance(document, str) and _EMAIL.search(document) else document


def _mask_member(key: str, value: Any, personal: frozenset[str], path: str, below: bool) -> Any:
    name = key.lower().replace("-", "_")
    below = below or name in PERSONAL_BRANCHES or name in PERSONAL_NAMES
    if name in HARMLESS_NAMES and not isinstance(value, dict | list):
        below = False
    return mask(value, personal, f"{path}.{key}", below=below)


def _lines(value: Any, key: str, indent: int) -> Iterator[Token]:
    if isinstance(value, dict | list) and value:
        opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
        yield Token(indent, key, opening, "open")
        members = value.items() if isinstance(value, dict) else (("", item) for item in value)
        for name, member in members:
            yield from _lines(member, str(name), indent + 1)
        yield Token(indent, "", closing, "close")
    else:
        yield _leaf(value, key, indent)


def _leaf(value: Any, key: str, indent: int) -> Token:
    if isinstance(value, Masked):
        return Token(indent, key, MASK, "mask")
    if isinstance(value, _Number):
        return Token(indent, key, str(value), "number")
    if isinstance(value, str):
        return Token(indent, key, json.dumps(value, ensure_ascii=False), "string")
    return Token(indent, key, json.dumps(value, default=str), "word")
