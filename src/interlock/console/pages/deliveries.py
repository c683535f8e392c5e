"""The list of deliveries, narrowed by its URL, and the same rows as CSV."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from interlock.console.filters import PAGE_ROWS, PERIOD_WORDS, STATES, Chosen, options, read_filter, said, url
from interlock.console.health import SEVERITY, Answer
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, iso, number
from interlock.messaging.dead_letter import REASONS

CSV_ROWS = 100_000
CSV_COLUMNS = (
    "id",
    "name",
    "object",
    "key",
    "flow",
    "destination",
    "state",
    "reason",
    "code",
    "error",
    "attempts",
    "updated_ms",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


async def listing(request: Request) -> Response:
    """One page of deliveries."""
    console = console_of(request)
    chosen = read_filter(request.query_params, console.now_ms, limit=PAGE_ROWS + 1)
    rows = await console.views.deliveries(chosen.filter, text=chosen.text, before=chosen.before)
    counts = await console.views.states(chosen.filter, text=chosen.text)
    parameters = said(chosen)
    return page(
        request,
        "deliveries.html",
        title="Deliveries",
        command=" ".join(("interlock deliveries", *options(parameters))),
        live="list",
        answer=_answer(chosen, counts),
        rows=rows[:PAGE_ROWS],
        counts=counts,
        chosen=chosen,
        parameters=parameters,
        states=STATES,
        periods=PERIOD_WORDS,
        reasons_known=tuple(REASONS),
        older=url("/deliveries", **parameters, before=rows[PAGE_ROWS - 1].id) if len(rows) > PAGE_ROWS else "",
    )


def _answer(chosen: Chosen, counts: Mapping[str, int]) -> Answer:
    """How many there are, and in what state the worst of them is."""
    wanted = chosen.filter.states
    found = {state: count for state, count in counts.items() if not wanted or state in wanted}
    total, dead = sum(found.values()), found.get("dead", 0)
    if not total:
        return Answer(state="silent", text="No delivery matches.")
    words = f" {' or '.join(wanted)}" if wanted else ""
    text = counted(total, f"delivery{words}", f"deliveries{words}")
    if dead and dead < total:
        text += f", {number(dead)} of them {'needs' if dead == 1 else 'need'} a person"
    return Answer(state=min(found, key=SEVERITY.index), text=f"{text}.")


async def as_csv(request: Request) -> Response:
    """The rows of the same filter, streamed, newest first."""
    console = console_of(request)
    chosen = read_filter(request.query_params, console.now_ms, limit=1_000)
    headers = {"Content-Disposition": 'attachment; filename="deliveries.csv"'}
    return StreamingResponse(_csv(console, chosen), media_type="text/csv; charset=utf-8", headers=headers)


async def _csv(console: Console, chosen: Chosen) -> AsyncIterator[str]:
    yield csv_lines([(*CSV_COLUMNS, "updated")])
    before, written = chosen.before, 0
    while written < CSV_ROWS:
        rows = await console.views.deliveries(chosen.filter, text=chosen.text, before=before)
        yield csv_lines([(*(csv_cell(getattr(row, name)) for name in CSV_COLUMNS), iso(row.updated_ms)) for row in rows])
        if len(rows) < chosen.filter.limit:
            return
        before, written = rows[-1].id, written + len(rows)


def csv_cell(value: object) -> str:
    """A text that a spreadsheet would take for a formula is quoted: names and errors come from outside."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text


def csv_lines(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows as a spreadsheet reads them (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
