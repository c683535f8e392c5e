"""Fault case 59: error bodies of vendors, each classified as its table says; what nobody described is uncertain, never success."""

import importlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from experiment import Experiment

from interlock.connectors import registry
from interlock.connectors.http import Answer
from interlock.connectors.shopify.reply import failure, read_reply
from interlock.connectors.verdict import ErrorTable, Reader, classify
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain, verdict

FOLDER = Path(__file__).parents[1] / "fixtures" / "vendor-errors"
ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for name in ("published", "generated")
    for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
]
VENDORS = ("netsuite", "shipbob", "klaviyo", "shopify")
READERS = {
    "shopify": ["carried_out"],
    "netsuite": ["_saved"],
    "shipbob": ["_created", "_cancelled"],
    "klaviyo": ["_accepted", "_imported"],
}
CLIENTS = {"shopify": "reply"}
SUCCESS_BY_STATUS_ALONE = {"_saved": 204, "_accepted": 202}
"""Documented answers without a body that could prove anything."""
NOT_AN_ID = {"", "None", "True", "False", "null", "[]", "{}", "nan"}


def readers(vendor: str) -> list[Reader]:
    client = importlib.import_module(f"interlock.connectors.{vendor}.{CLIENTS.get(vendor, 'client')}")
    return [getattr(client, name) for name in READERS[vendor]]


def answered(row: dict[str, Any]) -> Answer:
    return Answer(row["status"], row["headers"], row["body"].encode("utf-8", "surrogateescape"))


def named(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"waits:{outcome.waiting_for}" if outcome.waiting_for else outcome.reason
    return verdict(outcome)


def verdicts(classified: Callable[[dict[str, Any], Reader], Outcome]) -> Iterator[tuple[dict[str, Any], Outcome]]:
    """Every row as every reader of its vendor takes it."""
    return ((row, classified(row, reader)) for row in ROWS for reader in readers(row["vendor"]))


def by_table(row: dict[str, Any], reader: Reader) -> Outcome:
    answer, manifest = answered(row), registry.manifest(row["vendor"])
    if row["vendor"] == "shopify":  # its errors come in a 200, so they are read apart from the data
        return reader(answer) or failure(answer, read_reply(answer), manifest, sent=b"", now_ms=0)
    return classify(answer, manifest.error_table, reader)


def trusting(row: dict[str, Any], _reader: Reader) -> Outcome:
    """Control: `2xx means done`, as a client is written on the first day."""
    return classify(answered(row), ErrorTable(), lambda answer: Done(status=answer.status))


def optimistic(row: dict[str, Any], reader: Reader) -> Outcome:
    """Control: what is not understood is taken for done."""
    outcome = classify(answered(row), ErrorTable(), reader)
    return Done(status=row["status"]) if isinstance(outcome, Uncertain) else outcome


def wrong(classified: Callable[[dict[str, Any], Reader], Outcome]) -> list[tuple[str, str, str, str]]:
    """Vendor, name, what was expected and what came out, for rows that are read wrongly."""
    return [
        (row["vendor"], row["name"], row["expected"], named(outcome))
        for row, outcome in verdicts(classified)
        if named(outcome) != row["expected"]
    ]


def test_each_body_is_classified_as_its_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Case 59: 386 bodies of four vendors; one wrong row is one class of orders that is lost, doubled or stuck."""
    run = Experiment("59", suite=300, table=300, capsys=capsys)
    found = wrong(by_table)
    read_as_done = sum(isinstance(outcome, Done) for _, outcome in verdicts(by_table))
    naive = [sum(isinstance(outcome, Done) for _, outcome in verdicts(control)) for control in (trusting, optimistic)]
    kinds = Counter(named(outcome).partition(":")[0] for _, outcome in verdicts(by_table))
    run.report(
        faults=len(ROWS), trials=len(ROWS), wrong=len(found), read_as_done=read_as_done, kinds=dict(kinds),
        control=f"trusting 2xx reads {naive[0]} as done, and unknown as done {naive[1]}",
    )  # fmt: skip
    assert found == []
    assert read_as_done == 0
    assert naive[0] >= 80
    assert naive[1] >= 150
    assert {"retry", "uncertain", "waits", "authentication", "permission", "validation", "conflict", "gone"} <= set(
        kinds
    )


JUNK = (
    None,
    True,
    False,
    0,
    -1,
    1,
    1.5,
    math.inf,
    "",
    "0",
    "ok",
    "12",
    [],
    {},
    [1],
    {"id": 1},
    {"id": None},
    "\ud800",
    "x" * 200,
)
KEYS = (
    "id",
    "data",
    "order",
    "webhook",
    "errors",
    "status",
    "success",
    "canceled_shipment_results",
    "is_success",
    "attributes",
    "links",
    "o:errorDetails",
)


def invented(chance: random.Random, depth: int = 0) -> Any:
    """JSON that looks a little like an answer."""
    kind = chance.random()
    if depth > 3 or kind < 0.45:
        return chance.choice(JUNK)
    if kind < 0.6:
        return [invented(chance, depth + 1) for _ in range(chance.randint(0, 2))]
    return {chance.choice(KEYS): invented(chance, depth + 1) for _ in range(chance.randint(0, 3))}


def damaged(chance: random.Random) -> Answer:
    """A known error or invented JSON under any status, cut, doubled or with bytes exchanged."""
    known = chance.random() < 0.5
    body = answered(chance.choice(ROWS)).body if known else json.dumps(invented(chance)).encode()
    match chance.randrange(4):
        case 0:
            body = body[: chance.randint(0, len(body))]
        case 1:
            body = bytes(chance.randrange(256) if chance.random() < 0.02 else byte for byte in body)
        case 2:
            body = body + body
    status = chance.choice(
        [200, 200, 201, 201, 202, 203, 204, 206, 207, 226, 299, 301, 304, 500, 502, 503, 504, 520, 599]
    )
    return Answer(
        status, chance.choice([{}, {"location": "/x"}, {"retry-after": "-1"}, {"content-type": "text/html"}]), body
    )


def proven(answer: Answer, outcome: Done) -> bool:
    """A success names the record that it made, and the answer has that name in it; or its status is the documented proof."""
    if answer.status in SUCCESS_BY_STATUS_ALONE.values():
        return True
    return outcome.external_id not in NOT_AN_ID and outcome.external_id.encode() in answer.body


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_nobody_described_is_never_success(vendor: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 59: damaged and invented answers never raise; success only where the answer proves it; 5xx is uncertain or told by a row."""
    run = Experiment(f"59 (invented, {vendor})", suite=2_000, table=200_000, capsys=capsys)
    table, ended = registry.manifest(vendor).error_table, Counter[str]()
    unproven = []
    for _ in range(run.size):
        answer = damaged(run.chance)
        for reader in readers(vendor):
            outcome = classify(answer, table, reader)
            ended[type(outcome).__name__] += 1
            if (
                isinstance(outcome, Done)
                and vendor != "shopify"
                and not (proven(answer, outcome) or outcome.detail == "cancelled")
            ):
                unproven.append((answer.status, answer.body[:80], outcome))
            if answer.status in (500, 502, 504, 520, 599):
                assert isinstance(outcome, Uncertain | Retry | Refused)
    run.report(faults=run.size, trials=run.size, ended=dict(ended), unproven=len(unproven), control="see case 59")
    assert unproven == []
