"""What becomes of a return: a return authorization while goods are expected, closed when none are any more (C56)."""

from __future__ import annotations

from typing import Any

import msgspec

from interlock.connectors.contract import Past, Plan, Write, warnings_of
from interlock.connectors.netsuite.drafting import Drafting, reference_of
from interlock.connectors.netsuite.returning import (
    CANCELLED,
    GIVEN_UP,
    NEVER_THERE,
    RETURN,
    RETURN_CLOSE,
    RETURN_UPSERT,
)


def plan_return(draft: Drafting, back: Any, past: Past) -> Plan:
    """A return authorization while goods are expected, closed when none are any more. What goes out instead is no part
    of it: the shop puts it onto the order, which is written as an order that was edited (C42).
    """
    reference = f"{reference_of(back.origin, back.order_id)}{RETURN}{back.id}"
    link = past.links.get(RETURN_UPSERT)
    if back.status in GIVEN_UP:
        if link is None:
            return Plan(because=NEVER_THERE.format(status=back.status))
        return Plan(writes=(_closing(draft, reference, link.content_hash, link.external_id, CANCELLED),))
    build = draft.builder("returnAuthorization")
    (body, told), known = draft.body(build, back), link.external_id if link is not None else ""
    either = [
        draft.write(RETURN_UPSERT, reference, body, action=action, external_id=known) for action in ("write", "reopen")
    ]
    stands = [write for write in either if link is not None and write.content_hash == link.content_hash]
    warnings = (*warnings_of(build, back), *told)
    if back.status == "closed":
        closed = (stands or either)[0].content_hash
        close = _closing(draft, reference, closed, known, "close")
        return Plan(writes=(close,) if stands else (either[0], close), warnings=warnings)
    ended = past.links.get(RETURN_CLOSE)
    if stands and ended is not None and ended.content_hash in _closings(draft, stands[0]):
        # under the same action the same content would not be written again
        stands = [write for write in either if write not in stands]
    return Plan(writes=((stands or either)[0],), warnings=warnings)


def _closings(draft: Drafting, write: Write) -> set[str]:
    """What is in the crosswalk when this write was closed."""
    actions = ("close", CANCELLED)
    return {_closing(draft, write.reference, write.content_hash, "", one).content_hash for one in actions}


def _closing(draft: Drafting, reference: str, closes: str, external_id: str, action: str) -> Write:
    body = msgspec.json.encode({"isClosed": True, "closes": closes})
    return draft.write(RETURN_CLOSE, reference, body, action=action, external_id=external_id)
