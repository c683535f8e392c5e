"""Metrics of the accuracy of stock, of the last whole comparison of each channel: by location and by cause, never by SKU."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from interlock.messaging.accuracy import CAUSES, Accuracy, CauseCount

WHERE = ("channel", "location")


def stock_families(accuracy: Iterable[Accuracy], causes: Iterable[CauseCount], now_ms: int) -> list[Metric]:
    """The families. A channel that was compared has every cause, so that an alert on a rise begins somewhere."""
    positions = GaugeMetricFamily("interlock_stock_positions", "Positions that were compared", labels=(*WHERE, "state"))
    ratio = GaugeMetricFamily("interlock_stock_accuracy_ratio", "Share of positions that are equal", labels=WHERE)
    variance = GaugeMetricFamily("interlock_stock_variance_units", "Sum of what positions differ by", labels=WHERE)
    oldest = GaugeMetricFamily(
        "interlock_stock_oldest_difference_seconds", "Age of the oldest difference", labels=WHERE
    )
    compared = GaugeMetricFamily(
        "interlock_stock_compared_timestamp_seconds", "When a channel was compared as a whole", labels=("channel",)
    )
    differing = GaugeMetricFamily("interlock_stock_differences", "Differences by cause", labels=("channel", "cause"))
    counts = {(one.channel, one.cause): one.positions for one in causes}
    for one in _by_location(accuracy):
        where = (one.channel, one.location)
        different = one.compared - one.equal
        for state, count in (("equal", one.equal), ("different", different), ("in_flight", one.in_flight)):
            positions.add_metric((*where, state), count)
        ratio.add_metric(where, one.share)
        variance.add_metric(where, one.variance)
        oldest.add_metric(where, (now_ms - one.oldest_ms) / 1_000 if one.oldest_ms else 0.0)
        if not one.location:
            compared.add_metric((one.channel,), one.at_ms / 1_000)
            for cause in CAUSES:
                if cause != "in_flight":
                    differing.add_metric((one.channel, cause), counts.get((one.channel, cause), 0))
    return [positions, ratio, variance, oldest, compared, differing]


def _by_location(accuracy: Iterable[Accuracy]) -> list[Accuracy]:
    """Places that show one location are one row of it: a label stands for one series."""
    found: dict[tuple[str, str], Accuracy] = {}
    for one in accuracy:
        at = (one.channel, one.location)
        found[at] = one.plus(found[at]) if at in found else one
    return list(found.values())
