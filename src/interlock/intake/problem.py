"""A refusal as its sender reads it: problem+json (RFC 9457) with our code and the next move. No part of the body is repeated."""

from typing import Any

import msgspec

from interlock.errors import IntakeError


def problem_of(error: IntakeError) -> bytes:
    """`type`, `title`, `status`, `code`; `detail` and `next` where there are any."""
    found: dict[str, Any] = {
        "type": f"urn:interlock:error:{error.code}",
        "title": error.what,
        "status": error.status,
        "code": error.code,
    }
    if error.why:
        found["detail"] = error.why
    if error.next_move:
        found["next"] = error.next_move
    return msgspec.json.encode(found)


def headers_of(error: IntakeError, body: bytes) -> list[tuple[bytes, bytes]]:
    """With what the status asks for: Retry-After, and Allow beside a 405."""
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if error.retry_after_seconds is not None:
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    if error.status == 405:
        headers.append((b"allow", b"POST"))
    return headers
