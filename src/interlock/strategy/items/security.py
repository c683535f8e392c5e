"""Item 5: the security baseline. Credentials may do what is needed, are young, and work; what is kept has an end, and a copy."""

from collections.abc import Iterator

from interlock.strategy.checks.base import Example
from interlock.strategy.evidence import DAY_MS, Around, Running, Seen, day_ms, span
from interlock.strategy.items.base import Case, Evidence, Gap, Rule, RunningRule, counted, listed
from interlock.strategy.scopes import needed_scopes, useful_scopes

SLACK_DAYS = 2
"""Bodies are trimmed in batches; so long after their days nothing is said."""
SECURITY = "security.toml"


class PersonalDataIsMasked(Rule):
    code = "CHK501"
    colour = "red"
    title = "Personal data is shown masked"
    why = "whoever opens the console would see names and addresses, and no one would record that they did"
    bad = Case("the console shows it as it is", (Example(SECURITY, "[console]\nmask_personal = false"),))
    good = Case("it is revealed with a reason only", (Example(SECURITY, "[console]\nmask_personal = true"),))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        if seen.strategy.security.console.mask_personal:
            yield Evidence("personal data masked, revealed with a reason that is audited")
        else:
            yield self.gap("the console shows personal data as it is", SECURITY, "mask_personal = true under [console]")


class ScopesAreLeast(Rule):
    code = "CHK502"
    title = "Credentials were granted what the flows need, and no more"
    why = "a key that may do everything loses everything; one that may do too little stops a flow at night"
    bad = Case("the shop's token may not read orders", (Example(SECURITY, '[scopes]\nshop = ["read_customers"]'),))
    good = Case("it may read orders", (Example(SECURITY, '[scopes]\nshop = ["read_orders"]'),))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        exact = []
        useful = useful_scopes(seen.strategy, seen.connectors)
        for system, needed in needed_scopes(seen.strategy, seen.connectors).items():
            granted = set(seen.strategy.security.scopes.get(system, ()))
            missing, idle = sorted(needed - granted), sorted(granted - useful[system])
            if not granted:
                put = f"{system} = {sorted(needed)} under [scopes], once you have looked what its credentials may do"
                yield self.gap(f"nobody says what the credentials of {system} may do", SECURITY, put.replace("'", '"'))
            elif missing:
                text = f"{system} was not granted {listed(missing)}, which its flows need"
                yield self.red(text, SECURITY, f"grant it at {system}, then add it to [scopes]")
            elif idle:
                put = "take it away at the vendor and here, or name the flow that needs it"
                yield self.gap(f"{system} was granted {listed(idle)}, which no flow needs", SECURITY, put)
            else:
                exact.append(system)
        if exact:
            yield Evidence(f"least scopes at {listed(exact, 6)}")


class SecretsAreYoung(Rule):
    code = "CHK503"
    title = "No secret is older than the rotation allows"
    why = "a secret that was never replaced is known to everybody who ever worked here"
    bad = Case("a token was put there years ago", around=Around(secrets_ms={"shop.token": 1}))
    good = Case("it was replaced this month")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        rotation = seen.strategy.security.rotation
        old, unknown, ages = [], [], []
        for name in credentials_of(seen):
            at_ms = replaced_ms(seen, name)
            if not at_ms:
                unknown.append(name)
            elif not seen.within(at_ms, days=rotation.every_days):
                old.append(f"{name} ({span(seen.now_ms - at_ms)})")
            else:
                ages.append(at_ms)
        if old:
            put = "replace it at its issuer and here; two may be valid at once where the system file lists two"
            yield self.gap(f"older than {rotation.every_days} days: {listed(old)}", "secrets/", put)
        if unknown:
            put = f'"{unknown[0]}" = the day on which it was made, under [rotation.replaced_on]'
            yield self.gap(
                f"the age of {counted(len(unknown), 'secret')} is not known: {listed(unknown)}", SECURITY, put
            )
        if ages:
            yield Evidence(f"{counted(len(ages), 'secret')} within {rotation.every_days} days", min(ages))


def credentials_of(seen: Seen) -> list[str]:
    """Every `system.credential` of the folder."""
    return [f"{name}.{key}" for name, system in seen.strategy.systems.items() for key in system.credentials]


def replaced_ms(seen: Seen, credential: str) -> int:
    """The older of its file and of the day that is written down: a copied file looks new, and a written day proves little."""
    written = seen.strategy.security.rotation.replaced_on.get(credential)
    known = [seen.around.secrets_ms.get(credential, 0), 0 if written is None else day_ms(written)]
    return min((at_ms for at_ms in known if at_ms), default=0)


class ProductionIsGuarded(Rule):
    code = "CHK504"
    title = "Production hosts are named, so that no other folder can reach them"
    why = "a staging folder that can reach production will one day write to it"
    bad = Case("no production host is named", (Example(SECURITY, "[egress]\n# production_hosts"),))
    good = Case("they are named", (Example(SECURITY, '[egress]\nproduction_hosts = ["live.erp.example.com"]'),))

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        hosts = seen.strategy.security.egress.production_hosts
        if hosts:
            yield Evidence(f"{counted(len(hosts), 'production host')} kept for the production folder")
        elif seen.strategy.environment == "demo":
            yield Evidence("a demo: its systems are twins on this machine")
        else:
            put = "production_hosts under [egress]: the hosts that only the production folder may name"
            yield self.gap("no host is kept for the production folder", SECURITY, put)


class WebhookSecretsWork(RunningRule):
    code = "CHK505"
    title = "The webhook secrets work"
    why = "a secret that was replaced on one side only refuses every event, and nobody hears of it"
    bad = Case("the last signature that was right is years old", running=Running(heard_ms={"shop": 1}))
    good = Case("an event was verified today")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        days = seen.fresh.webhook_verified_days
        verified = []
        for name in sorted({flow.source for flow in seen.strategy.flows.values()}):
            system = seen.strategy.systems.get(name)
            if system is None or "webhook_secret" not in system.credentials:
                continue
            at_ms = running.heard_ms.get(name, 0)
            if seen.within(at_ms, days=days):
                verified.append(at_ms)
            else:
                text = f"no signature of {name} was right {f'for {days} days' if at_ms else 'yet'}"
                yield self.gap(
                    text, f"systems/{name}.toml", "the secret that it signs with now, first in webhook_secret"
                )
        if verified:
            yield Evidence(f"signatures of {counted(len(verified), 'source')} verified", min(verified))


class RetentionIsKept(RunningRule):
    code = "CHK506"
    title = "What is kept is forgotten when its days are over"
    why = "a retention that is written down and not kept is a promise broken to every customer"
    bad = Case("a body of an event is years old", running=Running(oldest_body_ms=1))
    good = Case("the oldest body is younger than bodies_days")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        kept = seen.strategy.security.retention
        for what, at_ms, days in (
            ("body of an event", running.oldest_body_ms, kept.bodies_days),
            ("line of the audit", running.oldest_audit_ms, kept.audit_days),
        ):
            if at_ms and not seen.within(at_ms, days=days + SLACK_DAYS):
                text = f"the oldest {what} is {span(seen.now_ms - at_ms)} old, and {days} days are allowed"
                yield self.gap(text, put="let the hub run: it trims once a minute what no open delivery needs")
            elif at_ms:
                yield Evidence(f"oldest {what} {(seen.now_ms - at_ms) // DAY_MS} of {days} days")


class BackupIsFresh(Rule):
    code = "CHK507"
    title = "There is a fresh copy of the store"
    why = "the links between the systems' ids are nowhere else"
    bad = Case("the newest copy is years old", around=Around(backup_ms=1))
    good = Case("a copy of last night")

    def look(self, seen: Seen) -> Iterator[Evidence | Gap]:
        folder, hours = seen.strategy.security.backup.folder, seen.fresh.backup_hours
        at_ms = seen.around.backup_ms
        if not folder:
            put = "folder = where your backup puts ledger.db and inbox.db, under [backup]"
            yield self.gap("nobody says where copies of the store lie", SECURITY, put)
        elif seen.within(at_ms, hours=hours):
            yield Evidence("newest copy of the store", at_ms)
        else:
            text = (
                f"the newest copy in {folder} is {span(seen.now_ms - at_ms)} old"
                if at_ms
                else f"{folder} holds no copy"
            )
            yield self.gap(text, put=f"a job that copies the store there, at least every {hours} h")


class LimitsHaveRoom(RunningRule):
    code = "CHK508"
    title = "Rate limits have room"
    why = "at the limit, work waits; a peak that is seen coming can be asked for at the vendor"
    bad = Case("the ERP is at its limit", running=Running(per_minute={"erp": 600}))
    good = Case("less than warn_share of each allowance is used")

    def ran(self, seen: Seen, running: Running) -> Iterator[Evidence | Gap]:
        warn = seen.strategy.security.rate_limits.warn_share
        most = 0.0
        for name, count in running.per_minute.items():
            system = seen.strategy.systems.get(name)
            rate = system.limits.rate_per_second if system else None
            share = count / (rate * 60) if rate else 0.0
            most = max(most, share)
            if share >= warn:
                text = f"{name} uses {share * 100:.0f} % of its allowance"
                yield self.gap(text, f"systems/{name}.toml", "what the vendor allows for the peak, under [limits]")
        if most < warn:
            yield Evidence(f"rate limits used up to {most * 100:.0f} %, told from {warn * 100:.0f} % on")


RULES = (
    PersonalDataIsMasked(), ScopesAreLeast(), SecretsAreYoung(), ProductionIsGuarded(), WebhookSecretsWork(), RetentionIsKept(),
    BackupIsFresh(), LimitsHaveRoom(),
)  # fmt: skip
