"""Metrics of sources: whether their webhooks are subscribed, when they were compared last, and what no webhook had told."""

from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

from interlock.messaging.subscriptions import Kept
from interlock.messaging.sweeps import Sweep

WEEK_MS = 7 * 86_400_000


def source_families(
    kept: Iterable[Kept], latest: Iterable[Sweep], missed: Mapping[tuple[str, str], int]
) -> list[Metric]:
    """The families, from what the last looks left in the store."""
    topics = GaugeMetricFamily(
        "interlock_subscriptions", "Webhook topics that flows need", labels=("system", "state")
    )
    for (system, state), count in Counter((one.system, one.state) for one in kept).items():
        topics.add_metric((system, state), count)
    compared = GaugeMetricFamily(
        "interlock_last_comparison_timestamp_seconds", "When a source was last compared whole", labels=("system", "object")
    )
    for sweep in latest:
        compared.add_metric((sweep.system, sweep.object), sweep.ended_ms / 1000)
    found = GaugeMetricFamily(
        "interlock_missed_changes_7d", "Changes that no webhook had told of", labels=("kind", "cause")
    )
    for (kind, cause), count in missed.items():
        found.add_metric((kind, cause or "unknown"), count)
    return [topics, compared, found]
