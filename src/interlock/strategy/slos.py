"""slos.toml: what a flow of each impact must promise at least, which signals are alerts, and how old evidence may be."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Signal = Literal["dead-letters", "silence", "destination-down", "promise"]
Severity = Literal["page", "ticket"]


class Objective(Struct, frozen=True, forbid_unknown_fields=True):
    """The least that a flow of one impact promises under its own [slo]."""

    success_percent: Annotated[
        float, Meta(gt=0, lt=100, description="A flow of this impact promises at least this share, in percent.")
    ] = 95.0
    latency_seconds_p95: Annotated[
        float, Meta(gt=0, le=604_800, description="A flow of this impact promises at most this.")
    ] = 3_600.0


class Objectives(Struct, frozen=True, forbid_unknown_fields=True):
    """By the impact of the flow."""

    high: Annotated[Objective, Meta(description="Of flows whose stop costs the business most.")] = Objective(
        99.0, 600.0
    )
    medium: Annotated[Objective, Meta(description="Of flows in between.")] = Objective(98.0, 1_800.0)
    low: Annotated[Objective, Meta(description="Of flows that may wait for office hours.")] = Objective()


class Alert(Struct, frozen=True, forbid_unknown_fields=True):
    """One alert: what is watched, for which flows, and whether somebody is woken."""

    signal: Annotated[
        Signal,
        Meta(
            description=(
                "`dead-letters`: more open ones than `above`; `silence`: the watch found the flow silent by its own bounds; "
                "`destination-down`: its breaker is not closed; `promise`: the share that ended well is below the flow's."
            )
        ),
    ]
    severity: Annotated[
        Severity, Meta(description="`page` wakes somebody, `ticket` waits for office hours; a label of the metric.")
    ] = "ticket"
    flows: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=64)]],
        Meta(max_length=1_000, description="The flows that are watched; empty means all."),
    ] = []
    above: Annotated[
        int, Meta(ge=0, le=1_000_000, description="For `dead-letters`: so many open ones are no alert.")
    ] = 0


class Freshness(Struct, frozen=True, forbid_unknown_fields=True):
    """How old the evidence of the checklist may be before its item is amber. This table is the only one."""

    record_seen_days: Annotated[
        int, Meta(ge=1, le=366, description="Since something came from a system that is record of an object.")
    ] = 7
    flow_ran_days: Annotated[int, Meta(ge=1, le=366, description="Since a flow of the top ten delivered.")] = 7
    webhook_verified_days: Annotated[
        int, Meta(ge=1, le=366, description="Since an event's signature was verified with the secret in use.")
    ] = 7
    dashboard_hours: Annotated[
        int, Meta(ge=1, le=8_784, description="Since the newest minute that a dashboard can draw.")
    ] = 24
    backup_hours: Annotated[int, Meta(ge=1, le=8_784, description="Since the newest file of the backup folder.")] = 26
    rollback_rehearsal_days: Annotated[
        int, Meta(ge=1, le=1_096, description="Since a release was rolled back, for practice or in earnest.")
    ] = 90
    runbook_drill_days: Annotated[
        int, Meta(ge=1, le=1_096, description="Since a runbook was drilled, or used in earnest.")
    ] = 180
    dead_letter_days: Annotated[
        int, Meta(ge=1, le=366, description="Age at which an open dead letter counts as left alone.")
    ] = 7


class Slos(Struct, frozen=True, forbid_unknown_fields=True):
    """slos.toml: objectives, alerts, and the age limits of evidence."""

    objectives: Annotated[
        Objectives,
        Meta(description="The least that flows promise, by their impact. What a flow promises is its [slo]."),
    ] = Objectives()
    alerts: Annotated[
        dict[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)], Alert],
        Meta(description="The alerts, one table each: `[alerts.dead-letters]`. Each is a metric, `interlock_alert`."),
    ] = {}
    freshness: Annotated[Freshness, Meta(description="How old evidence may be.")] = Freshness()
