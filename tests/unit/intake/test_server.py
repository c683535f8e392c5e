"""The answers of the intake: problem+json with a code and a next move, and what it costs to be refused."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from door import SECRET, Entrance, a_door, order, signed

from interlock.errors import StoreError
from interlock.messaging.sqlite.packing import unpack

DEEP = b'{"id":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


@pytest.mark.parametrize(
    ("status", "code", "body", "how"),
    [
        (401, "INT004", order(1), {"secret": b"wrong"}),
        (401, "INT005", order(1), {"shop_domain": "another.myshopify.com"}),
        (400, "INT006", DEEP, {}),
        (400, "INT010", b"not json", {}),
        (400, "INT011", b"[]", {}),
        (400, "INT012", b"{}", {"topic": "themes/publish"}),
        (413, "INT007", b" " * 2_001, {}),
    ],
)
def test_a_refusal_is_problem_json(tmp_path: Path, status: int, code: str, body: bytes, how: dict[str, Any]) -> None:
    """RFC 9457: a sender can read why, with our code; nothing of the body is repeated, and no row is left."""

    async def story() -> None:
        async with Entrance(tmp_path, a_door(max_body_bytes=2_000 if status == 413 else 5_000_000)) as entrance:
            answer = await entrance.knock(body, signed(body, **how))
            assert (answer.status, answer.problem["status"], answer.problem["code"]) == (status, status, code)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.problem["type"] == f"urn:interlock:error:{code}"
            assert entrance.stored == 0
            assert entrance.intake.refused == {code: 1}

    asyncio.run(story())


def test_only_post_and_only_known_systems(tmp_path: Path) -> None:
    """A 405 says what is allowed (RFC 9110); a 404 says where to look."""

    async def story() -> None:
        async with Entrance(tmp_path) as entrance:
            answer = await entrance.knock(b"", [], method="GET")
            assert (answer.status, answer.headers["allow"], answer.problem["code"]) == (405, "POST", "INT001")
            assert (await entrance.knock(b"", [], system="../etc/passwd")).problem["code"] == "INT002"

    asyncio.run(story())


def test_a_store_that_fails_is_a_503_that_asks_to_come_again(tmp_path: Path) -> None:
    """Invariant 1: what is not durable is not acknowledged; the sender repeats it."""

    async def story() -> None:
        async with Entrance(tmp_path) as entrance:

            async def broken(_event: object) -> None:
                raise StoreError("the disk is full", code="STO002")

            entrance.inbox.append = broken  # type: ignore[method-assign,assignment]
            answer = await entrance.knock(order(1), signed(order(1)))
            assert (answer.status, answer.problem["code"], answer.headers["retry-after"]) == (503, "STO002", "30")

    asyncio.run(story())


def test_a_forger_cannot_use_up_the_rate(tmp_path: Path) -> None:
    """Ten thousand forgeries a second must not make a genuine order wait; ten thousand genuine ones are slowed down."""

    async def story() -> None:
        async with Entrance(tmp_path, a_door(rate_per_second=2.0)) as entrance:
            for _ in range(50):
                assert (await entrance.knock(order(1), signed(order(1), secret=b"no"))).status == 401
            answers = [await entrance.knock(order(n), signed(order(n))) for n in range(1, 4)]
            assert [answer.status for answer in answers] == [200, 200, 503]
            assert (answers[2].problem["code"], answers[2].headers["retry-after"]) == ("INT003", "1")

    asyncio.run(story())


def test_a_rate_below_one_is_not_a_closed_door(tmp_path: Path) -> None:
    """`rate_per_second = 0.5` means one event every two seconds."""

    async def story() -> None:
        async with Entrance(tmp_path, a_door(rate_per_second=0.5)) as entrance:
            statuses = []
            for number in range(1, 5):
                statuses.append((await entrance.knock(order(number), signed(order(number)))).status)
                entrance.clock._elapsed += 1.0
            assert statuses == [200, 503, 200, 503]

    asyncio.run(story())


def test_a_body_in_parts_is_one_body(tmp_path: Path) -> None:
    """However the network cuts it; a sender that goes away in the middle leaves nothing."""

    async def story() -> None:
        async with Entrance(tmp_path) as entrance:
            body = order(1, note="x" * 1_000)
            parts = [body[n : n + 7] for n in range(0, len(body), 7)]
            assert (await entrance.knock(body, signed(body), parts=parts)).status == 200
            ((stored, size, sha256),) = entrance.rows("SELECT body, size_bytes, sha256 FROM event")
            assert unpack(stored, size, sha256) == body
            gone = await entrance.knock(body, signed(body), parts=[])
            assert (gone.status, gone.problem["code"], entrance.stored) == (400, "INT009", 1)

    asyncio.run(story())


def test_claims_and_names_are_kept_short(tmp_path: Path) -> None:
    """What a sender chooses is kept with every arrival: 64 KB of it would fill the disk."""

    async def story() -> None:
        async with Entrance(tmp_path) as entrance:
            body = order(1, name="#" * 10_000)
            answer = await entrance.knock(
                body, signed(body, event_id="e" * 60_000, topic="t" * 60_000, triggered_at="9" * 60_000)
            )
            assert answer.status == 200
            assert entrance.rows("SELECT length(event_id), length(topic), length(name) FROM event") == [(200, 200, 100)]

    asyncio.run(story())


@pytest.mark.parametrize("id_", ["9" * 5_000, "\u0663", "1" * 33])
def test_an_id_is_a_number_of_a_sane_length(tmp_path: Path, id_: str) -> None:
    """Python refuses to read numbers of more than 4,300 digits, with an error that would have been a 500."""

    async def story() -> None:
        async with Entrance(tmp_path) as entrance:
            body = order(1, admin_graphql_api_id=f"gid://shopify/Order/{id_}")
            assert (await entrance.knock(body, signed(body))).status == 200
            assert entrance.rows("SELECT key FROM event") == [("1",)]

    asyncio.run(story())


def test_a_secret_of_two_shops_proves_neither(tmp_path: Path) -> None:
    """Case 9: with one secret for two shops the content is not believed; it is read from the shop that the endpoint belongs to."""

    async def story() -> None:
        doors = [
            a_door("shop-a", shop="a.example", shares_secret=True),
            a_door("shop-b", shop="b.example", shares_secret=True),
        ]
        async with Entrance(tmp_path, *doors) as entrance:
            sent = signed(order(1), secret=SECRET, shop_domain="b.example")
            assert (await entrance.knock(order(1), sent, system="shop-b")).status == 200
            assert entrance.rows("SELECT complete, flags FROM event") == [(0, "shop-unproven")]

    asyncio.run(story())


SAMPLES = Path(__file__).parents[2] / "fixtures" / "shopify"
ORDER, CUSTOMER = ((SAMPLES / f"webhook.{topic}.json").read_bytes() for topic in ("orders.updated", "customers.create"))


@pytest.mark.parametrize(("body", "name"), [(ORDER, "order"), (CUSTOMER, "customer")])
def test_a_trimmed_webhook_is_not_the_whole_object(tmp_path: Path, body: bytes, name: str) -> None:
    """What a flow's `fields` leave out is not empty at the source: the object is read, whatever topic the headers claim. The
    controls, of which nothing or another object is trimmed, are taken as they came."""

    async def story() -> None:
        doors = [
            a_door("cut", trimmed=frozenset({name})),
            a_door("other", trimmed=frozenset({"product"})),
            a_door("whole"),
        ]
        async with Entrance(tmp_path, *doors) as entrance:
            for topic in ("orders/create", "themes/publish"):
                for door in doors:
                    assert (await entrance.knock(body, signed(body, topic=topic, event_id=topic), system=door.system)).status == 200
            rows = entrance.rows("SELECT system, object, complete, summary != '' FROM event WHERE version > 0")
            told = name == "order"
            assert set(rows) == {("cut", name, 0, 0), ("other", name, 1, told), ("whole", name, 1, told)}

    asyncio.run(story())
