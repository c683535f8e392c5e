"""Two versions of an object side by side: each flow and each mapping gets the one it is written for."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from two_versions import CONVERTERS, FIXTURES, START_MS, built, edited, folder_with_two, order_v2

from interlock.canonical import parse_contract
from interlock.canonical.compatibility import compare
from interlock.console.translation import ReleaseTranslator
from interlock.mapping import MappingFileError
from interlock.messaging.finished import Stop
from interlock.messaging.process import Message
from interlock.messaging.write import Past
from interlock.release.build import Build
from interlock.strategy import StrategyErrors, contracts_of

SAMPLE = json.loads((FIXTURES / "webhook.orders.create.json").read_bytes())
BODY = json.dumps(SAMPLE | {"test": False, "cancelled_at": None, "cancel_reason": None}).encode()
DAY_MS = 86_400_000
WMS_OF_V2 = ("flows/order-to-wms.toml", 'object = "order.v1"', 'object = "order.v2"')
FOR_V2 = """\
{versions}
[order.out.placed_order]
"data.attributes.properties.Remark" = "remark"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_with_two(tmp_path / "acme")


def event_at_klaviyo(release: Build) -> dict[str, object]:
    """What marketing would be sent of the order."""
    document = release.document("shopify", "order", BODY)
    plan = release.destination("klaviyo", "shopify").plan(document.value, signal="orders/create#1", past=Past())
    bodies = [json.loads(write.body) for write in plan.writes if not write.object]
    return next(body for body in bodies if body["data"]["type"] == "event")  # type: ignore[no-any-return]


def test_the_condition_of_a_flow_sees_the_version_that_it_names(folder: Path) -> None:
    """The mapping of the shop yields order.v1; a flow that names order.v2 gets it through the up converter."""
    edited(folder, *WMS_OF_V2)
    text = (folder / "flows/order-to-wms.toml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("when"))
    edited(folder, "flows/order-to-wms.toml", line, "when = \"order.purpose == 'test'\"\ntest_orders = true")
    release = built(folder)
    release.warm()
    document = release.document("shopify", "order", BODY)
    assert type(document.value) is contracts_of(release.strategy)["order.v1"].struct
    assert "does not hold" in release.admits("order-to-wms", document, "", START_MS)
    assert release.admits("order-to-erp", document, "", START_MS) == ""
    tested = json.dumps(SAMPLE | {"test": True}).encode()
    assert release.admits("order-to-wms", release.document("shopify", "order", tested), "", START_MS) == ""


@pytest.mark.parametrize("versions", ["", "[versions]\norder = 2"], ids=["by its fields", "declared"])
def test_a_mapping_that_is_written_for_the_new_version_is_given_it(tmp_path: Path, versions: str) -> None:
    """The destination's mapping reads `remark`, which only order.v2 has; the source's still yields order.v1."""
    folder = folder_with_two(tmp_path / "acme", mappings__klaviyo=FOR_V2.format(versions=versions))
    body = json.loads(BODY) | {"note": "ring twice"}
    release = built(folder)
    document = release.document("shopify", "order", json.dumps(body).encode())
    plan = release.destination("klaviyo", "shopify").plan(document.value, signal="orders/create#1", past=Past())
    assert any(b"ring twice" in write.body for write in plan.writes)


def test_mappings_of_the_old_version_run_on(folder: Path, tmp_path: Path) -> None:
    """A second version that nobody uses changes no byte of what is sent."""
    alone = folder_with_two(tmp_path / "alone")
    for name in ("objects/order.v2.toml", "objects/order.v1-v2.toml", "changes/0001.toml"):
        (alone / name).unlink()
    assert event_at_klaviyo(built(folder)) == event_at_klaviyo(built(alone))


def test_a_source_of_the_new_version_serves_destinations_of_the_old(folder: Path) -> None:
    """The other way: the shop's mapping yields order.v2, and what is sent goes through the down converter unchanged."""
    before = event_at_klaviyo(built(folder))
    rows = 'note = { remove = true }\ntest = { remove = true }\nremark = "note"\npurpose = { value = "sale" }\n'
    (folder / "mappings" / "shopify.toml").write_text(f"[order.in]\n{rows}")
    release = built(folder)
    document = release.document("shopify", "order", BODY)
    assert type(document.value) is contracts_of(release.strategy)["order.v2"].struct
    assert event_at_klaviyo(release) == before


def test_a_release_is_not_built_with_a_converter_that_lacks_a_row(folder: Path) -> None:
    """A missing row shows when the release is built, not at the first order of the night."""
    (folder / "objects" / "order.v1-v2.toml").write_text(CONVERTERS.partition("[down]")[0] + "[down]\n")
    with pytest.raises(MappingFileError, match="no row gives 'test'"):
        built(folder).warm()


@pytest.mark.parametrize(("missing", "code"), [("changes/0001.toml", "STR123"), ("objects/order.v1-v2.toml", "STR124")])
def test_a_breaking_version_alone_does_not_load(folder: Path, missing: str, code: str) -> None:
    """Fault case 48: a breaking version without its change file, or without converters, is refused with its reasons."""
    (folder / missing).unlink()
    with pytest.raises(StrategyErrors) as raised:
        built(folder)
    assert code in {finding.code for finding in raised.value.findings}
    assert "CMP0" in str(raised.value)


def test_the_example_breaks(folder: Path) -> None:
    """The control: order.v2 of these tests does break those who use order.v1, both ways."""
    old = contracts_of(built(folder).strategy)["order.v1"]
    assert compare(old, parse_contract(order_v2(), "order.v2.toml")).verdict == "none"


def test_personal_fields_of_every_version_are_masked(folder: Path) -> None:
    """C91: the flows name order.v2, whose `remark` is personal, while the objects shown are order.v1 with its `note`."""
    for flow in ("order-to-erp", "order-to-wms", "order-to-marketing"):
        edited(folder, f"flows/{flow}.toml", 'object = "order.v1"', 'object = "order.v2"')
    edited(folder, "flows/order-to-wms.toml", "when =", "# when =")
    release = built(folder)
    shelf = SimpleNamespace(current=lambda: release)
    translator = ReleaseTranslator(shelf)  # type: ignore[arg-type]
    assert {"note", "remark"} <= translator.personal("canonical", "", "order")
    assert "note" in translator.personal("source", "shopify", "order")
    assert "memo" in translator.personal("destination", "netsuite", "order")


def test_a_release_says_who_uses_which_version_and_judges_it(folder: Path) -> None:
    """The change file's dates hold for the flow, the mapping that reads and the one that writes alike; one warning says it."""
    release = built(folder)
    release.warm()
    assert release.standing("order-to-erp", "netsuite", START_MS) == ()
    (warning,) = release.standing("order-to-erp", "netsuite", START_MS + 40 * DAY_MS)
    assert warning.startswith("CMP201 order.v1 is deprecated, and is refused from 2026-04-01 on: move to order.v2")
    with pytest.raises(Stop) as raised:
        release.standing("order-to-erp", "netsuite", START_MS + 100 * DAY_MS)
    failure = raised.value.finished.failure
    assert failure is not None
    assert (raised.value.finished.state, failure.code) == ("dead", "CMP203")
    assert {(one.part, one.system, one.version, one.uses) for one in release.uses.taken()} == {
        ("flow", "netsuite", "order.v1", 3), ("reads", "shopify", "order.v1", 3), ("writes", "netsuite", "order.v1", 3),
    }  # fmt: skip


def test_a_process_moves_the_version_that_its_flow_names(folder: Path) -> None:
    """A middleware flow packs its message once; conditions of its steps then read order.v2, and its writes go out as order.v1."""
    edited(folder, *WMS_OF_V2)
    edited(folder, "flows/order-to-wms.toml", 'pattern = "event-driven"', 'pattern = "middleware"')
    file = folder / "flows/order-to-wms.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith(("when", "waits_for"))]
    step = '[[steps]]\nname = "ship"\nkind = "write"\nsystem = "shipbob"\n'
    file.write_text("\n".join(lines) + "\n" + step)
    release = built(folder)
    script = release.script("order-to-wms")
    assert script is not None
    packed = script.pack(release.document("shopify", "order", BODY).value)
    assert json.loads(packed)["purpose"] == "sale"
    message = Message(object=packed, facts={}, part="")
    staged = script.document(script.steps["ship"], message, undo=False)
    plan = release.destination("shipbob", "shopify").plan(staged, signal="", past=Past())
    assert [write.operation for write in plan.writes] == ["order.create"]


def test_the_guide_can_be_followed(tmp_path: Path) -> None:
    """docs/guides/change-a-contract.md: its files load and build, and its comparison says what the command says."""
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "change-a-contract.md").read_text(encoding="utf-8")
    converters, change, versions = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    files = {"objects__order.v1-v2": converters, "changes__0001": change, "mappings__netsuite": versions}
    folder = folder_with_two(tmp_path / "acme", **files)
    remark = '[order.out.salesOrder]\nmemo = "remark"\n'
    (folder / "mappings" / "netsuite.toml").write_text(versions + remark)
    release = built(folder)
    release.warm()
    contracts = contracts_of(release.strategy)
    said = [each.sentence for each in compare(contracts["order.v1"], contracts["order.v2"]).changes]
    shown = [line.strip().removesuffix(" ...") for line in guide.splitlines() if line.startswith("    order.v2 ")]
    assert len(shown) == 2
    assert all(any(sentence.startswith(line) for sentence in said) for line in shown), said


def test_a_version_that_only_adds_needs_no_change_and_no_converters(folder: Path) -> None:
    """The usual next version: one optional field more. The shop's mapping fills it, a flow asks for it, the others do not see it."""
    for name in ("objects/order.v1-v2.toml", "changes/0001.toml"):
        (folder / name).unlink()
    tier = 'tier = { type = "string", required = false, meaning = "Tier", example = "gold" }'
    (folder / "objects" / "order.v2.toml").write_text(f'extends = "order.v1"\n[fields]\n{tier}\n')
    (folder / "mappings" / "shopify.toml").write_text('[order.in]\ntier = "note"\n')
    edited(folder, *WMS_OF_V2)
    text = (folder / "flows/order-to-wms.toml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("when"))
    edited(folder, "flows/order-to-wms.toml", line, "when = \"order.tier == 'gold'\"")
    release = built(folder)
    release.warm()
    gold = json.dumps(json.loads(BODY) | {"note": "gold"}).encode()
    document = release.document("shopify", "order", gold)
    assert type(document.value) is release.versions.contracts["order.v2"].struct
    assert release.admits("order-to-wms", document, "", START_MS) == ""
    assert "does not hold" in release.admits("order-to-wms", release.document("shopify", "order", BODY), "", START_MS)
    plan = release.destination("netsuite", "shopify").plan(document.value, signal="", past=Past())
    assert plan.writes


def test_a_change_that_names_other_converters_does_not_load(folder: Path) -> None:
    """A file that nobody will ever read must not stand where people look for the way from one version to the other."""
    edited(folder, "changes/0001.toml", '"order.v1-v2"', '"order.v1-v3"')
    with pytest.raises(StrategyErrors, match="STR126") as raised:
        built(folder)
    assert 'did you mean "order.v1-v2"?' in str(raised.value)
