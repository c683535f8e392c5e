"""How the Selling Partner API says no: an `errors` list with a code, a message and details.

Facts: amzn/selling-partner-api-models, ErrorList of each model (@34dc93f); the codes of its sandbox cases (BAD_REQUEST,
InvalidInput); QuotaExceeded and Unauthorized with their texts as integrators report them (qiita.com/0503/questions/f4714af20a30946465b4).
"""

from __future__ import annotations

from typing import Any

MESSAGES = {
    400: ("InvalidInput", "Invalid Input"),
    401: ("Unauthorized", "Access to requested resource is denied."),
    403: ("Unauthorized", "Access to requested resource is denied."),
    404: ("NOT_FOUND", "The resource specified does not exist."),
    413: ("RequestTooLarge", "The request size exceeded the maximum accepted size."),
    415: ("UnsupportedMediaType", "The request payload is in an unsupported format."),
    429: ("QuotaExceeded", "You exceeded your quota for the requested resource."),
    500: ("InternalFailure", "We encountered an internal error. Please try again."),
    503: ("ServiceUnavailable", "Service is temporarily unavailable. Please try again."),
}
MISSING_TOKEN = "Access token is missing in the request header."
BAD_TOKEN = "The access token you provided is revoked, malformed or invalid."
EXPIRED_TOKEN = "The access token you provided has expired."


class SpApiError(Exception):
    """An answer that is no success. `message` is the status's own when none is given."""

    def __init__(self, status: int, details: str = "", message: str = "") -> None:
        super().__init__(details or message)
        self.status = status
        self.details = details
        self.message = message

    def body(self) -> dict[str, Any]:
        """The document that Amazon sends."""
        code, usual = MESSAGES.get(self.status, ("InternalFailure", "Error"))
        return {"errors": [{"code": code, "message": self.message or usual, "details": self.details}]}
