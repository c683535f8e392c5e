"""Fault case 59: over 300 error answers, each classified as its table says; unknown is uncertain, never success."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from interlock.connectors import registry
from interlock.connectors.http import Answer
from interlock.connectors.verdict import ErrorTable, Reader, classify
from interlock.messaging.outcome import Done, Outcome, Refused, verdict

FOLDER = Path(__file__).parents[2] / "fixtures" / "vendor-errors"
ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for name in ("published", "generated")
    for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
]
READERS = {"netsuite": ["_saved"], "shipbob": ["_created", "_cancelled"], "klaviyo": ["_accepted", "_imported"]}


def readers(vendor: str) -> list[Reader]:
    client = importlib.import_module(f"interlock.connectors.{vendor}.client")
    return [getattr(client, name) for name in READERS.get(vendor, ["_created"])]


def answered(row: dict[str, Any]) -> Answer:
    return Answer(row["status"], row["headers"], row["body"].encode("utf-8", "surrogateescape"))


def named(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"waits:{outcome.waiting_for}" if outcome.waiting_for else outcome.reason
    return verdict(outcome)


def test_there_are_enough_and_of_every_kind() -> None:
    """A corpus that shrinks by mistake proves nothing."""
    kinds = Counter(row["expected"].partition(":")[0] for row in ROWS)
    assert len(ROWS) >= 300
    assert {"retry", "uncertain", "waits", "authentication", "permission", "validation", "conflict", "gone"} <= set(
        kinds
    )


@pytest.mark.parametrize("vendor", ["netsuite", "shipbob", "klaviyo", "shopify"])
def test_each_answer_is_classified_as_its_table_says(vendor: str) -> None:
    """One wrong row is one class of orders that is lost, doubled or stuck."""
    table = registry.manifest(vendor).error_table
    wrong = [
        (row["name"], row["status"], row["expected"], named(outcome))
        for row in ROWS
        if row["vendor"] == vendor
        for reader in readers(vendor)
        if named(outcome := classify(answered(row), table, reader)) != row["expected"]
    ]
    assert wrong == []


def test_no_error_is_a_success() -> None:
    """The one mistake that nobody would see."""
    for row in ROWS:
        for reader in readers(row["vendor"]):
            assert not isinstance(classify(answered(row), registry.manifest(row["vendor"]).error_table, reader), Done)


def test_control_a_reader_that_trusts_the_status_calls_errors_success() -> None:
    """Control: `200 means done` would lose at least twenty kinds of answers for each vendor."""

    def trusting(answer: Answer) -> Done:
        return Done(status=answer.status)

    taken = [row for row in ROWS if isinstance(classify(answered(row), ErrorTable(), trusting), Done)]
    assert len(taken) >= 80
