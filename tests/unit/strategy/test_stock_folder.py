"""inventory/*.toml and [publish]: what is right is held, what is wrong is told at once with its line, and the guide's example is right."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema_rs
import pytest

from interlock.strategy.checks.stock import ORDERS, PUBLISH, STOCK_TEXT, WMS
from interlock.strategy.decode import decode
from interlock.strategy.inventory import Publish, owner_of
from interlock.strategy.json_schema import schemas

from .example_folder import SOUND, findings_on_disk, load_files

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "stock.md"
LOCATIONS, ITEMS, FLOW = "inventory/locations.toml", "inventory/items.toml", "flows/stock-to-shop.toml"
CICERO = '[cicero]\nowner = "wms"\nplaces = { wms = ["156"], shop = ["1"] }\n'
STOCK = {WMS.file: WMS.text, ORDERS.file: ORDERS.text, FLOW: STOCK_TEXT + PUBLISH, LOCATIONS: CICERO}
SYSTEM = 'title = "{name}"\nconnector = "{connector}"\nowner = "operations"\nurl = "https://{name}.example.com"\n'


def told(folder: Path, **files: str) -> list[tuple[str, str, int]]:
    """(code, file, line) of every finding in the sound folder with stock."""
    named = {"locations": LOCATIONS, "items": ITEMS, "flow": FLOW}
    changed = {named[name]: text for name, text in files.items()}
    return [(one.code, one.file, one.line) for one in findings_on_disk(folder, {**SOUND, **STOCK, **changed})]


def test_a_folder_with_stock_is_sound(tmp_path: Path) -> None:
    """The control of all below."""
    assert told(tmp_path) == []


def test_without_stock_there_is_none() -> None:
    """A folder that moves no stock need not say so."""
    strategy = load_files(SOUND)
    assert strategy.inventory.locations == {} and strategy.flows["order-to-erp"].publish is None


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """Nobody wants to correct one mistake of a large map at a time."""
    locations = """\
[cicero]
owner = "wmss"
places = { wms = ["156"], shop = ["1", "2"] }
split = { shop = { "1" = "rest", "2" = "rest" } }
[reno]
owner = "wms"
places = { wms = ["156"], shop = ["1"] }
"""
    items = """\
[[item]]
sku = "TEE-1"
names = { epr = ["T1"] }
units = { CS = 0 }
[[item]]
sku = "TEE-2"
barcode = "1"
group = "shirts"
pack = { shop = 0 }
[[item]]
sku = "TEE-3"
barcode = "1"
[[item]]
sku = "TEE-3"
[[kit]]
sku = "SET"
of = { SET = 1 }
[[group]]
name = "mugs"
owner = "crm"
at = ["narnia"]
"""
    flow = STOCK_TEXT + PUBLISH + 'buffer = -1\nshare = 1.5\n[[publish.rule]]\nchannel = "erp"\ngroup = "mug"\n'
    assert told(tmp_path, locations=locations, items=items, flow=flow) == [
        ("STR007", FLOW, 18), ("STR007", FLOW, 19), ("STR380", FLOW, 21), ("STR380", FLOW, 22),
        ("STR370", ITEMS, 3), ("STR007", ITEMS, 4), ("STR378", ITEMS, 8), ("STR007", ITEMS, 9), ("STR377", ITEMS, 12),
        ("STR377", ITEMS, 14), ("STR376", ITEMS, 17), ("STR371", ITEMS, 20), ("STR378", ITEMS, 21),
        ("STR370", LOCATIONS, 2), ("STR374", LOCATIONS, 4), ("STR372", LOCATIONS, 7),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ('"1" = 0.7, "2" = 0.3', None),
        ('"1" = 0.1, "2" = 0.2, "3" = 0.7', None),
        ('"1" = "rest", "2" = 1', "STR374"),
        ('"1" = 0.7, "2" = 0.2', "STR374"),
        ('"1" = 0.7, "9" = "rest"', "STR374"),
        ('"1" = 1.0', "STR374"),
        ('"1" = 1.7, "2" = "rest"', "STR007"),
        ('"1" = "half", "2" = "rest"', "STR007"),
    ],
)
def test_a_split_shows_each_piece_once_or_is_refused(parts: str, code: str | None, tmp_path: Path) -> None:
    """0.1 + 0.2 + 0.7 is 1 for people, so it is 1 here; what leaves a place out, or shows a piece twice, is not."""
    places = '"1", "2", "3"' if '"3"' in parts else '"1", "2"'
    text = f'[cicero]\nowner = "wms"\nplaces = {{ wms = ["156"], shop = [{places}] }}\nsplit = {{ shop = {{ {parts} }} }}\n'
    found = {one[0] for one in told(tmp_path, locations=text)}
    assert code in found if code else found == set(), found


def test_an_owner_is_not_written_in_a_part_of_its_store_either(tmp_path: Path) -> None:
    """C67: where the shop counts the shirts of a place, a flow that writes the place would erase its sales of them."""
    items = '[[group]]\nname = "shirts"\nskus = ["TEE-*"]\nowner = "shop"\nat = ["cicero"]\n'
    assert told(tmp_path, items=items) == [("STR373", LOCATIONS, 3)]


def test_the_owner_of_its_own_store_is_left_alone(tmp_path: Path) -> None:
    """A till that counts its own store is no mistake: nobody writes there."""
    assert told(tmp_path, locations=CICERO + '[store]\nowner = "shop"\nplaces = { shop = ["2"] }\n') == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("order-to-wms", ""),
        ("order-to-wm", "no such flow"),
        ("customer-to-crm", "moves no orders"),
        ("order-to-erp", "not tell wms"),
    ],
)
def test_sales_are_seen_by_a_flow_of_orders_to_the_owner(name: str, says: str, tmp_path: Path) -> None:
    """C61: a sale that the owner never hears of would be subtracted for ever; the suggestion is a flow that fits."""
    text = f'{STOCK_TEXT}{PUBLISH}[[publish.rule]]\nchannel = "shop"\nsales_seen_by = "{name}"\n'
    findings = findings_on_disk(tmp_path, {**SOUND, **STOCK, FLOW: text})
    assert [one.code for one in findings] == (["STR384"] if says else [])
    assert all(says in one.what and "order-to-wms" in one.next_move for one in findings)


def test_a_source_that_counts_nothing_publishes_nothing(tmp_path: Path) -> None:
    """A folder with the flow and without the map: one finding at the flow, and no second for each channel."""
    assert told(tmp_path, locations='[x]\nowner = "erp"\nplaces = { erp = ["1"], shop = ["1"] }\n') == [
        ("STR381", FLOW, 2)
    ]


def test_later_rules_win_key_by_key() -> None:
    """The terms of a place are the sum of all rules that fit it, not the last rule alone."""
    rules = [
        {"channel": "amazon", "buffer": 5, "cap": 100},
        {"group": "apparel", "buffer": 1},
        {"location": "cicero", "channel": "shop", "share": 0.5},
    ]
    publish, problems = decode(Publish, {"safety_stock": 2, "rule": rules})
    assert problems == []
    found = publish.terms("amazon", "apparel", "cicero")
    assert (found.safety_stock, found.buffer, found.cap, found.share, found.rule) == (2, 1, 100, 1.0, [])
    assert publish.terms("shop", "", "cicero").share == 0.5
    assert publish.terms("shop", "", "reno") == Publish(safety_stock=2)


def guide_files() -> dict[str, str]:
    """The guide's files by their names, which stand in their first lines; but for those that a demo gets."""
    blocks = re.findall(r"```toml\n# (\S+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return {name: text for name, text in blocks if not name.startswith("interlock-demo/")}


def test_the_example_of_the_guide_is_sound(tmp_path: Path) -> None:
    """People copy it: whatever the guide shows must load, and mean what it says."""
    kinds = {
        "shipbob": "warehouse",
        "netsuite": "warehouse",
        "shopify": "shopify",
        "square": "shopify",
        "amazon": "shopify",
    }
    files = {
        "strategy.toml": SOUND["strategy.toml"].replace("finance-systems", "operations"),
        "runbooks/stock.md": "# Stock\n",
        **{
            f"systems/{name}.toml": SYSTEM.format(name=name, connector=kind)
            + {"shipbob": 'record_of = ["inventory_level"]\n', "shopify": 'record_of = ["order"]\n'}.get(name, "")
            + '[credentials]\ntoken = "env:TOKEN"\n'
            for name, kind in kinds.items()
        },
        "flows/order-to-wms.toml": ORDERS.text.replace('"shop"', '"shopify"').replace('"wms"', '"shipbob"')
        .replace("finance-systems", "operations").replace("erp-refusals.md", "stock.md"),
    }  # fmt: skip
    files |= guide_files()
    files["flows/stock-to-channels.toml"] = files["flows/stock-to-channels.toml"].replace(
        "stock/levels", "stock/changed"
    ).replace('owner = "warehouse"', 'owner = "operations"').replace("stock-differs.md", "stock.md")
    assert [str(one) for one in findings_on_disk(tmp_path, files) if one.severity == "error"] == []
    inventory = load_files(files).inventory
    assert inventory.group_of("CAP-9").name == "apparel"
    assert owner_of("outlet", inventory.locations["outlet"], inventory.group_of("TEE-1")) == "netsuite"


def test_an_editor_accepts_what_the_guide_shows() -> None:
    """The exported schemas complete and check as one types: they must agree with the loader, also in what they refuse."""
    kinds = {LOCATIONS: "locations", ITEMS: "stock-items", "flows/stock-to-channels.toml": "flow"}
    for path, text in guide_files().items():
        validator = jsonschema_rs.Draft202012Validator(json.loads(json.dumps(schemas()[kinds[path]])))
        assert [error.message for error in validator.iter_errors(tomllib.loads(text))] == []
        assert not validator.is_valid({"colour": "red"})


def test_who_counts_somewhere_is_the_record_there(tmp_path: Path) -> None:
    """A second owner's flow of stock is no copy of the first's truth; the control owns no location, and stays refused (STR142)."""
    second = WMS.text.replace('record_of = ["inventory_level"]\n', "")
    reno = '[reno]\nowner = "{owner}"\nplaces = {{ wms = ["157"], depot = ["1"], shop = ["2"] }}\n'
    flow = STOCK[FLOW].replace('"wms"', '"depot"').replace('title = "', 'title = "Depot: ')
    files = {
        **SOUND,
        **STOCK,
        "systems/depot.toml": second.replace('title = "', 'title = "Depot '),
        "flows/depot-to-shop.toml": flow,
    }
    for owner, codes in (("depot", set()), ("wms", {"STR142"})):
        told = findings_on_disk(tmp_path / owner, {**files, LOCATIONS: CICERO + reno.format(owner=owner)})
        assert {one.code for one in told if one.code == "STR142"} == codes


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ('location = "cicero"\nheal = "ask"\ncap = 5\n', [20, 21]),
        ('location = "cicero"\nchannel = "shop"\nsettle_seconds = 9\n', [21]),
        ('location = "cicero"\nbuffer = 5\nshare = 0.5\nsource_stale_minutes = 5\nsales_seen_after_minutes = 5\n', []),
        ('group = "mugs"\nheal = "ask"\n', []),
    ],
)
def test_a_rule_for_a_part_of_what_a_place_shows(rule: str, line: list[int], tmp_path: Path) -> None:
    """It would have no effect, and look as if it had; alone at its place it holds, which is the control."""
    flow, items = f"{STOCK_TEXT}{PUBLISH}[[publish.rule]]\n{rule}", '[[group]]\nname = "mugs"\n'
    reno = '[reno]\nowner = "wms"\nplaces = {{ wms = ["157"], shop = ["{}"] }}\n'
    summed, apart = (CICERO + reno.format(place) for place in ("1", "2"))
    assert told(tmp_path / "sum", flow=flow, items=items, locations=summed) == [("STR388", FLOW, one) for one in line]
    assert told(tmp_path / "apart", flow=flow, items=items, locations=apart) == []


def test_sales_at_a_location_are_told_to_its_owner(tmp_path: Path) -> None:
    """Where another system counts, the flow that takes orders there is the one to name (C61); the warehouse's is not."""
    outlet = '[outlet]\nowner = "erp"\nplaces = { erp = ["4"], shop = ["2"] }\n'
    rule = '[[publish.rule]]\nlocation = "outlet"\nsales_seen_by = "{}"\n'
    for name, says in (("order-to-erp", []), ("order-to-wms", ["which does not tell erp"])):
        files = {**SOUND, **STOCK, LOCATIONS: CICERO + outlet, FLOW: STOCK[FLOW] + rule.format(name)}
        found = [one.what.partition(", ")[2] for one in findings_on_disk(tmp_path / name, files)]
        assert found == says


def test_a_second_flow_that_shows_nothing_is_told_who_does(tmp_path: Path) -> None:
    """It counts shirts at a location that the first flow shows: the way out is not another place."""
    depot = WMS.text.replace('record_of = ["inventory_level"]\n', "").replace('title = "', 'title = "Depot ')
    flow = STOCK[FLOW].replace('"wms"', '"depot"').replace('title = "', 'title = "Depot: ')
    files = {
        **SOUND,
        **STOCK,
        "systems/depot.toml": depot,
        "flows/depot-to-shop.toml": flow,
        LOCATIONS: CICERO.replace("shop =", 'depot = ["1"], shop ='),
        ITEMS: '[[group]]\nname = "shirts"\nskus = ["TEE-*"]\nowner = "depot"\n',
    }
    found = next(one for one in findings_on_disk(tmp_path, files) if one.file == "flows/depot-to-shop.toml")
    assert (found.code, found.next_move) == ("STR381", "take shop out of its destinations")
    assert "stock-to-shop shows there what depot counts too" in found.why
