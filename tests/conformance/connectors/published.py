"""What vendors publish of their APIs, as facts in tests/fixtures/published, and where a recorded exchange departs from it.

A member that is not among the facts is a departure, in a request as in an answer: what is used is looked up first. The
notation is told in tests/fixtures/published/INDEX.md.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs

from interlock.connectors.contract import Answer, Http

FACTS = Path(__file__).parents[2] / "fixtures" / "published"
Schema = dict[str, Any]
PLAIN: dict[str, Schema] = {
    "any": {},
    "nothing": {"maxProperties": 0},
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"},
}
BOUNDS = {"string": ("minLength", "maxLength"), "integer": ("minimum", "maximum"), "array": ("minItems", "maxItems")}
BOUNDED = re.compile(r"(.+), (\d+)\.\.(\d*)")


@dataclass(frozen=True)
class Exchange:
    """One call as it went over the wire, and what came back."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    answer: Answer


class Wire(Http):
    """The connectors' own way out, which keeps what went over it."""

    def __init__(self, hosts: Iterable[str], download_hosts: Iterable[str] = ()) -> None:
        super().__init__(hosts, download_hosts)
        self.exchanges: list[Exchange] = []

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> Answer:
        answer = await super().send(method, url, headers, body, timeout_seconds)
        self.exchanges.append(Exchange(method, url, headers, body, answer))
        return answer


# -- the notation


def schema_of(text: str) -> Schema:
    """`required` is read by whoever has the members: here it says nothing."""
    text = " ".join(text.removeprefix("required ").split())
    if text.endswith(" or null"):
        return {"anyOf": [schema_of(text.removesuffix(" or null")), {"type": "null"}]}
    if bounded := BOUNDED.fullmatch(text):
        return _bounded(schema_of(bounded[1]), bounded[2], bounded[3])
    if text.startswith("list of "):
        return {"type": "array", "items": schema_of(text.removeprefix("list of "))}
    if text.startswith("map of "):
        return {"type": "object", "additionalProperties": schema_of(text.removeprefix("map of "))}
    if text.startswith("one of "):
        return {"type": "string", "enum": text.split()[2:]}
    return PLAIN.get(text, {"$ref": f"#/$defs/{text}"})


def _bounded(schema: Schema, least: str, most: str) -> Schema:
    lower, upper = BOUNDS[schema["type"]]
    return schema | {lower: int(least)} | ({upper: int(most)} if most else {})


def object_of(members: Mapping[str, str]) -> Schema:
    """An object that has these members and no others."""
    return {
        "type": "object", "additionalProperties": False,
        "properties": {name: schema_of(text) for name, text in members.items()},
        "required": [name for name, text in members.items() if text.startswith("required ")],
    }  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call that a vendor publishes; `said` are the shapes of its answers by status, "error" for all others."""

    name: str
    path: re.Pattern[str]
    facts: Mapping[str, Any]
    statuses: frozenset[int]
    headers: Mapping[str, str]

    def said(self, status: int) -> str | None:
        """The shape of an answer; None when no answer of this status is published."""
        if str(status) in self.facts:
            return str(self.facts[str(status)])
        known = status in self.statuses if self.statuses else status >= 400
        return str(self.facts["error"]) if known else None


class Model:
    """One file of facts."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        shapes: dict[str, Any] = facts["shapes"]
        self._defs = {
            name: schema_of(text) if isinstance(text, str) else object_of(text) for name, text in shapes.items()
        }
        self._validators: dict[str, Any] = {}
        self.webhooks: dict[str, str] = facts.get("webhooks", {})
        self.documents: dict[str, str] = facts.get("documents", {})
        statuses, headers = frozenset(facts.get("statuses", ())), facts.get("headers", {})
        self.calls = [
            Call(name, _path_of(name), row, statuses, row.get("headers", headers))
            for name, row in facts.get("calls", {}).items()
        ]

    def problems(self, shape: str, value: Any, where: str) -> Iterator[str]:
        """Where a value departs from a shape, which may be any text of the notation."""
        if shape not in self._validators:
            schema = schema_of(shape) | {"$defs": self._defs}
            self._validators[shape] = jsonschema_rs.Draft202012Validator(schema)
        for error in self._validators[shape].iter_errors(value):
            yield f"{where}{''.join(f'.{part}' for part in error.instance_path)}: {error.message}"

    def members(self, facts: Mapping[str, str], given: Mapping[str, str], where: str) -> Iterator[str]:
        """Where a query or the headers depart; their values are texts."""
        for name, text in facts.items():
            if name in given:
                yield from self.problems(text, _typed(self._defs, schema_of(text), given[name]), f"{where}.{name}")
            elif text.startswith("required "):
                yield f"{where}.{name}: required, and not there"


def _path_of(name: str) -> re.Pattern[str]:
    """`{name}` is one segment; a slash within it is percent-encoded."""
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(name)))


def _typed(defs: Mapping[str, Schema], schema: Schema, text: str) -> Any:
    """A text of a query as what it stands for: lists are separated by commas."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    match schema.get("type"):
        case "array":
            return [_typed(defs, schema["items"], one) for one in text.split(",")]
        case "integer" if text.lstrip("-").isdecimal():
            return int(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
        case _:
            return text


# -- what was recorded


@dataclass
class Published:
    """All that one vendor publishes; `called` are the calls that were seen, `told` the addresses that answers named."""

    models: list[Model]
    called: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    @property
    def calls(self) -> set[str]:
        """The names of all calls."""
        return {call.name for model in self.models for call in model.calls}

    def departures(self, exchanges: Iterable[Exchange]) -> list[str]:
        """All of them, in words."""
        return [words for exchange in exchanges for words in self._of(exchange)]

    def webhook(self, topic: str, body: bytes) -> list[str]:
        """Where the body of a webhook or a notification departs."""
        model = next(model for model in self.models if topic in model.webhooks)
        return list(model.problems(model.webhooks[topic], json.loads(body), topic))

    def _of(self, exchange: Exchange) -> Iterator[str]:
        parts = urlsplit(exchange.url)
        name = f"{exchange.method} {parts.path}"
        if exchange.url in self.told:
            yield from self._document(exchange, name)
            return
        found = [(model, call) for model in self.models for call in model.calls if call.path.fullmatch(name)]
        if not found:
            yield f"{name}: no such call is published"
            return
        model, call = found[0]
        self.called.add(call.name)
        yield from _asked(model, call, exchange, dict(parse_qsl(parts.query, keep_blank_values=True)), call.name)
        yield from self._answered(model, call, exchange.answer)

    def _answered(self, model: Model, call: Call, answer: Answer) -> Iterator[str]:
        """An answer that never came, or is a proxy's page, is no vendor's."""
        if answer.status == 0 or answer.headers.get("content-type", "").startswith("text/html"):
            return
        where = f"{call.name} -> {answer.status}"
        shape = call.said(answer.status)
        if shape is None:
            yield f"{where}: no such answer is published"
        elif shape == "nothing" and not answer.body:
            return
        elif (value := _json(answer.body)) is None:
            yield from () if shape == "any" else (f"{where}: not JSON, but {answer.body[:60]!r}",)
        else:
            yield from model.problems(shape, value, where)
            if isinstance(value, dict) and isinstance(value.get("url"), str):
                self.told.add(value["url"])

    def _document(self, exchange: Exchange, name: str) -> Iterator[str]:
        """What is laid at an address that an answer told, or fetched from it; it may be packed."""
        laid = exchange.method == "PUT"
        raw = exchange.body if laid else exchange.answer.body
        value = _json(gzip.decompress(raw) if raw and raw.startswith(b"\x1f\x8b") else raw or b"")
        model = next(model for model in self.models if model.documents)
        yield from model.problems(model.documents["laid" if laid else "fetched"], value, name)


def _asked(model: Model, call: Call, exchange: Exchange, query: Mapping[str, str], where: str) -> Iterator[str]:
    known = call.facts.get("query", {})
    yield from (f"{where}?{name}: no such parameter is published" for name in query.keys() - known.keys())
    yield from model.members(known, query, f"{where}?")
    headers = {name.lower(): value for name, value in exchange.headers.items()}
    yield from model.members(call.headers, headers, f"{where} header")
    if shape := call.facts.get("body"):
        yield from model.problems(shape, _json(exchange.body or b""), where)
    elif shape := call.facts.get("form"):
        yield from model.problems(shape, dict(parse_qsl((exchange.body or b"").decode())), where)
    elif exchange.body:
        yield f"{where}: no body is published"


def _json(body: bytes) -> Any:
    """None when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


@cache
def _facts(vendor: str) -> tuple[Mapping[str, Any], ...]:
    files = sorted(FACTS.glob(f"{vendor}.toml")) + sorted(FACTS.glob(f"{vendor}-*.toml"))
    return tuple(tomllib.loads(file.read_text("utf-8")) for file in files)


@cache
def _models(vendor: str) -> tuple[Model, ...]:
    return tuple(map(Model, _facts(vendor)))


def published(vendor: str) -> Published | None:
    """The facts of a vendor, None where there are none (Shopify's twin executes Shopify's own schema)."""
    models = _models(vendor)
    return Published(list(models)) if models else None


def hold(vendor: str, wire: Wire) -> None:
    """Fails when anything that went over a wire departs from what the vendor publishes."""
    facts = published(vendor)
    found = facts.departures(wire.exchanges) if facts is not None else []
    assert not found, "\n".join(found)
