"""Small drawings as numbers for SVG templates: sparklines, the map, the bars of a waterfall."""

from collections.abc import Sequence
from math import log1p

import msgspec

from interlock.messaging.views import Point

SPARK_WIDTH, SPARK_HEIGHT = 240, 36
NODE_WIDTH, NODE_HEIGHT, NODE_GAP = 208, 76, 18
MAP_WIDTH, HUB_RADIUS = 760, 27
THINNEST, THICKEST = 1.5, 7.0
WAYS_APART = 22


class Bar(msgspec.Struct, frozen=True):
    """A rectangle of a drawing."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str = ""


def spark_bars(series: Sequence[Point], *, width: int = SPARK_WIDTH, height: int = SPARK_HEIGHT) -> list[Bar]:
    """One bar per bucket, failures on top of successes; the square root keeps a quiet night visible beside a busy noon."""
    most = max((point.done + point.dead for point in series), default=0)
    step = width / max(1, len(series))
    bars = []
    for place, point in enumerate(series):
        total = point.done + point.dead
        if not total:
            continue
        tall = max(2.0, height * (total / most) ** 0.5)
        dead = tall * point.dead / total if point.dead else 0.0
        dead = max(dead, 2.0) if point.dead else 0.0
        x, wide = round(place * step, 2), round(step * 0.72, 2)
        if point.done:
            bars.append(Bar(x, round(height - tall + dead, 2), wide, round(max(0.0, tall - dead), 2), "done"))
        if point.dead:
            bars.append(Bar(x, round(height - tall, 2), wide, round(dead, 2), "dead"))
    return bars


def count_bars(series: Sequence[int], *, width: int = 120, height: int = 24) -> list[Bar]:
    """A sparkline of counts of failures."""
    return spark_bars([Point(dead=count) for count in series], width=width, height=height)


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A system on the map."""

    name: str
    title: str
    owner: str
    state: str
    word: str
    labels: tuple[str, ...]
    x: float
    y: float


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """The way between a system and the hub; as wide as its traffic."""

    path: str
    width: float
    state: str
    label: str
    href: str


class Map(msgspec.Struct, frozen=True, kw_only=True):
    """Sources on the left, the hub, destinations on the right."""

    width: float
    height: float
    hub_x: float
    hub_y: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What moves between a system and the hub in one direction."""

    state: str
    volume: int
    href: str
    to_hub: bool


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A system to be placed on the map."""

    name: str
    title: str
    owner: str
    state: str
    word: str
    traffic: tuple[Traffic, ...]


def draw_map(sources: Sequence[Stop], destinations: Sequence[Stop]) -> Map:
    """Place two lanes of systems around the hub."""
    rows = max(len(sources), len(destinations), 2)
    height = rows * NODE_HEIGHT + (rows - 1) * NODE_GAP + 16.0
    hub = (MAP_WIDTH / 2 - 12, height / 2)
    most = max((each.volume for stop in (*sources, *destinations) for each in stop.traffic), default=0)
    nodes, edges = [], []
    for left, stops in ((True, sources), (False, destinations)):
        x = 8.0 if left else MAP_WIDTH - NODE_WIDTH - 8.0
        for stop, y in zip(stops, _places(len(stops), height), strict=True):
            ways = _edges(stop, left, x, y + NODE_HEIGHT / 2, hub, most)
            edges += ways
            nodes.append(
                Node(
                    name=stop.name,
                    title=stop.title,
                    owner=stop.owner,
                    state=stop.state,
                    word=stop.word,
                    labels=tuple(way.label for way in ways),
                    x=x,
                    y=y,
                )
            )
    return Map(width=MAP_WIDTH, height=height, hub_x=hub[0], hub_y=hub[1], nodes=tuple(nodes), edges=tuple(edges))


def _places(count: int, height: float) -> list[float]:
    tall = count * NODE_HEIGHT + (count - 1) * NODE_GAP
    top = (height - tall) / 2
    return [round(top + place * (NODE_HEIGHT + NODE_GAP), 1) for place in range(count)]


def _edges(stop: Stop, left: bool, x: float, y: float, hub: tuple[float, float], most: int) -> list[Edge]:
    """One way per direction, side by side."""
    apart = WAYS_APART * (len(stop.traffic) - 1) / 2
    return [
        _edge(
            each, left, x, y - apart + place * WAYS_APART, (hub[0], hub[1] - apart / 3 + place * WAYS_APART / 3), most
        )
        for place, each in enumerate(stop.traffic)
    ]


def _edge(each: Traffic, left: bool, x: float, y: float, hub: tuple[float, float], most: int) -> Edge:
    start = (x + NODE_WIDTH, y) if left else (hub[0] + HUB_RADIUS, hub[1])
    end = (hub[0] - HUB_RADIUS, hub[1]) if left else (x, y)
    middle = (start[0] + end[0]) / 2
    share = log1p(each.volume) / log1p(most) if most else 0.0
    wide = round(THINNEST + share * (THICKEST - THINNEST), 1)
    arrow = "\u2192" if each.to_hub == left else "\u2190"
    return Edge(
        path=f"M{start[0]:.0f} {start[1]:.1f} C{middle:.0f} {start[1]:.1f} {middle:.0f} {end[1]:.1f} {end[0]:.0f} {end[1]:.1f}",
        width=wide,
        state=each.state,
        label=f"{arrow} {each.volume:,}".replace(",", "\u202f"),
        href=each.href,
    )


def waterfall(begun_ms: int, ended_ms: int, first_ms: int, last_ms: int, *, width: int = 160) -> Bar:
    """Where a step stands in the life of the order's first movement; never thinner than can be seen."""
    whole = max(1, last_ms - first_ms)
    x = width * max(0, begun_ms - first_ms) / whole
    wide = width * max(0, ended_ms - begun_ms) / whole
    x = min(x, width - 3.0)
    return Bar(round(x, 1), 0, round(max(3.0, min(wide, width - x)), 1), 8, "step")
