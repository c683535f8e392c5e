"""What one answer of Admin GraphQL says: its data, its errors, its cost; and which outcome its errors are.

A GraphQL error comes in a 200, so the status tells nothing: THROTTLED, ACCESS_DENIED and an internal error all do (C71).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Answer, Done, Level, Manifest, Refused, Retry, Uncertain, classify, no_success

TOO_MANY: Final = 429
"""What THROTTLED means in HTTP's own words: the source asks to slow down, no object is to blame."""
USER_ERROR: Final = 422
"""What a mutation's userErrors mean in HTTP's own words: read, understood and refused."""
WAIT_SECONDS_MIN: Final = 0.1

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """`errors` and `user_errors` as they came. `cost` is what the vendor planned for the call, `used` what it took (F23);
    None when it did not say."""

    data: Mapping[str, Any] | None = None
    errors: Any = None
    user_errors: tuple[Any, ...] = ()
    cost: float | None = None
    used: float | None = None
    level: Level | None = None

    @property
    def complete(self) -> bool:
        """Whether all that was asked for is here."""
        return self.data is not None and not self.errors and not self.user_errors

    @property
    def carried_out(self) -> bool:
        """Whether a mutation tells that it was done: each of its payloads is there. A null is no word of success."""
        payloads = (self.data or {}).values()
        return self.complete and bool(payloads) and all(isinstance(payload, dict) for payload in payloads)

    @property
    def throttled(self) -> bool:
        """Whether it was not looked at, for want of points."""
        return "THROTTLED" in set(_codes(self.errors))


def read_reply(answer: Answer) -> Reply | None:
    """The reply in an answer, or None when it is none."""
    try:
        value = _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return None
    if not isinstance(value, dict) or not ("data" in value or "errors" in value):
        return None
    data = value.get("data") if isinstance(value.get("data"), dict) else None
    cost = _part(_part(value, "extensions"), "cost")
    return Reply(
        data=data,
        errors=value.get("errors"),
        user_errors=tuple(_user_errors(data or {})),
        cost=_number(cost.get("requestedQueryCost")),
        used=_number(cost.get("actualQueryCost")),
        level=_level(_part(cost, "throttleStatus")),
    )


def carried_out(answer: Answer) -> Done | None:
    """The reader of a success: a payload, no error, no user error."""
    reply = read_reply(answer) if answer.status == 200 else None
    return Done(status=answer.status) if reply is not None and reply.carried_out else None


def failure(
    answer: Answer, reply: Reply | None, manifest: Manifest, *, sent: bytes, now_ms: int
) -> Retry | Refused | Uncertain:
    """The outcome of an answer that is not complete: by the manifest's table, from what its errors say and nothing else,
    so that no text of an order is taken for a code."""
    status = answer.status
    if reply is not None and (reply.errors or reply.user_errors):
        said = {"errors": reply.errors} if reply.errors else {"userErrors": list(reply.user_errors)}
        status = answer.status if reply.errors or status != 200 else USER_ERROR
        answer = msgspec.structs.replace(answer, status=status, body=msgspec.json.encode(said))
    outcome = classify(answer, manifest.error_table, no_success, sent=sent, now_ms=now_ms)
    assert not isinstance(outcome, Done), "no_success reads none"
    if isinstance(outcome, Retry) and reply is not None and reply.throttled:
        return msgspec.structs.replace(outcome, status=TOO_MANY, retry_after_seconds=wait_seconds(reply))
    return outcome


def wait_seconds(reply: Reply) -> float:
    """How long until the points that were asked for are there: their lack over the restore rate (C71)."""
    if reply.level is None or reply.cost is None or reply.level.restore_rate <= 0:
        return 1.0
    return max(WAIT_SECONDS_MIN, (reply.cost - reply.level.available) / reply.level.restore_rate)


def as_reading(outcome: Retry | Refused | Uncertain) -> Retry | Refused:
    """A read changes nothing, so what is uncertain for a write may simply be tried again."""
    if isinstance(outcome, Retry | Refused):
        return outcome
    return Retry(code=outcome.code, message=outcome.message, status=outcome.status)


def _codes(errors: Any) -> Iterator[str]:
    for error in errors if isinstance(errors, list) else ():
        code = _part(error, "extensions").get("code")
        if isinstance(code, str):
            yield code


def _user_errors(data: Mapping[str, Any]) -> Iterator[Any]:
    """Of every payload: userErrors, and the older names that end so (orderCancelUserErrors)."""
    for payload in data.values():
        if isinstance(payload, dict):
            for name, errors in payload.items():
                if name.endswith("serErrors") and isinstance(errors, list):
                    yield from errors


def _level(status: Mapping[str, Any]) -> Level | None:
    maximum, available, rate = (
        _number(status.get(name)) for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
    )
    if maximum is None or available is None or not rate or maximum <= 0:
        return None
    return Level(maximum=maximum, available=available, restore_rate=rate)


def _part(value: Any, name: str) -> Mapping[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
