"""Numbers that lose nothing, though nobody has checked the folder."""

from interlock.flows.inventory.amount import shares_of
from interlock.strategy.inventory import Location


def test_without_a_split_the_first_place_shows_all() -> None:
    """A folder that was not checked must not show one piece at two places."""
    location = Location("wms", {"wms": ["1"], "shop": ["a", "b"]})
    assert [share.place for share in shares_of(location, "shop")] == ["a"]
    assert shares_of(location, "amazon") == ()
