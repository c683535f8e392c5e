"""Which deliveries: `--state dead --since 2h`, or `--where state=dead`; the same names as in the console's URLs, nothing guessed."""

import functools
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.times import now_ms

if TYPE_CHECKING:
    from interlock.messaging.ledger import Filter

PLAIN = {
    "flow": "Of this flow.",
    "destination": "To this system.",
    "object": "Of this kind of object, such as order.",
    "key": "Of the object with this id at its source.",
    "name": "Of the object with this business name, such as '#1001'.",
    "reason": "Whose last trouble is of this class.",
    "fingerprint": "Dead letters of this cause; `issues` lists them.",
    "refused": "That left this field out, such as customer.note; `records` lists them.",
}
LISTS = {"state": "states", "ids": "ids"}
TIMES = {"since": "since_ms", "until": "until_ms"}
KNOWN = (*PLAIN, *LISTS, *TIMES)
UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
STATES = ("pending", "running", "retrying", "uncertain", "waiting", "held", "done", "superseded", "cancelled", "dead")

_OPTIONS = (
    *(click.option(f"--{name}", metavar="TEXT", help=line) for name, line in PLAIN.items()),
    click.option("--state", metavar="STATE[,STATE]", help="In one of these states."),
    click.option(
        "--since", "--from", "since", metavar="TIME", help="Not before: 15m, 2h or 7d ago, or 2026-11-23T10:00Z."
    ),
    click.option("--until", metavar="TIME", help="Before this time."),
    click.option("--ids", metavar="N[,N]", help="With these numbers."),
    click.option("--where", multiple=True, metavar="NAME=VALUE", help="The same in another form; may be repeated."),
)


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose deliveries; it gets them as `pairs`, a list of NAME=VALUE."""

    @functools.wraps(command)
    def chosen(*arguments: Any, where: tuple[str, ...], **options: Any) -> Any:
        said = {name: options.pop(name) for name in KNOWN}
        pairs = [*where, *(f"{name}={value}" for name, value in said.items() if value)]
        return command(*arguments, pairs=pairs, **options)

    for option in reversed(_OPTIONS):
        chosen = option(chosen)
    return chosen


def read_pairs(pairs: Iterable[str], *, all_of_none: bool = False) -> "Filter":
    """Raises UsageError for an unknown name, a value that makes no sense, or (unless `all_of_none`) no pair: nobody means everything."""
    from interlock.messaging.ledger import Filter

    fields: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value or name not in KNOWN:
            raise click.UsageError(f"--where {pair!r}: write name=value with one of {', '.join(KNOWN)}")
        fields |= _field(name, value)
    if not fields and not all_of_none:
        raise click.UsageError("choose something, such as --state dead or --destination netsuite")
    return Filter(**fields)


def _field(name: str, value: str) -> dict[str, Any]:
    if name in TIMES:
        return {TIMES[name]: moment(value)}
    if name == "ids":
        if not all(part.isdecimal() for part in value.split(",")):
            raise click.UsageError(f"--ids {value}: write whole numbers with commas between")
        return {"ids": tuple(int(part) for part in value.split(","))}
    return {"states": _states(value)} if name == "state" else {name: value}


def _states(value: str) -> tuple[str, ...]:
    states = tuple(value.split(","))
    if unknown := [state for state in states if state not in STATES]:
        raise click.UsageError(f"there is no state {unknown[0]!r}; there are {', '.join(STATES)}")
    return states


def moment(text: str) -> int:
    """`15m`, `2h`, `7d` before now, a date and time, or milliseconds since the epoch; as the latter."""
    if match := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return now_ms() - int(match[1]) * UNIT_MS[match[2]]
    if re.fullmatch(r"\d{12,14}", text):
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no time: write 15m, 2h or 7d (before now), or 2026-11-23T10:00Z") from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
