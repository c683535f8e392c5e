"""Puts the console together: the route table, the sessions, the doors, the error pages."""

import logging
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from interlock.clock import Clock
from interlock.connectors.observations import Observations
from interlock.console.actions import Actions, Demo
from interlock.console.guard import PUBLIC, Denied, Endpoint, Page, SafeHeaders, guarded
from interlock.console.mappings import Mappings
from interlock.console.pages import (
    advice,
    backfills,
    bulk,
    calendar,
    contracts,
    deliveries,
    demo,
    errors,
    flow_stops,
    home,
    inventory,
    inventory_csv,
    inventory_sku,
    issues,
    live,
    matrix,
    metrics,
    objects,
    outages,
    privacy,
    reconciliation,
    records,
    signing,
    systems,
)
from interlock.console.pages import changes as changes_page
from interlock.console.pages import mappings as mappings_page
from interlock.console.pages import strategy as strategy_page
from interlock.console.rendering import HERE, Console, Tokens, templates
from interlock.console.sessions import DEMO, OPERATE, REVEAL, VIEW, Sessions
from interlock.console.translation import Translator
from interlock.messaging.views import Views
from interlock.operations.changes import Changes
from interlock.strategy.model import Strategy

LOG = logging.getLogger("interlock.console")

PAGES = (
    Page("/", "GET", home.home, PUBLIC),  # asks for the token itself when nobody is signed in
    Page("/login", "POST", signing.sign_in, PUBLIC),
    Page("/logout", "POST", signing.sign_out, VIEW),
    Page("/map", "GET", home.whole_map, VIEW),
    Page("/search", "GET", objects.search, VIEW),
    Page("/orders", "GET", objects.orders, VIEW),
    Page("/objects/{object}/{key:path}", "GET", objects.story, VIEW),
    Page("/reveal", "POST", objects.reveal, REVEAL),
    Page("/issues", "GET", issues.inbox, VIEW),
    Page("/outages/{name}", "GET", outages.outage, VIEW),
    Page("/issues/{fingerprint}", "GET", issues.group, VIEW),
    Page("/deliveries", "GET", deliveries.listing, VIEW),
    Page("/deliveries.csv", "GET", deliveries.as_csv, VIEW),
    Page("/deliveries/retry", "POST", bulk.retry, OPERATE),
    Page("/bulk", "GET", bulk.sheet, OPERATE),
    Page("/bulk/replay", "POST", bulk.replay, OPERATE),
    Page("/bulk/discard", "POST", bulk.discard, OPERATE),
    Page("/bulk/hold", "POST", bulk.hold, OPERATE),
    Page("/bulk/release", "POST", bulk.release, OPERATE),
    Page("/replays/{id:int}", "GET", bulk.progress, VIEW),
    Page("/replays/{id:int}/pause", "POST", bulk.pause, OPERATE),
    Page("/systems", "GET", systems.listing, VIEW),
    Page("/backfills", "GET", backfills.listing, VIEW),
    Page("/backfills", "POST", backfills.look, OPERATE),
    Page("/backfills/{id:int}", "GET", backfills.one, VIEW),
    Page("/backfills/{id:int}/steer", "POST", backfills.steer, OPERATE),
    Page("/reconciliation", "GET", reconciliation.reconciliation, VIEW),
    Page("/reconciliation", "POST", reconciliation.compare, OPERATE),
    Page("/inventory", "GET", inventory.overview, VIEW),
    Page("/inventory/differences", "GET", inventory.differences, VIEW),
    Page("/inventory/differences.csv", "GET", inventory_csv.differences_as_csv, VIEW),
    Page("/inventory/accuracy.csv", "GET", inventory_csv.accuracy_as_csv, VIEW),
    Page("/inventory/sync", "GET", inventory.preview, OPERATE),
    Page("/inventory/runs", "POST", inventory.ask, OPERATE),
    Page("/inventory/runs/{id:int}", "GET", inventory.run, VIEW),
    Page("/inventory/sku/{sku:path}/fix", "POST", inventory_sku.fix, OPERATE),
    Page("/inventory/sku/{sku:path}", "GET", inventory_sku.sku, VIEW),
    Page("/privacy", "GET", privacy.listing, VIEW),
    Page("/privacy/redact", "POST", privacy.redact, OPERATE),
    Page("/privacy/{id:int}/export", "POST", privacy.export, REVEAL),
    Page("/privacy/{id:int}/done", "POST", privacy.done, OPERATE),
    Page("/flows/{name}", "GET", systems.flow, VIEW),
    Page("/flows/{name}/stop", "POST", flow_stops.act, OPERATE),
    Page("/flows/{name}/advice", "GET", advice.advice, VIEW),
    Page("/flows/{name}/series.json", "GET", systems.series, VIEW),
    Page("/runbooks/{name}", "GET", systems.runbook, VIEW),
    Page("/strategy", "GET", strategy_page.checklist, VIEW),
    Page("/strategy/records", "GET", records.records, VIEW),
    Page("/strategy/matrix", "GET", matrix.matrix, VIEW),
    Page("/strategy/contracts", "GET", contracts.listing, VIEW),
    Page("/strategy/contracts/{key}", "GET", contracts.contract, VIEW),
    Page("/strategy/contracts/{key}/schema.json", "GET", contracts.schema, VIEW),
    Page("/strategy/mappings", "GET", mappings_page.mappings, VIEW),
    Page("/strategy/mappings/{object}.{form}", "GET", mappings_page.as_text, VIEW),
    Page("/strategy/mappings/drift/{id:int}/accept", "POST", mappings_page.accept, OPERATE),
    Page("/audit", "GET", systems.audit, VIEW),
    Page("/changes", "GET", changes_page.overview, VIEW),
    Page("/changes/calendar", "GET", calendar.calendar, VIEW),
    Page("/changes/apply", "POST", changes_page.apply, OPERATE),
    Page("/changes/releases/{release}", "GET", changes_page.release, VIEW),
    Page("/changes/releases/{release}/rollback", "GET", changes_page.way_back, OPERATE),
    Page("/changes/releases/{release}/rollback", "POST", changes_page.roll_back, OPERATE),
    Page("/api/releases", "POST", changes_page.by_command, PUBLIC),  # asks for the token itself, never for a session
    Page("/live", "GET", live.stream, VIEW),
    Page("/demo/break", "POST", demo.break_system, DEMO),
    Page("/demo/repair", "POST", demo.repair_system, DEMO),
    Page("/demo/orders", "POST", demo.place_orders, DEMO),
    Page("/metrics", "GET", metrics.metrics, PUBLIC),  # asks for the token or a session itself
    Page("/healthz", "GET", errors.healthz, PUBLIC),
)
"""Every page, with the permission that it needs. A route that is not in this table does not exist."""


def create_console(
    *,
    views: Views,
    actions: Actions,
    strategy: Strategy,
    token: str,
    clock: Clock,
    demo: Demo | None = None,
    translator: Translator | None = None,
    mappings: Mappings | None = None,
    changes: Changes | None = None,
    folder: Path | None = None,
    tokens: Tokens | None = None,
    observations: Observations | None = None,
) -> Starlette:
    """The ASGI application. Mount it at `/`, beside the intake. `token` is what the start prints; it opens a session.

    `folder` is the strategy folder, beside which secrets and copies lie: their ages are evidence."""
    app = Starlette(
        routes=[*_routes(PAGES), Mount("/static", KeptFiles(directory=HERE / "static"))],
        exception_handlers={
            Denied: errors.denied,
            HTTPException: errors.http_error,
        },
        middleware=[Middleware(SafeHeaders), Middleware(WithSession)],
    )
    app.state.streams = set()
    app.state.closing = False  # set by the process that ends: open streams would hold it up
    app.state.console = Console(
        views=views,
        actions=actions,
        strategy=strategy,
        clock=clock,
        sessions=Sessions(token, clock, session_hours=strategy.security.console.session_hours),
        templates=templates(strategy, clock),
        demo=demo,
        translator=translator,
        mappings=mappings,
        changes=changes,
        folder=folder,
        tokens=tokens,
        observations=observations or Observations(clock),
    )
    return app


def show_strategy(app: Starlette, strategy: Strategy) -> None:
    """Show another release of the folder, from the next request on; who is signed in stays so."""
    console: Console = app.state.console
    app.state.console = msgspec.structs.replace(
        console, strategy=strategy, templates=templates(strategy, console.clock)
    )


def _routes(pages: tuple[Page, ...]) -> list[BaseRoute]:
    return [Route(page.path, _told(guarded(page)), methods=[page.method]) for page in pages]


def _told(endpoint: Endpoint) -> Endpoint:
    """Faults become pages here, inside the middleware: the framework's own 500 would go out without our headers."""

    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (Denied, HTTPException):
            raise
        except Exception as error:
            LOG.exception("console page failed", extra={"path": request.url.path})
            return await errors.unexpected(request, error)

    return told


class KeptFiles(StaticFiles):
    """Static files, which browsers may keep: their address changes with their content."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        response = super().file_response(*arguments, **named)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


class WithSession:
    """Finds the session of each request; `request.state.session` is None when there is none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            console: Console = scope["app"].state.console
            request.state.session = console.sessions.find(request.cookies.get(signing.cookie_name(request), ""))
        await self._app(scope, receive, send)
