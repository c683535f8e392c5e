"""STR380-STR388: flows of stock: terms that can hold, one flow for each place, sales that somebody hears of."""

from collections.abc import Iterable, Iterator

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.checks.stock import (
    ORDERS,
    PUBLISH,
    SECOND,
    STOCK,
    STOCK_TEXT,
    WMS,
    channels_of,
    counts_something,
    publishing,
    shown_by,
    stock_flows,
)
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder
from interlock.strategy.inventory import OF_A_WHOLE_PLACE, Publish, PublishRule
from interlock.strategy.model import Flow
from interlock.strategy.positions import Path

_PLACES = Example(
    "inventory/locations.toml",
    '[cicero]\nowner = "wms"\nplaces = { wms = ["156"], shop = ["24826418"] }\n',
    whole=True,
)
_FLOW = "flows/stock-to-shop.toml"


def _stock(publish: str = PUBLISH, flow: str = STOCK_TEXT, *more: Example) -> Example:
    return Example(_FLOW, flow + publish, whole=True, beside=(WMS, _PLACES, *more))


def _sum_of_two(publish: str) -> Example:
    reno = '[reno]\nowner = "wms"\nplaces = { wms = ["157"], shop = ["24826418"] }\n'
    return Example(_FLOW, STOCK_TEXT + publish, whole=True, beside=(WMS, _PLACES._replace(text=_PLACES.text + reno)))


class RuleNames(Check):
    code = "STR380"
    title = "A rule of [publish] names a channel, group or location that does not exist"
    why = "the rule would never hold"
    bad = _stock(PUBLISH + '[[publish.rule]]\nlocation = "cicerro"\nbuffer = 2\n')
    good = _stock(PUBLISH + '[[publish.rule]]\nlocation = "cicero"\nbuffer = 2\n')

    def run(self, folder: Folder) -> Iterable[Finding]:
        groups = {group.name: group for group in folder.inventory.groups}
        for file, publish in publishing(folder):
            known = {"channel": file.value.destinations, "group": groups, "location": folder.inventory.locations}
            for index, rule in enumerate(publish.rule):
                for key, names in known.items():
                    name = getattr(rule, key)
                    if name and name not in names:
                        what = f'{subject(file)}: a rule of [publish] names the {key} "{name}", and there is none'
                        why = "it is no destination of this flow" if name in folder.systems else ""
                        path = ("publish", "rule", index, key)
                        yield self.finding(file, path, what, why=why, next_move=did_you_mean(name, names))


class NowhereToShow(Check):
    code = "STR381"
    title = "A flow of stock has nowhere to show it"
    why = "a channel shows the locations that its source counts, by the channel's own ids of them"
    bad = Example(
        "inventory/locations.toml",
        '[cicero]\nowner = "wms"\nplaces = { wms = ["156"] }\n',
        whole=True,
        beside=(WMS, STOCK),
    )
    good = Example(_PLACES.file, _PLACES.text, whole=True, beside=(WMS, STOCK))

    def run(self, folder: Folder) -> Iterable[Finding]:
        shown = {(one.flow, one.channel) for one in shown_by(folder)}
        locations = folder.inventory.locations
        for file, _ in publishing(folder):
            source = file.value.source
            counted = [name for name, one in locations.items() if counts_something(folder, source, name, one)]
            if not counted and source in folder.systems:
                what = f"{subject(file)}: {source} counts at no location"
                hint = f'write inventory/locations.toml with a table for each place: owner = "{source}"'
                yield self.finding(file, ("source",), what, next_move=hint)
            for channel, path in channels_of(file):
                if counted and channel in folder.systems and (file.name, channel) not in shown:
                    what = f"{subject(file)}: {channel} shows none of the locations where {source} counts"
                    others = sorted(
                        {one.flow for one in shown_by(folder) if one.channel == channel and one.location in counted}
                    )
                    why = f"{' and '.join(others)} shows there what {source} counts too" if others else ""
                    hint = f'add {channel} = ["..."] under places of {", ".join(counted)} in inventory/locations.toml'
                    hint = f"take {channel} out of its destinations" if others else hint
                    yield self.finding(file, path, what, why=why, next_move=hint)


class WholePlace(Check):
    code = "STR388"
    title = "A rule for one location is about a place that shows several"
    why = "there is one number at the place, and one way to correct it: it cannot follow the rule for a part of what it shows"
    bad = _sum_of_two(PUBLISH + '[[publish.rule]]\nlocation = "cicero"\nheal = "ask"\n')
    good = _sum_of_two(PUBLISH + '[[publish.rule]]\nlocation = "cicero"\nbuffer = 2\n')

    def run(self, folder: Folder) -> Iterable[Finding]:
        at: dict[tuple[str, str, str], list[str]] = {}
        for one in shown_by(folder):
            at.setdefault((one.flow, one.channel, one.place), []).append(one.location)
        sums = {place: names for place, names in at.items() if len(names) > 1}
        for file, publish in publishing(folder):
            for index, rule in enumerate(publish.rule):
                fitting = (
                    (channel, place, names) for (flow, channel, place), names in sums.items()
                    if flow == file.name and rule.location in names and rule.channel in ("", channel)
                )  # fmt: skip
                if (first := next(fitting, None)) is None:
                    continue
                channel, place, names = first
                for key in OF_A_WHOLE_PLACE:
                    if getattr(rule, key) is not None:
                        what = f'{subject(file)}: {key} for {rule.location} alone, and "{place}" of {channel} shows {" and ".join(names)}'
                        hint = "take location out of the rule, or give each location a place of its own at the channel"
                        yield self.finding(file, ("publish", "rule", index, key), what, next_move=hint)


class TwoPublishers(Check):
    code = "STR382"
    title = "Two flows publish the same place of a channel"
    why = "each would write its own number over the other's, and none of both would be the sum"
    bad = _stock(PUBLISH, STOCK_TEXT, SECOND)
    good = _stock(PUBLISH, STOCK_TEXT)

    def run(self, folder: Folder) -> Iterable[Finding]:
        first: dict[tuple[str, str], str] = {}
        told: set[tuple[str, str, str]] = set()
        for one in shown_by(folder):
            other = first.setdefault((one.channel, one.place), one.flow)
            if other != one.flow and (one.channel, one.flow, other) not in told:
                told.add((one.channel, one.flow, other))
                file = folder.flows[one.flow]
                what = f'{subject(file)}: {other} publishes "{one.place}" of {one.channel} too'
                hint = f"let one flow publish there: take {one.channel} out of one of them, or give it another place"
                path = next((path for name, path in channels_of(file) if name == one.channel), ("destinations",))
                yield self.finding(file, path, what, next_move=hint)


class PublishMissing(Check):
    code = "STR383"
    title = "A flow of stock does not say what it shows, or another flow does"
    why = "what a channel may show is declared; it is never the number of the source as it stands"
    bad = _stock("")
    good = _stock(PUBLISH + "buffer = 2\n")

    def run(self, folder: Folder) -> Iterable[Finding]:
        stock = {file.name for file in stock_flows(folder)}
        for name, file in folder.flows.items():
            if name in stock and not file.value.publish and "publish" not in file.data:
                what = f"{subject(file)}: it has no [publish]"
                hint = "write [publish]; its defaults show all that is available, less what was sold and not yet seen"
                yield self.finding(file, ("object",), what, next_move=hint)
            elif name not in stock and file.value.publish and file.value.object:
                what = f"{subject(file)}: [publish] is for flows of inventory_level"
                yield self.finding(file, ("publish",), what, next_move="take it out", at_key=True)


class SalesSeenBy(Check):
    code = "STR384"
    title = "The flow that tells the owner of sales does not"
    why = "a sale is subtracted until its owner has heard of it: by a flow of orders from the channel to the owner"
    bad = _stock(PUBLISH + 'sales_seen_by = "customer-to-crm"\n')
    good = _stock('[publish]\nsales_seen_by = "order-to-wms"\n', STOCK_TEXT, ORDERS)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, publish in publishing(folder):
            for terms, path in _terms(publish):
                name = terms.sales_seen_by
                owner = _owner_told(folder, file.value, terms)
                if name and (problem := _deaf(folder, file.value, name, owner)):
                    fitting = [one for one in folder.flows if not _deaf(folder, file.value, one, owner)]
                    hint = did_you_mean(name, fitting) or f"no flow takes orders to {owner}: take it out"
                    what = f'{subject(file)}: sales_seen_by = "{name}", {problem}'
                    yield self.finding(file, (*path, "sales_seen_by"), what, next_move=hint)


def _owner_told(folder: Folder, flow: Flow, terms: Publish | PublishRule) -> str:
    """Who has to hear of sales: the owner of the location that a rule is for, else the flow's source."""
    named = terms.location if isinstance(terms, PublishRule) else ""
    location = folder.inventory.locations.get(named)
    return location.owner if location else flow.source


def _deaf(folder: Folder, flow: Flow, name: str, owner: str) -> str:
    """Why the owner does not hear of sales by the flow of this name; "" when it does."""
    file = folder.flows.get(name)
    if file is None:
        return "and there is no such flow"
    if file.value.object_name != "order":
        return f"which moves no orders but {file.value.object}"
    if owner not in file.value.destinations:
        return f"which does not tell {owner}"
    return (
        ""
        if file.value.source in flow.destinations
        else f"which tells of orders of {file.value.source}, no channel of this flow"
    )


class SalesUnheard(Check):
    code = "STR387"
    severity = "warning"
    title = "Nothing says when the owner knows of a channel's sales"
    why = "two seconds after a sale the owner's count is taken to know of it; heard of later, what was sold is shown again"
    bad = _stock("[publish]\n")
    good = _stock("[publish]\nsales_seen_after_minutes = 15\n")

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, publish in publishing(folder):
            for channel in file.value.destinations:
                terms = publish.terms(channel, "", "")
                flow = folder.flows.get(terms.sales_seen_by)
                if terms.sales_seen_by and not flow:
                    continue  # STR384 says so
                if terms.sales_seen_after_minutes or (flow and flow.value.source == channel):
                    continue
                what = f"{subject(file)}: when does {file.value.source} know of what {channel} has sold?"
                hint = (
                    f"name the flow that takes {channel}'s orders to {file.value.source}: sales_seen_by, or how long it takes: "
                    f"sales_seen_after_minutes (in a [[publish.rule]] for one channel)"
                )
                yield self.finding(file, ("publish",), what, next_move=hint, at_key=True)


class NeverShown(Check):
    code = "STR385"
    title = "Terms that always show nothing"
    why = "below floor nothing is shown, and nothing above cap"
    bad = _stock(PUBLISH + "floor = 10\ncap = 5\n")
    good = _stock(PUBLISH + "floor = 5\ncap = 10\n")

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file, publish in publishing(folder):
            for terms, path in _terms(publish):
                cap = publish.cap if terms.cap is None else terms.cap
                floor = publish.floor if terms.floor is None else terms.floor
                written = terms is publish or terms.cap is not None or terms.floor is not None
                if written and 0 < cap < floor:
                    what = f"{subject(file)}: floor is {floor:,} and cap {cap:,}"
                    key = "floor" if terms.floor is not None else "cap"
                    yield self.finding(file, (*path, key), what, next_move="lower floor or raise cap")


class SecondName(Check):
    code = "STR386"
    severity = "warning"
    title = "A channel sells one item under several names"
    why = "stock is written to the first of them; the others keep the number that they have, and sell it"
    bad = _stock(
        PUBLISH,
        STOCK_TEXT,
        Example("inventory/items.toml", '[[item]]\nsku = "T1"\nnames = { shop = ["a", "b"] }\n'),
    )
    good = _stock(
        PUBLISH, STOCK_TEXT, Example("inventory/items.toml", '[[item]]\nsku = "T1"\nnames = { shop = ["a"] }\n')
    )

    def run(self, folder: Folder) -> Iterable[Finding]:
        channels = {one.channel for one in shown_by(folder)}
        for rule, file, path in folder.item_rows():
            for system, names in rule.names.items():
                if system in channels and len(names) > 1:
                    what = f'{file.path}: {rule.sku} is {" and ".join(names)} at {system}; only "{names[0]}" is written'
                    hint = f"give the others SKUs of their own, or stop selling them at {system}"
                    yield self.finding(file, (*path, "names", system, 1), what, next_move=hint)


def _terms(publish: Publish) -> Iterator[tuple[Publish | PublishRule, Path]]:
    """The flow's own terms and those of its rules, with their places."""
    yield publish, ("publish",)
    for index, rule in enumerate(publish.rule):
        yield rule, ("publish", "rule", index)
