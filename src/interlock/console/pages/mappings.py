"""/strategy/mappings: each field in each system, what is covered, and where a source's documents no longer fit."""

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from interlock.console.drift import CHANGES, drift_words, grave_of
from interlock.console.health import Answer
from interlock.console.mappings import Mappings
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, sentence_list
from interlock.mapping.table_text import as_csv, cell_text, markdown
from interlock.mapping.tables import MappingTable
from interlock.messaging.contract_drift import DriftRow

MOST_NAMED = 3


def mappings_of(request: Request) -> Mappings:
    """What is known of mappings; a console without a hub knows none."""
    found = console_of(request).mappings
    if found is None:
        raise HTTPException(404)
    return found


async def mappings(request: Request) -> Response:
    """The table of one object, chosen in the address; coverage and drift of all."""
    return await _shown(request)


async def _shown(request: Request, *, notice: str = "") -> Response:
    source = mappings_of(request)
    tables = await source.tables()
    wanted = request.query_params.get("object", "")
    table = next((one for one in tables if one.object == wanted), tables[0] if tables else None)
    drift = await source.drift(closed_too="closed" in request.query_params)
    return page(
        request, "mappings.html", status=409 if notice else 200, title="Mappings",
        command=f"interlock map table {table.object}" if table else "interlock map coverage",
        answer=_answer(console_of(request), tables, drift), tables=tables, table=table, drift=drift, changes=CHANGES,
        closed="closed" in request.query_params, unread=await source.unread(), looked=await source.looked_at(),
        cell_text=cell_text, notice=notice, most_named=MOST_NAMED,
    )  # fmt: skip


def _answer(console: Console, tables: tuple[MappingTable, ...], drift: list[DriftRow]) -> Answer:
    grave = grave_of(drift)
    if grave:
        return Answer(
            state="dead",
            text=drift_words(console.strategy, grave),
            more="Deliveries that may lack the value carry a warning.",
        )
    still = [row for row in drift if row.state == "open"]
    if not tables:
        return Answer(state="silent", text="No flow moves an object through a contract yet.")
    empty = [f"{table.object} {path}" for table in tables for path in table.unfilled]
    text = f"{sentence_list([f'{len(table.lines)} fields of {table.object}' for table in tables])}, drawn from the release that runs."
    more = f"No source fills {', '.join(empty[:5])}." if empty else "Every field of the contracts has a source."
    news = f" {counted(len(still), 'field')} of a source changed that no mapping reads." if still else ""
    return Answer(state="retrying" if empty else "done", text=text, more=more + news)


async def as_text(request: Request) -> Response:
    """A table as CSV or Markdown, for a spreadsheet or a wiki."""
    name, form = request.path_params["object"], request.path_params["form"]
    table = next((one for one in await mappings_of(request).tables() if one.object == name), None)
    if table is None or form not in ("csv", "md"):
        raise HTTPException(404)
    text, kind = (as_csv(table), "text/csv") if form == "csv" else (markdown(table), "text/markdown")
    headers = {"Content-Disposition": f'attachment; filename="mapping-{quote(name)}.{form}"'}
    return PlainTextResponse(text, media_type=f"{kind}; charset=utf-8", headers=headers)


async def accept(request: Request) -> Response:
    """A person says that a change is how documents are from now on, and why."""
    form = await request.form()
    why = str(form.get("why", "")).strip()
    if not why:
        return await _shown(request, notice="Say why: it is written into the audit.")
    found = await mappings_of(request).accept(request.path_params["id"], by=request.state.session.by, why=why)
    if not found:
        return await _shown(request, notice="That change is not open any more.")
    return RedirectResponse("/strategy/mappings", 303)
