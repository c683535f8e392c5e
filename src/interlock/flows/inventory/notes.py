"""What one transaction notes beside the numbers: SKUs that it touches, the history, and lines that stop."""

from interlock.flows.inventory.line import Stopped
from interlock.messaging.stock import Level
from interlock.messaging.stock_book import Halted, Happened, Kind, StockWork


class Notes:
    """Of one transaction. `touched` has by SKU the event that touched it last."""

    def __init__(self, book: StockWork, now_us: int) -> None:
        self._book = book
        self._now_us = now_us
        self.touched: dict[str, int] = {}

    def touch(self, sku: str, event: int) -> None:
        """What it should show is worked out at the end."""
        self.touched[sku] = max(event, self.touched.get(sku, 0))

    def happened(
        self, kind: Kind, sku: str, system: str, place: str, name: str, before: int | None, after: int | None, *,
        why: str = "", as_of_us: int = 0, event: int = 0,
    ) -> None:  # fmt: skip
        """For the history of the SKU."""
        self._book.happened(
            Happened(at_us=self._now_us, kind=kind, sku=sku, system=system, place=place, name=name, before=before,
                     after=after, as_of_us=as_of_us, why=why, event=event)
        )  # fmt: skip

    def halt(self, system: str, level: Level, stopped: Stopped, event: int) -> None:
        """Nobody can say in our words what the line tells; it is tried again later."""
        self._book.halt(
            Halted(
                system=system, item=level.item, place=level.location, sku=stopped.sku or level.sku, code=stopped.code,
                reason=stopped.what, next_move=stopped.next_move, line=level, event=event, last_us=self._now_us,
            )
        )  # fmt: skip
