"""Mapping functions of Klaviyo: who an event is about, and when it happened."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from interlock.errors import MappingError

# Klaviyo refuses a profile whose phone_number is not E.164.
E164 = re.compile(r"^\+[1-9]\d{6,14}$")


def klaviyo_identity(customer: Any | None, email: str | None, phone: str | None) -> dict[str, str]:
    """Who the event is about. MappingError when nobody is named: an event needs a person.

    A customer by id alone: the profile is written before the event, and whatever else stood here would be written to it
    again, past the customer's version fence. A guest by address and number, as the order has them.
    """
    if customer is not None:
        return {"external_id": customer.id}
    known = {"email": email, "phone_number": international_phone(phone)}
    if not (known["email"] or known["phone_number"]):
        raise MappingError(
            "this order names no person",
            path="$.customer",
            code="MAP005",
            why="Klaviyo needs an email, a phone number or an id on every event",
            next_move="leave such orders out with the flow's `when`",
        )
    return {name: value for name, value in known.items() if value}


def international_phone(phone: str | None) -> str | None:
    """The number when it is E.164 after removing spaces and signs, else nothing."""
    plain = re.sub(r"[\s().-]", "", phone or "")
    return plain if E164.match(plain) else None


def klaviyo_item_names(lines: Sequence[Any]) -> list[str]:
    """Titles of what is left on the order, each once."""
    return list(dict.fromkeys(line.title for line in lines if line.current_quantity > 0))


def as_list(texts: Sequence[str]) -> list[str]:
    return list(texts)


def sale_moment(first: dt.datetime | None, second: dt.datetime) -> dt.datetime:
    """The first moment when it is known, else the second."""
    return (first or second).astimezone(dt.UTC)  # as one text, however the moment was told
