"""Signing in with the token that the start printed: sessions in memory, with an idle and an absolute end."""

import hmac
import secrets

import msgspec

from interlock.clock import Clock

IDLE_SECONDS = 60 * 60
REVEAL_SECONDS = 5 * 60
MOST_SESSIONS = 200

VIEW, OPERATE, REVEAL, DEMO = "view", "operate", "reveal", "demo"
EVERYTHING = frozenset({VIEW, OPERATE, REVEAL, DEMO})


class Session(msgspec.Struct, kw_only=True):
    """One signed-in browser. `form_token` stands in every form; `revealed` holds what it may see unmasked, and until when."""

    id: str
    form_token: str
    by: str
    permissions: frozenset[str]
    began: float
    seen: float
    revealed: dict[str, float] = {}


class Sessions:
    """All sessions of this process; a restart signs everybody out."""

    def __init__(self, token: str, clock: Clock, *, session_hours: float) -> None:
        self._token = token.encode()
        self._clock = clock
        self._absolute_seconds = session_hours * 3600
        self._open: dict[str, Session] = {}

    def sign_in(self, token: str, by: str) -> Session | None:
        """A new session with a new id, never one that the browser brought along; None when the token is wrong."""
        if not self.knows(token):
            return None
        self._forget_old()
        now = self._clock.monotonic()
        session = Session(
            id=secrets.token_urlsafe(32),
            form_token=secrets.token_urlsafe(32),
            by=by.strip()[:60] or "operator",
            permissions=EVERYTHING,
            began=now,
            seen=now,
        )
        self._open[session.id] = session
        return session

    def knows(self, token: str) -> bool:
        """True for the token of this process."""
        return hmac.compare_digest(token.encode(), self._token)

    def find(self, session_id: str) -> Session | None:
        """The open session, which thereby stays open; None when it has ended."""
        session = self._open.get(session_id)
        if session is None or self._ended(session):
            self._open.pop(session_id, None)
            return None
        session.seen = self._clock.monotonic()
        return session

    def is_open(self, session: Session) -> bool:
        """True while it has not ended. Unlike `find`, it does not keep the session open: a forgotten live page must not."""
        return session.id in self._open and not self._ended(session)

    def sign_out(self, session: Session) -> None:
        """End it at once."""
        self._open.pop(session.id, None)

    def reveal(self, session: Session, subject: str) -> None:
        """Let this browser see the personal values of one object for a while."""
        session.revealed[subject] = self._clock.monotonic() + REVEAL_SECONDS

    def sees(self, session: Session, subject: str) -> bool:
        """True while the reveal lasts."""
        return session.revealed.get(subject, 0.0) > self._clock.monotonic()

    def _ended(self, session: Session) -> bool:
        now = self._clock.monotonic()
        return now - session.seen > IDLE_SECONDS or now - session.began > self._absolute_seconds

    def _forget_old(self) -> None:
        self._open = {id_: session for id_, session in self._open.items() if not self._ended(session)}
        while len(self._open) >= MOST_SESSIONS:
            self._open.pop(min(self._open, key=lambda id_: self._open[id_].seen))
