"""What a person is recognised by in stored texts: mail addresses, telephone numbers, full names; or only their hashes.

Mail addresses and telephone numbers are proof that a text is about the person. A name is not: two people can share one.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

REMOVED: Final = "removed"
"""Begins what stands where a value was."""
PHONE_DIGITS_MIN: Final = 7
PART_CHARACTERS_MIN: Final = 3
LINE_CHARACTERS_MIN: Final = 8
HASH_CHARACTERS: Final = 32
MANY: Final = 50
"""From so many mail addresses on they are looked up, not searched one by one."""

EMAIL_NAMES: Final = frozenset({"email", "contact_email"})
PHONE_NAMES: Final = frozenset({"phone", "phone_number", "mobile"})
PART_NAMES: Final = frozenset({"first_name", "last_name", "company"})
LINE_NAMES: Final = frozenset({"address1", "address2"})
"""Members of sources' documents that hold personal values, compared in snake_case."""
OF_OTHERS: Final = frozenset({"line_items", "origin_address", "origin_location", "location", "shop", "staff_member", "user"})
"""Branches with addresses and telephone numbers of the merchant: by these nobody is recognised."""

_EMAIL = re.compile(rb"[a-z0-9!#$&'*+/=?^_`{|}~.-]+(?:@|%40)[a-z0-9.-]+\.[a-z]{2,}")
_PHONE = re.compile(rb"(?<!\d)\d(?:[ ().-]{0,2}\d){6,14}(?!\d)")
SEPARATORS: Final = b" ().-"
_SEPARATED = rb"[ ().-]{0,2}"
_DIGITS = re.compile(r"\D")
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Traces(msgspec.Struct, frozen=True, kw_only=True):
    """`emails` and `names` in lower case, `phones` as digits; `parts` (first name, street) count in the person's own rows only."""

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.emails or self.phones or self.names)

    def __or__(self, other: "Traces") -> "Traces":
        return Traces(
            emails=self.emails | other.emails, phones=self.phones | other.phones, names=self.names | other.names,
            parts=self.parts | other.parts,
        )  # fmt: skip

    def hashes(self, salt: str) -> list[str]:
        """One for each value by which it can be found again; the salt makes them worthless for another request."""
        return sorted(hashed(salt, value) for value in self.emails | self.phones | self.names)


def hashed(salt: str, value: str) -> str:
    """32 hex digits of SHA-256."""
    return hashlib.sha256(f"{salt}/{value}".encode()).hexdigest()[:HASH_CHARACTERS]


def traces_of(document: Any) -> Traces:
    """All personal values of a decoded document of a source, by the names of its members."""
    found: dict[str, set[str]] = {"emails": set(), "phones": set(), "names": set(), "parts": set()}
    for holder in _holders(document):
        _collect(holder, found)
    return Traces(**{kind: frozenset(values) for kind, values in found.items()})


def _holders(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, dict):
        yield {_snake(name): value for name, value in document.items()}
        for name, member in document.items():
            if _snake(name) not in OF_OTHERS:
                yield from _holders(member)
    elif isinstance(document, list):
        for member in document:
            yield from _holders(member)


def _collect(holder: Mapping[str, Any], found: dict[str, set[str]]) -> None:
    for name, value in holder.items():
        if not isinstance(value, str) or not (text := " ".join(value.split()).lower()):
            continue
        if name in EMAIL_NAMES and "@" in text:
            found["emails"].add(text)
        elif name in PHONE_NAMES and len(digits := _DIGITS.sub("", text)) >= PHONE_DIGITS_MIN:
            found["phones"].add(digits)
        elif name in PART_NAMES and len(text) >= PART_CHARACTERS_MIN:
            found["parts"].add(text)
        elif name in LINE_NAMES and len(text) >= LINE_CHARACTERS_MIN:
            found["names"].add(text)
    first, last = (" ".join(str(holder.get(name) or "").split()).lower() for name in ("first_name", "last_name"))
    if first and last:
        found["names"] |= {f"{first} {last}", f"{last} {first}", f"{last}, {first}"}


def _snake(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower().replace("-", "_")


def names_person(document: Any, person: str) -> bool:
    """Whether a source's document says that it is about a customer: `customer.id`, `customer_id`, or a gid that ends in it."""
    if isinstance(document, dict):
        customer = document.get("customer")
        if isinstance(customer, dict) and _is(customer.get("id"), person):
            return True
        if any(_is(document.get(name), person) for name in ("customer_id", "customerId", "admin_graphql_api_id")):
            return True
        return any(names_person(member, person) for member in document.values() if isinstance(member, dict | list))
    return isinstance(document, list) and any(names_person(member, person) for member in document)


def _is(value: Any, person: str) -> bool:
    return str(value) == person or (isinstance(value, str) and value.endswith(f"/Customer/{person}"))


class Finder:
    """Searches texts for traces. `kinds` of stored bytes: email, phone, name; a name alone does not prove a person."""

    def __init__(self, traces: Traces, salt: str = "") -> None:
        self._salt = salt
        self._emails = traces.emails
        self._plain = [
            (kind, form)
            for kind, values in (("email", traces.emails if len(traces.emails) < MANY else ()), ("name", traces.names))
            for value in values
            for form in _forms(value)
        ]
        self._phones = re.compile(b"|".join(_phone(digits) for digits in traces.phones)) if traces.phones else None
        self._digits = sorted({_nationals(digits)[-1].encode() for digits in traces.phones})
        self._beyond_ascii = not all(form.isascii() for _, form in self._plain)
        self._texts = _text_pattern(traces.emails | traces.names, traces.phones)
        self._parts = _text_pattern(traces.emails | traces.names | traces.parts, traces.phones)

    def kinds(self, stored: bytes | str) -> set[str]:
        """What is found in it."""
        lowered = _lowered(stored) if self._beyond_ascii or isinstance(stored, str) else stored.lower()
        found = {kind for kind, form in self._plain if form in lowered}
        if self._phones is not None and self._may_have_phone(lowered) and self._phones.search(lowered):
            found.add("phone")
        if len(self._emails) >= MANY and any(match.decode() in self._emails for match in _EMAIL.findall(lowered)):
            found.add("email")
        return found

    def _may_have_phone(self, lowered: bytes) -> bool:
        """A pattern with separators takes fifty times as long as a look for plain digits."""
        squeezed = lowered.translate(None, SEPARATORS)
        return any(digits in squeezed for digits in self._digits)

    def scrubbed(self, text: str, *, own: bool = False) -> str:
        """The text with a hash where a value was: the same value has the same hash everywhere, so keys stay keys. `own`: a row
        that is about the person, in which a first name counts too."""
        pattern = self._parts if own else self._texts
        return pattern.sub(lambda match: f"{REMOVED}-{hashed(self._salt, match.group().lower())[:8]}", text) if pattern else text


class HashedFinder:
    """The same when only hashes are left: mail addresses and telephone numbers are taken out of texts and hashed."""

    def __init__(self, hashes: Iterable[str], salt: str) -> None:
        self._hashes = frozenset(hashes)
        self._salt = salt

    def kinds(self, stored: bytes | str) -> set[str]:
        """What is found in it."""
        lowered = _lowered(stored)
        emails = {match.replace(b"%40", b"@").decode() for match in set(_EMAIL.findall(lowered))}
        phones = {_DIGITS.sub("", match.decode()) for match in set(_PHONE.findall(lowered))}
        found = {"email"} if any(hashed(self._salt, value) in self._hashes for value in emails) else set()
        return found | ({"phone"} if any(hashed(self._salt, value) in self._hashes for value in phones) else set())


def _lowered(stored: bytes | str) -> bytes:
    """In lower case beyond ASCII too; bytes that are no text stay findable in between."""
    if isinstance(stored, str):
        return stored.lower().encode(errors="replace")
    return stored.lower() if stored.isascii() else stored.decode(errors="replace").lower().encode(errors="replace")


def _forms(value: str) -> set[bytes]:
    """How a value can stand in stored bytes, in lower case: plain, in ASCII JSON, in an address."""
    written = {value, value.title(), value.upper()}  # an escaped letter has another escape than its capital
    return {
        form.lower().encode() for text in written for form in (text, json.dumps(text)[1:-1], quote(text), quote(text, safe=""))
    }  # fmt: skip


def _nationals(digits: str) -> list[str]:
    """All digits first, then without one, two and three of a country, as long as enough are left."""
    return [digits, *(digits[cut:] for cut in (1, 2, 3) if len(digits) - cut > PHONE_DIGITS_MIN + 1)]


def _phone(digits: str) -> bytes:
    """With separators, and with the national zero in place of the country's digits; never as a part of a longer number."""
    numbers = (digits, *(f"0{rest}" for rest in _nationals(digits)[1:]))
    forms = [_SEPARATED.join(bytes([digit]) for digit in number.encode()) for number in numbers]
    return rb"(?<!\d)(?:" + b"|".join(forms) + rb")(?!\d)"


def _text_pattern(values: frozenset[str], phones: frozenset[str]) -> re.Pattern[str] | None:
    forms = [re.escape(form.decode()) for value in values for form in _forms(value)]
    forms += [_phone(digits).decode() for digits in phones]
    return re.compile("|".join(sorted(forms, key=len, reverse=True)), re.IGNORECASE) if forms else None
