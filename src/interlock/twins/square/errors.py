"""Square's errors: one exception that carries what the body says, and the status that goes with each code.

Source: api.json Error, ErrorCategory, ErrorCode; developer.squareup.com/docs/build-basics/handling-errors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response

from interlock.twins.vendor import answer

INVALID, AUTHENTICATION, LIMIT, API = "INVALID_REQUEST_ERROR", "AUTHENTICATION_ERROR", "RATE_LIMIT_ERROR", "API_ERROR"

STATUS: dict[str, int] = {
    "UNAUTHORIZED": 401, "ACCESS_TOKEN_EXPIRED": 401, "ACCESS_TOKEN_REVOKED": 401,
    "INSUFFICIENT_SCOPES": 403, "FORBIDDEN": 403,
    "NOT_FOUND": 404, "RATE_LIMITED": 429,
    "INTERNAL_SERVER_ERROR": 500, "SERVICE_UNAVAILABLE": 503, "GATEWAY_TIMEOUT": 504,
}  # fmt: skip
"""Code -> HTTP status; every other code here is a 400."""
INJECTED: dict[int, tuple[str, str, str]] = {
    400: (INVALID, "BAD_REQUEST", "The request is not valid."),
    401: (AUTHENTICATION, "UNAUTHORIZED", "This request could not be authorized."),
    403: (AUTHENTICATION, "INSUFFICIENT_SCOPES", "The merchant has not given your application sufficient permissions."),
    404: (INVALID, "NOT_FOUND", "Resource not found."),
    429: (LIMIT, "RATE_LIMITED", "The request was rate limited. Please try again later."),
    503: (API, "SERVICE_UNAVAILABLE", "The service is temporarily unavailable."),
    504: (API, "GATEWAY_TIMEOUT", "The request timed out."),
}
"""What an injected status says; any other is an internal error."""


class Problem(NamedTuple):
    """One entry of `errors`."""

    code: str
    detail: str
    field: str = ""
    category: str = INVALID

    def body(self) -> dict[str, Any]:
        found = {"category": self.category, "code": self.code, "detail": self.detail}
        return found | {"field": self.field} if self.field else found


class SquareError(Exception):
    """A request that is refused, with all its problems; the first decides the status."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems[0].detail)
        self.problems = problems

    def answer(self) -> Response:
        return answer({"errors": [one.body() for one in self.problems]}, STATUS.get(self.problems[0].code, 400))


def refused(code: str, detail: str, field: str = "", category: str = INVALID) -> SquareError:
    """An error with one problem."""
    return SquareError(Problem(code, detail, field, category))


def injected_body(status: int) -> dict[str, Any]:
    """The body of a fault's status."""
    category, code, detail = INJECTED.get(
        status, (API, "INTERNAL_SERVER_ERROR", "An internal error has occurred, and the API was unable to service it.")
    )
    return {"errors": [{"category": category, "code": code, "detail": detail}]}
