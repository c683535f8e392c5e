"""A shop that gives tokens as strictly as the rules allow, and counts what a careless client would be locked out by.

The rules: one good access token per app and shop, so that a refresh ends the one before; a refresh token that was used stays
good until the one that replaced it is used, for at most 30 days, and no longer than its own 90 days (F72, F73).
"""

import json
import random
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from interlock.clock import Clock
from interlock.connectors.http import NO_ANSWER, Answer

HOUR, DAY = 3600.0, 86400.0
ACCESS, REFRESH = "X-Shopify-Access-Token", "/admin/oauth/access_token"
CLIENT = {"client_id": "acme-app", "client_secret": "shpss_planted"}
FIRST_REFRESH = "shprt_planted_0"

Fault = Callable[[int], str]
"""Number of the token request -> '' (answered), 'lost' (done, but the answer never arrives), '503'."""


class TokenAuthority:
    """The shop's side; `send` is what a client of it is given as Http."""

    def __init__(
        self,
        clock: Clock,
        *,
        life_seconds: float = HOUR,
        first_refresh: str = FIRST_REFRESH,
        pause: float = 0.0,
        chance: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._life = life_seconds
        self._pause, self._chance = pause, chance
        self.installed, self.scope = True, "read_orders,read_customers"
        self.access, self.access_ends = "", 0.0
        self.refresh = first_refresh
        self.refresh_ends = clock.monotonic() + 90 * DAY
        self.used_at = -1.0
        self.previous, self.previous_ends = "", 0.0
        self.issued = self.asked = self.in_flight = self.most_in_flight = self.lock_outs = 0
        self.accepted = self.refused = 0
        self.fault: Fault = lambda _: ""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> Answer:
        """A token request, or a business call."""
        if url.endswith(REFRESH):
            return await self._token(dict(parse_qsl((body or b"").decode())))
        return await self.business(headers[ACCESS])

    async def business(self, token: str) -> Answer:
        """200 with the good token, 401 with every other."""
        await self._wait()
        if token == self.access and self._clock.monotonic() < self.access_ends:
            self.accepted += 1
            return Answer(200, {}, b"{}")
        self.refused += 1
        return Answer(
            401, {}, b'{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}'
        )

    def end_access(self) -> None:
        """The shop ends the token before its time."""
        self.access_ends = 0.0

    async def _wait(self) -> None:
        """The way there or back: always as long, or up to twice as long by chance, so that answers overtake each other."""
        await self._clock.sleep(self._pause * (1.0 if self._chance is None else self._chance.uniform(0, 2)))

    async def _token(self, form: dict[str, str]) -> Answer:
        self.asked += 1
        fault = self.fault(self.asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._wait()
            if fault == "503":
                return Answer(503, {}, b"busy")
            answer = self._grant(form)
            await self._wait()
        finally:
            self.in_flight -= 1
        return Answer(0, {}, b"", error="no answer within 10 s", code=NO_ANSWER) if fault == "lost" else answer

    def _grant(self, form: dict[str, str]) -> Answer:
        if {name: form.get(name) for name in CLIENT} != CLIENT:
            return _problem("invalid_client", 401)
        if not self.installed:
            return Answer(400, {}, b"<html><h1>Oauth error app_not_installed: The app is not installed.</h1></html>")
        if form["grant_type"] == "client_credentials":
            return self._issue({})
        return self._rotate(form["refresh_token"])

    def _rotate(self, used: str) -> Answer:
        now = self._clock.monotonic()
        if used == self.refresh and now < self.refresh_ends:
            self.previous, self.previous_ends = used, min(now + 30 * DAY, self.refresh_ends)
        elif used != self.previous or now >= self.previous_ends:
            self.lock_outs += 1
            return _problem("invalid_grant", 400)
        self.refresh, self.refresh_ends = f"shprt_planted_{self.issued + 1}", now + 90 * DAY
        return self._issue({"refresh_token": self.refresh, "refresh_token_expires_in": round(90 * DAY)})

    def _issue(self, more: Mapping[str, object]) -> Answer:
        self.issued += 1
        self.access, self.access_ends = f"shpat_planted_{self.issued}", self._clock.monotonic() + self._life
        found = {"access_token": self.access, "expires_in": round(self._life), "scope": self.scope} | dict(more)
        return Answer(200, {}, json.dumps(found).encode())


def _problem(code: str, status: int) -> Answer:
    return Answer(status, {}, json.dumps({"error": code, "error_description": "said by the shop"}).encode())
