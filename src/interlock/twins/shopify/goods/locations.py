"""Where goods lie: the shop's locations, opened, closed, and written as their webhooks write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.twins.shopify.catalogue import Shop
from interlock.twins.shopify.orders import gid
from interlock.twins.world import World

KIND = "location"
Location = dict[str, Any]

ADDRESSES = (
    ("Main warehouse", "45 Depot Road", "Albany", "12207", "New York", "NY", "United States", "US"),
    ("Ottawa store", "150 Elgin Street", "Ottawa", "K2P 1L4", "Ontario", "ON", "Canada", "CA"),
    ("Returns centre", "2 Canal Street", "Albany", "12202", "New York", "NY", "United States", "US"),
)
"""The locations a shop opens with: the first is its primary one, the last has no stock."""


def opening(shop: Shop, at: str) -> list[Location]:
    """The locations of a new shop; the primary one has the id that orders name."""
    return [_location(shop.location_id + number, row, at) for number, row in enumerate(ADDRESSES)]


def _location(number: int, row: tuple[str, ...], at: str) -> Location:
    name, address1, city, postcode, province, province_code, country, country_code = row
    return {
        "id": number,
        "name": name,
        "address1": address1,
        "address2": None,
        "city": city,
        "zip": postcode,
        "province": province,
        "country": country_code,
        "phone": None,
        "created_at": at,
        "updated_at": at,
        "country_code": country_code,
        "country_name": country,
        "province_code": province_code,
        "legacy": False,
        "active": True,
        "admin_graphql_api_id": gid("Location", number),
    }


def every(world: World) -> Iterator[Location]:
    """All locations, in the order of opening."""
    return (row for _, row in world.rows(KIND))


def find(world: World, number: str) -> Location | None:
    """A location by its number."""
    return world.get(KIND, number)


def set_active(world: World, location: Location, at: str, *, active: bool) -> Location:
    """Open or close a location; returns it as it is now."""
    changed = {**location, "active": active, "updated_at": at, "deactivated_at": None if active else at}
    key = str(location["id"])
    world.apply(f"location.{'activate' if active else 'deactivate'}", key, (KIND, key, changed))
    return changed


def body(location: Location) -> dict[str, Any]:
    """The body of locations/* webhooks (published sample, 2026-07)."""
    return {name: value for name, value in location.items() if name not in {"deactivated_at", "fulfillment_service"}}
