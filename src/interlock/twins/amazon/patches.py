"""What a patch of a listing asks for, checked as Amazon checks it: malformed is refused, wrong values become issues.

Facts: PatchOperation and Issue of listingsItems_2021-08-01.json, listings-feed-message-schema-v2.json (@34dc93f); merge
needs its selector and leaves other fields: developer-docs.amazon.com/sp-api/docs/merge-a-listing; a replace without the
channel is BAD_REQUEST: amzn/selling-partner-api-models issue 4554; a quantity for stock in Amazon's warehouses is 4000003.
"""

from __future__ import annotations

from typing import Any

from interlock.twins.world import Record

AVAILABILITY = "/attributes/fulfillment_availability"
OPERATIONS = ("add", "replace", "merge", "delete")
MALFORMED = ("BAD_REQUEST", "Invalid parameters provided.")
INVALID = ("90000900", "The attributes are invalid.")
AMAZONS_OWN = ("4000003", "You cannot set the quantity of an item that is fulfilled by Amazon.")
NOT_IMITATED = ("NOT-IMITATED", "This twin imitates changes of /attributes/fulfillment_availability only.")


class Wanted:
    """What a patch comes to: the `quantity` and `channel` it sets (None: nothing), whether other fields of the availability
    are `kept`, and the `issues` that forbid it."""

    def __init__(self) -> None:
        self.channel = ""
        self.quantity: int | None = None
        self.fields: Record = {}
        self.kept = True
        self.issues: list[Record] = []

    def refuse(self, problem: tuple[str, str], *attributes: str) -> Wanted:
        """With an issue of severity ERROR."""
        code, message = problem
        self.issues.append({
            "code": code, "message": message, "severity": "ERROR", "attributeNames": list(attributes),
            "categories": ["INVALID_ATTRIBUTE"],
        })  # fmt: skip
        return self


def wanted_of(body: Any, item: Record | None) -> Wanted:
    """Read a patch request (or the like part of a feed message) against the listing there is."""
    wanted = Wanted()
    patches = body.get("patches") if isinstance(body, dict) else None
    if not isinstance(patches, list) or not patches or not _text(body.get("productType")):
        return wanted.refuse(MALFORMED)
    for patch in patches:
        _read_patch(patch, item, wanted)
    return wanted


def attributes_as_patches(message: Record) -> Record:
    """A PARTIAL_UPDATE is a PATCH with `replace` (listings-feed-schema-v2.json)."""
    attributes = message.get("attributes") or {}
    patches = [{"op": "replace", "path": f"/attributes/{name}", "value": value} for name, value in attributes.items()]
    return {"productType": message.get("productType"), "patches": patches}


def _read_patch(patch: Any, item: Record | None, wanted: Wanted) -> None:
    if not isinstance(patch, dict) or patch.get("op") not in OPERATIONS or not _text(patch.get("path")):
        wanted.refuse(MALFORMED)
    elif patch["path"] != AVAILABILITY or patch["op"] == "delete":
        wanted.refuse(NOT_IMITATED, str(patch["path"]).rpartition("/")[2])
    elif not isinstance(patch.get("value"), list) or len(patch["value"]) != 1:
        wanted.refuse(MALFORMED, "fulfillment_availability")
    else:
        wanted.kept = patch["op"] == "merge"
        _read_availability(patch["value"][0], item, wanted)


def _read_availability(value: Any, item: Record | None, wanted: Wanted) -> None:
    channel = value.get("fulfillment_channel_code") if isinstance(value, dict) else None
    if not isinstance(channel, str) or not channel:
        wanted.refuse(MALFORMED, "fulfillment_availability")
        return
    quantity = value.get("quantity")
    fulfilled_by_amazon = channel.startswith("AMAZON_") or (item is not None and item["channel"].startswith("AMAZON_"))
    if fulfilled_by_amazon:
        wanted.refuse(AMAZONS_OWN, "fulfillment_availability.quantity")
    elif isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 0:
        wanted.refuse(INVALID, "fulfillment_availability.quantity")
    else:
        wanted.channel, wanted.quantity = channel, quantity
        wanted.fields = {
            name: given for name, given in value.items() if name not in ("fulfillment_channel_code", "quantity")
        }


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
