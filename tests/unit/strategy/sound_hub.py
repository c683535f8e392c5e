"""A folder and a hub in which all eight items are green: what the examples of the rules are laid over."""

from msgspec.structs import asdict, replace

from interlock.strategy import load
from interlock.strategy.evidence import DAY_MS, HOUR_MS, Around, ContractFact, FlowRan, Running, Seen
from interlock.strategy.items.base import Case

from .example_folder import FACTS, SOUND, overlaid, snapshot, with_example

NOW_MS = 1_795_424_400_000  # 2026-11-23 09:00 UTC
LATELY_MS = NOW_MS - HOUR_MS
_FLOW = 'rationale = "{words}"\n[rollback]\nhow = "interlock rollback, then correct by hand what it lists"\n'
_RUNBOOK = """\
# The ERP refuses orders
## Triage
interlock status
## Rollback
interlock rollback
## Escalation
After half an hour: the controller.
## Drills
- 2026-10-01 Ann and Bo: found that the link to the status page was dead.
"""
LAID_OVER = {
    "strategy.toml": '[teams.finance-systems]\ncontact = "#finance-systems"\n[alerts]\nwebhook = "env:PAGER"',
    "security.toml": '[egress]\nproduction_hosts = ["live.erp.example.com"]\nallow = ["hooks.example.com"]\n'
    '[scopes]\nshop = ["read_orders"]\n[backup]\nfolder = "/backup"',
    "systems/shop.toml": '[credentials]\nwebhook_secret = ["env:WEBHOOK"]',
    "systems/erp.toml": "[limits]\nrate_per_second = 10",
    "flows/order-to-erp.toml": _FLOW.format(words="The store must not wait for the ERP."),
    "flows/customer-to-crm.toml": _FLOW.format(words="Marketing hears of each change of a customer."),
}
WHOLE = {
    "slos.toml": "".join(
        f'[alerts.{signal}]\nsignal = "{signal}"\n'
        for signal in ("dead-letters", "silence", "destination-down", "promise")
    ),
    "runbooks/erp-refusals.md": _RUNBOOK,
    "runbooks/postmortem.md": "# After an incident\nWhat happened?\n",
    "changes/0001.toml": 'title = "Orders carry the channel"\nkind = "compatible"\nowner = "finance-systems"\nrollback = "interlock rollback"\n',
}
GREEN = {
    name: overlaid(text, LAID_OVER.get(name, "")) if name.endswith(".toml") else text for name, text in SOUND.items()
} | WHOLE

RAN = FlowRan(ended_well=3_000, dead=0, minute_ms=LATELY_MS, success_ms=LATELY_MS)
RUNNING = Running(
    release_ms=NOW_MS - DAY_MS,
    releases=2,
    heard_ms={"shop": LATELY_MS, "erp": LATELY_MS},
    seen_ms={("shop", "order"): LATELY_MS, ("erp", "customer"): LATELY_MS},
    flows={"order-to-erp": RAN, "customer-to-crm": RAN},
    actions_ms={"rollback": NOW_MS - 10 * DAY_MS},
    per_minute={"erp": 12},
    oldest_body_ms=NOW_MS - 20 * DAY_MS,
    oldest_audit_ms=NOW_MS - 400 * DAY_MS,
)
AROUND = Around(
    secrets_ms={f"{name}.token": NOW_MS - 20 * DAY_MS for name in ("shop", "erp", "crm")}
    | {"shop.webhook_secret": NOW_MS - DAY_MS},
    backup_ms=NOW_MS - 9 * HOUR_MS,
)
CONTRACTS = {key: ContractFact(key=key, fields=40) for key in ("order.v1", "customer.v1")}
CONNECTORS = {
    **FACTS,
    "shopify": replace(
        FACTS["shopify"], credentials={"token": True, "webhook_secret": False}, scopes={"read order": ("read_orders",)}
    ),
}


def seen(case: Case | None = None, *, runs: bool = True) -> Seen:
    """The sound folder and hub, with the case laid over them."""
    files = GREEN
    for example in case.examples if case else ():
        files = with_example(example, files)
    strategy = load(snapshot(files), connectors=CONNECTORS)
    running = replace(RUNNING, release=strategy.release)
    return Seen(
        strategy=strategy,
        connectors=CONNECTORS,
        contracts=CONTRACTS if case is None or case.contracts is None else case.contracts,
        now_ms=NOW_MS,
        around=_over(AROUND, case.around if case else None),
        running=_over(running, case.running if case else None) if runs else None,
    )


def _over(base, given):
    """What is given and not empty, in place of the base's; a table of the base keeps its other entries."""
    if given is None:
        return base
    told = {name: value for name, value in asdict(given).items() if value}
    merged = {
        name: {**getattr(base, name), **value} if isinstance(value, dict) else value for name, value in told.items()
    }
    return replace(base, **merged)
