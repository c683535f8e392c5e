"""The vault: what is committed is on the disk, sealed; a lease has one holder; a lost lease changes nothing."""

import asyncio
import stat
from contextlib import asynccontextmanager

import apsw
import msgspec
import pytest

from interlock.clock import VirtualClock
from interlock.connectors.token_store import Reconnect, StoredToken
from interlock.errors import SettingsError
from interlock.security.seal import KEY_FILE, KEY_VARIABLE, Seal, vault_key
from interlock.security.vault import VAULT_FILE, Vault, states_on_disk

NAME = "shopify acme.myshopify.com client id"
TOKEN = StoredToken(
    system="shopify", grant="expiring offline token", origin="o", access="shpat_planted", refresh="shprt_planted", ends_ms=9
)


@asynccontextmanager
async def opened(data, clock=None, **given):
    vault = Vault(data, clock or VirtualClock(), environ=given.pop("environ", {}), **given)
    try:
        yield vault
    finally:
        await vault.close()


async def committed(vault, token=TOKEN):
    fence = await vault.lease(NAME, 15.0)
    assert fence is not None and await vault.commit(NAME, fence, token)
    return await vault.get(NAME)


def test_what_was_committed_outlives_the_process(tmp_path):
    """A token that was used but not kept would lock the hub out after a restart (C79)."""

    async def story():
        async with opened(tmp_path) as vault:
            kept = await committed(vault)
        async with opened(tmp_path) as vault:
            assert await vault.get(NAME) == kept
            assert (kept.access, kept.refresh, kept.generation) == ("shpat_planted", "shprt_planted", 1)

    asyncio.run(story())


def test_nothing_secret_is_in_the_files(tmp_path):
    """Copies of the data folder travel (backups, support): without the key they must give nothing away."""

    async def story():
        async with opened(tmp_path) as vault:
            await committed(vault)
            files = b"".join(each.read_bytes() for each in tmp_path.iterdir() if each.name != KEY_FILE)
            assert b"planted" not in files
            assert [each.system for each in await vault.states()] == ["shopify"]
            assert "planted" not in repr(await vault.get(NAME)) + str(states_on_disk(tmp_path))

    asyncio.run(story())
    for name in (KEY_FILE, VAULT_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_another_key_is_refused_with_the_next_move(tmp_path):
    """A lost key must be told at the start, not as a refused order in the night."""

    async def story():
        async with opened(tmp_path) as vault:
            await committed(vault)
        with pytest.raises(SettingsError) as refused:
            Vault(tmp_path, VirtualClock(), environ={KEY_VARIABLE: "A" * 43 + "="})
        assert refused.value.code == "SET042" and "vault.db" in refused.value.next_move

    asyncio.run(story())


def test_a_seal_opens_only_where_it_was_made(tmp_path):
    """A row that is copied over another, or an older one that is put back, must not pass for it."""

    async def story():
        async with opened(tmp_path) as vault:
            await committed(vault)
            old = apsw.Connection(str(tmp_path / VAULT_FILE)).execute("SELECT sealed FROM token").get
            await committed(vault, msgspec.structs.replace(TOKEN, access="shpat_newer"))
            apsw.Connection(str(tmp_path / VAULT_FILE)).execute("UPDATE token SET sealed = ?", (old,))
            with pytest.raises(SettingsError, match="cannot be opened"):
                await vault.get(NAME)

    asyncio.run(story())


@pytest.mark.parametrize("key", ["", "short", "%%%", "A" * 100])
def test_a_key_that_is_none_is_refused(tmp_path, key):
    """A mistyped key must not become a weak one."""
    if not key:
        assert len(vault_key(tmp_path, {KEY_VARIABLE: ""})) == 32
        return
    with pytest.raises(SettingsError) as refused:
        vault_key(tmp_path, {KEY_VARIABLE: key})
    assert refused.value.code == "SET041" and key not in str(refused.value)


def test_the_key_file_is_made_once(tmp_path):
    """Two processes that start together must end with one key."""
    assert vault_key(tmp_path, {}) == vault_key(tmp_path, {})
    assert [each.name for each in tmp_path.iterdir()] == [KEY_FILE]


def test_a_lease_has_one_holder_until_it_ends(tmp_path):
    """Two who renew at once lock each other out (fault case 29)."""

    async def story():
        clock = VirtualClock()
        async with opened(tmp_path, clock) as one, opened(tmp_path, clock) as two:
            first = await one.lease(NAME, 15.0)
            assert first == 1 and await two.lease(NAME, 15.0) is None
            await clock.advance(15.0)
            second = await two.lease(NAME, 15.0)
            assert second == 2
            assert not await one.commit(NAME, first, TOKEN) and await one.get(NAME) is None
            await one.release(NAME, first)
            assert await one.lease(NAME, 15.0) is None
            assert await two.commit(NAME, second, TOKEN)
            assert await one.lease(NAME, 15.0) == 3

    asyncio.run(story())


def test_a_lease_from_before_the_clock_was_set_back_has_ended(tmp_path):
    """A clock that is corrected by a year must not hold tokens up for a year."""

    async def story():
        async with opened(tmp_path, VirtualClock(2_000_000_000_000)) as vault:
            assert await vault.lease(NAME, 15.0) == 1
        async with opened(tmp_path, VirtualClock()) as vault:
            assert await vault.lease(NAME, 15.0) == 2

    asyncio.run(story())


def test_a_refusal_condemns_only_the_token_that_was_used(tmp_path):
    """A 401 that arrives late must not throw away the token that replaced the refused one."""

    async def story():
        async with opened(tmp_path) as vault:
            await committed(vault)
            await vault.reject(NAME, 1)
            assert (await vault.get(NAME)).rejected
            newer = await committed(vault)
            await vault.reject(NAME, 1)
            assert newer.generation == 2 and not (await vault.get(NAME)).rejected

    asyncio.run(story())


def test_a_reload_lets_what_was_refused_be_asked_again(tmp_path):
    """After the app is installed again nobody edits a file: a reload is the word that something was done (C80)."""

    async def story():
        reconnect = Reconnect(code="app_not_installed", message="install it", credentials="c", since_ms=1)
        async with opened(tmp_path) as vault:
            await committed(vault, msgspec.structs.replace(TOKEN, reconnect=reconnect, lost_scope=("read_orders",)))
            assert states_on_disk(tmp_path)[0].reconnect == reconnect
            await vault.reconnect()
            again = await vault.get(NAME)
            assert again.reconnect is None and again.lost_scope == () and again.refresh == TOKEN.refresh

    asyncio.run(story())


def test_no_nonce_is_used_twice():
    """AES-GCM with a repeated nonce gives its key away."""
    seal = Seal(b"k" * 32)
    assert len({seal.close(b"the same", "place")[:12] for _ in range(1000)}) == 1000
