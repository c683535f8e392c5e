"""Files are taken apart whatever they look like, and however little of them is in memory at a time."""

from __future__ import annotations

import io
from typing import Any

import pytest

from interlock.connectors.drop.rows import Rows
from interlock.errors import IntakeError
from interlock.intake import rows
from interlock.intake.rows import form_of, layout_of, rows_of
from interlock.messaging.dropped import Form, Row, Wrong

READER = Rows({}, 1_800_000_000_000)


def taken(body: bytes, form: Form) -> tuple[list[str], list[Wrong], dict[str, Any]]:
    """SKUs, wrong rows, and what the file says of itself."""
    skus: list[str] = []
    wrong: list[Wrong] = []
    said: dict[str, Any] = {}
    for told in rows_of(io.BytesIO(body), form, READER):
        match told:
            case Row():
                skus.append(told.sku)
            case Wrong():
                wrong.append(told)
            case _:
                said |= told
    return skus, wrong, said


def a(sku: str) -> str:
    return f'{{"sku": "{sku}", "location": "M", "available": 1}}'


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize(
    "body",
    [
        '{"kind": "changes", "count": 2, "rows": [' + a("S1") + "," + a("\u00c4\u2603") + "]}",
        '\ufeff{"rows":\n[' + a("S1") + "\n,\n" + a("\u00c4\u2603") + ' ] , "count": 2, "kind": "changes"}\n',
    ],
)
def test_json_however_it_is_cut(monkeypatch: pytest.MonkeyPatch, body: str, size: int) -> None:
    """Characters, numbers and rows that end at the edge of a piece are whole; what the file says may stand behind its rows."""
    monkeypatch.setattr(rows, "READ_BYTES", size)
    skus, wrong, said = taken(body.encode(), "json")
    assert (skus, wrong, layout_of(said, READER).count) == (["S1", "\u00c4\u2603"], [], 2)


def test_a_list_of_rows_and_one_that_is_none() -> None:
    """An element that is no object is named by its number; the rest goes on."""
    skus, wrong, _ = taken(f"[{a('S1')}, 5, {a('S2')}]".encode(), "json")
    assert (skus, [(one.line, one.why) for one in wrong]) == (["S1", "S2"], [(2, "it is no JSON object")])
    assert taken(b"[]", "json") == ([], [], {})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"5", b"[", b'[{"sku": "A"', b"[1 2]", b'{"rows": 5}', b'{"rows": [] "count": 1', b"[] []", b'{"rows": [}]}',
        b'[{"sku": "' + b"x" * 70_000, b'["\xff"]', b'{"count": 1',
    ],
)  # fmt: skip
def test_json_that_is_broken_is_refused_as_a_whole(body: bytes) -> None:
    """Behind a broken value nobody knows where the next row begins."""
    with pytest.raises(IntakeError) as refused:
        taken(body, "json")
    assert (refused.value.status, refused.value.code) == (422, "INT020")


def test_lines_that_cannot_be_read_cost_themselves_alone() -> None:
    """Fault case 26: too long, not UTF-8, no JSON, a quote that is never closed, too many columns."""
    lines = [
        a("S1").encode(),
        b'{"sku": "' + b"x" * 70_000 + b'"}',
        b'{"sku": "\xff"}',
        b"{",
        b"5",
        b"",
        a("S2").encode(),
    ]
    skus, wrong, _ = taken(b"\n".join(lines), "ndjson")
    assert (skus, [one.line for one in wrong]) == (["S1", "S2"], [2, 3, 4, 5])
    text = b'sku,location,available\nS1,M,1\n"S2,M,1\nS3,M,1,2\n"S,4","M",1\n\nS5,M\n\xff,M,1\nS6,M,1'
    skus, wrong, _ = taken(text, "csv")
    assert (skus, [one.line for one in wrong]) == (["S1", "S,4", "S6"], [3, 4, 7, 8])


def test_what_a_file_says_of_itself() -> None:
    """In the first line or the last; a row with such names is a row."""
    assert taken(b"sku,location,available\nS1,M,1\n# kind=snapshot count=1\n", "csv")[2] == {
        "kind": "snapshot",
        "count": "1",
    }
    assert taken(f'{a("S1")}\n{{"count": 1}}\n'.encode(), "ndjson")[2] == {"count": 1}
    assert layout_of({}, READER).kind == "changes"
    with pytest.raises(IntakeError, match="count"):
        layout_of({"count": "many"}, READER)


def test_forms() -> None:
    """By the media type, and only UTF-8."""
    assert [form_of(one) for one in ("text/csv", 'Application/JSON; Charset="UTF-8"', "application/x-ndjson")] == [
        "csv",
        "json",
        "ndjson",
    ]
    with pytest.raises(IntakeError):
        form_of("")
