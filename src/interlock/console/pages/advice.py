"""/flows/NAME/advice: which rules about patterns apply to a flow, with the figures, and whether its pattern fits them."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.console.health import Answer
from interlock.console.rendering import Console, console_of, page
from interlock.operations.measured import advice as asked
from interlock.strategy.advise import Advice
from interlock.strategy.model import Flow

STATES = {"fits": "done", "accepted": "held", "contradicts": "retrying"}
"""Verdict -> the colour and shape of its chip."""


async def advice_of(console: Console, flow: Flow) -> Advice:
    """What the rules say of a flow, with what the store has measured."""
    return (await asked([flow], console.views, console.now_ms))[flow.name]


async def advice(request: Request) -> Response:
    """One flow against every rule that applies."""
    console = console_of(request)
    flow = console.strategy.flows.get(request.path_params["name"])
    if flow is None:
        raise HTTPException(404)
    found = await advice_of(console, flow)
    sentence = found.sentence()
    return page(
        request,
        "advice.html",
        title=f"Advice on {flow.title}",
        command=f"interlock advise {flow.name}",
        answer=Answer(
            state="retrying" if found.open else "done",
            text=f"{sentence[0].upper()}{sentence[1:]}.",
            more="Change the pattern, or say why in the rationale and name the code in accepts." if found.open else "",
        ),
        flow=flow,
        advice=found,
        states=STATES,
    )
