"""Turns what the views say into pages: the templates, what every page knows, and how times are written."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from interlock.clock import Clock
from interlock.connectors.observations import Observations
from interlock.connectors.token_store import TokenState
from interlock.console import drawing, filters, health, wording
from interlock.console.actions import Actions, Demo
from interlock.console.mappings import Mappings
from interlock.console.sessions import Sessions
from interlock.console.translation import Translator
from interlock.messaging.dead_letter import REASONS
from interlock.messaging.stock_book import channel_of, place_of
from interlock.messaging.views import Views
from interlock.operations.changes import Changes
from interlock.strategy.model import Strategy

HERE = Path(__file__).parent


class Entry(msgspec.Struct, frozen=True):
    """One entry of the rail; `phone` ones are in the bottom bar of small screens too, `also` are pages that belong to it."""

    path: str
    word: str
    icon: str
    phone: bool = False
    also: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a page belongs to this entry."""
        return path == self.path or (self.path != "/" and path.startswith(self.path)) or path.startswith(self.also)


RAIL = (
    Entry("/", "Home", "home", phone=True, also=("/map",)),
    Entry("/orders", "Orders", "orders", phone=True, also=("/objects",)),
    Entry("/inventory", "Inventory", "inventory", phone=True),
    Entry("/issues", "Issues", "issues", phone=True, also=("/outages", "/replays")),
    Entry("/deliveries", "Deliveries", "deliveries", also=("/bulk",)),
    Entry("/systems", "Systems", "systems", phone=True, also=("/flows", "/reconciliation", "/runbooks", "/backfills")),
    Entry("/strategy", "Strategy", "strategy"),
    Entry("/changes", "Changes", "changes"),
)
"""At most eight, at most five of them on a phone; the map and the deliveries are a tap away from Home, the audit stands below."""

STRATEGY_PAGES = (
    Entry("/strategy", "Checklist", ""),
    Entry("/strategy/records", "Records", ""),
    Entry("/strategy/matrix", "Matrix", ""),
    Entry("/strategy/contracts", "Contracts", ""),
    Entry("/strategy/mappings", "Mappings", ""),
)
"""The second row of navigation below /strategy."""


Tokens = Callable[[], Awaitable[list[TokenState]]]
"""How it is with each access token; none of them is in it."""


class Console(msgspec.Struct, frozen=True, kw_only=True):
    """All that a page may use."""

    views: Views
    actions: Actions
    strategy: Strategy
    clock: Clock
    sessions: Sessions
    templates: Environment
    demo: Demo | None = None
    translator: Translator | None = None
    mappings: Mappings | None = None
    changes: Changes | None = None
    folder: Path | None = None
    tokens: Tokens | None = None
    observations: Observations

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()


def console_of(request: Request) -> Console:
    """The console that serves this request."""
    console: Console = request.app.state.console
    return console


def templates(strategy: Strategy, clock: Clock) -> Environment:
    """The environment of all templates: everything is escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zone = health.zone_of(strategy)

    def when(at_ms: int) -> Markup:
        now = clock.now_ms()
        return Markup('<time datetime="{iso}" title="{absolute}" data-at="{at}">{text}</time>').format(
            iso=wording.iso(at_ms), absolute=wording.absolute(at_ms, zone), at=at_ms, text=wording.ago(at_ms, now)
        )

    def stamp(at_ms: int) -> Markup:
        return Markup('<time datetime="{iso}" title="{absolute}">{text}</time>').format(
            iso=wording.iso(at_ms), absolute=wording.absolute(at_ms, zone), text=wording.stamp(at_ms, zone)
        )

    shared = told_by_several(strategy)

    def object_path(object_name: str, key: str, system: str = "") -> str:
        return filters.object_url(object_name, key, system if object_name in shared else "")

    environment.globals.update(
        when=when, stamp=stamp, url=filters.url, rail=RAIL, strategy_pages=STRATEGY_PAGES, reasons=REASONS,
        strategy=strategy, now_ms=clock.now_ms,
        at_clock=lambda at_ms: wording.clock_time(at_ms, clock.now_ms(), zone),
        system_title=lambda name: health.title_of(strategy, name), flow_title=lambda name: health.flow_title(strategy, name),
        object_path=object_path, told_by_several=shared, system_name=channel_of, stock_at=place_of, lanes=health.lanes_of(strategy),
        titled=lambda text: health.titled(strategy, text),
        spark=drawing.spark_bars, count_bars=drawing.count_bars, state_words=STATE_WORDS, version=ASSET_VERSION,
    )  # fmt: skip
    environment.filters.update(
        number=wording.number, percent=wording.percent, duration=wording.duration, span=wording.span, money=wording.money,
        counted=wording.counted, clipped=wording.clipped,
    )  # fmt: skip
    return environment


def told_by_several(strategy: Strategy) -> frozenset[str]:
    """Kinds of objects that more than one system tells of: of these, two may have one key (C47)."""
    told = {(flow.object.partition(".")[0], flow.source) for flow in strategy.flows.values()}
    kinds = [name for name, _ in told]
    return frozenset(name for name in kinds if kinds.count(name) > 1)


STATE_WORDS = {
    "done": "done", "pending": "pending", "running": "running", "waiting": "waiting", "retrying": "retrying", "uncertain": "uncertain",
    "dead": "needs a person", "held": "held", "superseded": "superseded", "cancelled": "cancelled", "silent": "silent",
}  # fmt: skip


def _asset_version() -> str:
    """Changes with the files, so that a browser may keep them for ever."""
    newest = max(path.stat().st_mtime_ns for path in (HERE / "static").iterdir() if path.is_file())
    return f"{newest:x}"


ASSET_VERSION = _asset_version()


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page. `title` and `command` (the chip) are part of every one."""
    console = console_of(request)
    session = request.state.session
    known = {
        "path": request.url.path,
        "session": session,
        "form_token": session.form_token if session else "",
        "production": console.strategy.environment == "production",
        "demo": console.demo,
        "live": "",
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
    }
    text = console.templates.get_template(template).render(known | context)
    return HTMLResponse(text, status_code=status)
