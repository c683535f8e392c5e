"""What a store shows of each flow: volume, changes per object, fan-out and the share that only reads; nothing where there is too little."""

from collections.abc import Iterable

from interlock.messaging.process import STEERING
from interlock.messaging.traffic import Arrival, Ended, Traffic
from interlock.messaging.views import Views
from interlock.strategy.advise import Advice, FlowFacts, Measured, advise
from interlock.strategy.model import Flow

DAY_MS = 86_400_000
WINDOW_DAYS = 7
FEWEST = 50
"""Fewer events or deliveries than this say nothing about a ratio, and less than a day nothing about a day."""


async def advice(flows: Iterable[Flow], views: Views, now_ms: int) -> dict[str, Advice]:
    """What the rules say of each flow, by its name."""
    traffic = await views.traffic(now_ms - WINDOW_DAYS * DAY_MS)
    return {flow.name: advise(FlowFacts(flow, measure(flow, traffic, now_ms))) for flow in flows}


def measure(flow: Flow, traffic: Traffic, now_ms: int) -> Measured:
    """The figures of one flow. What steers a process is nobody's system, and writes nothing."""
    events = [one for one in traffic.arrivals if _starts(flow, one)]
    oldest = min((one.at_ms for one in traffic.arrivals), default=now_ms)
    days = (now_ms - oldest) / DAY_MS
    objects = {(one.system, one.key) for one in events}
    ended = [one for one in traffic.ended if one.flow == flow.name and not one.destination.startswith(STEERING)]
    enough = len(events) >= FEWEST
    return Measured(
        days=days,
        events_per_day=len(events) / days if days >= 1 else None,
        changes_per_object=len(events) / len(objects) if enough else None,
        fan_out=len(ended) or None,
        read_share=_read_share(ended),
    )


def _starts(flow: Flow, event: Arrival) -> bool:
    here = event.system == flow.source and event.object == flow.object_name
    return here and any(event.proves(topic) for topic in flow.trigger)


def _read_share(ended: list[Ended]) -> float | None:
    """Of the deliveries that ended well, those after which the destination had nothing to write."""
    done = sum(one.done for one in ended)
    return sum(one.unchanged for one in ended) / done if done >= FEWEST else None
