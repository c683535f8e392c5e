"""How each flow and destination is, in a state and in words; and the one sentence that answers "is it working?"."""

import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from interlock.console.wording import ago, clock_time, counted, sentence_list, span
from interlock.messaging.process import STEERING
from interlock.messaging.silences import Silence
from interlock.messaging.stock_book import SHOWN, channel_of, shown_at
from interlock.messaging.stops import Stop
from interlock.messaging.views import DeadLetterGroup, DestinationHealth, FlowTile, Hold
from interlock.strategy.model import Flow, Strategy, System

SEVERITY = (
    "dead",
    "uncertain",
    "retrying",
    "silent",
    "held",
    "waiting",
    "running",
    "pending",
    "done",
    "superseded",
    "cancelled",
)
"""Worst first. `silent` is the console's own: nothing came although something was expected."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`state` gives colour and shape, `word` stands in the chip, `why` is a sentence.

    `states` are those of the deliveries that the word counts, where it counts others than those of `state`.
    """

    state: str
    word: str
    why: str = ""
    states: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return self.state in {"done", "running", "pending"}


HEALTHY = Health(state="done", word="healthy")


def worst(healths: Sequence[Health]) -> Health:
    """The most severe; healthy when there is none."""
    return min(healths, key=lambda health: SEVERITY.index(health.state), default=HEALTHY)


def destination_state(health: DestinationHealth, title: str, now_ms: int, zone: ZoneInfo) -> Health:
    """Breaker first, for while it is open nothing else can be true."""
    if health.breaker == "locked":
        since = clock_time(health.changed_ms, now_ms, zone)
        return Health(state="dead", word="refuses us", why=f"{title} has refused us access since {since}")
    if health.breaker == "open":
        when = f"; next try {ago(health.paused_until_ms, now_ms)}" if health.paused_until_ms > now_ms else ""
        since = clock_time(health.changed_ms, now_ms, zone)
        return Health(state="retrying", word="not answering", why=f"{title} has not answered since {since}{when}")
    if health.breaker == "probing":
        return Health(state="retrying", word="probing", why=f"{title} is being tried with one request at a time")
    if health.paused_until_ms > now_ms:
        return Health(
            state="waiting",
            word="slowed down",
            why=f"{title} asked us to wait; next try {ago(health.paused_until_ms, now_ms)}",
        )
    return _open_work(health.open) or HEALTHY


WORDS = {
    "dead": "need a person",
    "uncertain": "uncertain",
    "retrying": "retrying",
    "held": "held",
    "waiting": "waiting",
}


def _open_work(open_work: Mapping[str, int]) -> Health | None:
    for state, words in WORDS.items():
        count = open_work.get(state, 0)
        if count:
            word = f"{count} {'needs' if count == 1 else 'need'} a person" if state == "dead" else f"{count} {words}"
            return Health(state=state, word=word)
    return None


DOWN = frozenset({"open", "probing"})
"""A breaker in one of these: the destination does not answer."""

STOPPED = ("paused", "draining")
"""The words of a tile whose flow a person or the folder has stopped."""

WAITING = ("pending", "retrying", "uncertain")
"""What goes on by itself when the destination answers again."""


def flow_state(
    tile: FlowTile,
    flow: Flow | None,
    now_ms: int,
    *,
    down: bool = False,
    stop: Stop | None = None,
    silence: Silence | None = None,
) -> Health:
    """What needs a person speaks first; then a stop, a destination that does not answer, what is open, silence."""
    waiting = sum(tile.open.get(state, 0) for state in WAITING)
    if (stopped := _stopped(tile, flow, stop)) is not None:
        work = _open_work(tile.open) if tile.open.get("dead") else None
        return msgspec.structs.replace(work, why=f"{stopped.word}; {stopped.why}") if work else stopped
    if down and waiting and not tile.open.get("dead"):
        word = "1 waits" if waiting == 1 else f"{waiting} wait"
        return Health(state="retrying", word=word, why="nothing is lost; it goes on by itself", states=WAITING)
    return _open_work(tile.open) or _silence(tile, flow, now_ms) or _sparse(tile, silence) or HEALTHY


def _stopped(tile: FlowTile, flow: Flow | None, stop: Stop | None) -> Health | None:
    """Who stopped it, and what waits meanwhile: nothing is lost."""
    folder = flow is not None and flow.paused
    if stop is None and not folder:
        return None
    waiting = sum(tile.open.get(state, 0) for state in (*WAITING, "waiting"))
    word = STOPPED[int(stop is not None and stop.kind == "draining")]
    person = f"by {stop.by}: {stop.why}" if stop is not None else ""
    said = "; ".join(filter(None, (person, "the folder says paused = true" if folder else "")))
    count = f", {waiting} {'waits' if waiting == 1 else 'wait'}" if waiting else ""
    return Health(state="held", word=f"{word}{count}", why=said, states=(*WAITING, "waiting"))


def _sparse(tile: FlowTile, silence: Silence | None) -> Health | None:
    """What the watch has found, and no tile shows by itself: something comes, and far too little."""
    if silence is None or tile.destination not in silence.destinations:
        return None
    return Health(state="silent", word="too little", why=silence.expected)


def _silence(tile: FlowTile, flow: Flow | None, now_ms: int) -> Health | None:
    if not tile.last_success_ms:
        return Health(state="silent", word="no data yet", why="nothing has been delivered yet")
    minutes = flow.slo.silence_after_minutes if flow else None
    if minutes is not None and now_ms - tile.last_success_ms > minutes * 60_000:
        expected = f"; something is expected at least every {minutes:g} min"
        return Health(
            state="silent", word="silent", why=f"nothing for {span((now_ms - tile.last_success_ms) / 1000)}{expected}"
        )
    return None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer line of a page."""

    state: str
    text: str
    more: str = ""


def home_answer(
    strategy: Strategy,
    tiles: Sequence[tuple[FlowTile, Health]],
    destinations: Sequence[tuple[DestinationHealth, Health]],
    groups: Sequence[DeadLetterGroup],
    now_ms: int,
    *,
    sources: Sequence[tuple[str, str]] = (),
) -> Answer:
    """One sentence in plain words, worst news first. `sources` are those that tell too little: state and sentence."""
    if not sources and not any(tile.last_success_ms or tile.open for tile, _ in tiles):
        return Answer(
            state="silent",
            text="Nothing has arrived yet.",
            more="The first event of a source shows here within a second.",
        )
    problems = [
        *(text for _, text in sources),
        *_refused(strategy, groups, now_ms),
        *_down(strategy, destinations),
        *_quiet(strategy, tiles, now_ms),
        *_halted(strategy, tiles),
        *_other(tiles, {destination.destination for destination, _ in destinations if destination.breaker != "closed"}),
    ]
    if not problems:
        return Answer(state="done", text=_all_well(strategy, tiles, now_ms))
    state = min(
        (*(state for state, _ in sources), worst([health for _, health in (*tiles, *destinations)]).state),
        key=SEVERITY.index,
    )
    troubled = {tile.flow for tile, health in tiles if not health.healthy}
    rest = "; everything else flows." if len(problems) == 1 and len(troubled) < len(strategy.flows) else "."
    return Answer(state=state, text=problems[0] + rest, more=_also(problems[1:]))


MOST_TOLD = 3


def _also(problems: Sequence[str]) -> str:
    told = "; ".join(problems[:MOST_TOLD])
    left = f"; and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
    return f"Also: {told}{left}." if told else ""


def _other(tiles: Sequence[tuple[FlowTile, Health]], down: set[str]) -> list[str]:
    """What is open without being refused, down or silent: nobody is needed yet."""
    count = sum(
        tile.open.get(state, 0) for tile, _ in tiles if tile.destination not in down for state in ("uncertain", "held")
    )
    return [f"{counted(count, 'delivery is', 'deliveries are')} uncertain or held"] if count else []


def carried(strategy: Strategy, destination: str) -> tuple[str, str]:
    """What is moved to a destination, in one and in many: orders, when its flows move nothing else."""
    objects = {flow.object_name for flow in strategy.flows.values() if destination in ends_of(flow)}
    return noun(objects.pop()) if len(objects) == 1 else noun("")


def _down(strategy: Strategy, destinations: Sequence[tuple[DestinationHealth, Health]]) -> list[str]:
    return [
        f"{health.why}, with {counted(_backlog(destination), *carried(strategy, destination.destination))} waiting"
        for destination, health in destinations
        if destination.breaker != "closed"
    ]


def _backlog(destination: DestinationHealth) -> int:
    return sum(count for state, count in destination.open.items() if state != "dead")


def _refused(strategy: Strategy, groups: Sequence[DeadLetterGroup], now_ms: int) -> list[str]:
    return [group_sentence(strategy, group, now_ms) for group in sorted(groups, key=lambda group: -group.count)]


def group_sentence(strategy: Strategy, group: DeadLetterGroup, now_ms: int) -> str:
    """`NetSuite has refused 50 orders since 09:14`."""
    since = clock_time(group.first_ms, now_ms, zone_of(strategy))
    if group.destination.startswith(STEERING):
        count = counted(group.count, *_noun(strategy, group.flow))
        return f"{flow_title(strategy, group.flow)}: the process of {count} has stopped since {since}"
    return f"{title_of(strategy, group.destination)} has refused {counted(group.count, *_noun(strategy, group.flow))} since {since}"


def hold_sentence(strategy: Strategy, hold: Hold, now_ms: int) -> str:
    """`NetSuite lets nothing in: 50 deliveries have waited for credentials since 09:14`."""
    since = clock_time(hold.first_ms, now_ms, zone_of(strategy))
    waiting = counted(hold.count, "delivery has", "deliveries have")
    return f"{title_of(strategy, hold.destination)} refuses us: {waiting} waited for {hold.waiting_for} since {since}"


def _noun(strategy: Strategy, flow: str) -> tuple[str, str]:
    found = strategy.flows.get(flow)
    return noun(found.object_name if found else "")


def noun(object_name: str) -> tuple[str, str]:
    """What is moved, in one and in many: operations speak of orders, not of deliveries."""
    known = {"order", "customer", "product", "price", "fulfillment", "return", "refund", "payout"}
    if object_name == "inventory_level":
        return ("stock number", "stock numbers")
    return (object_name, f"{object_name}s") if object_name in known else ("delivery", "deliveries")


def _quiet(strategy: Strategy, tiles: Sequence[tuple[FlowTile, Health]], now_ms: int) -> list[str]:
    named: dict[str, int] = {}
    for tile, health in tiles:
        if health.state == "silent":
            named[flow_title(strategy, tile.flow)] = tile.last_success_ms
    return [
        f"{title} has been silent for {span((now_ms - since) / 1000)}"
        if since
        else f"{title} has delivered nothing yet"
        for title, since in named.items()
    ]


def _halted(strategy: Strategy, tiles: Sequence[tuple[FlowTile, Health]]) -> list[str]:
    """What somebody stopped is no trouble, and not healthy either: it must not be forgotten."""
    named = {tile.flow: health.word.partition(",")[0] for tile, health in tiles if health.state == "held"}
    return [f"{flow_title(strategy, flow)} is {word}" for flow, word in named.items() if word in STOPPED]


def _all_well(strategy: Strategy, tiles: Sequence[tuple[FlowTile, Health]], now_ms: int) -> str:
    newest = max((tile for tile, _ in tiles), key=lambda tile: tile.last_success_ms)
    flows = len({tile.flow for tile, _ in tiles})
    all_flows = f"All {flows} flows are healthy" if flows > 1 else "The flow is healthy"
    return f"{all_flows}; the last delivery reached {title_of(strategy, newest.destination)} {ago(newest.last_success_ms, now_ms)}."


def story_answer(
    strategy: Strategy,
    lanes: Mapping[str, Sequence[str]],
    refusals: Mapping[str, str],
    down: frozenset[str] = frozenset(),
) -> Answer:
    """`In sync in 2 of 3 systems. NetSuite refused it: customer inactive.` `lanes` are the states by destination.

    `down` are the destinations that do not answer: what is next there waits for them.
    """
    if not lanes:
        return Answer(state="pending", text="Seen, and no flow has asked for it.")
    settled = {"done", "superseded", "cancelled"}
    good = [name for name, states in lanes.items() if settled.issuperset(states)]
    found = [state for states in lanes.values() for state in states if state not in settled]
    state = min(found, key=SEVERITY.index, default="done")
    count = f"all {len(lanes)} systems" if len(lanes) > 1 else title_of(strategy, next(iter(lanes)))
    text = (
        f"In sync in {count}."
        if len(good) == len(lanes)
        else f"In sync in {len(good)} of {counted(len(lanes), 'system')}."
    )
    told = [f"{title_of(strategy, name)} refused it: {said.rstrip('.')}." for name, said in refusals.items()]
    open_words = {
        "retrying": "is being tried again", "uncertain": "may or may not have it; it is being looked up", "waiting": "waits",
        "held": "is held", "pending": "is next", "running": "is being written",
    }  # fmt: skip
    for each, words in open_words.items():
        names = [title_of(strategy, name) for name, states in lanes.items() if each in states and name not in down]
        if names:
            told.append(f"{sentence_list(names)} {words}.")
    unanswered = [title_of(strategy, name) for name in lanes if name in down and name not in good]
    if unanswered:
        told.append(
            f"It waits until {sentence_list(unanswered)} {'answers' if len(unanswered) == 1 else 'answer'} again."
        )
        state = min(state, "retrying", key=SEVERITY.index)
    return Answer(state=state, text=" ".join((text, *told)))


def title_of(strategy: Strategy, system: str) -> str:
    """The name that people read; the technical one when the strategy no longer has the system. Stock has a lane of its own."""
    if system.startswith(STEERING) and system not in strategy.systems:
        return "Process"
    found = system_at(strategy, system)
    title = found.title if found else channel_of(system)
    return f"{title} (stock)" if system.startswith(SHOWN) else title


def titled(strategy: Strategy, text: str) -> str:
    """A sentence of the core, with the names that people read in place of the systems' technical ones."""
    return re.sub(
        r"\b[a-z][a-z0-9_-]*\b",
        lambda word: strategy.systems[word[0]].title if word[0] in strategy.systems else word[0],
        text,
    )


def system_at(strategy: Strategy, destination: str) -> System | None:
    """The system behind a destination: `stock:shopify` is a lane of Shopify's."""
    return strategy.systems.get(channel_of(destination))


def ends_of(flow: Flow) -> tuple[str, ...]:
    """Where the deliveries of a flow go: those of a flow of stock to the channels' own lanes."""
    return tuple(shown_at(name) if flow.publish is not None else name for name in flow.destinations)


def lanes_of(strategy: Strategy) -> tuple[str, ...]:
    """What a list can be narrowed to: each system, and each channel's lane of stock."""
    stock = [end for flow in strategy.flows.values() for end in ends_of(flow) if end.startswith(SHOWN)]
    return (*strategy.systems, *dict.fromkeys(stock))


def flow_title(strategy: Strategy, flow: str) -> str:
    """The name that people read."""
    found = strategy.flows.get(flow)
    return found.title if found else flow


def zone_of(strategy: Strategy) -> ZoneInfo:
    """The shop's time zone, in which a page tells absolute times."""
    return ZoneInfo(strategy.timezone)
