"""What a vendor's error body says, read from the shapes that vendors use: codes, texts and paths, with personal data
masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

TEXT_CHARACTERS_MAX: Final = 300
"""A vendor's text is cut here: a message is for a person to read in a list."""
DEPTH_MAX: Final = 6
NODES_MAX: Final = 500

CODE_KEYS: Final = ("o:errorCode", "code", "error_code", "errorCode", "error")
TEXT_KEYS: Final = ("detail", "message", "error_message", "error_description", "title", "reason", "description")
PATH_KEYS: Final = ("o:errorPath", "field", "pointer", "path", "parameter")
NESTS: Final = (
    "o:errorDetails",
    "errors",
    "error",
    "userErrors",
    "extensions",
    "source",
    "data",
    "details",
    "canceled_shipment_results",
)

PERSONAL_KEYS: Final = frozenset({
    "email", "phone", "phone_number", "addrphone", "firstname", "first_name", "lastname", "last_name", "name",
    "full_name", "companyname", "company_name", "company", "addressee", "attention", "addr1", "addr2", "addr3",
    "address1", "address2", "city", "zip", "zip_code", "gift_message", "memo", "ip",
})  # fmt: skip
"""Keys of our own requests whose values are personal: an error text that echoes such a value is masked."""
IMPERSONAL: Final = frozenset({"metric", "products", "tags"})
"""Parts of our requests in which a `name` is that of a thing."""
EMAIL: Final = re.compile(r"[^\s@\"'<>()\[\],;:]+@[^\s@\"'<>()\[\],;:]+\.[A-Za-z]{2,}")
PHONE: Final = re.compile(r"\+\d[\d\s().-]{6,}\d|\b\d{3}[\s.-]\d{3}[\s.-]\d{4}\b")
PERSONAL_CHARACTERS_MIN: Final = 3
"""A shorter value ("NY") would mask parts of ordinary words."""
MASK: Final = "***"


class Problem(msgspec.Struct, frozen=True):
    """`codes` in the order found, `text` one line, `path` where in the request, `readable` False when the body is not
    JSON.
    """

    codes: tuple[str, ...] = ()
    text: str = ""
    path: str = ""
    readable: bool = True

    @property
    def code(self) -> str:
        """The first code, or nothing."""
        return self.codes[0] if self.codes else ""


def read_problem(body: bytes) -> Problem:
    """Read an error body of any shape; never raises."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Problem(text=_title(body), readable=False)
    codes: dict[str, None] = {}
    texts: dict[str, None] = {}
    paths: dict[str, None] = {}
    found = {"code": codes, "text": texts, "path": paths}
    for kind, word in _words(value, 0):
        found[kind].setdefault(word)
    return Problem(tuple(codes), _one_line("; ".join(texts)), next(iter(paths), ""))


def mask(text: str, sent: bytes = b"") -> str:
    """Take personal data out of a vendor's text: e-mail addresses, telephone numbers, and personal values of the
    request echoed back.
    """
    masked = PHONE.sub(MASK, EMAIL.sub(MASK, text))
    for value in _personal_values(sent) if masked else ():
        masked = re.sub(re.escape(value), MASK, masked, flags=re.IGNORECASE)
    return masked[:TEXT_CHARACTERS_MAX]


def _words(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """(kind, word) for each code, text and path in the value, outermost first."""
    if depth > DEPTH_MAX:
        return
    if isinstance(value, str):
        yield "text", value
    elif isinstance(value, list):
        for part in value[:NODES_MAX]:
            yield from _words(part, depth + 1)
    elif isinstance(value, Mapping):
        yield from _words_of_object(value, depth)


def _words_of_object(value: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    for kind, keys in (("code", CODE_KEYS), ("text", TEXT_KEYS), ("path", PATH_KEYS)):
        for key in keys:
            word = _word(value.get(key))
            if word:
                yield kind, word
    nested = [key for key in NESTS if isinstance(value.get(key), list | dict)]
    for key in nested:
        yield from _words(value[key], depth + 1)
    if isinstance(value.get("errors"), str):
        yield "text", value["errors"]
    if depth <= 2:
        yield from _field_errors(value, depth)


def _field_errors(value: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    """{"Recipient.Name": ["is required"]} as ASP.NET and Rails answer: the key is the path."""
    for key, texts in value.items():
        if (
            key not in NESTS
            and key not in PATH_KEYS
            and isinstance(texts, list)
            and texts
            and isinstance(texts[0], str)
        ):
            yield "path", key
            yield from _words([f"{key}: {text}" for text in texts if isinstance(text, str)], depth + 1)


def _word(value: Any) -> str:
    """A code, text or path as text; a path may come as a list of steps."""
    if isinstance(value, list) and value and all(isinstance(step, str | int) for step in value):
        return ".".join(map(str, value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def _title(body: bytes) -> str:
    """What an HTML error page is called, or the first words of a plain text."""
    text = body[:4000].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return _one_line(title.group(1) if title else re.sub(r"<[^>]*>", " ", text))


def _one_line(text: str) -> str:
    return " ".join(text.split())[: TEXT_CHARACTERS_MAX * 2]


def _personal_values(sent: bytes) -> list[str]:
    """The personal values of a JSON request, longest first, so that a part never hides the rest of a whole."""
    try:
        value = msgspec.json.decode(sent) if sent else None
    except msgspec.DecodeError:
        return []
    return sorted(set(_personal(value, "")), key=len, reverse=True)


def _personal(value: Any, key: str) -> Iterator[str]:
    """Whole values, and the words of names, which are often echoed one by one."""
    if isinstance(value, str) and key.lower() in PERSONAL_KEYS:
        words = value.split() if "name" in key.lower() or key.lower() in ("addressee", "attention") else ()
        yield from (text for text in (value, *words) if len(text) >= PERSONAL_CHARACTERS_MIN)
    elif isinstance(value, list):
        for part in value:
            yield from _personal(part, key)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in IMPERSONAL:
                yield from _personal(part, name)
