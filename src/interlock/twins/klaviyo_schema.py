"""Klaviyo's JSON:API bodies: the members each resource may have, the error shape, and the filter language.

Source: klaviyo/openapi openapi/stable.json, revision 2026-07-15, at f0a30ba; MIT.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

EVENT_REQUIRED = ("properties", "metric", "profile")
PROFILE_IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
_PERSON = "first_name last_name organization locale title image location properties"
PROFILE_ATTRIBUTES = frozenset((*PROFILE_IDENTIFIERS, *_PERSON.split(), "meta"))
EVENT_ATTRIBUTES = frozenset((*EVENT_REQUIRED, "time", "value", "value_currency", "unique_id", "backfill"))
MAX_PROPERTIES = 400
MAX_METRIC_NAME = 128

TITLES: dict[int, tuple[str, str, str]] = {
    400: ("invalid", "Invalid input.", "The request is not valid."),
    401: (
        "not_authenticated",
        "Authentication credentials were not provided.",
        "Missing or invalid private key.",
    ),
    403: ("permission_denied", "You do not have permission to perform this action.", "The key lacks the scope."),
    404: ("not_found", "Not found.", "The requested resource was not found."),
    409: ("duplicate_profile", "Conflict.", "A profile already exists with one of these identifiers."),
    429: ("throttled", "Request was throttled.", "Request was throttled. Expected available in 1 second."),
    500: ("error", "A server error occurred.", "A server error occurred."),
    503: ("service_unavailable", "Service is temporarily unavailable.", "Try again later."),
}


class KlaviyoError(Exception):
    """One refusal, in Klaviyo's error object."""

    def __init__(self, status: int, detail: str = "", pointer: str = "", parameter: str = "") -> None:
        code, title, usual = TITLES.get(status, TITLES[500])
        super().__init__(detail or usual)
        self.status = status
        self.code, self.title = code, title
        self.pointer, self.parameter = pointer, parameter

    def body(self, error_id: str = "") -> dict[str, Any]:
        """{"errors": [{"id", "status", "code", "title", "detail", "source"}]}."""
        source = {"pointer": self.pointer or "/data"} if not self.parameter else {"parameter": self.parameter}
        error = {"id": error_id or str(uuid.uuid4()), "status": self.status, "code": self.code, "title": self.title}
        return {"errors": [error | {"detail": str(self), "source": source}]}


def member(data: Any, name: str, pointer: str) -> Any:
    """A required member of an object. Raises KlaviyoError 400."""
    if not isinstance(data, dict) or data.get(name) is None:
        raise KlaviyoError(400, f"The {name} field is required.", f"{pointer}/{name}")
    return data[name]


def resource(data: Any, kind: str, pointer: str) -> dict[str, Any]:
    """{"type": kind, "attributes": {...}} inside {"data": ...}, checked. Raises KlaviyoError 400."""
    found = member(data, "data", pointer)
    if member(found, "type", f"{pointer}/data") != kind:
        raise KlaviyoError(400, f"'type' must be '{kind}'.", f"{pointer}/data/type")
    if not isinstance(member(found, "attributes", f"{pointer}/data"), dict):
        raise KlaviyoError(400, "attributes must be an object.", f"{pointer}/data/attributes")
    checked: dict[str, Any] = found
    return checked


def check_names(attributes: Mapping[str, Any], allowed: frozenset[str], kind: str, pointer: str) -> None:
    """Refuse a member the resource does not have. Raises KlaviyoError 400."""
    for name in attributes:
        if name not in allowed:
            detail = f"'{name}' is not a valid field for the resource '{kind}'."
            raise KlaviyoError(400, detail, f"{pointer}/{name}")


def check_profile(data: dict[str, Any], pointer: str) -> None:
    """A profile resource with known members and something to identify it by. Raises KlaviyoError 400."""
    attributes = data["attributes"]
    check_names(attributes, PROFILE_ATTRIBUTES, "profile", f"{pointer}/attributes")
    if not data.get("id") and not any(attributes.get(name) for name in PROFILE_IDENTIFIERS):
        detail = "One of email, phone_number, external_id, anonymous_id or id is required."
        raise KlaviyoError(400, detail, f"{pointer}/attributes")
    email = attributes.get("email")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(email)):
        raise KlaviyoError(400, "Invalid email address", f"{pointer}/attributes/email")
    phone = attributes.get("phone_number")
    if phone and not re.fullmatch(r"\+[1-9]\d{6,14}", str(phone)):
        raise KlaviyoError(400, "Invalid phone number format (Example of a valid format: +12345678901)", pointer)


def check_event(data: dict[str, Any]) -> None:
    """An event resource with its metric and profile. Raises KlaviyoError 400."""
    attributes, pointer = data["attributes"], "/data/attributes"
    check_names(attributes, EVENT_ATTRIBUTES, "event", pointer)
    for name in EVENT_REQUIRED:
        member(attributes, name, pointer)
    if len(attributes["properties"]) > MAX_PROPERTIES:
        raise KlaviyoError(400, f"An event has at most {MAX_PROPERTIES} properties.", f"{pointer}/properties")
    metric = resource(attributes["metric"], "metric", f"{pointer}/metric")
    name = member(metric["attributes"], "name", f"{pointer}/metric/data/attributes")
    if len(str(name)) >= MAX_METRIC_NAME:
        raise KlaviyoError(400, "A metric's name is shorter than 128 characters.", f"{pointer}/metric/data/attributes")
    check_profile(resource(attributes["profile"], "profile", f"{pointer}/profile"), f"{pointer}/profile/data")


_OPERATION = re.compile(r"\s*([a-z-]+)\(([\w.]+),\s*(\[[^\]]*\]|\"[^\"]*\"|'[^']*'|[^)]*)\)\s*,?")
_VALUE = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^,\[\]\s]+)")
_TESTS: dict[str, Callable[[str, list[str]], bool]] = {
    "equals": lambda have, want: have == want[0],
    "any": lambda have, want: have in want,
    "greater-than": lambda have, want: have > want[0],
    "greater-or-equal": lambda have, want: have >= want[0],
    "less-than": lambda have, want: have < want[0],
    "less-or-equal": lambda have, want: have <= want[0],
}


def filtered(expression: str, allowed: frozenset[str]) -> Callable[[Mapping[str, Any]], bool]:
    """A test for filter=equals(email,"x"),any(id,["a","b"]). Raises KlaviyoError 400."""
    conditions: list[tuple[str, Callable[[str, list[str]], bool], list[str]]] = []
    at = 0
    while at < len(expression):
        found = _OPERATION.match(expression, at)
        if found is None or found[1] not in _TESTS or found[2] not in allowed:
            raise KlaviyoError(400, f"Invalid filter: {expression[at:]!r}", parameter="filter")
        wanted = [one or two or three for one, two, three in _VALUE.findall(found[3])]
        conditions.append((found[2], _TESTS[found[1]], wanted))
        at = found.end()
    return lambda row: all(test(str(row.get(name, "")), wanted) for name, test, wanted in conditions)
