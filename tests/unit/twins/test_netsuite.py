"""The NetSuite twin keeps NetSuite's rules: tokens, upsert by external id, sublists, totals, refusals, governance."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

RECORDS = "/services/rest/record/v1"
TOKEN = "/services/rest/auth/oauth2/v1/token"
AUTHORIZED = {"authorization": "Bearer twin-token"}
CUSTOMERS = {"customers": [{"id": "110", "externalId": "C1"}]}


def order(**changes: Any) -> dict[str, Any]:
    line = {"item": {"externalId": "SKU-1"}, "quantity": 2, "rate": 19.95}
    return {"entity": {"externalId": "C1"}, "item": {"items": [line]}} | changes


@pytest.fixture
def netsuite(start_twin: Any) -> Any:
    """A twin with one customer and any item."""
    return start_twin("netsuite", CUSTOMERS, AUTHORIZED)


def shown(twin: Any, name: str = "eid:SO1", kind: str = "salesOrder") -> dict[str, Any]:
    answer = twin.send("GET", f"{RECORDS}/{kind}/{name}?expandSubResources=true")
    assert answer.status == 200, answer.text
    return dict(answer.json)


def test_upsert_twice_is_one_create(netsuite: Any) -> None:
    """PUT eid: is what makes a retry safe (invariant 3): the second is an update with the same hash."""
    first = netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1?replace=item", order())
    assert (first.status, first.text) == (204, "")
    assert "/salesOrder/" in first.headers["location"]
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1?replace=item", order())
    create, update = netsuite.effects()
    assert (create["kind"], update["kind"]) == ("salesOrder.create", "salesOrder.update")
    assert create["hash"] == update["hash"]
    assert netsuite.summary()["duplicates"] == []
    assert len(shown(netsuite)["item"]["items"]) == 1


def test_retried_patch_without_line_appends(netsuite: Any) -> None:
    """NetSuite's trap: a line without a number is a new line, so a blind retry doubles the order."""
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order())
    for _ in range(2):
        body = {"item": {"items": [{"item": {"externalId": "SKU-2"}, "amount": 5}]}}
        assert netsuite.send("PATCH", f"{RECORDS}/salesOrder/eid:SO1", body).status == 204
    record = shown(netsuite)
    assert [line["line"] for line in record["item"]["items"]] == [1, 2, 3]
    assert record["total"] == 49.90


def test_replace_item_and_update_by_line(netsuite: Any) -> None:
    """?replace=item replaces the sublist; a line number updates that line and leaves its other members."""
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order())
    patch = {"item": {"items": [{"line": 1, "quantity": 3}]}}
    assert netsuite.send("PATCH", f"{RECORDS}/salesOrder/eid:SO1", patch).status == 204
    assert shown(netsuite)["total"] == 59.85
    other = {"item": {"items": [{"item": {"externalId": "SKU-9"}, "amount": 7}]}}
    netsuite.send("PATCH", f"{RECORDS}/salesOrder/eid:SO1?replace=item", other)
    lines = shown(netsuite)["item"]["items"]
    assert [(line["item"]["externalId"], line["amount"]) for line in lines] == [("SKU-9", 7)]


def test_a_name_that_is_too_long_is_refused(netsuite: Any) -> None:
    """C23: an order whose customer NetSuite does not take is an order that is missing there."""
    person = {"isPerson": True, "firstName": "Ann", "lastName": "x" * 33}
    refused = netsuite.send("PUT", f"{RECORDS}/customer/eid:c", person)
    assert refused.status == 400
    assert "lastname contained more than the maximum number ( 32 )" in str(refused.json)
    assert netsuite.send("PUT", f"{RECORDS}/customer/eid:c", person | {"lastName": "x" * 32}).status == 204


def test_the_document_computes_its_own_total(netsuite: Any) -> None:
    """Money tests compare with the vendor's own sum, in exact decimals, of every component."""
    body = order(
        shippingCost=4.99,
        discountRate=-3,
        taxDetailsOverride=True,
        taxDetails={"items": [{"taxAmount": 0.1}, {"taxAmount": 0.2}]},
        giftCertRedemption={"items": [{"authCode": {"id": "1"}, "authCodeApplied": 10}]},
    )
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", body)
    answer = netsuite.send("GET", f"{RECORDS}/salesOrder/eid:SO1").text
    assert '"subtotal":39.90,' in answer
    assert '"taxTotal":0.3,' in answer
    assert '"total":32.19' in answer


def test_every_amount_has_two_digits(netsuite: Any) -> None:
    """C33: NetSuite holds no third digit, not of dinars either: who sends it finds another total than that of his lines."""
    lines = [{"item": {"externalId": "SKU-1"}, "quantity": 1, "amount": 1.235}] * 3
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(item={"items": lines}))
    found = shown(netsuite)
    assert [line["amount"] for line in found["item"]["items"]] == [1.24] * 3
    assert found["total"] == 3.72


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"entity": {"externalId": "nobody"}}, "INVALID_CONTENT", "entity"),
    ({"entity": None}, "USER_ERROR", "entity"),
    ({"item": {"items": []}}, "USER_ERROR", "item"),
    ({"item": {"items": [{"item": {"id": 9999}, "amount": 1}]}}, "INVALID_CONTENT", "item.items[0].item"),
    ({"orderStatus": {"id": "Z"}}, "INVALID_CONTENT", "orderStatus"),
]


def test_refusals_have_nserror(start_twin: Any) -> None:
    """A connector tells a person what to mend from o:errorCode and o:errorPath."""
    twin = start_twin("netsuite", CUSTOMERS | {"items": ["SKU-1"]}, AUTHORIZED)
    for change, code, path in REFUSED:
        answer = twin.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(**change))
        detail = answer.json["o:errorDetails"][0]
        assert (answer.status, answer.json["status"], answer.json["title"]) == (400, 400, "Bad Request")
        assert (detail["o:errorCode"], detail["o:errorPath"]) == (code, path)
    assert twin.summary()["total"] == 0


def test_unknown_property_is_dropped_unless_asked(netsuite: Any) -> None:
    """With the default Warning a misspelt name vanishes silently; with Error it is a 400. Custom fields are known."""
    body = order(memmo="typo", custbody_shop="S", otherrefnum="11037")
    assert netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", body).status == 204
    record = shown(netsuite)
    assert "memmo" not in record
    assert (record["custbody_shop"], record["otherRefNum"]) == ("S", "11037")
    strict = {"X-NetSuite-PropertyNameValidation": "Error"}
    answer = netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO2", body, strict)
    assert (answer.status, answer.json["o:errorDetails"][0]["o:errorPath"]) == (400, "memmo")


def test_references_may_be_ids_external_ids_or_eid(netsuite: Any) -> None:
    """The forms of Oracle's samples and help pages, all of which name the same customer."""
    for number, entity in enumerate(({"id": "110"}, {"id": 110}, {"externalId": "C1"}, {"id": "eid:C1"}, "110")):
        answer = netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:R{number}", order(entity=entity))
        assert answer.status == 204, answer.text
        assert shown(netsuite, f"eid:R{number}")["entity"]["id"] == "110"


def test_customer_upsert_then_order(netsuite: Any) -> None:
    """An order needs its customer first, as the hub's flows must arrange."""
    assert netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(entity={"externalId": "C2"})).status == 400
    person = {"isPerson": True, "firstName": "Ann", "lastName": "Lee", "email": "a@b.co", "subsidiary": {"id": "1"}}
    assert netsuite.send("PUT", f"{RECORDS}/customer/eid:C2", person).status == 204
    assert netsuite.send("PUT", f"{RECORDS}/customer/eid:C2", {"email": "new@b.co"}).status == 204
    record = shown(netsuite, "eid:C2", "customer")
    assert (record["email"], record["entityId"]) == ("new@b.co", "Ann Lee")
    assert netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(entity={"externalId": "C2"})).status == 204
    assert netsuite.send("PUT", f"{RECORDS}/customer/eid:C3", {"email": "x@b.co"}).status == 400


def test_post_repeats_are_refused_or_counted(start_twin: Any) -> None:
    """Control: with the vendor's own check off, a naive client's retry is a duplicate that the summary shows."""
    strict = start_twin("netsuite", CUSTOMERS, AUTHORIZED)
    body = order(externalId="SO1")
    assert [strict.send("POST", f"{RECORDS}/salesOrder", body).status for _ in range(2)] == [204, 400]
    naive = start_twin("netsuite", CUSTOMERS | {"unique_external_id": False}, AUTHORIZED, data="naive")
    assert [naive.send("POST", f"{RECORDS}/salesOrder", body).status for _ in range(2)] == [204, 204]
    assert naive.summary()["duplicates"] == [{"key": "SO1", "kind": "salesOrder.create", "count": 2}]


def test_closing_all_lines_closes_the_order(netsuite: Any) -> None:
    """Cancelling over REST is closing each line (Oracle: section_159795516182)."""
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(orderStatus={"id": "B"}))
    assert shown(netsuite)["status"] == {"id": "B", "refName": "Pending Fulfillment"}
    close = {"item": {"items": [{"line": 1, "isclosed": True}]}}
    assert netsuite.send("PATCH", f"{RECORDS}/salesOrder/eid:SO1", close).status == 204
    assert shown(netsuite)["status"]["refName"] == "Closed"


def test_transform_bills_what_is_open(netsuite: Any) -> None:
    """An invoice takes the open quantities once; more than is left is refused."""
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(orderStatus={"id": "B"}))
    url = f"{RECORDS}/salesOrder/eid:SO1/!transform/invoice"
    part = netsuite.send("POST", url, {"item": {"items": [{"orderLine": 1, "quantity": 1}]}})
    assert part.status == 204
    assert shown(netsuite, part.headers["location"].rsplit("/", 1)[1], "invoice")["total"] == 19.95
    assert netsuite.send("POST", url).status == 204
    assert shown(netsuite)["status"]["refName"] == "Billed"
    assert netsuite.send("POST", url).status == 400
    assert netsuite.summary()["by_kind"]["invoice.create"] == 2


def test_get_delete_and_not_found(netsuite: Any) -> None:
    """Sublists are links unless expanded; a deleted record is NONEXISTENT_ID and may be created again."""
    netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order())
    record = netsuite.send("GET", f"{RECORDS}/salesOrder/eid:SO1").json
    assert set(record["item"]) == {"links"}
    narrow = netsuite.send("GET", f"{RECORDS}/salesOrder/{record['id']}?fields=externalId,total").json
    assert set(narrow) == {"links", "id", "externalId", "total"}
    assert netsuite.send("DELETE", f"{RECORDS}/salesOrder/eid:SO1").status == 204
    gone = netsuite.send("GET", f"{RECORDS}/salesOrder/eid:SO1")
    assert (gone.status, gone.json["o:errorDetails"][0]["o:errorCode"]) == (404, "NONEXISTENT_ID")
    assert netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order()).status == 204
    assert netsuite.summary()["duplicates"] == []


def test_look_up_by_q_and_suiteql(netsuite: Any) -> None:
    """How a connector asks whether an uncertain write happened."""
    for name in ("SO1", "SO2", "SO3"):
        netsuite.send("PUT", f"{RECORDS}/salesOrder/eid:{name}", order(memo=f"memo {name}"))
    query = urlencode({"q": 'externalId IS "SO2"'})
    found = netsuite.send("GET", f"{RECORDS}/salesOrder?{query}").json
    assert (found["count"], found["totalResults"], found["hasMore"]) == (1, 1, False)
    sql = {
        "q": "SELECT id, externalid, memo FROM transaction WHERE externalid IN ('SO1', 'SO3') ORDER BY externalid DESC"
    }
    answer = netsuite.send("POST", "/services/rest/query/v1/suiteql?limit=1&offset=1", sql, {"Prefer": "transient"})
    assert [row["externalid"] for row in answer.json["items"]] == ["SO1"]
    assert netsuite.send("POST", "/services/rest/query/v1/suiteql", sql).status == 400


def test_concurrency_is_limited_for_the_account(start_twin: Any) -> None:
    """Governance counts requests at once: one over the limit gets 429 CONCURRENCY_LIMIT_EXCEEDED and no Retry-After."""
    twin = start_twin("netsuite", CUSTOMERS | {"concurrency": 2, "latency_seconds": 1}, AUTHORIZED)
    with ThreadPoolExecutor(3) as pool:
        names = ("A", "B", "C")
        answers = list(pool.map(lambda n: twin.send("PUT", f"{RECORDS}/salesOrder/eid:{n}", order()), names))
    assert sorted(answer.status for answer in answers) == [204, 204, 429]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.json["o:errorDetails"][0]["o:errorCode"] == "CONCURRENCY_LIMIT_EXCEEDED"
    assert "retry-after" not in refused.headers
    assert twin.summary()["total"] == 2


def test_injected_status_has_nserror(netsuite: Any) -> None:
    """Faults speak the vendor's dialect too."""
    netsuite.add_fault(kind="status", status=503, count=1)
    assert (
        netsuite.send("GET", f"{RECORDS}/salesOrder").json["o:errorDetails"][0]["o:errorCode"] == "SERVICE_UNAVAILABLE"
    )


def test_no_or_wrong_token_is_invalid_login(netsuite: Any) -> None:
    """401 with Oracle's code, for any Authorization that is not a live token."""
    for value in ("", "Bearer wrong", "OAuth realm=x"):
        answer = netsuite.send("GET", f"{RECORDS}/salesOrder", headers={"authorization": value})
        assert (answer.status, answer.json["o:errorDetails"][0]["o:errorCode"]) == (401, "INVALID_LOGIN")


def keys(algorithm: str) -> tuple[Any, str]:
    private: Any
    if algorithm.startswith("PS"):
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return (RSAKey if algorithm.startswith("PS") else ECKey).import_key(secret), public


def assertion(key: Any, algorithm: str, claims: dict[str, Any], kid: str = "K1") -> dict[str, str]:
    signed = jwt.encode({"typ": "JWT", "alg": algorithm, "kid": kid}, claims, key, algorithms=[algorithm])
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_client_credentials(start_twin: Any, algorithm: str) -> None:
    """A signed assertion gives a token of an hour; each wrong claim, key or kid is refused."""
    key, public = keys(algorithm)
    twin = start_twin("netsuite", CUSTOMERS | {"clients": [{"client_id": "app", "certificates": {"K1": public}}]})
    now = int(time.time())
    good = {"iss": "app", "scope": ["rest_webservices"], "aud": twin.url + TOKEN, "iat": now, "exp": now + 300}

    def exchange(form: dict[str, str]) -> Any:
        return twin.send("POST", TOKEN, urlencode(form), {"content-type": "application/x-www-form-urlencoded"})

    answer = exchange(assertion(key, algorithm, good))
    assert (answer.status, answer.json["expires_in"], answer.json["token_type"]) == (200, "3600", "bearer")
    bearer = {"authorization": f"Bearer {answer.json['access_token']}"}
    assert twin.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(), bearer).status == 204
    wrong = [
        assertion(key, algorithm, good | {"aud": "https://elsewhere"}),
        assertion(key, algorithm, good | {"iss": "other"}),
        assertion(key, algorithm, good | {"exp": now + 3700}),
        assertion(key, algorithm, good | {"exp": now - 1}),
        assertion(key, algorithm, good | {"scope": "everything"}),
        assertion(key, algorithm, good, kid="K2"),
        assertion(keys(algorithm)[0], algorithm, good),
        assertion(key, algorithm, good) | {"grant_type": "password"},
    ]
    assert {exchange(form).status for form in wrong} <= {400, 401}
    assert twin.send("GET", f"{RECORDS}/salesOrder", headers=AUTHORIZED).status == 401
