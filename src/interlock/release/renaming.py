"""What must be renamed in the store before a release may run: what its folder declares, and what going back undoes."""

from collections.abc import Mapping

from msgspec import Struct

from interlock.messaging.renaming import Move
from interlock.strategy.model import Strategy
from interlock.strategy.renaming import declared


class Changes(Struct, frozen=True):
    """Moves in their order, and every old name with its present one afterwards."""

    moves: tuple[Move, ...]
    names: dict[str, str]

    @property
    def touched(self) -> frozenset[str]:
        """Every name that is moved from or to: nothing of it may be in flight."""
        return frozenset(name for move in self.moves for name in (move.was, move.name))


def changes(known: Mapping[str, str], strategy: Strategy) -> Changes:
    """A folder that says an old name again, and not the new one, is one that somebody went back to.

    One that says both has given the old name to another system: what the store knows stays with the new name.
    """
    names, moves = dict(known), []
    for was in sorted(known):
        now = names.get(was, was)
        if was in strategy.systems and now in strategy.systems:
            names.pop(was, None)
        elif was in strategy.systems:
            moves.append(Move(now, was))
            names = _moved(names, now, was)
    for was, name in declared(strategy).items():
        now = names.get(was, was)
        if now != name:
            moves.append(Move(now, name))
            names = _moved(names, now, name)
    return Changes(tuple(moves), names)


def _moved(names: Mapping[str, str], was: str, name: str) -> dict[str, str]:
    """Whatever was called `was` until now is called `name`; each old name leads straight to the present one."""
    moved = {old: name if now == was else now for old, now in names.items()} | {was: name}
    return {old: now for old, now in moved.items() if old != now}
