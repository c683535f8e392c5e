"""The command consumers: from a store that a demo has filled, and with a version that has ended."""

from pathlib import Path

import apsw
from commandline import call, said

CHANGE = """\
title = "An order says what it is for"
kind = "compatible"
owner = "finance-systems"
object = "order.v2"
replaces = "order.v1"
sunset_on = 2020-01-01
consumers = ["order-to-erp"]
"""


def test_consumers_come_from_what_ran(filled: Path) -> None:
    """A hub that ended wrote down what it used: four flows, one mapping that reads and three that write orders; stock goes by none."""
    found = call("consumers", "--folder", filled, "--json")
    assert found.exit_code == 0, found.stderr
    *rows, summary = said(found)
    assert {(row["part"], row["name"]) for row in rows} == {
        ("flow", "order-to-erp"), ("flow", "order-to-wms"), ("flow", "order-to-marketing"), ("flow", "stock-to-shopify"),
        ("reads", "shopify"), ("writes", "netsuite"), ("writes", "shipbob"), ("writes", "klaviyo"),
    }  # fmt: skip
    assert {row["version"] for row in rows} == {"order.v1", "inventory_level.v1"}
    assert summary["ended_and_used"] == 0


def test_a_version_that_has_ended_and_is_used_fails_the_command(filled: Path) -> None:
    """A scheduled check notices what nobody looks at; the control is the test above."""
    (filled / "changes").mkdir(exist_ok=True)
    (filled / "changes" / "0099.toml").write_text(CHANGE)
    (filled / "objects").mkdir(exist_ok=True)
    (filled / "objects" / "order.v2.toml").write_text('extends = "order.v1"\n')
    found = call("consumers", "order.v1", "--folder", filled, "--json")
    assert found.exit_code == 1, found.stderr
    rows = said(found)
    assert {row["announced"] for row in rows if "announced" in row} == {True, False}
    assert any(row.get("stage") == "sunset" for row in rows)


def test_a_store_of_an_older_version_has_none(filled: Path) -> None:
    """Beside a hub that was not started since the upgrade the command says so instead of failing."""
    connection = apsw.Connection(str(filled / "data" / "ledger.db"))
    connection.execute("DROP TABLE consumer")
    connection.close()
    found = call("consumers", "--folder", filled)
    assert (found.exit_code, found.stdout) == (0, "0 versions in use\n")
