"""The fault plan: rules, as data, that say which requests go wrong, how, how often and for how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

KINDS: dict[str, str] = {
    "status": "answer `status` (with Retry-After when `retry_after_seconds` is set) and apply nothing",
    "hang": "accept the request and never answer; apply nothing",
    "reset_before": "abort the TCP connection and apply nothing",
    "reset_after": "apply the request, then abort the TCP connection instead of answering",
    "late_effect": "answer `status` (504) at once, or never when `hang`, and apply the request `delay_seconds` later",
    "slow": "apply and answer after `delay_seconds`",
    "slow_body": "apply, answer the head at once and the body in pieces over `delay_seconds`",
    "garbage": "answer 200 with an HTML page and apply nothing",
    "drop": "answer `status` (202) with no body and apply nothing: a write that is lost after it was accepted",
    "webhook_drop": "a webhook is never sent",
    "webhook_duplicate": "a webhook is sent twice",
    "webhook_reorder": "a webhook is sent `delay_seconds` late, so that a later one overtakes it",
    "webhook_delay": "a webhook is sent late by chance, up to `delay_seconds`: a busy queue on the way",
}
"""What can go wrong. The webhook_ kinds are consulted by twins that send webhooks, with `match.topic`."""

DEFAULT_STATUS = {"status": 503, "late_effect": 504, "drop": 202}


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """Which requests a rule is about: all members must agree; `path` is a part of the path, `query` of the query."""

    method: str | None = None
    path: str | None = None
    query: str | None = None
    topic: str | None = None

    def agrees(self, method: str, path: str, query: str, topic: str) -> bool:
        """Whether a request (or a webhook, by its topic) is one of those meant."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or self.path in path)
            and (self.query is None or self.query in query)
            and (self.topic is None or self.topic == topic)
        )


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """One rule; see KINDS. `share` is the chance 0..1, `count` how often at most, `for_seconds` how long."""

    kind: str
    id: str = ""
    status: int | None = None
    retry_after_seconds: float | None = None
    delay_seconds: float = 1.0
    hang: bool = False
    body: Any = None
    headers: dict[str, str] = {}
    share: float = 1.0
    count: int | None = None
    for_seconds: float | None = None
    after: int = 0
    """How many matching requests pass unharmed before the rule begins."""
    match: Match = msgspec.field(default_factory=Match)
    seen: int = 0
    hits: int = 0
    expires_at: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(KINDS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share} is not between 0 and 1")

    @property
    def answer_status(self) -> int:
        """The HTTP status this rule answers with."""
        return self.status or DEFAULT_STATUS.get(self.kind, 200)


class FaultPlan:
    """The rules in force. The first rule that agrees, is not used up and wins its chance is taken."""

    def __init__(self, chance: random.Random, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.chance = chance
        self._monotonic = monotonic
        self._rules: list[Rule] = []
        self._added = 0

    def add(self, data: dict[str, Any]) -> Rule:
        """Add a rule given as data. Raises ValueError that names what is wrong."""
        rule = msgspec.convert(data, Rule)  # ValidationError is a ValueError
        self._added += 1
        rule.id = f"fault-{self._added}"
        if rule.for_seconds is not None:
            rule.expires_at = self._monotonic() + rule.for_seconds
        self._rules.append(rule)
        return rule

    def remove(self, rule_id: str | None = None) -> int:
        """Remove one rule, or all. Returns how many went."""
        kept = [rule for rule in self._rules if rule_id is not None and rule.id != rule_id]
        removed = len(self._rules) - len(kept)
        self._rules = kept
        return removed

    def rules(self) -> list[Rule]:
        """The rules in force with how often each was seen and used."""
        self._forget_expired()
        return list(self._rules)

    def pick(self, method: str, path: str, query: str = "") -> Rule | None:
        """The fault for a vendor request, or None."""
        return self._pick(method, path, query, "", webhook=False)

    def pick_webhook(self, topic: str) -> Rule | None:
        """The fault for a webhook about to be sent, or None."""
        return self._pick("", "", "", topic, webhook=True)

    def _pick(self, method: str, path: str, query: str, topic: str, *, webhook: bool) -> Rule | None:
        if not self._rules:
            return None
        self._forget_expired()
        for rule in self._rules:
            meant = rule.kind.startswith("webhook_") is webhook and rule.match.agrees(method, path, query, topic)
            if meant and self._strikes(rule):
                return rule
        return None

    def _strikes(self, rule: Rule) -> bool:
        rule.seen += 1
        if rule.seen <= rule.after or (rule.count is not None and rule.hits >= rule.count):
            return False
        if rule.share < 1 and self.chance.random() >= rule.share:
            return False
        rule.hits += 1
        return True

    def _forget_expired(self) -> None:
        now = self._monotonic()
        self._rules = [rule for rule in self._rules if rule.expires_at is None or now < rule.expires_at]
