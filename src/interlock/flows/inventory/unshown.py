"""What a channel has sold a moment ago, and may not have taken from its listing yet."""

from typing import Final

from interlock.flows.inventory.rules import StockRules
from interlock.messaging.stock_book import StockWork

LISTED_LATE_US: Final = 300_000_000
"""A channel that lists late, or compares nothing, may list a place as it was so long ago."""


def units_newly_sold(work: StockWork, rules: StockRules, channel: str, sku: str, now_us: int) -> int:
    """Units of the SKU, as the channel sells it, in orders of so short a time ago; of a kit, by the part that says most."""
    parts = rules.normaliser.components(sku) or {sku: rules.normaliser.pack(channel, sku)}
    sold = {
        part: sum(
            line.quantity for line in work.reserved(part)
            if line.channel == channel and now_us - line.accepted_us < LISTED_LATE_US
        )
        for part in parts
    }  # fmt: skip
    return max(-(-sold[part] // count) for part, count in parts.items())
