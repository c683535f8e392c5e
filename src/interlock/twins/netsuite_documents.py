"""What NetSuite does to a document: known names, sublists, the document's own total, and its status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from interlock.twins.netsuite_errors import invalid_content, invalid_reference, unknown_property, user_error
from interlock.twins.netsuite_fields import CHILDREN, CUSTOM_PREFIXES, FIELDS, READ_ONLY, STATUS_NAMES, SUBLISTS
from interlock.twins.world import content_hash

Document = dict[str, Any]
Line = dict[str, Any]
CENT = Decimal("0.01")
LINKED = ("quantityBilled", "quantityFulfilled", "quantityReceived")
"""How much of a line other documents came from."""
NOT_CONTENT = frozenset({"id", "createdDate", "lastModifiedDate", "dateCreated", "tranId", "line"})


def clean(data: Any, kind: str, *, strict: bool, path: str = "") -> Document:
    """The known members of `data` under the schema's spelling. Unknown ones are dropped, or refused when `strict`."""
    if not isinstance(data, dict):
        raise invalid_content("The request body must be a JSON object.", path)
    known = FIELDS[kind]
    cleaned: Document = {}
    for name, value in data.items():
        here = f"{path}.{name}" if path else name
        spelling = name if name.lower().startswith(CUSTOM_PREFIXES) else known.get(name.lower())
        if spelling is not None:
            cleaned[spelling] = _clean_member(spelling, value, kind, strict=strict, path=here)
        elif strict:
            raise unknown_property(name, here)
    return cleaned


def _clean_member(name: str, value: Any, kind: str, *, strict: bool, path: str) -> Any:
    if name in CHILDREN and isinstance(value, dict):
        return clean(value, CHILDREN[name], strict=strict, path=path)
    if name not in SUBLISTS or kind in SUBLISTS.values():  # a line of `apply` has a member `apply`
        return value
    sublist = clean(value, "sublist", strict=strict, path=path)
    lines = sublist.get("items", [])
    if not isinstance(lines, list):
        raise invalid_content("A sublist has its lines in items.", path)
    line_kind = SUBLISTS[name]
    return [clean(line, line_kind, strict=strict, path=f"{path}.items[{n}]") for n, line in enumerate(lines)]


def merge(old: Document | None, new: Document, replaced: Iterable[str]) -> Document:
    """The document after an update: named members change, others stay.

    A sublist line with a known `line` number updates that line; one without appends, unless the sublist is replaced
    (?replace=item). Oracle: section_159795512874.
    """
    document: Document = dict(old or {})
    replaced = {name.lower() for name in replaced}
    for name, value in new.items():
        if name in READ_ONLY:
            continue
        if name in SUBLISTS:
            kept = [] if name.lower() in replaced else list(document.get(name, []))
            document[name] = _merge_lines(kept, value, document.get(name, []), name)
        else:
            document[name] = value
    return document


def check_linked_lines(old: Document | None, new: Document, replaced: Iterable[str]) -> None:
    """Refuse to take away a line that was billed or fulfilled, or to lower it below that: other documents come from it.

    From memory: the text is in NetSuite's manner.
    """
    if "item" not in new or old is None:
        return
    stays = {str(line["line"]): line for line in new["item"] if "line" in line}
    replaces = "item" in {name.lower() for name in replaced}
    for line in old.get("item", []):
        taken = max(money(line.get(name, 0), name) for name in LINKED)
        sent = stays.get(str(line["line"]))
        left = money(line["quantity"] if sent is None else sent.get("quantity", line["quantity"]), "quantity")
        if taken and (left < taken or (replaces and sent is None)):
            raise user_error(
                f"Line {line['line']} is linked to another transaction: it cannot be removed or go below {taken}.",
                "item",
            )


def _merge_lines(kept: list[Line], incoming: list[Line], before: list[Line], sublist: str) -> list[Line]:
    by_number = {str(line["line"]): line for line in before}
    numbers = [int(line["line"]) for line in before]
    following = max(numbers, default=0) + 1
    lines = {str(line["line"]): line for line in kept}
    for n, line in enumerate(incoming):
        number = str(line["line"]) if "line" in line else str(following)
        if "line" in line and number not in by_number:
            raise invalid_reference(number, "line", f"{sublist}.items[{n}].line")
        following += "line" not in line
        known = dict(by_number.get(number, {}))
        if "amount" in line:
            known.pop("_amount_by_rate", None)
        lines[number] = {**known, **line, "line": int(number)}
    return list(lines.values())


def money(value: Any, path: str) -> Decimal:
    """A JSON number or numeric text as a Decimal. Raises nsError 400."""
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise invalid_reference(value, path.rsplit(".", 1)[-1], path) from None


def check_references(document: Document, resolve: Callable[[str, Any, str], Document]) -> Document:
    """The document with its entity and its lines' items resolved by `resolve(kind, reference, path)`."""
    lines = [
        {**line, "item": resolve("item", line.get("item"), f"item.items[{n}].item")}
        for n, line in enumerate(document.get("item", []))
    ]
    return {**document, "entity": resolve("customer", document.get("entity"), "entity"), "item": lines}


def priced(document: Document) -> Document:
    """The document with each line's amount and its own subtotal, taxTotal, discountTotal and total."""
    lines = [_priced_line(line, n) for n, line in enumerate(document.get("item", []))]
    subtotal = sum((line["amount"] for line in lines), Decimal(0))
    discount = _discount(document, subtotal)
    tax = _tax(document, lines)
    shipping = _body_amount(document, "shippingCost") + _body_amount(document, "handlingCost")
    gift = sum((money(line.get("authCodeApplied", 0), "giftCertRedemption") for line in _lines(document)), Decimal(0))
    return {
        **document,
        "item": lines,
        "subtotal": _rounded(subtotal),
        "discountTotal": _rounded(discount),
        "taxTotal": _rounded(tax),
        "total": _rounded(subtotal + discount + tax + shipping - gift),
    }


def _lines(document: Document) -> list[Line]:
    found: list[Line] = document.get("giftCertRedemption", [])
    return found


def _priced_line(line: Line, n: int) -> Line:
    quantity = money(line.get("quantity", 1), f"item.items[{n}].quantity")
    if "amount" in line and not line.get("_amount_by_rate"):
        amount = _rounded(money(line["amount"], f"item.items[{n}].amount"))
        return {**line, "amount": amount, "quantity": quantity}
    rate = money(line.get("rate", 0), f"item.items[{n}].rate")
    return {**line, "quantity": quantity, "amount": _rounded(rate * quantity), "_amount_by_rate": True}


def _discount(document: Document, subtotal: Decimal) -> Decimal:
    rate = document.get("discountRate")
    if rate is None:
        return Decimal(0)
    if isinstance(rate, str) and rate.endswith("%"):
        return _rounded(subtotal * money(rate[:-1], "discountRate") / 100)
    return money(rate, "discountRate")


def _tax(document: Document, lines: list[Line]) -> Decimal:
    """SuiteTax details when there are any, else the lines' tax and shipping tax, else the tax total as given."""
    details = document.get("taxDetails")
    if details:
        return sum((money(row.get("taxAmount", 0), "taxDetails") for row in details), Decimal(0))
    of_lines = [line[name] for line in lines for name in ("taxAmount", "tax1Amt") if name in line]
    of_body = [document[name] for name in ("shippingTaxAmount", "handlingTaxAmount") if name in document]
    if of_lines or of_body:
        return sum((money(amount, "taxAmount") for amount in of_lines + of_body), Decimal(0))
    return _body_amount(document, "taxTotal")


def _body_amount(document: Document, name: str) -> Decimal:
    return money(document.get(name) or 0, name)


def _rounded(amount: Decimal) -> Decimal:
    """Two digits at most: a currency's precision is 0 or 2 (docs.oracle.com section_N1397831). From memory: what is finer is
    rounded half up, by itself in every field.
    """
    exponent = amount.as_tuple().exponent
    return amount.quantize(CENT, ROUND_HALF_UP) if isinstance(exponent, int) and exponent < -2 else amount


def order_status(document: Document) -> str:
    """The letter of salesOrder.status that follows from approval, fulfilment, billing and closed lines."""
    lines = document.get("item", [])
    if lines and all(line.get("isClosed") for line in lines):
        return "H"
    open_lines = [line for line in lines if not line.get("isClosed")]
    billed = [_at_least(line, "quantityBilled") for line in open_lines]
    fulfilled = [_at_least(line, "quantityFulfilled") for line in open_lines]
    if billed and all(billed):
        return "G"
    if fulfilled and all(fulfilled):
        return "F"
    if any(money(line.get("quantityFulfilled", 0), "quantityFulfilled") > 0 for line in open_lines):
        return "D"
    return approval(document)


def _at_least(line: Line, name: str) -> bool:
    return money(line.get(name, 0), name) >= money(line.get("quantity", 0), "quantity")


def approval(document: Document) -> str:
    """orderStatus as its letter: "A" (the default) or "B", sent as a letter or as {"id": letter}."""
    value = document.get("orderStatus", "A")
    letter = value.get("id") if isinstance(value, dict) else value
    if letter not in ("A", "B"):
        raise invalid_reference(letter, "orderStatus", "orderStatus")
    return str(letter)


def enumeration(letter: str) -> Document:
    """A status as REST shows it."""
    return {"id": letter, "refName": STATUS_NAMES[letter]}


def digest(document: Document) -> str:
    """A hash of what a client determines: ids, dates and line numbers do not count."""
    return content_hash(_content(document))


def _content(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _content(v) for k, v in value.items() if k not in NOT_CONTENT and not k.startswith("_")}
    if isinstance(value, list):
        return [_content(member) for member in value]
    return str(value) if isinstance(value, Decimal) else value
