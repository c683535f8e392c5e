"""Installs the app on a shop: the address that the merchant opens, and what the shop sends back for it (C79, C80).

The authorization code grant: shopify.dev/docs/apps/build/authentication-authorization/authenticate-standalone-apps and
.../access-tokens/authorization-code-grant. The merchant opens `/admin/oauth/authorize` with `client_id`, `scope` (commas),
`redirect_uri` (one of those in the app's settings, letter by letter) and `state`; without `grant_options[]` the token is an
offline one. The shop sends the browser to the redirect_uri with `code`, `hmac`, `shop`, `state`, `timestamp` and whatever
else it likes, all of which the signature covers. The code is exchanged with `expiring=1` (tokens.py).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from interlock.connectors.contract import Connection, Denied, Granted, Retry, Returned, SettingsError
from interlock.connectors.shopify.tokens import INSTALLATION, ExpiringOffline, grant_of

PATH: Final = "/admin/oauth/authorize"
SHOP: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
"""As the documentation of the grant has it, with its end: `x.myshopify.com.example.com` is no shop."""
QUERY_MEMBERS_MAX: Final = 50
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class ShopifyAuthorization:
    """One app at one shop. Raises SettingsError CON014 when its folder wants no installation, CON012 when the url is not
    the shop's own address."""

    def __init__(self, connection: Connection) -> None:
        grant = grant_of(connection)
        if not isinstance(grant, ExpiringOffline):
            raise SettingsError(
                f"{connection.system} signs in by {grant.kind}: there is nothing to connect", code="CON014",
                where=f"systems/{connection.system}.toml",
                next_move=f'write access = "{INSTALLATION}" under [settings] when a merchant is to install the app',
            )  # fmt: skip
        self.grant: ExpiringOffline = grant
        self._connection = connection
        self._secret = connection.credentials["client_secret"].encode()
        self._shop = _shop_of(connection)

    def url(self, *, scopes: Collection[str], redirect_uri: str, state: str) -> str:
        """What the merchant opens, signed in at the shop."""
        asked = {
            "client_id": self._connection.credentials["client_id"], "scope": ",".join(scopes),
            "redirect_uri": redirect_uri, "state": state,
        }  # fmt: skip
        return f"{self._connection.url.rstrip('/')}{PATH}?{urlencode(asked)}"

    def returned(self, query: str) -> Returned:
        """What the shop sent back. Nothing of it is believed before its signature."""
        members = _members(query)
        signed = hmac.new(self._secret, _message(members), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(members.get("hmac", "").encode(), signed.encode()):
            raise _forged("its hmac is not that of the app's client secret")
        self._refuse_another(members.get("shop", ""))
        if not members.get("code"):
            raise _forged("it has no code")
        return Returned(state=members.get("state", ""), code=members["code"])

    async def exchange(self, code: str, timeout_seconds: float) -> Granted | Retry | Denied:
        """The first pair of tokens."""
        return await self.grant.exchange(code, timeout_seconds)

    def _refuse_another(self, shop: str) -> None:
        """The whole name, and the one that the folder names; at a twin, whose url is this machine, any shop's."""
        if SHOP.fullmatch(shop) and shop == (self._shop or shop):
            return
        raise SettingsError(
            f"the answer is that of another shop, {shop[:100]!r}", code="CON012",
            where=f"systems/{self._connection.system}.toml", why=f"the url names {self._shop or 'a twin'}",
            next_move="install the app on the shop that the url names, or correct the url",
        )  # fmt: skip


def _shop_of(connection: Connection) -> str:
    """The one shop that may answer; "" for a twin on this machine."""
    host = (urlsplit(connection.url).hostname or "").lower()
    if host in LOOPBACK:
        return ""
    if not SHOP.fullmatch(host):
        raise SettingsError(
            f"{host!r} is not the shop's own address", code="CON012", where=f"systems/{connection.system}.toml",
            why="only under its myshopify.com name does a shop say which one it is",
            next_move='write url = "https://YOUR-SHOP.myshopify.com"',
        )  # fmt: skip
    return host


def _members(query: str) -> dict[str, str]:
    """By name. What stands there twice could be read in two ways, and is refused."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=QUERY_MEMBERS_MAX)
    except ValueError:
        raise _forged("it cannot be read as a query") from None
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _forged("a name stands in it twice")
    return members


def _message(members: Mapping[str, str]) -> bytes:
    """What is signed: all but the hmac, `name=value` in the order of the names, joined by `&`. Signs that would make one
    text of two queries are escaped."""
    names = sorted(members.keys() - {"hmac"})
    return "&".join(f"{_escaped(name).replace('=', '%3D')}={_escaped(members[name])}" for name in names).encode()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")


def _forged(why: str) -> SettingsError:
    return SettingsError(
        "this is not what a shop sends back", code="CON010", why=why,
        next_move="let the merchant open the address, and take the whole address that the browser was sent to",
    )  # fmt: skip
