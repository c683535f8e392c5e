"""Opens Square for the two ports of stock, and to read an order that an event tells of."""

from __future__ import annotations

from interlock.connectors.contract import Connection, declared_manifest, stock
from interlock.connectors.square.channel import SquareChannel
from interlock.connectors.square.orders import SquareOrders
from interlock.connectors.square.source import SquareStock


def stock_source(connection: Connection) -> stock.StockSource:
    """The registry's way in, for stores whose stock is kept at the till."""
    declared_manifest(connection)
    return SquareStock(connection)


def stock_channel(connection: Connection) -> stock.StockChannel:
    """The registry's way in, for tills that show what another system counts."""
    return SquareChannel(connection, declared_manifest(connection))


def source(connection: Connection) -> SquareOrders:
    """The registry's way in, for orders of which an event tells too little."""
    declared_manifest(connection)
    return SquareOrders(connection)
