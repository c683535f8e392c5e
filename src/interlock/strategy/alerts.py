"""Which alerts of slos.toml are on now. Pure: from the folder and what the store says to a verdict for each alert."""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from interlock.strategy.evidence import PROMISE_DAYS, FlowRan, Running, span
from interlock.strategy.model import Flow, Strategy
from interlock.strategy.slos import Alert, Severity


class Standing(Struct, frozen=True, kw_only=True):
    """One alert and how it stands. `what` says why it is on; `runbook` is that of the first flow that is in trouble."""

    name: str
    severity: Severity
    on: bool
    what: str = ""
    runbook: str = ""


def alerts_now(strategy: Strategy, running: Running, now_ms: int) -> tuple[Standing, ...]:
    """Each alert of the folder, in its order."""
    return tuple(_standing(name, alert, strategy, running, now_ms) for name, alert in strategy.slos.alerts.items())


def _standing(name: str, alert: Alert, strategy: Strategy, running: Running, now_ms: int) -> Standing:
    watched = [flow for flow in strategy.flows.values() if not alert.flows or flow.name in alert.flows]
    troubles = [
        (flow, text) for flow in watched if (text := SIGNALS[alert.signal](_Look(alert, flow, running, now_ms)))
    ]
    return Standing(
        name=name,
        severity=alert.severity,
        on=bool(troubles),
        what="; ".join(dict.fromkeys(text for _, text in troubles)),
        runbook=troubles[0][0].runbook if troubles else "",
    )


class _Look(NamedTuple):
    """One flow, looked at for one alert."""

    alert: Alert
    flow: Flow
    running: Running
    now_ms: int

    @property
    def ran(self) -> FlowRan:
        return self.running.flows.get(self.flow.name, FlowRan())


def _dead_letters(it: _Look) -> str:
    count = sum(one.count for one in it.running.letters if one.flow == it.flow.name)
    return f"{it.flow.name} has {count} open dead letter{'' if count == 1 else 's'}" if count > it.alert.above else ""


def _silence(it: _Look) -> str:
    since_ms = it.running.silent_ms.get(it.flow.name)
    return f"{it.flow.name} is silent for {span(it.now_ms - since_ms)}" if since_ms is not None else ""


def _destination_down(it: _Look) -> str:
    stock = it.flow.publish is not None  # a channel's numbers go by a lane of their own
    down = [name for name in it.flow.destinations if (f"stock:{name}" if stock else name) in it.running.down_ms]
    return f"{down[0]} does not answer for {span(it.now_ms - it.running.down_ms[down[0]])}" if down else ""


def _promise(it: _Look) -> str:
    percent, promised = it.ran.success_percent, it.flow.slo.success_percent
    if percent is None or percent >= promised:
        return ""
    return f"{it.flow.name} kept {percent:.4g} % over {PROMISE_DAYS} days, and promises {promised:g} %"


SIGNALS: dict[str, Callable[[_Look], str]] = {
    "dead-letters": _dead_letters,
    "silence": _silence,
    "destination-down": _destination_down,
    "promise": _promise,
}
"""Signal -> what is wrong with a flow by it, in words; nothing when it is well."""
