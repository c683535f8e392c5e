"""What a story says of processes: the sentence of the answer line, and which steps are still ahead."""

from collections.abc import Mapping, Sequence

from interlock.console.health import SEVERITY, Answer, flow_title
from interlock.console.wording import sentence_list
from interlock.messaging.process import steering_of
from interlock.messaging.process_views import ProcessRow
from interlock.strategy.model import Strategy


def with_processes(
    strategy: Strategy, answer: Answer, processes: Sequence[ProcessRow], refusals: Mapping[str, str]
) -> Answer:
    """The answer line, led by what an object's processes need; unchanged when all of them are done."""
    told = [(one, _sentence(strategy, one, refusals.get(steering_of(one.flow), ""))) for one in processes]
    told = [(one, sentence) for one, sentence in told if sentence]
    if not told:
        return answer
    stopped = any(one.state == "compensated" or steering_of(one.flow) in refusals for one, _ in told)
    state = min([answer.state, *(one.shown for one, _ in told), *(["dead"] if stopped else [])], key=_severity)
    words = [sentence for _, sentence in told] + ([] if stopped else [answer.text])
    return Answer(state=state, text=" ".join(words), more=answer.more)


def ahead(strategy: Strategy, one: ProcessRow) -> tuple[str, ...]:
    """The steps that a process under way has not come to, in the order of the file."""
    flow = strategy.flows.get(one.flow)
    come_to = {step.step for step in one.steps}
    under_way = flow is not None and one.state in ("running", "stopped")
    return tuple(rule.name for rule in flow.steps if rule.name not in come_to) if flow and under_way else ()


def _sentence(strategy: Strategy, one: ProcessRow, said: str) -> str:
    title = flow_title(strategy, one.flow)
    if one.state == "compensated":
        return f"{title}: taken back. {said.rstrip('.')}."
    if said:
        return f"{title}: stopped. {said.rstrip('.')}."
    if one.state == "stopped":
        steps = sentence_list([step.name for step in one.steps if step.state == "dead"])
        return f"{title}: {steps or 'a step'} needs a person."
    return {"running": f"{title}: under way.", "compensating": f"{title}: is being taken back."}.get(one.state, "")


def _severity(state: str) -> int:
    return SEVERITY.index(state) if state in SEVERITY else len(SEVERITY)
