"""What advice goes by: what a flow's file declares, and what was measured where a store is."""

from msgspec import Struct

from interlock.strategy.model import Flow


class Measured(Struct, frozen=True, kw_only=True):
    """Figures of a flow from its traffic. None: there is too little to say it."""

    days: float = 0.0
    events_per_day: float | None = None
    changes_per_object: float | None = None
    fan_out: int | None = None
    read_share: float | None = None

    def words(self) -> str:
        """`812 events a day, 3.4 changes per object, over 6 days`; "" when nothing is known."""
        parts = [
            f"{self.events_per_day:,.0f} events a day" if self.events_per_day is not None else "",
            f"{self.changes_per_object:.1f} changes per object" if self.changes_per_object is not None else "",
            f"{self.fan_out} destination{'' if self.fan_out == 1 else 's'} written to"
            if self.fan_out is not None
            else "",
            f"{self.read_share:.0%} of deliveries only read" if self.read_share is not None else "",
        ]
        said = ", ".join(filter(None, parts))
        return f"{said}, over {self.days:.0f} days" if said and self.days >= 2 else said


class FlowFacts(Struct, frozen=True):
    """One flow, declared and measured."""

    flow: Flow
    measured: Measured = Measured()

    @property
    def systems(self) -> tuple[str, ...]:
        """Every system that takes part, the source first."""
        steps = (step.system for step in self.flow.steps if step.system)
        return tuple(dict.fromkeys((self.flow.source, *self.flow.destinations, *steps)))

    @property
    def volume(self) -> tuple[float, str] | None:
        """Events a day, measured or else declared, with the words for it; None when nobody knows."""
        if self.measured.events_per_day is not None:
            return self.measured.events_per_day, f"{self.measured.events_per_day:,.0f} events a day (measured)"
        declared = self.flow.slo.expected_events_per_day
        return None if declared is None else (declared, f"{declared:,.0f} events a day (declared)")
