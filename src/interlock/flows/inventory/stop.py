"""Why a line of a known item stops, in a sentence, and what to do about it."""

from decimal import Decimal

from msgspec.structs import replace

from interlock.flows.inventory.amount import LIMIT
from interlock.flows.inventory.line import Ignored, Stopped
from interlock.messaging.stock import Level

ITEMS_FILE = "inventory/items.toml"
LOCATIONS_FILE = "inventory/locations.toml"
SHOWN_DIGITS = 24


def told_at(found: Stopped | Ignored, level: Level) -> Stopped | Ignored:
    """The same with the location that the line is about."""
    return replace(found, location=level.location) if isinstance(found, Stopped) else found


def told_of(found: Stopped, level: Level) -> Stopped:
    """The same with the item that the line is about."""
    return replace(found, item=level.item, sku=level.sku)


def unknown_location(system: str, native: str) -> Stopped:
    return Stopped(
        code="STK002",
        what=f'{system} tells of stock at "{native}", which is no place of it in {LOCATIONS_FILE}',
        system=system,
        location=native,
        next_move=(
            f'add {system} = ["{native}"] under places of the location that it is, or under ignore at the top when it is no stock'
        ),
    )


def derived(system: str, level: Level, sku: str) -> Stopped:
    what = f"{system} counts {sku}, which is a kit: its stock follows from its components"
    return _stop("STK008", what, system, level, sku, f"count the components, or take the kit out of {ITEMS_FILE}")


def signal(system: str, level: Level, sku: str, location: str, owner: str) -> Stopped:
    what = f"{system} says how much of {sku} is at {location}, and {owner} counts it there"
    return _stop("STK006", what, system, level, sku, f"nothing, or make {system} the owner in {LOCATIONS_FILE}")


def unknown_unit(system: str, level: Level, sku: str) -> Stopped:
    what = f'{system} counts {sku} in "{level.unit}", and nothing says how many pieces that is'
    return _stop("STK003", what, system, level, sku, f"add {level.unit} = ... under units of {sku} in {ITEMS_FILE}")


def part_of_a_piece(system: str, level: Level, sku: str, name: str, factor: int) -> Stopped:
    what = f"{system} says {name} {str(level.quantities[name])[:SHOWN_DIGITS]} x {factor} of {sku}: no whole number, and it must be exact"
    return _stop(
        "STK004", what, system, level, sku, f'correct it at {system}, or set rounding = "down" in {ITEMS_FILE}'
    )


def no_number(system: str, level: Level, sku: str) -> Stopped:
    what = f"{system} tells of {sku} and says no quantity of it"
    return _stop("STK004", what, system, level, sku, f"look at {system}; what it said before still holds")


def out_of_bounds(system: str, level: Level, sku: str, name: str) -> Stopped:
    told = level.quantities[name]
    what = f"{system} says {name} {str(told)[:SHOWN_DIGITS]} of {sku}, which cannot be: {_bounds(told)}"
    return _stop("STK007", what, system, level, sku, f"correct it at {system}; what it said before still holds")


def _bounds(told: Decimal) -> str:
    negative = told.is_finite() and -LIMIT <= told < 0
    return "only available and on_hand may be below 0" if negative else f"a quantity is at most {LIMIT:,} pieces"


def _stop(code: str, what: str, system: str, level: Level, sku: str, next_move: str) -> Stopped:
    return Stopped(
        code=code, what=what, system=system, item=level.item, sku=level.sku or sku, location=level.location,
        next_move=next_move,
    )  # fmt: skip
