"""/strategy/contracts: every object with its versions and who moves it; one contract with all its fields; its JSON Schema."""

from collections.abc import Iterable

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from interlock.canonical import Contract
from interlock.canonical.json_schema import json_schema
from interlock.canonical.table import sections
from interlock.console.endings import ladder_of
from interlock.console.health import Answer
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, sentence_list
from interlock.strategy import contract_of, contracts_of
from interlock.strategy.contracts import Use, use_of


class Version(Struct, frozen=True, kw_only=True):
    """One version of an object, and the flows that move it."""

    contract: Contract
    fields: int
    personal: int
    own: int
    use: Use


class Row(Struct, frozen=True):
    """One object: the version that the flows move, and all there are, the newest first."""

    name: str
    moved: Version
    versions: tuple[Version, ...]


async def listing(request: Request) -> Response:
    """All objects, those that move first."""
    console = console_of(request)
    rows = _rows(console)
    return page(
        request,
        "contracts.html",
        title="Contracts",
        command="interlock contracts",
        answer=_answer(rows),
        groups=[
            ("Moved by a flow", [row for row in rows if row.moved.use.flows]),
            ("Not moved by any flow yet", [row for row in rows if not row.moved.use.flows]),
        ],
    )


async def contract(request: Request) -> Response:
    """One version: its fields and nested objects, and who writes and reads it."""
    console, found = _contract(request)
    version = _version(console, found)
    ladder = ladder_of(console.strategy, found.name, await console.views.consumers(), console.now_ms)
    others = sorted(
        (each for each in contracts_of(console.strategy).values() if each.name == found.name),
        key=lambda each: -each.version,
    )
    return page(
        request,
        "contract.html",
        title=found.key,
        command=f"interlock contracts {found.key}",
        answer=Answer(state="done", text=f"{found.meaning}.", more=_numbers(version)),
        version=version,
        others=others,
        sections=sections(found),
        ladder=ladder if len(ladder) > 1 else (),
    )


async def schema(request: Request) -> Response:
    """The contract as JSON Schema 2020-12, as a file to keep."""
    _, found = _contract(request)
    name = f'attachment; filename="{found.key}.schema.json"'
    return JSONResponse(json_schema(found), media_type="application/schema+json", headers={"Content-Disposition": name})


def _contract(request: Request) -> tuple[Console, Contract]:
    console = console_of(request)
    found = contracts_of(console.strategy).get(request.path_params["key"])
    if found is None:
        raise HTTPException(404)
    return console, found


def _rows(console: Console) -> list[Row]:
    by_name: dict[str, list[Version]] = {}
    for found in sorted(contracts_of(console.strategy).values(), key=lambda each: -each.version):
        by_name.setdefault(found.name, []).append(_version(console, found))
    return [Row(name, _moved(console, name, versions), tuple(versions)) for name, versions in sorted(by_name.items())]


def _moved(console: Console, name: str, versions: Iterable[Version]) -> Version:
    moved = contract_of(console.strategy, name)
    return next(version for version in versions if version.contract is moved)


def _version(console: Console, found: Contract) -> Version:
    shapes = ("", *found.objects)
    return Version(
        contract=found,
        fields=len(found.paths()),
        personal=len(found.personal_paths()),
        own=sum(len(found.added_fields(shape)) for shape in shapes),
        use=use_of(console.strategy, found.key),
    )


def _numbers(version: Version) -> str:
    own = f", {version.own} of your own" if version.own else ""
    return f"{counted(version.fields, 'field')}, {version.personal or 'none'} personal{own}."


def _answer(rows: list[Row]) -> Answer:
    moving = [row for row in rows if row.moved.use.flows]
    own = sum(version.own for row in rows for version in row.versions)
    words = sentence_list([row.moved.contract.key for row in moving])
    text = (
        f"{words} {'moves' if len(moving) == 1 else 'move'} between your systems." if moving else "No object moves yet."
    )
    idle = len(rows) - len(moving)
    ready = f"{idle} more {'object is' if idle == 1 else 'objects are'} ready to be moved."
    added = f" Your folder adds {counted(own, 'field')} of its own." if own else ""
    return Answer(state="done" if moving else "silent", text=text, more=ready + added)
