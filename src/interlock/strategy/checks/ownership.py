"""STR032, STR033, STR140-STR149: systems of record. One system holds the truth of each field that moves, and flows write what is theirs."""

from collections.abc import Iterable

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.checks.writings import claims_in, disputes, fields_of, ownership, unknown_field, writings
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder
from interlock.strategy.inventory import counters
from interlock.strategy.left_out import left_out
from interlock.strategy.ownership import PLACE_FIELDS, Ownership

FIELDS_SHOWN = 3

_OF_TWO = 'record_of = ["customer.accepts_marketing", "{thing}"]'
_AT_SOME = """\
[[record_of_where]]
of = ["order.{field}"]
{condition} = ["{value}"]
"""


class DestinationIsRecord(Check):
    code = "STR032"
    title = "A flow writes to the system of record"
    why = "a system that is record of an object is never overwritten by another"
    bad = Example("flows/order-to-erp.toml", 'object = "customer.v1"')
    good = Example("flows/order-to-erp.toml", 'object = "order.v1"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for writing in writings(folder):
            flow, file = writing.file.value, folder.systems[writing.destination]
            if writing.nothing_is_ours() and writing.foreign()[0].record == writing.destination:
                what = f'{subject(writing.file)}: {writing.destination} is itself record of "{flow.object_name}"'
                hint = f'turn the flow round (source = "{writing.destination}"), or take it out of record_of in {file.path}'
                yield self.finding(writing.file, writing.at, what, next_move=hint)


class OneRecord(Check):
    code = "STR033"
    title = "Two systems are record of the same thing"
    why = "when they differ, nobody could say which is right"
    bad = Example("systems/crm.toml", _OF_TWO.format(thing="order"))
    good = Example("systems/crm.toml", _OF_TWO.format(thing="order.tags"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for claim, other in disputes(folder):
            if not claim.where:
                file = folder.systems[claim.system]
                what = f'{subject(file)}: {other.system} is record of "{claim.thing}" already'
                hint = "keep it at one of them; a single field can be named: order.note"
                yield self.finding(file, claim.written, what, next_move=hint)


class NoSuchField(Check):
    code = "STR140"
    title = "A system is record of a field that does not exist"
    why = "the field that was meant is then nobody's, or another's"
    bad = Example("systems/crm.toml", _OF_TWO.format(thing="customer.note_of_staff"))
    good = Example("systems/crm.toml", _OF_TWO.format(thing="customer.note"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, claim in claims_in(folder):
            reason = unknown_field(folder, claim)
            if reason:
                what = f'{subject(file)}: there is no "{claim.thing}"'
                yield self.finding(file, claim.written, what, next_move=reason)


class NobodyIsRecord(Check):
    code = "STR141"
    title = "No system is record of a field that a flow writes"
    why = (
        "when two systems differ, nobody could say which is right; and a flow writes only what its source is record of"
    )
    bad = Example("systems/shop.toml", "record_of = []")
    good = Example("systems/shop.toml", 'record_of = ["order"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        told: set[tuple[str, str]] = set()
        for writing in writings(folder):
            for name in dict.fromkeys(one.object for one, _ in writing.documents):
                fields = [one.field for one in writing.foreign() if not one.record and one.field.split(".")[0] == name]
                if fields and (writing.file.path, name) not in told:
                    told.add((writing.file.path, name))
                    what = f"{subject(writing.file)}: no system is record of {_some(fields)}"
                    hint = f'add "{name}" to record_of of one system, such as {writing.file.value.source}'
                    yield self.finding(writing.file, ("object",), what, next_move=hint)


class SourceIsNotRecord(Check):
    code = "STR142"
    title = "A flow writes nothing that its source is record of"
    why = "a copy would be passed on as if it were the truth, so every field of it is left out"
    bad = Example("flows/customer-to-crm.toml", 'source = "shop"\ntrigger = ["customers/create"]')
    good = Example("flows/customer-to-crm.toml", 'source = "erp"\ntrigger = ["customer/updated"]')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for writing in writings(folder):
            flow, records = writing.file.value, [one.record for one in writing.foreign()]
            if flow.publish is not None and flow.source in counters(folder.inventory):
                continue
            if writing.nothing_is_ours() and all(records) and records[0] != writing.destination:
                what = f'{subject(writing.file)}: {records[0]}, not {flow.source}, is record of "{flow.object_name}"'
                hint = f'use source = "{records[0]}", or change record_of'
                yield self.finding(writing.file, ("source",), what, next_move=hint)


class TwoExceptions(Check):
    code = "STR143"
    title = "Two exceptions name one field at one place"
    why = "both could hold, and then two systems were record of it"
    bad = Example("systems/crm.toml", _AT_SOME.format(field="po_number", condition="channels", value="pos"))
    good = Example("systems/crm.toml", _AT_SOME.format(field="po_number", condition="channels", value="web"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for claim, other in disputes(folder):
            if claim.where:
                file = folder.systems[claim.system]
                what = f'{subject(file)}: {other.system} is record of "{claim.thing}" at {other.conditions()} already'
                hint = "let no place meet both, or give one of them all conditions of the other and one more"
                yield self.finding(file, claim.written, what, next_move=hint)


class NotAnObject(Check):
    code = "STR144"
    severity = "warning"
    title = "A system is record of something that has no contract"
    why = "it stands on the map of records, and no flow can move it, so nothing else looks at it"
    bad = Example("systems/crm.toml", _OF_TWO.format(thing="loyalty_card"))
    good = Example("systems/crm.toml", _OF_TWO.format(thing="company"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        objects = {contract.name for contract in folder.contracts.contracts.values()}
        for file, claim in claims_in(folder):
            if claim.object_name not in objects:
                what = f'{subject(file)}: no contract describes "{claim.object_name}"'
                hint = did_you_mean(claim.object_name, objects)
                hint = f"{hint} Else add objects/{claim.object_name}.v1.toml".removeprefix(" Else ")
                yield self.finding(file, claim.written, what, next_move=hint)


class ExceptionNowhere(Check):
    code = "STR145"
    title = "An exception can never hold"
    why = "it names no place, or one that the object does not tell of itself"
    bad = Example("systems/crm.toml", _AT_SOME.format(field="note", condition="markets", value="EU"))
    good = Example("systems/crm.toml", _AT_SOME.format(field="note", condition="channels", value="web"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, claim in claims_in(folder):
            if not claim.where and claim.written[0] == "record_of_where":
                what, hint = f"{subject(file)}: the exception names no place", "add locations, markets or channels"
                yield self.finding(file, claim.written, what, next_move=hint)
            for dimension, _ in claim.where:
                if fields_of(folder, claim.object_name) and not _tells(folder, claim.object_name, dimension):
                    what = f'{subject(file)}: "{claim.object_name}" does not say its {dimension}'
                    wanted = " or ".join(PLACE_FIELDS[dimension])
                    hint = f"add a field {wanted} to its contract, or take it out of the exception"
                    yield self.finding(file, claim.written, what, next_move=hint)


class LeftOutEachTime(Check):
    code = "STR146"
    severity = "warning"
    title = "A mapping writes a field that is another's"
    why = "each delivery leaves it out and says so; what is never written should not stand in the mapping"
    bad = Example("systems/crm.toml", _OF_TWO.format(thing="order.note"))
    good = Example("systems/crm.toml", _OF_TWO.format(thing="order.tags"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for writing in writings(folder):
            fields = [f"{one.field}, whose record is {one.record}" for one in writing.foreign() if one.record]
            if fields and not writing.nothing_is_ours() and not writing.refused():
                what = f"{subject(writing.file)}: {writing.destination} would get {_some(fields, quoted=False)}"
                hint = (
                    f"take the rows out with remove = true in mappings/{writing.destination}.toml, or change record_of"
                )
                yield self.finding(writing.file, writing.at, what, next_move=hint)


class LeftOutButRequired(Check):
    code = "STR147"
    title = "What has to be left out, the destination cannot do without"
    why = "the destination takes no document without it, so nothing could be delivered"
    bad = Example("systems/crm.toml", _OF_TWO.format(thing="order.customer"))
    good = Example("systems/crm.toml", _OF_TWO.format(thing="order.tags"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for writing in writings(folder):
            if writing.nothing_is_ours() or not all(one.record for one in writing.foreign()):
                continue
            for document, left in writing.refused():
                target = left.missing[0]
                (field, record), *_ = left.rows[target] or left.fields()
                what = (
                    f"{subject(writing.file)}: {writing.destination} takes no {document.name} without {target}, "
                    f"and {record} is record of {field}"
                )
                hint = f"let another field give {target} in mappings/{writing.destination}.toml, or change record_of"
                yield self.finding(writing.file, writing.at, what, next_move=hint)


class ShadowedException(Check):
    code = "STR148"
    severity = "warning"
    title = "An exception changes nothing"
    why = "the system is record of it at that place without it"
    bad = Example(
        "systems/crm.toml",
        f"{_OF_TWO.format(thing='order.po_number')}\n{_AT_SOME.format(field='po_number', condition='channels', value='web')}",
    )
    good = Example("systems/crm.toml", _AT_SOME.format(field="po_number", condition="channels", value="web"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, claim in claims_in(folder):
            if claim.where:
                without = Ownership(other for _, other in claims_in(folder) if other != claim)
                name, _, field = claim.thing.partition(".")
                places = [place for place in Ownership([claim]).places("", name) if claim.holds(place)]
                if all(without.record_of(name, field, *place) == claim.system for place in places):
                    what = f'{subject(file)}: it is record of "{claim.thing}" there without the exception'
                    yield self.finding(file, claim.written, what, next_move="take it out of the exception")


class LeftOutAtSomePlace(Check):
    code = "STR149"
    severity = "warning"
    title = "At some places a destination gets nothing"
    why = "what an exception leaves out there, the destination cannot do without; such an object is refused as a whole"
    bad = Example("systems/crm.toml", _AT_SOME.format(field="customer", condition="channels", value="web"))
    good = Example("systems/crm.toml", _AT_SOME.format(field="note", condition="channels", value="web"))

    def run(self, folder: Folder) -> Iterable[Finding]:
        held = ownership(folder)
        for writing in writings(folder):
            flow = writing.file.value
            for document, everywhere in writing.own():
                places = held.places(flow.source, document.object)
                refused = [one for one in places if left_out(document, held, flow.source, one).missing]
                if refused and not everywhere.missing:
                    what = f"{subject(writing.file)}: {writing.destination} gets no {document.name} at {refused[0]}"
                    hint = "leave these out with `when` in the flow, or change the exception"
                    yield self.finding(writing.file, writing.at, what, next_move=hint)


def _tells(folder: Folder, object_name: str, dimension: str) -> bool:
    return any(field in fields_of(folder, object_name) for field in PLACE_FIELDS[dimension])


def _some(fields: list[str], *, quoted: bool = True) -> str:
    shown = [f'"{field}"' if quoted else field for field in fields[:FIELDS_SHOWN]]
    more = len(fields) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
