"""/strategy/matrix: impact against complexity in nine boxes, and the flows by rank and phase."""

from starlette.requests import Request
from starlette.responses import Response

from interlock.console.health import Answer
from interlock.console.rendering import console_of, page
from interlock.console.wording import counted
from interlock.strategy.matrix_text import COMPLEXITIES
from interlock.strategy.priority import LEVELS, PHASE_OF, PHASES, TOP, Matrix
from interlock.strategy.priority import matrix as ranked


async def matrix(request: Request) -> Response:
    """Which flow comes first, and why."""
    console = console_of(request)
    found = ranked(console.strategy.flows.values())
    return page(
        request,
        "matrix.html",
        title="Priority matrix",
        command="interlock matrix",
        answer=_answer(found),
        impacts=LEVELS,
        complexities=COMPLEXITIES,
        phase_of=PHASE_OF,
        cell=found.cell,
        phases=[(phase, found.phase(phase)) for phase in PHASES if found.phase(phase)],
        top=TOP,
    )


def _answer(found: Matrix) -> Answer:
    """What comes first; or which important flows nobody could undo."""
    first_ones = [one for one in found.priorities if one.top]
    stuck = [one.flow.title for one in first_ones if one.flow.rollback is None]
    if stuck:
        whose = stuck[0] if len(stuck) == 1 else f"{len(stuck)} of the first {counted(len(first_ones), 'flow')}"
        text = f"{whose} {'has' if len(stuck) == 1 else 'have'} no way back written down."
        return Answer(state="retrying", text=text, more="interlock check names the file and the line.")
    if not found.priorities:
        return Answer(state="silent", text="There is no flow yet.")
    first = found.priorities[0]
    return Answer(
        state="done",
        text=f"{counted(len(found.priorities), 'flow')}; {first.flow.title} comes first.",
        more=f"Phase {first.phase.number}, {first.phase.name}: {first.phase.advice}.",
    )
