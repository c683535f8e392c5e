"""What holds an order back in the shop: holds of its fulfilment orders, and the advice that comes of its risk (C46).

Meanings: FulfillmentHoldReason, OrderRiskRecommendationResult, Admin GraphQL 2026-07. What is on hold may not be fulfilled,
whatever the reason; advice is advice, and Shopify never takes it back by itself: a tag says that a person has looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from interlock.connectors.contract import Held, Refused, Retry
from interlock.connectors.shopify.whole import NotRead, Reading, gone

REVIEWED_TAG: Final = "risk-reviewed"
ADVISED_AGAINST: Final = {"CANCEL": "cancel", "INVESTIGATE": "investigate"}
ON_HOLD: Final = "ON_HOLD"
UNSEEN: Final = Held(
    kind="holds", words="nobody may look whether the shop holds it back: grant the app read_merchant_managed_fulfillment_orders",
)  # fmt: skip
"""Without that scope an order waits where a flow asks for holds: not seen is not free. One that asks for the risk alone goes on."""


async def held(reading: Reading, key: str) -> tuple[Held, ...] | Retry | Refused:
    """What holds the order back now, by one small query; orders of more than ten fulfilment orders take a page more each."""
    gid = f"gid://shopify/Order/{key}"
    try:
        node = (await reading.ask("order_release", {"id": gid}))["order"]
        if node is None:
            return gone(gid)
        if "fulfillmentOrders" not in node:
            return (UNSEEN, *_advice(node))
        parts = [part async for part in _parts(reading, gid, node["fulfillmentOrders"])]
    except NotRead as stopped:
        return stopped.outcome
    return (*_holds(parts), *_advice(node))


async def _parts(reading: Reading, gid: str, connection: Mapping[str, Any]) -> Any:
    while True:
        for part in connection["nodes"]:
            yield part
        if not connection["pageInfo"]["hasNextPage"]:
            return
        page = await reading.ask(
            "order_fulfillment_orders_page", {"id": gid, "after": connection["pageInfo"]["endCursor"]}
        )
        if page["order"] is None:  # deleted between two pages
            raise NotRead(gone(gid))
        connection = page["order"]["fulfillmentOrders"]


def _holds(parts: Iterable[Mapping[str, Any]]) -> Iterator[Held]:
    for part in parts:
        reasons = sorted({hold["reason"] for hold in part["fulfillmentHolds"]})
        if part["status"] == ON_HOLD or reasons:
            words = ", ".join(reasons) or "no reason given"
            number = part["id"].rpartition("/")[2]
            yield Held(
                kind="holds", words=f"on hold in the shop: {words}; it goes on when the hold is released", part=number
            )


def _advice(node: Mapping[str, Any]) -> Iterator[Held]:
    advice = ADVISED_AGAINST.get((node["risk"] or {}).get("recommendation") or "")
    if advice and REVIEWED_TAG not in node["tags"]:
        words = f"the shop advises to {advice} it because of its risk; it goes on when it is tagged {REVIEWED_TAG}"
        yield Held(kind="risk", words=words)
