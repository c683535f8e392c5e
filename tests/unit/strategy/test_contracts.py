"""Object files of a folder: their mistakes are findings with places, and what is right becomes the strategy's contracts."""

import msgspec
import pytest

from interlock.canonical.contract import ContractError
from interlock.strategy import Finding, StrategyErrors, contract_of, contracts_of

from .example_folder import SOUND, load_files, overlaid

TIER = 'loyalty_tier = { type = "string", required = false, meaning = "Tier" }'
FLOW = "flows/order-to-erp.toml"


def with_object(text: str, name: str = "order.v1", **changed: str) -> dict[str, str]:
    """The sound folder with an object file, and lines laid over its flow."""
    flow = overlaid(SOUND[FLOW], changed["flow"]) if "flow" in changed else SOUND[FLOW]
    return {**SOUND, f"objects/{name}.toml": text, FLOW: flow}


def findings(files: dict[str, str]) -> list[Finding]:
    with pytest.raises(StrategyErrors) as caught:
        load_files(files)
    return caught.value.findings


def test_mistakes_of_shape_and_of_meaning_are_told_at_once() -> None:
    """Each with line and column, the way out, and one finding for a field that is wrong in two ways."""
    text = (
        'extends = "order.v1"\n'
        "[fields]\n"
        'loyalty_tier = { type = "strng", meaning = "Tier" }\n'
        'note = { type = "string", required = false, meaning = "Note", klass = "personal" }\n'
        'rank = { type = "enum", required = false, meaning = "Rank" }\n'
        'size = { type = "string", required = false, unit = "cm", meaning = "Size" }\n'
    )
    found = findings(with_object(text))
    assert [(one.code, one.where) for one in found] == [
        ("STR007", "objects/order.v1.toml:3:25"),
        ("STR004", "objects/order.v1.toml:4:63"),
        ("STR107", "objects/order.v1.toml:5:1"),
        ("STR108", "objects/order.v1.toml:6:52"),
    ]
    assert found[0].next_move == 'did you mean "string"?'
    assert found[3].what == "object order.v1: size is a string, and only a quantity or a decimal has a unit"


def test_a_condition_knows_the_contract() -> None:
    """A misspelt field would be null for ever, and the flow take nothing, or everything."""
    (found,) = findings({**SOUND, FLOW: overlaid(SOUND[FLOW], 'when = "order.tset == false"')})
    assert (found.code, found.next_move) == ("STR036", 'did you mean "test"?')


def test_a_condition_may_use_an_added_field() -> None:
    """The field is the folder's own, but for the folder it is a field like any other."""
    when = "when = \"order.loyalty_tier == 'gold'\""
    strategy = load_files(with_object(f'extends = "order.v1"\n[fields]\n{TIER}', flow=when))
    assert "loyalty_tier" in contracts_of(strategy)["order.v1"].fields
    (found,) = findings({**SOUND, FLOW: overlaid(SOUND[FLOW], when)})
    assert found.code == "STR036", "the control: without the object file the field is unknown"


def test_a_broken_object_file_is_one_mistake() -> None:
    """A condition on ours stays right; only what reads the broken addition cannot be told."""
    broken = f'extends = "order.v1"\n[fields]\n{TIER}\nnote = {{ type = "id", required = false, meaning = "x" }}'
    found = findings(with_object(broken, flow='when = "order.test == false"'))
    assert [one.code for one in found] == ["STR104"]


def test_a_file_that_is_no_toml_is_told_once() -> None:
    """The object is then unknown, and that is not a second mistake."""
    assert [one.code for one in findings(with_object("extends = order.v1"))] == ["STR002"]


def test_the_version_that_flows_move() -> None:
    """Mappings are compiled against the newest version that a flow names; else the first there is."""
    newer = with_object('extends = "order.v1"', "order.v2", flow='object = "order.v2"')
    for files, key in ((SOUND, "order.v1"), (newer, "order.v2")):
        contract = contract_of(load_files(files), "order")
        assert contract is not None and contract.key == key
    assert contract_of(load_files(SOUND), "nothing") is None
    price = contract_of(load_files(SOUND), "price")
    assert price is not None and price.key == "price.v1"


def test_one_folder_does_not_see_anothers_objects() -> None:
    """Releases stand side by side in one process: an older one keeps its own contracts."""
    extended = load_files(with_object(f'extends = "order.v1"\n[fields]\n{TIER}'))
    plain = load_files(SOUND)
    assert "loyalty_tier" in contracts_of(extended)["order.v1"].fields
    assert "loyalty_tier" not in contracts_of(plain)["order.v1"].fields
    assert contracts_of(extended) is contracts_of(extended), "compiled once"


def test_a_release_whose_objects_are_wrong_by_now_is_told() -> None:
    """A release kept in the store may be older than a rule."""
    strategy = msgspec.structs.replace(load_files(SOUND), objects={"order.v1": "meaning = 'x'"})
    with pytest.raises(ContractError, match="ships with Interlock"):
        contracts_of(strategy)
