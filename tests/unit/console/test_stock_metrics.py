"""Metrics of the accuracy of stock: a location is one series, a cause is there from the start, and no SKU is a label."""

from interlock.console.stock_metrics import stock_families
from interlock.messaging.accuracy import Accuracy, CauseCount

NOW_MS = 1_790_000_000_000


def _row(place: str, location: str, compared: int, equal: int, **more: int) -> Accuracy:
    return Accuracy(
        run=1, channel="shop", place=place, location=location, at_ms=NOW_MS - 5_000, compared=compared, equal=equal, in_flight=0,
        variance=more.get("variance", 0), oldest_ms=more.get("oldest_ms", 0),
    )  # fmt: skip


def test_places_of_one_location_are_one_series() -> None:
    """Prometheus refuses the same labels twice; two places that show one location add up."""
    rows = [
        _row("", "", 30, 27, variance=5, oldest_ms=NOW_MS - 60_000), _row("1", "cicero", 10, 9, variance=2),
        _row("2", "cicero", 10, 8, variance=3, oldest_ms=NOW_MS - 60_000), _row("3", "paris", 10, 10),
    ]  # fmt: skip
    causes = [CauseCount(channel="shop", cause="foreign", positions=3, variance=5)]
    samples = [one for family in stock_families(rows, causes, NOW_MS) for one in family.samples]
    found = {(one.name, *sorted(one.labels.values())): one.value for one in samples}
    assert len(found) == len(samples) and not any("sku" in one.labels for one in samples)
    assert found["interlock_stock_accuracy_ratio", "cicero", "shop"] == 17 / 20
    assert found["interlock_stock_accuracy_ratio", "", "shop"] == 0.9
    assert found["interlock_stock_positions", "cicero", "different", "shop"] == 3
    assert found["interlock_stock_oldest_difference_seconds", "cicero", "shop"] == 60
    assert found["interlock_stock_oldest_difference_seconds", "paris", "shop"] == 0
    assert found["interlock_stock_differences", "foreign", "shop"] == 3
    assert found["interlock_stock_differences", "lost_event", "shop"] == 0
