"""The folder of the wide world, in its three releases: two that count, a till that counts its own store, channels that show them."""

import msgspec
from stock_simulation import IMPORTED, LAG, MARKET, SHOP, TILL, WMS

from interlock.strategy.inventory import Group, Inventory, ItemRule, Kit, Location, Publish, PublishRule

ERP = "erp"
GOODS = ("ASK-1", "CAP", "HOT-1", "MUG", "SOAP", "TEE")
SET = "SET"
RENAMED, NEW_NAME = "TEE", "TEE-V2"
SOLD_BY = {
    SHOP: {"S1": "hall", "S2": "hall", "S3": "outlet", "S4": "store"}, MARKET: {"D": "hall outlet"}, TILL: {"T1": "hall"},
}  # fmt: skip
"""Places of each channel that others count, and which locations they show."""
COUNTED = {"hall": ((WMS, "H1"), (WMS, "H2")), "outlet": ((ERP, "O1"),), "store": ((TILL, "T2"),)}
SIGNAL = (ERP, "E1")
"""The ERP keeps a number of the hall too; it is the truth of the rare items there in the second release."""
NEW_PLACE = (WMS, "H3")
CASE, TEN, PALLET, NOBODYS = "TEN", 10, "PAL", "FURLONG"
STALE_SECONDS = 20.0

FIRST = Inventory(
    locations={
        "hall": Location(
            owner=WMS, places={WMS: ["H1", "H2"], ERP: ["E1"], SHOP: ["S1", "S2"], MARKET: ["D"], TILL: ["T1"]},
            split={SHOP: {"S1": 0.7, "S2": "rest"}},
        ),
        "outlet": Location(owner=ERP, places={ERP: ["O1"], SHOP: ["S3"], MARKET: ["D"]}),
        "store": Location(owner=TILL, places={TILL: ["T2"], SHOP: ["S4"]}),
    },
    items=(ItemRule(sku="SOAP", pack={MARKET: 6}, units={CASE: TEN}), ItemRule(sku=RENAMED, names={ERP: ["TEE-ERP"]})),
    kits=(Kit(sku=SET, of={"MUG": 2, "CAP": 1}),),
    groups=(Group(name="rare", skus=["HOT-*"]), Group(name="asks", skus=["ASK-*"])),
)  # fmt: skip
TERMS = Publish(
    settle_seconds=1.0, read_every_seconds=5.0, unexplained_seconds=60.0, source_stale_minutes=STALE_SECONDS / 60,
    sales_seen_after_minutes=(IMPORTED + LAG) / 60,
    rule=[
        PublishRule(channel=MARKET, buffer=1, share=0.5, cap=80, floor=2),
        PublishRule(channel=SHOP, location="outlet", safety_stock=2),
        PublishRule(channel=SHOP, group="asks", heal="ask"),
    ],
)  # fmt: skip


def _second() -> tuple[Inventory, Publish]:
    """Other terms, another owner of the rare items at the hall, a place and a unit that had been unknown."""
    hall = FIRST.locations["hall"]
    hall = msgspec.structs.replace(hall, places={**hall.places, WMS: ["H1", "H2", "H3"]})
    folder = Inventory(
        locations={**FIRST.locations, "hall": hall}, items=(*FIRST.items, ItemRule(sku="MUG", units={PALLET: TEN})),
        kits=FIRST.kits, groups=(Group(name="rare", skus=["HOT-*"], owner=ERP, at=["hall"]), FIRST.groups[1]),
    )  # fmt: skip
    return folder, msgspec.structs.replace(TERMS, rule=[*TERMS.rule, PublishRule(channel=MARKET, share=0.25)])


SECOND, SECOND_TERMS = _second()
THIRD = Inventory(
    locations=SECOND.locations, kits=SECOND.kits, groups=SECOND.groups,
    items=tuple(
        rule if rule.sku != RENAMED else ItemRule(
            sku=NEW_NAME, names={ERP: ["TEE-ERP"], **{system: [RENAMED] for system in (WMS, SHOP, MARKET, TILL)}}
        )
        for rule in SECOND.items
    ),
)  # fmt: skip
RELEASES = ((FIRST, TERMS), (SECOND, SECOND_TERMS), (THIRD, SECOND_TERMS))
"""In their order; with the third an item has another name."""
