"""The steps of a middleware flow as its file says them: one table `[[steps]]` each, in the order in which they follow."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
END = "end"

StepName = Annotated[str, Meta(pattern=NAME, max_length=40)]
Words = Annotated[str, Meta(min_length=1, max_length=1_000)]
StepKind = Literal["enrich", "route", "split", "aggregate", "write"]


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One way of a router."""

    when: Annotated[
        Words,
        Meta(description='Condition on the message: `message.order.currency == "USD"`; the first that holds is taken.'),
    ]
    next: Annotated[StepName, Meta(description="The step to go on with, or `end`.")]


class StepRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One step. Which keys it takes depends on its kind."""

    name: Annotated[StepName, Meta(description="What it adds to the message stands there under this name.")]
    kind: Annotated[StepKind, Meta(description="What it does.")]
    next: Annotated[
        str, Meta(max_length=40, description="The step that follows; unset means the next in the file, `end` none.")
    ] = ""
    system: Annotated[
        str, Meta(max_length=64, description="enrich: the system to read; write: the one to write to.")
    ] = ""
    read: Annotated[str, Meta(max_length=100, description="enrich: the kind of record, as the connector names it.")] = (
        ""
    )
    table: Annotated[dict[str, str], Meta(description="enrich: a table to look up in, in place of a system.")] = {}
    key: Annotated[
        str,
        Meta(
            max_length=500,
            description="enrich: what to look up; paths of the message in braces: `{order.customer.id}`.",
        ),
    ] = ""
    default: (
        Annotated[str, Meta(max_length=500, description="enrich: for a key that the table does not have.")] | None
    ) = None
    take: Annotated[list[Words], Meta(description="enrich: the members of the record to keep; unset keeps all.")] = []
    each: Annotated[
        str,
        Meta(
            max_length=200, description="enrich: look up for each element of this list; split: the list, `order.lines`."
        ),
    ] = ""
    by: Annotated[
        str,
        Meta(
            max_length=200,
            description="split: a field of the elements, or the step that enriched them; equal ones stay together.",
        ),
    ] = ""
    cases: Annotated[list[Case], Meta(description="route: the ways, in their order.")] = []
    otherwise: Annotated[
        str, Meta(max_length=40, description="route: the step to go on with when no case holds, or `end`.")
    ] = ""
    count: Annotated[int, Meta(ge=0, le=10_000, description="aggregate: go on after so many parts; 0 means all.")] = 0
    timeout_minutes: Annotated[
        float,
        Meta(ge=0, le=44_640, description="aggregate: go on after so long with the parts there are; 0 means never."),
    ] = 0.0
    set: Annotated[
        dict[str, str],
        Meta(
            description='write: fields of the object that are filled from the message, `po_number = "{buyer.entityId}"`.'
        ),
    ] = {}
    compensate: Annotated[
        str,
        Meta(
            max_length=100,
            description="write: the operation that takes it back when the process fails: `order.cancel`.",
        ),
    ] = ""
    on_failure: Annotated[
        Literal["stop", "compensate"],
        Meta(description="write: what a refusal for good means: wait for a person, or take back what was written."),
    ] = "stop"


KEYS_OF: dict[str, frozenset[str]] = {
    "enrich": frozenset({"next", "system", "read", "table", "key", "default", "take", "each"}),
    "route": frozenset({"cases", "otherwise"}),
    "split": frozenset({"next", "each", "by"}),
    "aggregate": frozenset({"next", "count", "timeout_minutes"}),
    "write": frozenset({"next", "system", "set", "compensate", "on_failure"}),
}
"""The keys that each kind reads, beside name and kind."""


def following(steps: list[StepRule], at: int) -> str:
    """The name of the step after one that is no router; "" at the end."""
    said = steps[at].next
    if said:
        return "" if said == END else said
    return steps[at + 1].name if at + 1 < len(steps) else ""


def ways(steps: list[StepRule], at: int) -> list[str]:
    """Every step that may follow."""
    step = steps[at]
    if step.kind != "route":
        return list(filter(None, [following(steps, at)]))
    named = [case.next for case in step.cases] + [otherwise(steps, at)]
    return [name for name in dict.fromkeys(named) if name and name != END]


def otherwise(steps: list[StepRule], at: int) -> str:
    """Where a router goes when no case holds: as it says, else to the next step of the file."""
    said = steps[at].otherwise
    if said:
        return "" if said == END else said
    return steps[at + 1].name if at + 1 < len(steps) else ""


def meeting(steps: list[StepRule], at: int) -> str:
    """The aggregate that the ways from a split come to first; "" when there is none."""
    places = {step.name: number for number, step in enumerate(steps)}
    seen: set[str] = set()
    ahead = ways(steps, at)
    while ahead:
        name = ahead.pop(0)
        if name in seen or name not in places:
            continue
        seen.add(name)
        if steps[places[name]].kind == "aggregate":
            return name
        ahead += ways(steps, places[name])
    return ""


def in_words(steps: list[StepRule]) -> list[str]:
    """Each step as a line: what it does, and where it goes on."""
    return [
        f"{at}. {step.name}: {_does(step)}; then {' or '.join(ways(steps, at - 1)) or 'the end'}"
        for at, step in enumerate(steps, start=1)
    ]


def _does(rule: StepRule) -> str:
    match rule.kind:
        case "enrich":
            source = f"{rule.read} of {rule.system}" if rule.system else f"a table of {len(rule.table)}"
            return f"looks {rule.key} up in {source}{f' for each of {rule.each}' if rule.each else ''}"
        case "route":
            return f"goes by {' or by '.join(case.when for case in rule.cases)}"
        case "split":
            return f"makes a part for each {f'value of {rule.by} in' if rule.by else 'element of'} {rule.each}"
        case "aggregate":
            wanted = f"{rule.count} parts" if rule.count else "all parts"
            return f"waits for {wanted}{f', {rule.timeout_minutes:g} min at most' if rule.timeout_minutes else ''}"
        case "write":
            back = f", taken back by {rule.compensate}" if rule.compensate else ""
            fails = ", and takes all back when it is refused for good" if rule.on_failure == "compensate" else ""
            return f"writes to {rule.system}{back}{fails}"
