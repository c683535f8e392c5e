"""What Shopify Flow sends to an app: actions of workflows, and whether a store uses our triggers. Both are signed as webhooks.

An action is a POST of {shop_id, shopify_domain, action_run_id, action_definition_id, handle, properties}; 200 is done, and what
was not answered so is sent again with the same action_run_id for a day
(https://shopify.dev/docs/apps/build/flow/actions/endpoints, F78). Here 200 means that it is kept: the run's id is part of what
happened, so the same run is one event however often it comes.
A lifecycle callback is a POST of {flow_trigger_definition_id, has_enabled_flow, shop_id, shopify_domain, timestamp}; without a
2xx the merchant cannot enable the workflow (https://shopify.dev/docs/apps/build/flow/track-lifecycle-events).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from interlock.connectors.contract import Subject

ACTION_MARK: Final = b'"action_run_id"'
LIFECYCLE_MARK: Final = b'"flow_trigger_definition_id"'
TOPIC: Final = "flow/{}"
"""The topic of an action is its handle's: flow/place-auction-bid."""
REFERENCES: Final = (("order_id", "order"), ("customer_id", "customer"), ("product_id", "product"))
"""A field of a reference type comes as the plain id of what the workflow is about; the first that is there counts."""

Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Domain = Annotated[str, Meta(min_length=1, max_length=253)]


class Action(msgspec.Struct, frozen=True):
    """A step of a workflow that asks something of us."""

    shopify_domain: Domain
    action_run_id: Word
    handle: Word
    properties: dict[str, msgspec.Raw] = {}


class Lifecycle(msgspec.Struct, frozen=True):
    """Whether a store has a workflow switched on that begins with our trigger; the newest timestamp counts."""

    shopify_domain: Domain
    flow_trigger_definition_id: Title
    has_enabled_flow: bool
    timestamp: Annotated[dt.datetime, Meta(tz=True)]


_action = msgspec.json.Decoder(Action).decode
_lifecycle = msgspec.json.Decoder(Lifecycle).decode


def flow_subject(body: bytes) -> Subject | None:
    """What a signed body of Flow's is about; None for any other body."""
    try:
        if ACTION_MARK in body:
            return _of_action(_action(body))
        if LIFECYCLE_MARK in body:
            return _of_lifecycle(_lifecycle(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # a webhook may have these words too: it is read as one
    return None


def _of_action(action: Action) -> Subject:
    """About the order, customer or product that it names, else about itself; then the body is all there is to know."""
    fact = f"{TOPIC.format(action.handle)}#{action.action_run_id}"
    for member, name in REFERENCES:
        key = _number(action.properties.get(member))
        if key:
            return Subject(object=name, key=key, facts=(fact,), shop=action.shopify_domain)
    return Subject(
        object="flow_action", key=action.action_run_id, complete=True, facts=(fact,), shop=action.shopify_domain
    )


def _of_lifecycle(told: Lifecycle) -> Subject:
    """It triggers nothing; kept, it says which stores use our triggers."""
    version = round(told.timestamp.timestamp() * 1_000_000)
    key = told.flow_trigger_definition_id
    return Subject(object="flow_trigger", key=key, version=version, complete=True, shop=told.shopify_domain)


def _number(raw: msgspec.Raw | None) -> str:
    """The id in a reference: digits, as text or as number, or a gid."""
    text = bytes(raw or b"").decode("utf-8", "replace").strip('"')
    number = text.rpartition("/")[2] if text.startswith("gid://shopify/") else text
    return number if number.isascii() and number.isdecimal() else ""
