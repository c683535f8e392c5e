"""Two documents compared value by value: what `map test` and `plan` show of a changed mapping."""

import json

from hypothesis import given
from hypothesis import strategies as st

from interlock.mapping.difference import HIDDEN, differences, field_of, sample_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=1), inner),
    max_leaves=12,
)


def between(old: object, new: object) -> list[tuple[str, str, object, object]]:
    return [tuple(each) for each in differences(json.dumps(old).encode(), json.dumps(new).encode())]  # type: ignore[misc]


def test_each_kind_has_its_name_and_its_path() -> None:
    """A reader must tell a value that went missing from one that changed: each is another mistake of a mapping."""
    old = {"a": 1, "b": None, "c": "x", "d": "7", "e": 2, "gone": {"x": 1}, "lines": [{"rate": 1}, {"rate": 2}]}
    new = {"a": 2, "b": "y", "c": None, "d": 7, "e": 2, "lines": [{"rate": 1}, {"rate": 3}, {"rate": 4}], "new": 1}
    assert between(old, new) == [
        ("a", "changed", 1, 2),
        ("b", "filled", None, "y"),
        ("c", "emptied", "x", None),
        ("d", "retyped", "7", 7),
        ("gone.x", "removed", 1, None),
        ("lines[1].rate", "changed", 2, 3),
        ("lines[2].rate", "added", None, 4),
        ("new", "added", None, 1),
    ]


def test_numbers_are_compared_by_value_and_the_order_of_keys_means_nothing() -> None:
    """A mapping that writes 10.00 for 10.0 says the same; one that loses a cent of a large amount does not."""
    assert differences(b'{"a": 10.0, "b": 1}', b'{"b": 1, "a": 10.00}') == []
    found = differences(b'{"a": 90071992547409.93}', b'{"a": 90071992547409.94}')
    assert [(each.path, each.kind) for each in found] == [("a", "changed")]


@given(JSON, JSON)
def test_no_difference_means_the_same_document_and_the_other_way_round(old: object, new: object) -> None:
    """A comparison that overlooks something would call a damaging change harmless."""
    assert (between(old, new) == []) == (
        old == new and json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
    )


def test_a_sample_hides_what_may_not_be_shown() -> None:
    """What a mapping would change is shown to everybody who may see the plan: personal values are not."""
    old = b'{"mail": "a@b.example", "lines": [{"rate": 1}]}'
    rate, mail = differences(old, b'{"mail": "c@d.example", "lines": [{"rate": 5}]}')[::-1]
    shown = sample_of("#0", rate, lambda path, _value: field_of(path) == "mail")
    assert (shown.subject, shown.path, shown.old, shown.new) == ("#0", "lines[0].rate", "1", "5")
    hidden = sample_of("#0", mail, lambda path, _value: field_of(path) == "mail")
    assert (hidden.old, hidden.new) == (HIDDEN, HIDDEN)
