"""Opens Square for the two ports of stock."""

from __future__ import annotations

from interlock.connectors.contract import Connection, declared_manifest, stock
from interlock.connectors.square.channel import SquareChannel
from interlock.connectors.square.source import SquareStock


def stock_source(connection: Connection) -> stock.StockSource:
    """The registry's way in, for stores whose stock is kept at the till."""
    declared_manifest(connection)
    return SquareStock(connection)


def stock_channel(connection: Connection) -> stock.StockChannel:
    """The registry's way in, for tills that show what another system counts."""
    return SquareChannel(connection, declared_manifest(connection))
