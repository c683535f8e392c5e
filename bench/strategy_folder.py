"""A strategy folder of any size: systems of the real connectors, flows between them, contracts of its own. Tests use it too."""

from pathlib import Path

SOURCE, DESTINATIONS = "shopify", ("netsuite", "shipbob", "klaviyo")
"""One system sends orders; the others, by turns, take them."""
FIELDS_PER_CONTRACT = 25
_IMPACTS, _COMPLEXITIES = ("high", "medium", "low"), ("low", "medium", "high", "medium")

STRATEGY = """\
name = "large"
title = "A large shop"
environment = "development"

[teams.integration]
contact = "#integration"
escalation = "on-call, by the pager"
"""
_SYSTEM = """\
title = "{title}"
connector = "{connector}"
owner = "integration"
url = "https://{name}.example.net"
{rest}
"""
_REST = {
    "shopify": 'record_of = ["order", "customer"]\n[settings]\napi_version = "2026-07"\n[credentials]\n'
    'access_token = "env:TOKEN"\nwebhook_secret = ["env:SECRET"]',
    "netsuite": '[settings]\nguest_entity = "1"\nshipping_item = "2"\ntax_item = "2"\n[settings.currencies]\nUSD = "1"\n'
    '[credentials]\nclient_id = "env:ID"\ncertificate_id = "env:CERTIFICATE"\nprivate_key = "env:KEY"',
    "shipbob": '[settings]\nchannel_id = 1\n[credentials]\ntoken = "env:TOKEN"',
    "klaviyo": '[credentials]\nprivate_key = "env:KEY"',
}
_FLOW = """\
title = "Orders of {source} to {destination}, part {number}"
source = "{source}"
trigger = ["{topic}"]
object = "order.v1"
destinations = ["{destination}"]
when = "order.currency in ['USD', 'EUR'] and order.original_total.shop.amount > {number}"
pattern = "event-driven"
rationale = "The store must not wait for {destination}; part {number} goes by its own rule."
impact = "{impact}"
complexity = "{complexity}"
owner = "integration"
runbook = "refusals-{runbook:02}.md"

[slo]
success_percent = 99.0
latency_seconds_p95 = 300
silence_after_minutes = 240

[rollback]
how = "interlock rollback, then correct what it lists"
"""
RUNBOOK = "# It refuses\n## Triage\nLook.\n## Rollback\nGo back.\n## Escalation\nCall.\n"
_TOPICS = (
    "orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled", "orders/fulfilled", "refunds/create",
)  # fmt: skip
_RUNBOOKS = 20


def large_folder(systems: int = 40, flows: int = 200, contracts: int = 60) -> dict[str, str]:
    """The files, by path. `contracts` are its own, beside those that ship."""
    takers = [DESTINATIONS[number % len(DESTINATIONS)] for number in range(systems - 1)]
    names = {SOURCE: SOURCE} | {f"{connector}-{number:02}": connector for number, connector in enumerate(takers, 1)}
    files = {"strategy.toml": STRATEGY, "security.toml": "[console]\nsession_hours = 8\n"}
    for name, connector in names.items():
        text = _SYSTEM.format(title=name.title(), connector=connector, name=name, rest=_REST[connector])
        files[f"systems/{name}.toml"] = text
    files |= {f"flows/{name}.toml": text for name, text in _flows(list(names), flows)}
    files |= {f"objects/thing_{number:02}.v1.toml": _contract(number) for number in range(contracts)}
    return files | {f"runbooks/refusals-{number:02}.md": RUNBOOK for number in range(_RUNBOOKS)}


def write_large_folder(folder: Path, **sizes: int) -> Path:
    """The same on disk; returns the folder."""
    for path, text in large_folder(**sizes).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def _flows(systems: list[str], flows: int) -> list[tuple[str, str]]:
    source, *others = systems
    made = []
    for number in range(flows):
        text = _FLOW.format(
            source=source, destination=others[number % len(others)], number=number, topic=_TOPICS[number // len(others) % len(_TOPICS)],
            impact=_IMPACTS[number % 3], complexity=_COMPLEXITIES[number % 4], runbook=number % _RUNBOOKS,
        )  # fmt: skip
        made.append((f"order-{number:03}", text))
    return made


def _contract(number: int) -> str:
    kinds = ("string", "decimal", "boolean", "date", "timestamp")
    rows = "".join(
        f'field_{field:02} = {{ type = "{kinds[field % len(kinds)]}", class = "internal", meaning = "What field {field} says" }}\n'
        for field in range(FIELDS_PER_CONTRACT)
    )
    return f'meaning = "A thing of kind {number}"\n[fields]\nid = {{ type = "id", class = "internal", meaning = "Which one" }}\nupdated_at = {{ type = "timestamp", class = "internal", meaning = "How new it is" }}\n{rows}'
