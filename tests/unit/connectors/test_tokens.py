"""The keeper of access tokens: one renewal at a time, kept before used, and a shop that says no is asked no more."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from token_authority import CLIENT, DAY, FIRST_REFRESH, HOUR, TokenAuthority

from interlock.clock import VirtualClock
from interlock.connectors.contract import Connection
from interlock.connectors.http import Answer
from interlock.connectors.shopify.tokens import grant_of, keeper
from interlock.connectors.token_store import MemoryTokenStore, StoredToken
from interlock.connectors.tokens import Granted, TokenKeeper
from interlock.errors import SettingsError, StoreError
from interlock.messaging.outcome import Refused, Retry

REFRESHING = CLIENT | {"refresh_token": FIRST_REFRESH}


def connected(authority, clock, store=None, credentials=REFRESHING):
    return Connection(
        system="shopify", url="https://acme.myshopify.com", settings={}, credentials=credentials, builders={},
        http=authority, clock=clock, tokens=store,
    )  # fmt: skip


class Shop:
    """A virtual shop and hub: `keeper()` is one process's."""

    def __init__(self, credentials=REFRESHING, **given):
        self.clock = VirtualClock()
        self.authority = TokenAuthority(self.clock, **given)
        self.store = MemoryTokenStore(self.clock)
        self.credentials = credentials

    def keeper(self, **changed):
        return keeper(connected(self.authority, self.clock, self.store, self.credentials | changed))

    async def after(self, seconds, *awaited):
        """What these come to while the time passes."""
        tasks = [asyncio.ensure_future(each) for each in awaited]
        for _ in range(round(seconds * 10)):
            await self.clock.advance(0.1)
        return [task.result() for task in tasks]

    def send(self):
        return self.authority.business


@pytest.mark.parametrize("answer_lost", [False, True])
def test_two_workers_at_expiry_make_one_refresh_and_lose_nothing(answer_lost):
    """C79: two processes meet the end of a token; when the answer to the refresh is lost, the old refresh token serves once more."""

    async def story():
        shop = Shop(pause=0.2)
        workers = [shop.keeper(), shop.keeper()]
        await shop.after(2, workers[0].call(shop.send()), workers[1].call(shop.send()))
        assert shop.authority.asked == 1
        await shop.clock.advance(HOUR)
        shop.authority.fault = lambda asked: "lost" if answer_lost and asked == 2 else ""
        first = await shop.after(5, *(worker.call(shop.send()) for worker in workers * 8))
        again = await shop.after(5, *(worker.call(shop.send()) for worker in workers))
        assert all(isinstance(each, Retry) or each.status == 200 for each in first)
        assert [each.status for each in again] == [200, 200]
        assert (shop.authority.most_in_flight, shop.authority.lock_outs, shop.authority.refused) == (1, 0, 0)
        assert shop.authority.asked == (3 if answer_lost else 2)

    asyncio.run(story())


def test_a_refused_refresh_says_reconnect_and_is_not_repeated():
    """C80: a refresh token that nobody used for 90 days: the words say what to do, and nothing is sent until something changes."""

    async def story():
        shop = Shop()
        await shop.keeper().token()
        await shop.clock.advance(91 * DAY)
        worker = shop.keeper()
        refusals = [await worker.token() for _ in range(50)]
        assert {type(each) for each in refusals} == {Refused}
        assert refusals[0].reason == "authentication" and refusals[0].code == "invalid_grant"
        assert refusals[0].message.startswith("reconnect shopify:") and "install the app" in refusals[0].message
        assert shop.authority.asked == 2
        await shop.clock.advance(DAY)
        assert isinstance(await shop.keeper().token(), Refused) and shop.authority.asked == 2
        shop.authority.refresh, shop.authority.refresh_ends = "shprt_planted_new", 1e12
        assert (await shop.keeper(refresh_token="shprt_planted_new").call(shop.send())).status == 200

    asyncio.run(story())


def test_an_uninstalled_app_is_told_from_the_page_that_the_shop_answers():
    """C80: the endpoint answers browsers' pages too; the code in it decides, not its text."""

    async def story():
        shop = Shop(CLIENT)
        shop.authority.installed = False
        refusal = await shop.keeper().token()
        assert refusal.code == "app_not_installed" and "install the app on the shop, then reload" in refusal.message
        for _ in range(20):
            await shop.clock.advance(HOUR)
            await shop.keeper().token()
        assert shop.authority.asked == 1

    asyncio.run(story())


def test_a_scope_that_was_removed_is_noted_and_the_rest_goes_on():
    """C80: an app that lost a scope still gets tokens; what is gone is named, and what needs it is held elsewhere."""

    async def story():
        shop = Shop(CLIENT)
        worker = shop.keeper()
        await worker.token()
        shop.authority.scope = "read_customers"
        await shop.clock.advance(DAY)
        assert isinstance(await worker.token(), str)
        kept = await shop.store.get(grant_of(connected(shop.authority, shop.clock, None, CLIENT)).name)
        assert kept.lost_scope == ("read_orders",) and kept.reconnect is None

    asyncio.run(story())


def test_a_backfill_of_30_hours_never_meets_the_end_of_a_token():
    """C81: a client credentials token lasts 24 h; control: a client that keeps its token stands still for the last 6."""

    async def story():
        shop = Shop(CLIENT, life_seconds=86_399)
        worker = shop.keeper()
        careless = await worker.token()
        refused_careless = 0
        for _ in range(30 * 360):
            await shop.clock.advance(10)
            assert (await worker.call(shop.send())).status == 200
            refused_careless += careless != shop.authority.access
        assert (shop.authority.issued, shop.authority.refused) == (2, 0)
        assert refused_careless > 6 * 360

    asyncio.run(story())


def test_a_token_is_kept_before_anybody_uses_it():
    """A token that cannot be kept is given to nobody: after a restart nobody would know its refresh token (C79)."""

    class Full(MemoryTokenStore):
        async def commit(self, *_):
            raise StoreError("no space", code="STO000")

    async def story():
        shop = Shop()
        shop.store = Full(shop.clock)
        assert isinstance(await shop.keeper().call(shop.send()), Retry)
        assert (shop.authority.issued, shop.authority.accepted) == (1, 0)

    asyncio.run(story())


def test_a_process_that_lost_its_lease_uses_the_token_of_the_one_that_has_it():
    """A process paused between answer and commit must not put its older pair over the newer one."""

    class Slow(MemoryTokenStore):
        pause = 20.0

        async def commit(self, name, fence, token):
            pause, self.pause = self.pause, 0.0
            await self._clock.sleep(pause)
            return await super().commit(name, fence, token)

    async def story():
        shop = Shop()
        shop.store = Slow(shop.clock)
        found = await shop.after(60, shop.keeper().token(), shop.keeper().token())
        assert set(found) == {"shpat_planted_2"} and shop.authority.lock_outs == 0

    asyncio.run(story())


def test_a_late_401_throws_no_newer_token_away():
    """Sixteen calls that were refused for one token are one renewal, not sixteen."""

    async def story():
        shop = Shop()
        worker = shop.keeper()
        old = await worker.token()
        shop.authority.end_access()
        answers = await shop.after(2, *(worker.call(shop.send()) for _ in range(16)))
        assert {each.status for each in answers} == {200} and shop.authority.asked == 2
        await worker.rejected(old)
        assert await worker.token() == shop.authority.access and shop.authority.asked == 2

    asyncio.run(story())


def test_a_good_token_is_not_held_up_by_its_renewal():
    """An endpoint that hangs must not stop calls while there is a token that is good for minutes."""

    async def story():
        shop = Shop(pause=0.0)
        worker = shop.keeper()
        old = await worker.token()
        await shop.clock.advance(HOUR - 200)
        shop.authority.fault = lambda _: "503"
        for _ in range(100):
            assert await worker.token() == old
            await shop.clock.advance(1)
        assert 3 <= shop.authority.asked <= 10, "each failure doubles the wait"
        await shop.clock.advance(120)
        refusal = await worker.token()
        assert isinstance(refusal, Retry) and refusal.retry_after_seconds > 0

    asyncio.run(story())


def test_a_caller_who_gives_up_does_not_end_the_renewal():
    """A delivery that is cancelled while it waits must not lose the answer that all the others wait for."""

    async def story():
        shop = Shop(pause=1.0)
        worker = shop.keeper()
        impatient = asyncio.ensure_future(worker.token())
        await shop.clock.advance(0.5)
        impatient.cancel()
        assert (await shop.after(5, worker.token())) == ["shpat_planted_1"]
        assert shop.authority.asked == 1

    asyncio.run(story())


def test_a_permanent_token_that_is_refused_is_asked_with_only_now_and_then():
    """C80: nothing can renew it; calls with it end, and one goes out every quarter of an hour in case the shop was ill."""

    async def story():
        shop = Shop({"access_token": "shpat_planted_old"})
        worker = shop.keeper()
        for _ in range(3600 // 10):
            outcome = await worker.call(shop.send())
            assert isinstance(outcome, Refused | Answer)
            await shop.clock.advance(10)
        assert shop.authority.refused <= 5
        shop.authority.access, shop.authority.access_ends = "shpat_planted_old", 1e12
        await shop.clock.advance(900)
        assert (await worker.call(shop.send())).status == 200

    asyncio.run(story())


def test_a_shop_that_takes_none_of_its_tokens_is_not_asked_for_ever():
    """A renewal per refused call would be a loop that no limiter sees."""

    async def story():
        shop = Shop(CLIENT)
        worker = shop.keeper()

        async def never(_token):
            return Answer(401, {}, b"")

        for _ in range(100):
            outcome = await worker.call(never)
        assert isinstance(outcome, Refused) and outcome.code == "TAKES-NO-TOKEN" and shop.authority.asked <= 4

    asyncio.run(story())


def test_older_credentials_follow_the_newer_ones():
    """A release that still holds the refresh token of before must not begin anew with it and end the good one."""

    async def story():
        shop = Shop()
        older = shop.keeper()
        await older.token()
        shop.authority.refresh = "shprt_planted_new"
        newer = shop.keeper(refresh_token="shprt_planted_new")
        await newer.token()
        shop.authority.end_access()
        assert (await older.call(shop.send())).status == 401, (
            "it learns from the refusal, and the call after it is good"
        )
        assert (await older.call(shop.send())).status == 200
        assert shop.authority.lock_outs == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    ("credentials", "kind"),
    [
        (CLIENT, "client credentials"),
        (REFRESHING, "expiring offline token"),
        ({"access_token": "shpat_planted"}, "permanent token"),
        (CLIENT | {"access_token": "shpat_planted"}, "client credentials"),
    ],
)
def test_the_credentials_choose_the_grant(credentials, kind):
    """Nobody has to name the kind: what the file gives decides, the safer one first (F70-F72)."""
    assert grant_of(connected(None, VirtualClock(), None, credentials)).kind == kind


def test_incomplete_credentials_are_refused_with_what_is_missing():
    """Half a pair must be told at the start, not by the shop."""
    with pytest.raises(SettingsError) as refused:
        grant_of(connected(None, VirtualClock(), None, {"client_id": "acme-app"}))
    assert refused.value.code == "CON004" and "client_secret" in refused.value.next_move


def test_no_words_hold_a_secret():
    """Refusals are logged, shown and mailed: neither tokens nor what the shop quotes of them may be in them."""

    async def story():
        shop = Shop()
        texts = []
        for status, body in (
            (400, b'{"error":"shprt_planted_0 is bad"}'),
            (400, b"Oauth error x: shprt_planted_0"),
            (500, b"shprt_planted"),
        ):

            async def send(*_, status=status, body=body):
                return Answer(status, {}, body)

            given = connected(type("H", (), {"send": staticmethod(send)})(), shop.clock)
            texts.append(repr(await grant_of(given).ask(None, 1.0)))
        texts += [
            repr(Granted(access="shpat_planted")),
            repr(StoredToken(system="s", grant="g", origin="o", access="shpat_planted")),
        ]
        texts.append(repr(connected(None, shop.clock)))
        assert not [text for text in texts if "planted" in text]

    asyncio.run(story())


def test_a_grant_is_only_data_to_the_keeper():
    """Another vendor's grant needs no more than a name, two fingerprints and `ask`."""

    class Mine:
        kind, name, origin, credentials = "mine", "mine", "o", "c"

        async def ask(self, stored, timeout_seconds):
            return Granted(access="t", lifetime_seconds=60)

    async def story():
        clock = VirtualClock()
        assert await TokenKeeper(Mine(), None, clock, system="erp").token() == "t"

    asyncio.run(story())
    assert msgspec.structs.fields(StoredToken)
