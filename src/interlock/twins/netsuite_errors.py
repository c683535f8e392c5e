"""NetSuite's error body, nsError, and the errors the twin answers with.

Shape: docs.oracle.com section_156570709583. Texts are Oracle's where a source shows one, else in its manner.
"""

from __future__ import annotations

from typing import Any

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
SECTIONS = {400: "#sec10.4.1", 404: "#sec10.4.5"}
DEFAULT_CODES = {
    401: ("INVALID_LOGIN", "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI."),
    404: ("NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID."),
    429: ("CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked."),
    503: ("SERVICE_UNAVAILABLE", "The service is temporarily unavailable."),
}


class NsError(Exception):
    """One refusal: HTTP status, o:errorCode, text, and the JSON path it is about."""

    def __init__(self, status: int, code: str, detail: str, path: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.path = path

    def body(self) -> dict[str, Any]:
        """The nsError JSON."""
        detail = {"detail": self.detail, "o:errorCode": self.code}
        if self.path:
            detail["o:errorPath"] = self.path
        return {
            "type": f"https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html{SECTIONS.get(self.status, '')}",
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "o:errorDetails": [detail],
        }


def by_status(status: int) -> NsError:
    """The usual error of a status."""
    code, detail = DEFAULT_CODES.get(status, ("UNEXPECTED_ERROR", "An unexpected error occurred."))
    return NsError(status, code, detail)


def user_error(detail: str, path: str = "") -> NsError:
    """A business rule refused the record: USER_ERROR, as in "Error while accessing a resource. <detail>"."""
    return NsError(400, "USER_ERROR", f"Error while accessing a resource. {detail}", path)


def invalid_reference(value: object, field: str, path: str) -> NsError:
    """A reference to what does not exist, with Oracle's own text (section_156570709583)."""
    text = f"Error while accessing resource: You have entered an Invalid Field Value {value} for the following field: "
    return NsError(400, "INVALID_CONTENT", text + field, path)


def invalid_content(detail: str, path: str = "") -> NsError:
    """A body that is not what the schema says."""
    return NsError(400, "INVALID_CONTENT", f"Error while accessing resource: {detail}", path)


def unknown_property(name: str, path: str) -> NsError:
    """A property the record does not have, when X-NetSuite-PropertyNameValidation is Error."""
    return NsError(400, "NONEXISTENT_FIELD", f"Unknown reference or field name '{name}'.", path)
