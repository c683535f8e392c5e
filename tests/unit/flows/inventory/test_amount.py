"""Numbers that lose nothing, and kits that are never made of what nobody knows."""

import pytest

from interlock.flows.inventory.amount import kits_from, shares_of
from interlock.strategy.inventory import Location

SET = {"TEE-1": 2, "CAP-1": 1}


@pytest.mark.parametrize(
    ("available", "kits"),
    [
        ({"TEE-1": 7, "CAP-1": 5}, 3),
        ({"TEE-1": 7, "CAP-1": 2}, 2),
        ({"TEE-1": 1, "CAP-1": 2}, 0),
        ({"TEE-1": -1, "CAP-1": 2}, -1),
    ],
)
def test_kits_are_the_least_of_their_components(available: dict[str, int], kits: int) -> None:
    """C60: whole kits only; a component that is oversold says so through the kit."""
    assert kits_from(SET, available) == kits


def test_a_kit_of_something_unknown_is_unknown() -> None:
    """C60, C66: a component that nobody has told of is no zero, and neither is the kit."""
    assert kits_from(SET, {"TEE-1": 7}) is None


def test_without_a_split_the_first_place_shows_all() -> None:
    """A folder that was not checked must not show one piece at two places."""
    location = Location("wms", {"wms": ["1"], "shop": ["a", "b"]})
    assert [share.place for share in shares_of(location, "shop")] == ["a"]
    assert shares_of(location, "amazon") == ()
