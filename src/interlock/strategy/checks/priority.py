"""STR160-STR169: what the most important flows need before they may be trusted, and advice that somebody answered."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from interlock.strategy.advise import ALL as RULES
from interlock.strategy.checks.base import Check, Example, elements, subject
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import Flow
from interlock.strategy.priority import TOP, headings, matrix

_FILE = "flows/order-changes.toml"
_FLOW = """\
title = "Changes of orders"
source = "shop"
trigger = ["orders/updated"]
object = "order.v1"
destinations = ["erp"]
pattern = "event-driven"
rationale = "A change is news."
impact = "medium"
complexity = "low"
owner = "finance-systems"
runbook = "erp-refusals.md"
"""
_SLO = "[slo]\nsuccess_percent = 99.5\nlatency_seconds_p95 = 300\n"
_ROLLBACK = '[rollback]\nhow = "interlock rollback; what the newer release wrote is listed, and corrected by hand"\n'


def top_flows(folder: Folder) -> Iterator[tuple[int, TomlFile[Flow]]]:
    """The files of the ten flows that matter most, with their ranks; a file with mistakes of its own is told of those first."""
    for one in matrix(file.value for file in folder.flows.values()).priorities:
        file = folder.flows[one.flow.name]
        if one.top and not file.error and not file.problems:
            yield one.rank, file


class _Fitness(Check):
    """An error where orders are real, else a warning: a folder may be tried before it is complete."""

    severity = "warning"

    def told(self, folder: Folder, finding: Finding) -> Finding:
        production = folder.strategy.value.environment == "production"
        return replace(finding, severity="error") if production else finding


class TopFlowPromises(_Fitness):
    code = "STR160"
    title = "One of the ten most important flows promises nothing"
    why = f"the first {TOP} by impact and complexity need an SLO that somebody chose (in production: an error)"
    bad = Example(_FILE, _FLOW + _ROLLBACK, whole=True)
    good = Example(_FILE, _FLOW + _SLO + _ROLLBACK, whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for rank, file in top_flows(folder):
            if "slo" not in file.data:
                what = f"{subject(file)}: rank {rank} in the matrix, and no SLO"
                hint = "write [slo] with success_percent = 99.5 and latency_seconds_p95 = 300, as the business needs it"
                yield self.told(folder, self.finding(file, ("impact",), what, next_move=hint))


class TopFlowGoesBack(_Fitness):
    code = "STR161"
    title = "One of the ten most important flows has no way back"
    why = (
        f"the first {TOP} by impact and complexity need a rollback that can be read at night (in production: an error)"
    )
    bad = Example(_FILE, _FLOW + _SLO, whole=True)
    good = Example(_FILE, _FLOW + _SLO + _ROLLBACK, whole=True)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for rank, file in top_flows(folder):
            if file.value.rollback is None:
                what = f"{subject(file)}: rank {rank} in the matrix, and no rollback"
                hint = (
                    'write [rollback] with how = "what is undone, in which order", and rehearsed_on once it was tried'
                )
                yield self.told(folder, self.finding(file, ("impact",), what, next_move=hint))


class RollbackSection(Check):
    code = "STR162"
    title = "The runbook has no such section"
    why = "who must go back at night looks for the heading that the flow names"
    bad = Example("flows/order-to-erp.toml", f'{_ROLLBACK}section = "Going bakc"')
    good = Example("flows/order-to-erp.toml", f'{_ROLLBACK}section = "The ERP refuses orders"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            rollback, content = file.value.rollback, folder.runbooks.get(file.value.runbook.removeprefix("runbooks/"))
            if rollback is None or not rollback.section or content is None:
                continue
            known = headings(content.decode(errors="replace"))
            if rollback.section not in known:
                what = f'{subject(file)}: {file.value.runbook} has no heading "{rollback.section}"'
                hint = f'write "## {rollback.section}" there, or name one of: {", ".join(known) or "(it has none)"}'
                yield self.finding(file, ("rollback", "section"), what, next_move=hint)


class KnownAdvice(Check):
    code = "STR163"
    title = "The advice that is answered does not exist"
    why = "an answer to nothing hides that the advice itself is unanswered"
    bad = Example("flows/order-to-erp.toml", 'accepts = ["ADV099"]')
    good = Example("flows/order-to-erp.toml", 'accepts = ["ADV001"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        known = {rule.code for rule in RULES}
        for file in folder.flows.values():
            for code, path in elements("accepts", file.value.accepts, file.data.get("accepts")):
                if code not in known:
                    what = f'{subject(file)}: no advice has the code "{code}"'
                    yield self.finding(file, path, what, next_move=did_you_mean(code, known))
