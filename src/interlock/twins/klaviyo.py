"""The Klaviyo twin: events that are recorded once for each unique_id, profiles, and per-operation rate limits.

Facts: klaviyo/openapi openapi/stable.json, revision 2026-07-15 (MIT); developers.klaviyo.com, rate limits and errors.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.faults import FaultPlan
from interlock.twins.klaviyo_schema import KlaviyoError, check_event, check_profile, filtered, resource
from interlock.twins.limits import FixedWindow, Verdict
from interlock.twins.vendor import Vendor, answer, read_json
from interlock.twins.world import Change, Record, World, content_hash

LIMITS = {"events": (350, 3500), "profile-import": (75, 750), "profiles": (75, 750), "metrics": (10, 150)}
"""Burst per second and steady per minute, from x-klaviyo-ratelimit of each operation."""

DEFAULT_KEY = "pk_twin"
PROFILE_IMPORT_MAX_BYTES = 100_000
MEDIA = {"content-type": "application/vnd.api+json"}
REVISION = re.compile(r"\d{4}-\d{2}-\d{2}(\.\w+)?")
IDENTITIES = ("email", "phone_number", "external_id", "anonymous_id")
PROFILE_FILTERS = frozenset({"id", "email", "phone_number", "external_id", "_kx", "created", "updated"})
EVENT_FILTERS = frozenset({"metric_id", "profile_id", "datetime", "timestamp"})
PAGES = {"events": (200, 1000), "profiles": (20, 100), "metrics": (200, 200)}

Handler = Callable[[Request], Awaitable[Response]]


class Klaviyo(Vendor):
    """Configuration, all optional.

    "keys": accepted private keys. "limits": "off", or {"events": [burst a second, steady a minute], ...}.
    "unique_events": false records an event again when its unique_id repeats, for tests of naive clients.
    """

    name = "klaviyo"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        self._keys = frozenset(config.get("keys", (DEFAULT_KEY,)))
        given = config.get("limits", {})
        limits = dict.fromkeys(LIMITS, (0, 0)) if given == "off" else LIMITS | given
        self._windows = {name: (FixedWindow(b, 1), FixedWindow(s, 60)) for name, (b, s) in limits.items()}
        super().__init__(world, faults, config)
        self._by_identity = {
            (name, row[name]): key for key, row in world.rows("profile") for name in IDENTITIES if row.get(name)
        }
        self._metrics = {row["name"]: key for key, row in world.rows("metric")}
        self._seen = {row["_once"] for _, row in world.rows("event")}

    def routes(self) -> list[BaseRoute]:
        """Events, profiles and metrics."""
        return [
            Route("/api/events", self._guarded("events", self._create_event), methods=["POST"]),
            Route("/api/events", self._guarded("events", self._list_events), methods=["GET"]),
            Route("/api/profile-import", self._guarded("profile-import", self._import), methods=["POST"]),
            Route("/api/profiles", self._guarded("profiles", self._list_profiles), methods=["GET"]),
            Route("/api/metrics", self._guarded("metrics", self._list_metrics), methods=["GET"]),
        ]

    def error_body(self, status: int) -> Any:
        """Klaviyo's errors document for an injected status."""
        return KlaviyoError(status).body("00000000-0000-4000-8000-000000000000")

    def _guarded(self, operation: str, handler: Handler) -> Handler:
        """A handler behind authentication, the revision header and the operation's rate limit."""

        async def guarded(request: Request) -> Response:
            try:
                self._check_headers(request)
                steady = self._take(operation)
            except KlaviyoError as error:
                wait = {"retry-after": error.parameter} if error.status == 429 else {}
                return answer(KlaviyoError(error.status, str(error)).body(), error.status, MEDIA | wait)
            try:
                response = await handler(request)
            except KlaviyoError as error:
                response = answer(error.body(), error.status, MEDIA)
            response.headers["ratelimit-limit"] = str(self._windows[operation][1].limit)
            response.headers["ratelimit-remaining"] = str(steady.remaining)
            response.headers["ratelimit-reset"] = str(steady.wait_seconds)
            return response

        return guarded

    def _check_headers(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Klaviyo-API-Key" or key not in self._keys:
            raise KlaviyoError(401)
        if not REVISION.fullmatch(request.headers.get("revision", "")):
            raise KlaviyoError(400, "A revision header of the form YYYY-MM-DD[.suffix] is required.")

    def _take(self, operation: str) -> Verdict:
        """Count the request. Raises KlaviyoError 429 with the seconds to wait as its parameter."""
        burst, steady = self._windows[operation]
        for window in (burst, steady):
            verdict = window.take()
            if not verdict.allowed:
                detail = f"Request was throttled. Expected available in {verdict.wait_seconds} second(s)."
                raise KlaviyoError(429, detail, parameter=str(verdict.wait_seconds))
        return verdict

    async def _create_event(self, request: Request) -> Response:
        """202, whether the event is new or its unique_id was seen for this profile and metric."""
        data = resource(await _body(request), "event", "")
        check_event(data)
        attributes = data["attributes"]
        given = attributes["profile"]["data"]
        profile, profile_changes, known = self._profile_changes(given)
        metric, metric_changes = self._metric_changes(attributes["metric"]["data"]["attributes"]["name"])
        time = _event_time(attributes.get("time"))
        unique = attributes.get("unique_id") or str(int(time.timestamp()))
        once = f"{profile['id']}|{metric['id']}|{unique}"
        if not known:
            self._save_profile(profile, profile_changes, known=False)
        if once in self._seen and self.config.get("unique_events", True):
            return answer(None, 202)
        event = {
            "id": self.world.next_id("event"),
            "profile_id": profile["id"],
            "metric_id": metric["id"],
            "timestamp": int(time.timestamp()),
            "datetime": time.isoformat(sep=" "),
            "event_properties": _event_properties(attributes, unique),
            "_once": once,
        }
        self._seen.add(once)
        self._index(profile)
        key = f"{metric['name']}/{unique}" if attributes.get("unique_id") else once
        changes: list[Change] = [("event", event["id"], event), *metric_changes, *(profile_changes if known else [])]
        self.world.apply("event.create", key, *changes, digest=content_hash(attributes), detail={"id": event["id"]})
        return answer(None, 202)

    async def _import(self, request: Request) -> Response:
        """201 with a new profile, 200 with one that was updated; null clears, absent leaves alone."""
        if len(await request.body()) > PROFILE_IMPORT_MAX_BYTES:
            raise KlaviyoError(400, "The maximum allowed payload size is 100KB.")
        data = resource(await _body(request), "profile", "")
        check_profile(data, "/data")
        profile, changes, known = self._profile_changes(data)
        self._save_profile(profile, changes, known=known)
        return answer({"data": self._profile_resource(profile)}, 200 if known else 201, MEDIA)

    def _profile_changes(self, given: Record) -> tuple[Record, list[Change], bool]:
        """The profile that `given` names, merged or new; the change that stores it; whether it was known."""
        attributes = given["attributes"]
        key = str(given.get("id") or "")
        if key and self.world.get("profile", key) is None:
            raise KlaviyoError(404, f"A profile with id {key} does not exist.")
        for name in IDENTITIES:
            key = key or self._by_identity.get((name, attributes.get(name)), "")
        old = self.world.get("profile", key) if key else None
        now = self.world.now()
        known = old is not None
        profile = {"id": key or self.world.next_id("profile"), "created": now, **(old or {}), "updated": now}
        profile |= {name: value for name, value in attributes.items() if name not in ("properties", "meta")}
        patch = (given.get("meta") or attributes.get("meta") or {}).get("patch_properties") or {}
        profile["properties"] = _patched(profile.get("properties", {}), attributes.get("properties"), patch)
        return profile, [("profile", profile["id"], profile)], known

    def _save_profile(self, profile: Record, changes: list[Change], *, known: bool) -> None:
        self._index(profile)
        key = next(str(profile[name]) for name in (*IDENTITIES, "id") if profile.get(name))
        content = {name: value for name, value in profile.items() if name not in ("id", "created", "updated")}
        kind = "profile.update" if known else "profile.create"
        self.world.apply(kind, key, *changes, digest=content_hash(content), detail={"id": profile["id"]})

    def _index(self, profile: Record) -> None:
        for name in IDENTITIES:
            if profile.get(name):
                self._by_identity[name, profile[name]] = profile["id"]

    def _metric_changes(self, name: str) -> tuple[Record, list[Change]]:
        if name in self._metrics:
            return {"id": self._metrics[name], "name": name}, []
        metric = {"id": self.world.next_id("metric"), "name": name, "created": self.world.now()}
        self._metrics[name] = metric["id"]
        return metric, [("metric", metric["id"], metric)]

    async def _list_events(self, request: Request) -> Response:
        rows = self._filtered("event", request, EVENT_FILTERS)
        if request.query_params.get("sort", "").startswith("-"):
            rows.reverse()
        return self._page("events", [self._event_resource(row) for row in rows], request)

    async def _list_profiles(self, request: Request) -> Response:
        rows = self._filtered("profile", request, PROFILE_FILTERS)
        return self._page("profiles", [self._profile_resource(row) for row in rows], request)

    async def _list_metrics(self, request: Request) -> Response:
        rows = [
            {"type": "metric", "id": key, "attributes": {"name": row["name"], "created": row["created"]}}
            for key, row in self.world.rows("metric")
        ]
        return self._page("metrics", rows, request)

    def _filtered(self, kind: str, request: Request, allowed: frozenset[str]) -> list[Record]:
        fits = filtered(request.query_params.get("filter", ""), allowed)
        return [row for _, row in self.world.rows(kind) if fits(row)]

    def _page(self, name: str, rows: list[Record], request: Request) -> Response:
        usual, most = PAGES[name]
        size = int(request.query_params.get("page[size]", usual))
        if not 1 <= size <= most:
            raise KlaviyoError(400, f"page[size] must be 1 to {most}.", parameter="page[size]")
        begin = _begin(request.query_params.get("page[cursor]"))
        base = f"{self.url}/api/{name}"
        cursor = base64.urlsafe_b64encode(str(begin + size).encode()).decode().rstrip("=")
        following = f"{base}?page[cursor]={cursor}&page[size]={size}" if begin + size < len(rows) else None
        links = {"self": base, "next": following, "prev": None}
        return answer({"data": rows[begin : begin + size], "links": links}, headers=MEDIA)

    def _profile_resource(self, row: Record) -> Record:
        attributes = {name: value for name, value in row.items() if name != "id"}
        links = {"self": f"{self.url}/api/profiles/{row['id']}"}
        return {"type": "profile", "id": row["id"], "attributes": attributes, "links": links}

    def _event_resource(self, row: Record) -> Record:
        names = ("timestamp", "event_properties", "datetime")
        related = {"profile": row["profile_id"], "metric": row["metric_id"]}
        return {
            "type": "event",
            "id": row["id"],
            "attributes": {name: row[name] for name in names} | {"uuid": row["id"]},
            "relationships": {kind: {"data": {"type": kind, "id": key}} for kind, key in related.items()},
            "links": {"self": f"{self.url}/api/events/{row['id']}"},
        }


async def _body(request: Request) -> Any:
    try:
        return await read_json(request)
    except ValueError as error:
        raise KlaviyoError(400, f"The body is not JSON: {error}") from error


def _begin(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise KlaviyoError(400, "Invalid cursor.", parameter="page[cursor]") from None


def _event_time(text: Any) -> datetime:
    """When the event happened, to the second; now when not given. Raises KlaviyoError 400."""
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        raise KlaviyoError(400, "time must be an ISO 8601 date and time.", "/data/attributes/time") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).replace(microsecond=0)


def _event_properties(attributes: Record, unique: str) -> Record:
    extra: Record = {"$event_id": unique}
    if attributes.get("value") is not None:
        extra |= {"$value": attributes["value"], "$currency_code": attributes.get("value_currency")}
    return {**attributes["properties"], **extra}


def _patched(old: Record, new: Record | None, patch: Record) -> Record:
    """Custom properties after a write and its patch_properties (append, unappend, unset)."""
    properties = {**old, **(new or {})}
    for name, value in (patch.get("append") or {}).items():
        properties[name] = [*_listed(properties.get(name)), *_listed(value)]
    for name, value in (patch.get("unappend") or {}).items():
        properties[name] = [kept for kept in _listed(properties.get(name)) if kept not in _listed(value)]
    for name in _listed(patch.get("unset")):
        properties.pop(name, None)
    return properties


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
