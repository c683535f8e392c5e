"""STR184-STR195: middleware flows: steps that exist, follow one another, end, can be taken back, and read what is there."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.checks.references import connector_of
from interlock.strategy.facts import covers
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import Flow
from interlock.strategy.positions import Path
from interlock.strategy.predicate import PredicateError, compile_predicate
from interlock.strategy.steps import END, KEYS_OF, StepRule, following, meeting, otherwise, ways

MIDDLEWARE = "middleware"
PLACE = re.compile(r"\{([^{}]*)\}")
MESSAGE = re.compile(r"\bmessage\.([A-Za-z0-9_]+)")

_BUYER = '{ name = "buyer", kind = "enrich", table = { "1" = "gold" }, key = "{order.customer.id}" }'
_SIZE = '{ name = "size", kind = "route", cases = [{ when = "message.order.test == false", next = "book" }], otherwise = "end" }'
_PARTS = '{ name = "parts", kind = "split", each = "order.lines", by = "sku" }'
_SHIP = '{ name = "ship", kind = "write", system = "erp", compensate = "salesOrder.close" }'
_WHOLE = '{ name = "whole", kind = "aggregate" }'
_BOOK = '{ name = "book", kind = "write", system = "erp" }'
_BOOK_OR_BACK = '{ name = "book", kind = "write", system = "erp", on_failure = "compensate" }'
_SOUND = (_BUYER, _SIZE.replace('next = "book"', 'next = "parts"'), _PARTS, _SHIP, _WHOLE, _BOOK_OR_BACK)


def _example(*steps: str, also: str = "") -> Example:
    return Example("flows/order-to-erp.toml", f'pattern = "middleware"\nsteps = [{", ".join(steps)}]\n{also}')


class Placed(NamedTuple):
    """A step with its file, its place, and all steps of the flow."""

    file: TomlFile[Flow]
    at: int
    rule: StepRule
    rules: list[StepRule]

    def path(self, *inner: str | int) -> Path:
        """Where it stands in the file."""
        return ("steps", self.at, *inner)

    @property
    def said(self) -> str:
        """`flow order-process: step ship`."""
        return f"{subject(self.file)}: step {self.rule.name or self.at + 1}"


def processes(folder: Folder) -> Iterator[TomlFile[Flow]]:
    """The middleware flows."""
    return (file for file in folder.flows.values() if file.value.pattern == MIDDLEWARE)


def placed(folder: Folder, *kinds: str) -> Iterator[Placed]:
    """Every step of these kinds (or of all); none of a file in which one could not be read."""
    for file in processes(folder):
        rules = file.value.steps
        if len(rules) == len(file.data.get("steps", ())):
            yield from (
                Placed(file, at, rule, rules) for at, rule in enumerate(rules) if not kinds or rule.kind in kinds
            )


class StepsThere(Check):
    code = "STR184"
    title = "A middleware flow has no steps, or wants each event"
    why = "its steps are what runs; a process brings an object up to date, so a newer state replaces an older one"
    bad = _example()
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in processes(folder):
            if not file.data.get("steps"):
                yield self.finding(
                    file, ("pattern",), f"{subject(file)}: no steps", next_move="add a table [[steps]] for each step"
                )
            elif file.value.every:
                yield self.finding(
                    file,
                    ("every",),
                    f"{subject(file)}: a process is not run for each event",
                    next_move="take `every` out",
                )


class StepNames(Check):
    code = "STR185"
    title = "A step's name leads nowhere, or stands for two"
    why = "a step is followed by one of the same flow, and each has a name of its own"
    bad = _example(*_SOUND[:1], _SIZE.replace('next = "book"', 'next = "bok"'), _BOOK)
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder):
            names = [rule.name for rule in step.rules]
            for name, path in _named(step):
                if name and name != END and name not in names:
                    yield self.finding(
                        step.file,
                        path,
                        f'{step.said}: there is no step "{name}"',
                        next_move=did_you_mean(name, [*names, END]),
                    )
            if step.rule.name and (step.rule.name in names[: step.at] or step.rule.name in _taken(step)):
                what = f"{step.said}: the name is taken"
                yield self.finding(step.file, step.path("name"), what, next_move="give it a name of its own")


def _named(step: Placed) -> Iterator[tuple[str, Path]]:
    yield step.rule.next, step.path("next")
    yield step.rule.otherwise, step.path("otherwise")
    for number, case in enumerate(step.rule.cases):
        yield case.next, step.path("cases", number, "next")


def _lost(rules: list[StepRule]) -> bool:
    """Whether some way leads to no step, or round in a circle."""
    names = {rule.name for rule in rules}
    return bool(_circle(rules)) or any(name not in names for at in range(len(rules)) for name in ways(rules, at))


def _taken(step: Placed) -> set[str]:
    return {step.file.value.object_name, "part", "item", END}


class StepsEnd(Check):
    code = "STR186"
    title = "Steps go in a circle"
    why = "a process would never end; what is to be tried again is tried again by its delivery"
    bad = _example(_SOUND[0], _SHIP, _BOOK[:-2] + ', next = "buyer" }')
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in processes(folder):
            rules = file.value.steps
            if circle := _circle(rules):
                at = next(number for number, rule in enumerate(rules) if rule.name == circle[-1])
                what = f"{subject(file)}: {' -> '.join([*circle, circle[0]])}"
                yield self.finding(file, ("steps", at), what, next_move='let the last one go to "end"')


def _circle(rules: list[StepRule]) -> list[str]:
    """The names of a circle in their order; none when there is none."""
    places = {rule.name: at for at, rule in enumerate(rules)}

    def look(name: str, above: list[str]) -> list[str]:
        if name in above:
            return above[above.index(name) :]
        if name not in places:
            return []
        return next(filter(None, (look(after, [*above, name]) for after in ways(rules, places[name]))), [])

    return look(rules[0].name, []) if rules else []


class StepsReached(Check):
    code = "STR187"
    title = "No way leads to a step"
    why = "it would look as if it did something"
    bad = _example(_BUYER[:-2] + ', next = "end" }', _BOOK)
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in processes(folder):
            rules = file.value.steps
            if _lost(rules):
                continue  # a way that leads nowhere is one mistake
            reached = _reached(rules, [rules[0].name] if rules else [])
            for step in placed(folder):
                if step.file is file and step.rule.name not in reached:
                    what = f"{step.said} is never come to"
                    yield self.finding(
                        file, step.path("name"), what, next_move="name it in `next` or in a case, or take it out"
                    )


def _reached(rules: list[StepRule], ahead: list[str], until: str = "") -> set[str]:
    places = {rule.name: at for at, rule in enumerate(rules)}
    found: set[str] = set()
    while ahead:
        name = ahead.pop()
        if name in places and name not in found and name != until:
            found.add(name)
            ahead += ways(rules, places[name])
    return found


class StepKeys(Check):
    code = "STR188"
    title = "A step lacks a key, or has one of another kind"
    why = "each kind reads keys of its own, and cannot work without some"
    bad = _example(_BOOK.replace(', system = "erp"', ""))
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder):
            if step.rule.kind not in KEYS_OF:
                continue  # told as a value that is not among the choices
            written = step.file.data["steps"][step.at]
            for key in sorted(set(written) - KEYS_OF[step.rule.kind] - {"name", "kind"}):
                if key in StepRule.__struct_fields__:
                    what = f'{step.said}: "{key}" is not for kind = "{step.rule.kind}"'
                    hint = f"it takes {', '.join(sorted(KEYS_OF[step.rule.kind]))}"
                    yield self.finding(step.file, step.path(key), what, next_move=hint, at_key=True)
            for lacking in _lacking(step.rule):
                yield self.finding(
                    step.file, step.path("kind"), f"{step.said} lacks {lacking}", next_move=f"add {lacking} = ..."
                )


def _lacking(rule: StepRule) -> Iterator[str]:
    if rule.kind == "enrich":
        yield from ([] if rule.system or rule.table or rule.default is not None else ["system"])
        yield from (["read"] if rule.system and not rule.read else [])
        yield from ([] if rule.key else ["key"])
    needed: dict[str, str] = {"route": "cases", "split": "each", "write": "system"}
    key = needed.get(rule.kind, "")
    yield from ([key] if key and not getattr(rule, key) else [])


class StepSystem(Check):
    code = "STR189"
    title = "A step writes where the flow does not, or a destination has no step"
    why = "the flow's destinations say where it writes, and its steps do it"
    bad = _example(_BOOK.replace('system = "erp"', 'system = "crm"'), _SHIP)
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder, "write"):
            name = step.rule.system
            if name and name not in step.file.value.destinations:
                what = f'{step.said}: "{name}" is none of its destinations'
                hint = did_you_mean(name, step.file.value.destinations) or "add it to destinations"
                yield self.finding(step.file, step.path("system"), what, next_move=hint)
        for file in processes(folder):
            written = {rule.system for rule in file.value.steps if rule.kind == "write"}
            for number, name in enumerate(file.value.destinations):
                if file.value.steps and name not in written and not (written - set(file.value.destinations)):
                    what = f'{subject(file)}: no step writes to "{name}"'
                    yield self.finding(file, ("destinations", number), what, next_move="take it out, or add a step")


class SplitMeets(Check):
    code = "STR190"
    title = "Parts and the whole are mixed up"
    why = "parts go side by side until an aggregate makes them one again; a part is not split once more"
    bad = _example(_PARTS, _SIZE.replace('otherwise = "end"', 'otherwise = "whole"'), _WHOLE, _BOOK)
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in processes(folder):
            rules = file.value.steps
            if _circle(rules):
                continue
            yield from self._of_splits(file, rules)
            meetings = {meeting(rules, at) for at, rule in enumerate(rules) if rule.kind == "split"}
            for at, rule in enumerate(rules):
                if rule.kind == "aggregate" and rule.name not in meetings:
                    what = f"{subject(file)}: step {rule.name} waits for the parts of no split"
                    yield self.finding(file, ("steps", at), what, next_move="put a split before it, or take it out")

    def _of_splits(self, file: TomlFile[Flow], rules: list[StepRule]) -> Iterator[Finding]:
        for at, rule in enumerate(rules):
            if rule.kind != "split":
                continue
            end = meeting(rules, at)
            inner = _reached(rules, ways(rules, at), end)
            outer = _reached(rules, [rules[0].name], rule.name) | (_reached(rules, [end]) if end else set())
            for number, other in enumerate(rules):
                if other.name in inner and other.kind == "split":
                    yield self._mixed(
                        file, number, f"step {other.name} splits a part of {rule.name}", "split once, by both"
                    )
                elif other.name in inner & outer:
                    words = f"step {other.name} is of the parts of {rule.name} and of the whole"
                    yield self._mixed(file, number, words, "give each its own step")
                elif end and other.name in inner and _ends(rules, number):
                    words = f"step {other.name} ends a part of {rule.name} that never comes to {end}"
                    yield self._mixed(file, number, words, f'let it go on to "{end}"')

    def _mixed(self, file: TomlFile[Flow], at: int, words: str, hint: str) -> Finding:
        return self.finding(file, ("steps", at), f"{subject(file)}: {words}", next_move=hint)


def _ends(rules: list[StepRule], at: int) -> bool:
    """Whether a process may end after this step."""
    rule = rules[at]
    if rule.kind != "route":
        return not following(rules, at)
    return not otherwise(rules, at) or any(case.next == END for case in rule.cases)


class StepUndone(Check):
    code = "STR191"
    title = "A write names an operation that cannot take it back"
    why = "the connector says which of its operations undoes which other; only these are called by themselves"
    bad = _example(_SHIP.replace("salesOrder.close", "salesOrder.upsert"))
    good = _example(_SHIP)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder, "write"):
            fact, wanted = connector_of(folder, step.rule.system), step.rule.compensate
            if fact is None or not wanted:
                continue
            able = [one.operation for one in fact.writes if one.undoes and covers([one.object], step.file.value.object)]
            if wanted not in able:
                what = f'{step.said}: "{wanted}" takes nothing back'
                hint = did_you_mean(wanted, able) or f"{fact.name} can take back nothing: leave `compensate` out"
                yield self.finding(step.file, step.path("compensate"), what, next_move=hint)


class StepCondition(Check):
    code = "STR192"
    title = "A router's condition is not understood"
    why = "conditions compare what the message holds: the object under its name, and what earlier steps added under theirs"
    bad = _example(_SIZE.replace("message.order.test == false", "message.ordr.test == false"), _BOOK)
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder, "route"):
            known = _adds(step)
            for number, case in enumerate(step.rule.cases):
                path = step.path("cases", number, "when")
                try:
                    compile_predicate(case.when, "message")
                except PredicateError as error:
                    yield self.finding(step.file, path, f"{step.said}: {error.what}", next_move=error.next_move)
                    continue
                for name in MESSAGE.findall(case.when):
                    if name.replace("_", "-") not in known and name not in known:
                        what = f'{step.said}: the message has no "{name}"'
                        yield self.finding(step.file, path, what, next_move=did_you_mean(name, known))


def _adds(step: Placed) -> set[str]:
    """What the message may hold: the object, the part, and what other steps add."""
    return {step.file.value.object_name, "part", *(rule.name for rule in step.rules if rule.name != step.rule.name)}


class NothingUndone(Check):
    code = "STR193"
    severity = "warning"
    title = "A process is taken back, and nothing of it can be"
    why = 'on_failure = "compensate" calls what the writes before it name in `compensate`'
    bad = _example(_BOOK_OR_BACK)
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder, "write"):
            if step.rule.on_failure == "compensate" and not any(rule.compensate for rule in step.rules):
                what = f"{step.said}: no write of this flow says how it is taken back"
                yield self.finding(
                    step.file, step.path("on_failure"), what, next_move='add `compensate`, or use on_failure = "stop"'
                )


class StepReads(Check):
    code = "STR194"
    title = "A step cannot read what it asks for"
    why = "the connector of a system says which records it can give"
    bad = _example(_BUYER.replace('table = { "1" = "gold" }', 'system = "erp", read = "custmer"'), _BOOK, _SHIP)
    good = _example(_BUYER.replace('table = { "1" = "gold" }', 'system = "erp", read = "customer"'), _BOOK, _SHIP)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder, "enrich"):
            name, fact = step.rule.system, connector_of(folder, step.rule.system)
            if name and name not in folder.systems:
                hint = did_you_mean(name, folder.systems)
                yield self.finding(
                    step.file, step.path("system"), f'{step.said}: unknown system "{name}"', next_move=hint
                )
            elif fact and step.rule.read and step.rule.read not in fact.readings:
                what = f'{step.said}: {name} gives no "{step.rule.read}"'
                hint = did_you_mean(step.rule.read, fact.readings) or f"connector {fact.name} gives no records"
                yield self.finding(step.file, step.path("read"), what, next_move=hint)


class StepPaths(Check):
    code = "STR195"
    title = "A step uses what the message does not hold"
    why = (
        "places in braces, and the lists of enrichments and splits, begin with the object's name or with that of a step"
    )
    bad = _example(_BUYER.replace("{order.", "{odrer."), _BOOK, _SHIP)
    good = _example(*_SOUND)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for step in placed(folder, "enrich", "split", "write"):
            known = _adds(step) | ({"item"} if step.rule.each else set())
            for text, path in _paths(step):
                name = text.partition(".")[0]
                if name not in known:
                    what = f'{step.said}: the message has no "{name}"'
                    yield self.finding(step.file, path, what, next_move=did_you_mean(name, known))


def _paths(step: Placed) -> Iterator[tuple[str, Path]]:
    rule, own = step.rule, step.file.value.object_name
    yield from ((text, step.path("key")) for text in PLACE.findall(rule.key))
    for field, template in rule.set.items():
        yield from ((text, step.path("set", field)) for text in PLACE.findall(template))
    if rule.kind == "split" and rule.each and not re.fullmatch(rf"{own}\.[a-z_]+", rule.each):
        yield rule.each if not rule.each.startswith(f"{own}.") else "?", step.path("each")
    elif rule.each:
        yield rule.each, step.path("each")
