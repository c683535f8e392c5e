"""Loading: everything that is wrong is told at once, and what is right becomes a Strategy."""

import time
from contextlib import suppress

import pytest

from interlock.strategy import Retry, StrategyErrors
from interlock.strategy.finding import Finding

from .example_folder import SOUND, load_files, overlaid


def errors_of(files: dict[str, str]) -> StrategyErrors:
    with pytest.raises(StrategyErrors) as caught:
        load_files(files)
    return caught.value


def test_a_sound_folder_becomes_a_strategy() -> None:
    """The model holds what the files say, by the names of the files."""
    strategy = load_files(
        {**SOUND, "objects/order.v1.toml": 'extends = "order.v1"', "mappings/erp.toml": "y = 2", "functions.py": "# f"}
    )
    assert (strategy.name, strategy.environment, strategy.warnings) == ("acme", "staging", ())
    assert strategy.teams["finance-systems"].name == "finance-systems"
    assert strategy.systems["erp"].connector == "netsuite"
    assert strategy.systems["erp"].credentials == {"token": "env:TOKEN"}
    assert strategy.flows["order-to-erp"].destinations == ["erp"]
    assert strategy.flows["order-to-erp"].object_name == "order"
    assert strategy.objects == {"order.v1": 'extends = "order.v1"'}
    assert strategy.mappings == {"erp": "y = 2"}
    assert strategy.functions == "# f"
    assert len(strategy.release) == 64
    assert strategy.declared_hosts() == {"shop.example.com:443", "erp.example.com:443", "crm.example.com:443"}


def test_a_flow_may_have_its_own_retry() -> None:
    """A flow's retry stands in place of its destination's."""
    flow = "flows/order-to-erp.toml"
    strategy = load_files({**SOUND, flow: overlaid(SOUND[flow], "[retry]\nattempts = 3")})
    assert strategy.flows["order-to-erp"].retry == Retry(attempts=3)
    assert strategy.flows["customer-to-crm"].retry is None


def test_twelve_mistakes_are_twelve_findings() -> None:
    """Nobody wants to correct one mistake at a time; nor to read two findings about one mistake."""
    files = dict(SOUND)
    for file, lines in {
        "strategy.toml": 'colour = "red"\ntimezone = "Mars/Base"',  # STR004, STR043
        "security.toml": "[console]\nsession_hours = 999",  # STR007
        "systems/erp.toml": 'ownr = "x"\n# owner\n[limits]\nconcurrency = "many"\n[credentials]\ntoken = "hunter2"',
        # STR004, STR005, STR006, STR030
        "flows/order-to-erp.toml": 'trigger = ["orders/creat"]\ndestinations = ["erp", "crmm"]\nwhen = "order.x = 1"\n'
        'runbook = "erp-refusal.md"',  # STR015, STR014, STR036, STR018
    }.items():
        files[file] = overlaid(files[file], lines)
    files["flows/customer-to-crm.toml"] = "title = \n"  # STR002
    found = errors_of(files).findings
    assert sorted(finding.code for finding in found) == [
        "STR002", "STR004", "STR004", "STR005", "STR006", "STR007",
        "STR014", "STR015", "STR018", "STR030", "STR036", "STR043",
    ]  # fmt: skip
    assert all(finding.line and finding.column for finding in found)
    assert "12 mistakes" in str(errors_of(files))


def test_a_finding_reads_as_promised() -> None:
    """The text is the product: code, subject, file:line:column, reason, suggestion."""
    flow = "flows/order-to-erp.toml"
    (finding,) = errors_of({**SOUND, flow: overlaid(SOUND[flow], 'destinations = ["erp", "cmr"]')}).findings
    assert str(finding) == (
        'STR014 flow order-to-erp: unknown destination "cmr"\n'
        "  where: flows/order-to-erp.toml:5:24\n"
        "  why:   no file systems/cmr.toml\n"
        '  next:  did you mean "crm"?'
    )


def test_a_condition_is_placed_to_the_column() -> None:
    """The column of the condition is counted in the file, not in its text."""
    flow = "flows/order-to-erp.toml"
    text = overlaid(SOUND[flow], 'when = "order.test == flase"')
    (finding,) = errors_of({**SOUND, flow: text}).findings
    assert text.splitlines()[finding.line - 1][finding.column - 1 :].startswith("flase")


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("systems/erp.toml", '[credentials]\ntoken = "hunter2-shpat_0123456789abcdef"'),
        ("systems/erp.toml", '[credentials]\ntoken = ["env:A", "hunter2-shpat_0123456789abcdef"]'),
        ("systems/erp.toml", 'connector = "shpat_0123456789abcdef"'),
        ("systems/erp.toml", 'owner = "shpat_0123456789abcdef"'),
        ("systems/erp.toml", 'url = "https://hunter2:shpat_0123456789abcdef@erp.example.com"'),
        ("systems/erp.toml", '[settings]\nguest_entity = "shpat_0123456789abcdef"'),
        ("systems/erp.toml", '[settings]\n"shpat_0123456789abcdef" = "x"'),
    ],
)
def test_a_secret_is_never_repeated(file: str, lines: str) -> None:
    """Findings are printed, logged and shown; a secret in the wrong place must not travel with them."""
    told = str(errors_of({**SOUND, file: overlaid(SOUND[file], lines)}))
    assert "0123456789abcdef" not in told
    assert "hunter2" not in told


def test_an_item_id_that_is_a_number_is_refused() -> None:
    """Ids above 2^53 would lose digits on their way; all ids are texts."""
    (finding,) = errors_of({**SOUND, "mappings/items.toml": '[erp.skus]\n"TEA-100" = 9007199254740993\n'}).findings
    assert (finding.code, finding.line, finding.column) == ("STR006", 2, 13)
    assert finding.next_move == "put it in double quotes"


def test_a_mapping_may_declare_settings() -> None:
    """A mapping of the folder reads settings of its own; they are known from its [settings] table."""
    files = {**SOUND, "systems/erp.toml": overlaid(SOUND["systems/erp.toml"], '[settings]\nmemo_prefix = "x"')}
    assert [finding.code for finding in errors_of(files).findings] == ["STR022"]
    load_files({**files, "mappings/erp.toml": '[settings]\nmemo_prefix = { meaning = "before the note" }\n'})


def test_broken_toml_does_not_hide_other_files() -> None:
    """One file that cannot be read is one finding; the others are checked all the same."""
    files = {name: "= =" if name.startswith("systems/erp") else text for name, text in SOUND.items()}
    files["strategy.toml"] = files["strategy.toml"].replace('title = "Acme"', "title = 3")
    assert [finding.code for finding in errors_of(files).findings] == ["STR006", "STR002"]


@pytest.mark.parametrize(
    "text", ["systems = 1", "teams = 3", "teams = []", "[teams]\nx = 1", "name = 1979-05-27", "title = nan"]
)
def test_odd_shapes_are_findings_not_crashes(text: str) -> None:
    """Whatever TOML can say, the loader answers with findings."""
    assert errors_of({**SOUND, "strategy.toml": text}).findings


@pytest.mark.parametrize("folder", ["systems", "flows"])
@pytest.mark.parametrize("value", ["1", '"x"', "[1]", "[[1]]", "{ a = 1 }", "true", "1979-05-27", '["a", "a"]'])
def test_any_key_with_any_value_is_a_finding_at_most(folder: str, value: str) -> None:
    """The checks read half-valid files; none of them may stumble."""
    name = {"systems": "systems/erp.toml", "flows": "flows/order-to-erp.toml"}[folder]
    keys = [line.partition(" =")[0] for line in SOUND[name].splitlines() if " = " in line]
    for key in (*keys, "settings", "credentials", "limits", "slo", "retry", "when"):
        lines = [line for line in SOUND[name].splitlines() if not line.startswith((f"{key} ", "["))]
        with suppress(StrategyErrors):
            load_files({**SOUND, name: "\n".join([f"{key} = {value}", *lines])})


def test_a_warning_beside_a_mistake_is_not_counted_as_one() -> None:
    """Who corrects the mistakes asks for no more than that: `plan` and `apply` say the same numbers as `check`."""
    error = Finding("STR005", "a key is missing", "strategy.toml")
    warning = Finding("STR160", "no SLO", "flows/a.toml", severity="warning")
    assert StrategyErrors([error]).what == "1 mistake in the strategy folder"
    both = StrategyErrors([error, warning])
    assert (both.what, both.code) == ("1 mistake in the strategy folder, and 1 warning", "STR005")
    assert "warning: STR160" in str(both)
    assert "warning: STR005" not in str(both)


def test_forty_systems_and_two_hundred_flows(capsys: pytest.CaptureFixture[str]) -> None:
    """`interlock check` answers while one still looks at the screen; this prints how long it takes."""
    files = {name: text for name, text in SOUND.items() if "/" not in name or name.startswith("runbooks/")}
    for number in range(40):
        kind, base = ("shop", "systems/shop.toml") if number < 20 else ("erp", "systems/erp.toml")
        text = (
            SOUND[base]
            .replace('title = "', f'title = "{number} ')
            .replace('record_of = ["order"]', 'record_of_own = ["order"]')
        )
        text = text.replace('"customer"', "").replace("https://shop.", f"https://shop-{number}.").partition("[[")[0]
        files[f"systems/{kind}-{number}.toml"] = text
    for number in range(200):
        text = SOUND["flows/order-to-erp.toml"].replace('"Orders"', f'"Orders {number}"')
        text = text.replace('"shop"', f'"shop-{number % 20}"').replace('"erp"', f'"erp-{20 + number // 10}"')
        files[f"flows/flow-{number}.toml"] = "retry = { attempts = 3 }\n" + text
    began = time.perf_counter()
    strategy = load_files(files)
    seconds = time.perf_counter() - began
    assert (len(strategy.systems), len(strategy.flows)) == (40, 200)
    with capsys.disabled():
        print(f"\n40 systems and 200 flows: {seconds * 1000:.0f} ms")
