"""STR360: a flow that says it waits, and would not."""

from collections.abc import Iterable

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.finding import Finding
from interlock.strategy.folder import Folder

_STRAIGHT = 'pattern = "point-to-point"\noperation = "profile"\n[map]\nemail = "email"'
WAITING_PATTERNS = frozenset({"event-driven"})


class WaitsForNothing(Check):
    code = "STR360"
    title = "A flow says what it waits for, and its pattern does not wait"
    why = (
        "only event-driven flows ask the source what it holds back before a first write; a process, or a document that goes "
        "straight, would leave at once, held or not"
    )
    bad = Example("flows/customer-to-crm.toml", f'waits_for = ["holds"]\n{_STRAIGHT}')
    good = Example("flows/order-to-erp.toml", 'waits_for = ["holds"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            flow = file.value
            if flow.waits_for and flow.pattern and flow.pattern not in WAITING_PATTERNS:
                what = f"{subject(file)}: a {flow.pattern} flow does not wait for {' and '.join(flow.waits_for)}"
                hint = 'use pattern = "event-driven", or take waits_for out'
                yield self.finding(file, ("waits_for",), what, next_move=hint, at_key=True)
