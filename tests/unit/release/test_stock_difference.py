"""What a plan says of a changed map of stock: by item and location, and nothing where only a system's name changed."""

from interlock.release.change import leaves
from interlock.release.difference import differences
from interlock.strategy.snapshot import Snapshot, snapshot_of

LOCATIONS = '[cicero]\nowner = "wms"\nplaces = { wms = ["156"], shop = ["1"] }\n'
ITEMS = '[[item]]\nsku = "TEE-1"\nnames = { wms = ["wms"] }\nunits = { CS = 12 }\n'


def folder(locations: str = LOCATIONS, items: str = ITEMS, **systems: str) -> Snapshot:
    texts = {"inventory/locations.toml": locations, "inventory/items.toml": items}
    texts |= {f"systems/{name}.toml": text for name, text in systems.items()}
    return snapshot_of({path: text.encode() for path, text in texts.items()})


def lines(old: Snapshot, new: Snapshot) -> list[str]:
    return [change.line for change in differences(old, new)]


def test_an_item_before_others_is_one_item_more() -> None:
    """By their numbers in the file every item behind a new one would seem to be another."""
    items = '[[item]]\nsku = "CAP-1"\nbarcode = "5"\n' + ITEMS.replace("12", "24")
    assert lines(folder(), folder(items=items)) == [
        "~ stock items: item.TEE-1.units.CS: 12 -> 24",
        "+ stock items: item.CAP-1.sku = CAP-1",
        "+ stock items: item.CAP-1.barcode = 5",
    ]


def test_a_place_that_moves_is_told_by_its_location() -> None:
    """Who approves a release has to see which location a channel shows from now on."""
    assert lines(folder(), folder(LOCATIONS.replace('"1"', '"2"'))) == [
        "+ stock locations: cicero.places.shop has 2",
        "- stock locations: cicero.places.shop has no more 1",
    ]


def test_a_system_with_another_name_is_no_other_map() -> None:
    """One line says that it is called otherwise; the map of stock did not change, and an item that is called so is no system."""
    renamed = LOCATIONS.replace('"wms"', '"house"').replace("wms =", "house =")
    old = folder(wms='title = "W"\nconnector = "x"\nowner = "y"\nurl = "u"\n')
    new = folder(
        renamed,
        ITEMS.replace("wms =", "house ="),
        house='was = "wms"\ntitle = "W"\nconnector = "x"\nowner = "y"\nurl = "u"\n',
    )
    assert lines(old, new) == ["~ system wms: is called house now; what was written there stays its own"]


def test_one_of_several_files_of_items() -> None:
    """Who approves sees what changed in it; a file that came says how much it brings, not each of its thousands of items."""
    path, tees = "inventory/items/tees.toml", '[[item]]\nsku = "TEE-2"\nbarcode = "1"\n[[item]]\nsku = "TEE-3"\n'
    old = folder()
    new, newer = (snapshot_of({**old.files, path: text.encode()}) for text in (tees, tees.replace('"1"', '"2"')))
    assert lines(old, new) == ["+ stock tees: 2 of item"]
    assert lines(new, newer) == ["~ stock tees: item.TEE-2.barcode: 1 -> 2"]


def test_a_large_file_of_items_is_compared_in_its_length() -> None:
    """Each item was looked for among all others: 12,000 of one file took seconds, and took them while the hub switched. Counted in
    looks, not in time."""
    looks = 0

    class Sku(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal looks
            looks += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    list(leaves({"item": [{"sku": Sku(f"T{number}"), "barcode": "1"} for number in range(300)]}))
    assert looks < 3_000
