"""Which webhook subscriptions the flows declare: one for each topic of a source, as all its flows together need it.

Fields that are left out are left out for all, so `fields` is the union; a filter holds only when every flow of the topic
states the same one. Two subscriptions of one topic would tell each event twice (C02).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from interlock.strategy.model import Flow, Strategy, Subscription

NAME_LENGTH_MAX: Final = 50
ALWAYS: Final = ("id", "admin_graphql_api_id", "updated_at")
"""Without updated_at two changes can look the same, and the second is dropped by the sender (F08, C16)."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is wanted of one topic. Its name tells our subscriptions apart from others'."""

    topic: str
    name: str
    filter: str = ""
    fields: tuple[str, ...] = ()
    metafields: tuple[str, ...] = ()


def wanted(
    strategy: Strategy, beside: Mapping[str, Iterable[str]] = {}, stock: Mapping[str, Iterable[str]] = {}
) -> Mapping[str, tuple[Wanted, ...]]:
    """System -> its topics, of every flow that takes something from it; `beside` names more topics by flow, which tell of
    other objects: what a flow says of its own topics does not hold for them. `stock` are the topics by which a channel tells
    what it sold and what it shows."""
    flows: dict[str, dict[str, list[Flow]]] = {}
    for flow in strategy.flows.values():
        for topic in (*flow.trigger, *beside.get(flow.name, ())):
            flows.setdefault(flow.source, {}).setdefault(topic, []).append(flow)
        for channel in flow.destinations if flow.publish is not None else ():
            for topic in stock.get(channel, ()):
                flows.setdefault(channel, {}).setdefault(topic, []).append(flow)
    return {
        system: tuple(_wanted(topic, topics[topic]) for topic in sorted(topics))
        for system, topics in flows.items()
    }


def trimmed(strategy: Strategy) -> Mapping[str, frozenset[str]]:
    """System -> the objects of which some webhooks come without all their fields: what such a body lacks is not empty at
    the source. By object, since a body's topic is not signed."""
    found: dict[str, set[str]] = {}
    for system, topics in wanted(strategy).items():
        cut = {one.topic for one in topics if one.fields}
        objects = {topic.partition("/")[0].removesuffix("s") for topic in cut}
        objects |= {flow.object_name for flow in strategy.flows.values() if flow.source == system and cut & set(flow.trigger)}
        found[system] = objects
    return {system: frozenset(objects) for system, objects in found.items()}


def _wanted(topic: str, flows: list[Flow]) -> Wanted:
    asked = [flow.subscription if topic in flow.trigger and flow.publish is None else Subscription() for flow in flows]
    filters = {one.filter for one in asked}
    fields = [one.fields for one in asked]
    whole = not all(fields)
    return Wanted(
        topic=topic,
        name=f"interlock-{topic.replace('/', '-').replace('_', '-')}"[:NAME_LENGTH_MAX],
        filter=filters.pop() if len(filters) == 1 else "",
        fields=() if whole else _union([ALWAYS, *fields]),
        metafields=_union(one.metafields for one in asked),
    )


def _union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for each in lists for one in each))
