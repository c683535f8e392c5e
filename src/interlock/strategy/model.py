"""What a strategy folder says, as frozen structs: teams, systems, flows, security; every key with its meaning and unit.

The descriptions here are the one source of the exported JSON Schemas and of the key tables in
docs/reference/strategy-folder.md.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from interlock.strategy.changes import ChangeFile
from interlock.strategy.decisions import Decision
from interlock.strategy.finding import Finding
from interlock.strategy.inventory import Inventory, Publish
from interlock.strategy.slos import Slos
from interlock.strategy.steps import StepRule

NAME_PATTERN = r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$"
OBJECT_PATTERN = r"^[a-z][a-z0-9_]*\.v[1-9][0-9]*$"
RUNNING_PATTERNS = frozenset({"event-driven", "middleware", "point-to-point"})
DEFAULT_PORTS = {"http": 80, "https": 443}

Name = Annotated[str, Meta(pattern=NAME_PATTERN, max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Thing = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]
Level = Literal["high", "medium", "low"]
Pattern = Literal["event-driven", "point-to-point", "middleware", "ipaas", "api-gateway", "hybrid"]
Wait = Literal["holds", "risk", "final_taxes"]
Environment = Literal["production", "staging", "development", "demo"]


class Engine(Struct, frozen=True, forbid_unknown_fields=True):
    """Where events and deliveries are kept."""

    kind: Annotated[Literal["sqlite"], Meta(description="The store.")] = "sqlite"
    folder: Annotated[Text, Meta(description="Folder of the database files, relative to the strategy folder.")] = "data"
    apply: Annotated[
        Literal["start", "manual"],
        Meta(description="When a changed folder runs: at the next start or signal too, or only after `interlock apply`."),
    ] = "start"


class Team(Struct, frozen=True, forbid_unknown_fields=True):
    """People who own systems and flows. The name is the key under `teams`."""

    name: Name
    contact: Annotated[
        Text, Meta(description="Where the team is reached first: a mail address, a channel, a telephone number.")
    ]
    escalation: Annotated[Text, Meta(description="Who is called when the contact does not answer.")]


class Alerts(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is called when a flow is silent. A page is a POST of `{"text": ...}`, as Slack and what imitates it take."""

    webhook: Annotated[
        str,
        Meta(
            description=(
                "Address that pages are posted to, by reference: `env:NAME` or `file:relative/path`. Its host must be "
                "in `egress.allow`. Empty: nobody is paged, the console and the log tell."
            )
        ),
    ] = ""
    teams: Annotated[
        dict[Name, str], Meta(description="A team = a reference to an address of its own, in place of `webhook`.")
    ] = {}
    escalation_webhook: Annotated[
        str, Meta(description="Reference to the address for escalations; empty means the one that was paged first.")
    ] = ""
    escalate_after_minutes: Annotated[
        float,
        Meta(gt=0, le=10_080, description="A silence that lasts so long after its page goes to the team's escalation."),
    ] = 30.0


class StrategyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """strategy.toml: the name of the shop, where it runs, who is there."""

    name: Annotated[Name, Meta(description="Short name; used in file names and metrics.")]
    title: Annotated[Text, Meta(description="The name that people read.")]
    environment: Annotated[
        Environment, Meta(description="Where this folder runs; only `production` may reach production hosts.")
    ]
    teams: Annotated[
        dict[Name, Team], Meta(min_length=1, description="The teams, one table each: `[teams.finance-systems]`.")
    ]
    timezone: Annotated[Text, Meta(description="IANA time zone of business days and of reports.")] = "UTC"
    engine: Annotated[Engine, Meta(description="Where events and deliveries are kept.")] = Engine()
    alerts: Annotated[Alerts, Meta(description="Who is called when a flow is silent.")] = Alerts()


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """How hard a system may be pressed."""

    concurrency: Annotated[int, Meta(ge=1, le=1_000, description="Requests in flight at once.")] = 8
    rate_per_second: (
        Annotated[float, Meta(gt=0, le=100_000, description="Requests per second; unset means no limit of ours.")]
        | None
    ) = None
    burst: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=100_000,
                description="Requests that may go at once before the rate holds; unset means one second's worth, of stock one write's.",
            ),
        ]
        | None
    ) = None
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=900, description="After this a request is uncertain, not failed.")
    ] = 30.0
    quiet_period_seconds: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=86_400,
                description=(
                    "Wait before an uncertain write is looked up, or an uncertain upsert is made sure of, when that is "
                    "longer than the connector's own."
                ),
            ),
        ]
        | None
    ) = None


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """When a delivery is tried again. The delay doubles from the base to the cap, with full jitter."""

    attempts: Annotated[
        int, Meta(ge=1, le=100, description="Attempts in all, before the delivery is a dead letter.")
    ] = 8
    base_seconds: Annotated[float, Meta(gt=0, le=3_600, description="Delay after the first failure.")] = 1.0
    cap_seconds: Annotated[float, Meta(gt=0, le=86_400, description="Longest delay.")] = 300.0
    budget_share: Annotated[
        float,
        Meta(gt=0, le=1, description="Largest share of requests to the system that may be retries (0.1 is a tenth)."),
    ] = 0.1


class Breaker(Struct, frozen=True, forbid_unknown_fields=True):
    """When a system that fails is left alone."""

    failures: Annotated[int, Meta(ge=1, le=10_000, description="Failures in a row that open the breaker.")] = 10
    probe_interval_seconds: Annotated[
        float, Meta(gt=0, le=3_600, description="While open, one request per interval asks whether it works again.")
    ] = 30.0


class Intake(Struct, frozen=True, forbid_unknown_fields=True):
    """What is accepted from a system that sends webhooks."""

    address: Annotated[
        str,
        Meta(
            pattern=r"^(https?://\S+)?$", max_length=500,
            description=(
                "Where the system reaches this hub from outside: `https://hub.example.com/intake/shopify`. With it the hub makes the "
                "subscriptions that the flows need, and makes them again when they are lost. Empty: somebody else does."
            ),
        ),
    ] = ""
    max_body_bytes: Annotated[int, Meta(ge=1_024, le=50_000_000, description="Larger bodies are answered 413.")] = (
        5_000_000
    )
    max_file_bytes: Annotated[
        int, Meta(ge=1_024, le=10_000_000_000, description="Larger files of a system that drops them are answered 413.")
    ] = 500_000_000
    max_depth: Annotated[int, Meta(ge=4, le=500, description="Deeper nested JSON is refused.")] = 64
    rate_per_second: Annotated[
        float, Meta(gt=0, le=1_000_000, description="Events accepted per second; more are answered 503.")
    ] = 2_000.0
    old_secrets_until: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description=(
                    "While a secret is rotated: until when those after the first are valid, such as "
                    "2026-12-01T12:00:00Z; unset means as long as they are listed."
                ),
            ),
        ]
        | None
    ) = None


class Reconcile(Struct, frozen=True, forbid_unknown_fields=True):
    """How a source is compared with what its webhooks told: webhooks are never complete."""

    every_minutes: Annotated[
        float, Meta(ge=0, le=10_080, description="Time between two comparisons; 0 makes them only when asked for.")
    ] = 15.0
    overlap_minutes: Annotated[
        float,
        Meta(
            ge=1, le=10_080,
            description="How far before the end of the last one each begins: changes become visible out of order.",
        ),
    ] = 60.0
    settle_minutes: Annotated[
        float, Meta(ge=0, le=1_440, description="How long a change is left to its webhook before it is looked for.")
    ] = 2.0


class RecordException(Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[record_of_where]]`: of what the system is record at some places only. All conditions must hold."""

    of: Annotated[
        list[Thing], Meta(min_length=1, description="Objects and fields, as in `record_of`: `inventory_level.on_hand`.")
    ]
    locations: Annotated[list[Text], Meta(description="Ids of the source's locations, as texts.")] = []
    markets: Annotated[list[Text], Meta(description="Markets by their handles, or price lists by their ids.")] = []
    channels: Annotated[list[Text], Meta(description="Sales channels, such as `pos`.")] = []


class System(Struct, frozen=True, forbid_unknown_fields=True):
    """systems/NAME.toml: an application of the stack. The name is the file's."""

    name: Name
    title: Annotated[Text, Meta(description="The name that people read; no two systems share one.")]
    connector: Annotated[Name, Meta(description="The connector that speaks its API.")]
    owner: Annotated[Name, Meta(description="The team that answers for it.")]
    url: Annotated[
        Text, Meta(description="Base address of its API, without credentials. Its host becomes reachable; no other is.")
    ]
    record_of: Annotated[
        list[Thing],
        Meta(
            description=(
                "Objects (`order`) and fields (`product.price`) whose truth is here; the longest name decides. Flows from "
                "other systems leave them out."
            )
        ),
    ] = []
    record_of_own: Annotated[
        list[Thing],
        Meta(
            description=(
                "The same for objects that began here, whoever is record of the others: two stores each keep their own orders."
            )
        ),
    ] = []
    record_of_where: Annotated[
        list[RecordException],
        Meta(description="Exceptions by location, market or channel, which go before `record_of` of any system."),
    ] = []
    was: (
        Annotated[
            Name,
            Meta(
                description=(
                    "The name that this system had before: what was written there, and what is queued for it, stays its own."
                )
            ),
        ]
        | None
    ) = None
    settings: Annotated[dict[str, Any], Meta(description="What the connector asks for; see the connector's page.")] = {}
    credentials: Annotated[
        dict[str, str | list[str]],
        Meta(
            description=(
                "References only, `env:NAME` or `file:relative/path`; a list where several may be valid at once."
            )
        ),
    ] = {}
    limits: Annotated[Limits, Meta(description="How hard it may be pressed.")] = Limits()
    retry: Annotated[Retry, Meta(description="When a delivery is tried again.")] = Retry()
    breaker: Annotated[Breaker, Meta(description="When it is left alone.")] = Breaker()
    intake: Annotated[Intake, Meta(description="What is accepted from it.")] = Intake()
    reconcile: Annotated[
        Reconcile, Meta(description="How it is compared with what its webhooks told.")
    ] = Reconcile()


class Subscription(Struct, frozen=True, forbid_unknown_fields=True):
    """What the source is asked to tell of the flow's topics. All flows of a topic share one subscription."""

    filter: Annotated[
        str,
        Meta(
            max_length=1_000,
            description=(
                "The source's own condition, in its search syntax (`total_price:>=100`): what does not fit is never sent. It holds "
                "when all flows of the topic say the same; a condition of this flow alone is `when`. Comparisons, backfills "
                "and reads know no filter: it only saves calls, and the flow must state its own `when` beside it (STR353)."
            ),
        ),
    ] = ""
    fields: Annotated[
        list[Text],
        Meta(
            max_length=100,
            description=(
                "Only these fields of the body are sent; id and updated_at always are. Empty: the whole object, which then need not "
                "be read again."
            ),
        ),
    ] = []
    metafields: Annotated[
        list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_$:-]+(\.[A-Za-z0-9_$:-]+)*\.[A-Za-z0-9_-]+$")]],
        Meta(max_length=100, description="Metafields that are sent along, as `namespace.key`."),
    ] = []


class Slo(Struct, frozen=True, forbid_unknown_fields=True):
    """What the flow promises to the business, over 30 days."""

    success_percent: Annotated[
        float, Meta(gt=0, lt=100, description="Share of deliveries that end well, in percent.")
    ] = 99.5
    latency_seconds_p95: Annotated[
        float,
        Meta(gt=0, le=604_800, description="95 of 100 deliveries are done within this, from acceptance to answer."),
    ] = 60.0
    expected_events_per_day: (
        Annotated[
            float, Meta(ge=0, description="Usual deliveries a day to each destination; a fifth of it is an alarm.")
        ]
        | None
    ) = None
    silence_after_minutes: (
        Annotated[float, Meta(gt=0, le=44_640, description="No delivery for this long is an alarm.")] | None
    ) = None


class Rollback(Struct, frozen=True, forbid_unknown_fields=True):
    """How to go back when a change of the flow goes wrong."""

    how: Annotated[Text, Meta(description="What is undone, in which order, and what is left to do by hand.")]
    section: Annotated[
        str, Meta(max_length=200, description="Heading in the flow's runbook under which it stands step by step.")
    ] = ""
    rehearsed_on: (
        Annotated[date, Meta(description="The last day on which somebody really did it, such as 2026-11-23.")] | None
    ) = None


class Flow(Struct, frozen=True, forbid_unknown_fields=True):
    """flows/NAME.toml: one business movement, from one source to its destinations. The name is the file's."""

    name: Name
    title: Annotated[Text, Meta(description="The name that people read; no two flows share one.")]
    source: Annotated[Name, Meta(description="The system whose events start it.")]
    trigger: Annotated[
        list[Text], Meta(min_length=1, max_length=100, description="Topics of the source that start it.")
    ]
    object: Annotated[
        str, Meta(pattern=OBJECT_PATTERN, description="The canonical object that moves, with its version: `order.v1`.")
    ]
    destinations: Annotated[
        list[Name], Meta(min_length=1, max_length=50, description="Systems that receive it, each on its own lane.")
    ]
    pattern: Annotated[Pattern, Meta(description="The integration pattern the flow runs on.")]
    rationale: Annotated[Text, Meta(description="Why this pattern, in a sentence or two.")]
    impact: Annotated[Level, Meta(description="What it costs the business when this stops.")]
    complexity: Annotated[Level, Meta(description="How hard it is to build and to change.")]
    owner: Annotated[Name, Meta(description="The team that answers for it and gets its dead letters.")]
    runbook: Annotated[Text, Meta(description="File name under runbooks/ to open when it fails.")]
    when: Annotated[str, Meta(max_length=1_000, description="Condition on the object; empty means always.")] = ""
    every: Annotated[
        bool,
        Meta(description="True: each event is delivered. False: the newest state of an object replaces older ones."),
    ] = False
    max_age_hours: (
        Annotated[
            float, Meta(gt=0, le=87_600, description="Older events are not delivered; unset means no age is too old.")
        ]
        | None
    ) = None
    retry: Annotated[Retry, Meta(description="In place of the destination's own.")] | None = None
    slo: Annotated[Slo, Meta(description="What the flow promises.")] = Slo()
    subscription: Annotated[Subscription, Meta(description="What the source is asked to send.")] = Subscription()
    rollback: Annotated[Rollback, Meta(description="How to go back when a change goes wrong.")] | None = None
    accepts: Annotated[
        list[Annotated[str, Meta(pattern=r"^ADV[0-9]{3}$")]],
        Meta(description="Advice that the rationale answers: `interlock advise` knows the codes."),
    ] = []
    operation: Annotated[
        str,
        Meta(
            max_length=100, description="Point-to-point: the destination's operation that is called, `profile.upsert`."
        ),
    ] = ""
    map: Annotated[
        dict[str, Any],
        Meta(description="Point-to-point: rows `destination's path = source's path`; see docs/reference/mapping.md."),
    ] = {}
    steps: Annotated[
        list[StepRule], Meta(max_length=50, description="Middleware: the steps, a table `[[steps]]` each.")
    ] = []
    paused: Annotated[bool, Meta(description="True: deliveries are created and held.")] = False
    test_orders: Annotated[bool, Meta(description="True: orders marked as tests are delivered too.")] = False
    waits_for: Annotated[
        list[Wait],
        Meta(
            max_length=3,
            description=(
                "What an object waits for before a destination is told of it for the first time: `holds` until the source holds "
                "nothing of it back, `risk` until the source no longer advises against it, `final_taxes` until they are no "
                "estimate. It shows as waiting, and goes on by itself. Event-driven flows only (STR360)."
            ),
        ),
    ] = []
    publish: (
        Annotated[Publish, Meta(description="Of a flow of stock: how much of it its destinations show.")] | None
    ) = None

    @property
    def object_name(self) -> str:
        """The object without its version: `order`."""
        return self.object.partition(".")[0]


class Console(Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's pages."""

    session_hours: Annotated[float, Meta(gt=0, le=168, description="A person signs in again after this.")] = 12.0
    mask_personal: Annotated[
        bool, Meta(description="Personal data is shown masked until someone asks, with a reason, to see it.")
    ] = True


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """How long things are kept. Links and de-duplication keys live as long as the record."""

    bodies_days: Annotated[int, Meta(ge=1, le=3_650, description="Raw bodies of events.")] = 30
    attempts_days: Annotated[int, Meta(ge=1, le=3_650, description="What was sent and answered, per attempt.")] = 90
    audit_days: Annotated[
        int, Meta(ge=180, le=36_500, description="Who changed what, and why; half a year at least, it is evidence.")
    ] = 1_095


class Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    """How often secrets are replaced. A secret in a file is as old as its file, unless an older day is written here."""

    every_days: Annotated[int, Meta(ge=1, le=3_650, description="No secret is older than this.")] = 180
    replaced_on: Annotated[
        dict[str, date],
        Meta(description="Credential (`shopify.access_token`) = the day on which it was replaced, such as 2026-11-23."),
    ] = {}


class RateLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """From when on a system's limit is called tight."""

    warn_share: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Share of a system's allowance in use that the console marks and the checklist tells.",
        ),
    ] = 0.8


class Backup(Struct, frozen=True, forbid_unknown_fields=True):
    """Where copies of the store are kept, so that their age can be told."""

    folder: Annotated[
        str,
        Meta(max_length=500, description="Folder that holds nothing but the copies, relative to this one or absolute."),
    ] = ""


class Egress(Struct, frozen=True, forbid_unknown_fields=True):
    """Which hosts may be reached."""

    allow: Annotated[
        list[Text], Meta(description="Hosts (`host` or `host:port`) beside those of the systems' urls.")
    ] = []
    production_hosts: Annotated[
        list[Text], Meta(description='Hosts that only a folder with environment = "production" may name.')
    ] = []


class Security(Struct, frozen=True, forbid_unknown_fields=True):
    """security.toml: the console, what is kept, the hosts that may be reached, what credentials may do and how old they get."""

    console: Annotated[Console, Meta(description="The operator's pages.")] = Console()
    retention: Annotated[Retention, Meta(description="How long things are kept.")] = Retention()
    egress: Annotated[Egress, Meta(description="Which hosts may be reached.")] = Egress()
    scopes: Annotated[
        dict[Name, list[Text]],
        Meta(
            description="System = what its credentials were granted, in the vendor's words; compared with what flows need."
        ),
    ] = {}
    rotation: Annotated[Rotation, Meta(description="How often secrets are replaced.")] = Rotation()
    rate_limits: Annotated[RateLimits, Meta(description="From when on a system's limit is called tight.")] = (
        RateLimits()
    )
    backup: Annotated[Backup, Meta(description="Where copies of the store are kept.")] = Backup()


class ItemTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One system's table in mappings/items.toml: which of its items a line of an order is. Ids are texts."""

    rule: Annotated[
        Literal["listed", "sku", "variant"],
        Meta(
            description="What holds for items that are not listed: they wait, or go by our SKU, or by our variant id."
        ),
    ] = "listed"
    generic_item: Annotated[Text, Meta(description="Its item for lines whose product was deleted.")] | None = None
    variants: Annotated[dict[str, Text], Meta(description="Our variant id = its item.")] = {}
    skus: Annotated[dict[str, Text], Meta(description="Our SKU = its item.")] = {}


class Strategy(Struct, frozen=True):
    """A whole folder, checked. `release` is the content address of the files it came from.

    `objects` and `mappings` are TOML texts by file stem, compiled elsewhere; `items` is mappings/items.toml, parsed:
    a table by system; `functions` is the text of functions.py; `runbooks` are Markdown texts by file name; `warnings`
    are findings that do not stop the folder; `decisions` are what its files leave open;
    `inventory` is inventory/*.toml;
    `changes` by number, `converters` as TOML texts by file stem, `published` the text of objects/published.lock.
    """

    name: str
    title: str
    environment: Environment
    timezone: str
    engine: Engine
    teams: dict[str, Team]
    systems: dict[str, System]
    flows: dict[str, Flow]
    security: Security
    objects: dict[str, str]
    mappings: dict[str, str]
    items: dict[str, dict[str, Any]]
    functions: str
    runbooks: dict[str, str]
    release: str
    warnings: tuple[Finding, ...] = ()
    alerts: Alerts = Alerts()
    slos: Slos = Slos()
    decisions: tuple[Decision, ...] = ()
    changes: dict[str, ChangeFile] = {}
    converters: dict[str, str] = {}
    published: str = ""
    inventory: Inventory = Inventory()

    def declared_hosts(self) -> frozenset[str]:
        """The only places that may be reached, each as `host:port`, lower case."""
        return frozenset(host_and_port(system.url) for system in self.systems.values()) | frozenset(
            host_and_port(f"https://{host}") for host in self.security.egress.allow
        )


def host_and_port(url: str) -> str:
    """`host:port` of an address, lower case, with the scheme's port when none is written."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or DEFAULT_PORTS.get(parts.scheme, 0)}"
