"""What goes out of the refunds of the money cases: in both currencies, to the cent, on the account of each gateway (C34)."""

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from content import CHARGES, SKU_RULE
from money_cases import Case, Writer, codes, money_cases, pair

from interlock.canonical import load_contracts
from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Http, MappingError, Past, Plan
from interlock.mapping import Context, compile_in, compile_out, connector_functions, connector_mapping, load_items

NETSUITE = connector_mapping("netsuite")
REFUND = load_contracts()["refund.v1"]
READ = compile_in(connector_mapping("shopify").table_in("refund"), REFUND, connector_functions("shopify"))
WRITE = {
    name: compile_out(NETSUITE.table_out("refund", name), REFUND, connector_functions("netsuite"))
    for name in ("creditMemo", "customerRefund")
}
ZONE = ZoneInfo("America/New_York")
CENT = Decimal("0.01")
PAID_OUT = [case for _, case in money_cases() if "refund" in case and not case.get("waits")]


def payments(case: Case) -> list[dict[str, Any]]:
    """The payments of a case with their gateways."""
    rows = [row if isinstance(row, dict) else {"amount": row} for row in case["refund"].get("payments", [])]
    return [{"gateway": "shopify_payments", **row} for row in rows]


def account_of(gateway: str) -> str:
    return f"account of {gateway}"


def planned(case: Case, side: str, gateways: set[str]) -> Plan:
    """What NetSuite is sent of a case, with an account for each of these gateways."""
    refund = READ(Writer(case).refund(), Context(system="shopify", timezone=ZONE))
    settings: dict[str, Any] = {f"{name}_item": f"{name} item" for name in (*CHARGES, "refund_adjustment")}
    settings |= {"currencies": {code: code for code in codes(case)}, "order_currency": side}
    settings |= {"refund_accounts": {name: account_of(name) for name in gateways}}
    items = load_items(f"[netsuite]\n{SKU_RULE}")["netsuite"]
    context = Context(system="netsuite", settings=NETSUITE.settings_with(settings), items=items, timezone=ZONE)
    secrets = {"client_id": "client", "certificate_id": "cert", "private_key": "key"}
    connection = Connection(
        system="netsuite", url="http://127.0.0.1:1", settings=settings, credentials=secrets, http=Http([]),
        clock=SystemClock(), builders={name: writer.bound(context) for name, writer in WRITE.items()},
    )  # fmt: skip
    return registry.open_destination("netsuite", connection).plan(refund, signal="", past=Past())


def body_of(write: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write.body, parse_float=Decimal, parse_int=Decimal)
    return found


@pytest.mark.parametrize("side", ["shop", "presentment"])
def test_each_payment_of_each_case_goes_out_once(side: str) -> None:
    """C32, C34, C42, C57: the payments, on their accounts, in the currency of the credit memo; what they leave of it stays
    open, and none goes below nothing."""
    at = ("shop", "presentment").index(side)
    for case in PAID_OUT:
        given = [(row["gateway"], pair(row["amount"])[at].quantize(CENT, ROUND_HALF_UP)) for row in payments(case)]
        plan = planned(case, side, {gateway for gateway, _ in given} or {"none"})
        if not plan.writes:
            assert not any(amount for _, amount in given), case["id"]
            continue
        credit, *payouts = map(body_of, plan.writes)
        lines = [(body["account"]["id"], body["apply"]["items"][0]["amount"]) for body in payouts]
        assert lines == [(account_of(gateway), amount) for gateway, amount in given], case["id"]
        assert {body["currency"]["id"] for body in payouts} <= {credit["currency"]["id"]} == {codes(case)[at]}
        assert len({body["externalId"] for body in payouts}) == len(payouts)
        assert all(body["externalId"].startswith(f"{credit['externalId']}-payment-") for body in payouts)
        owed = sum((line["amount"] for line in credit["item"]["items"]), Decimal(0))
        rest = owed - sum((amount for _, amount in lines), Decimal(0))
        assert rest >= 0, case["id"]
        assert any("not paid out" in word for word in plan.warnings) == (rest > 0), (case["id"], plan.warnings)


def test_there_are_payments_over_several_gateways_and_in_two_currencies() -> None:
    """The cases prove what they have in them."""
    several = [case["id"] for case in PAID_OUT if len({row["gateway"] for row in payments(case)}) > 1]
    abroad = [case["id"] for case in PAID_OUT if payments(case) and len(set(codes(case))) > 1]
    credit = [case["id"] for case in PAID_OUT if any(row["gateway"] in CREDIT for row in payments(case))]
    assert several and len(abroad) > 3 and len(credit) > 1


CREDIT = ("gift_card", "shopify_store_credit")


def test_control_an_account_for_everything_else_would_hide_a_gateway() -> None:
    """Control: with one gateway less than the case pays over, the plan stops and names it, in every case that pays."""
    stopped = 0
    for case in PAID_OUT:
        gateways = {row["gateway"] for row in payments(case)}
        for missing in gateways:
            with pytest.raises(MappingError) as raised:
                planned(case, "shop", gateways - {missing} | {"another"})
            assert raised.value.code == "MAP003" and repr(missing) in raised.value.what
            stopped += 1
    assert stopped > 30
