"""The rules of compatibility: what a change of a contract means to those who read and those who write, each with a code.

How a document is read decides every rule (interlock.canonical.contract compiles to msgspec structs):
- a field that the reader does not know is ignored;
- a required field that is not there is refused; an optional one that is not there, or null, is read as null;
- null in a required field is refused, unless the field is nullable;
- a value of an enum that the reader does not list is refused;
- a text is no number, a number no text; a whole number may be read as a decimal.
Writers write the fields of their contract and no others.

`backward`: the new reader takes every old document. `forward`: the old reader takes every new document.
A change of meaning (unit, data class, name) validates and is refused all the same: nothing would fail, and all would be wrong.
"""

from typing import Literal

from msgspec import Struct

Mode = Literal["backward", "forward", "full", "backward-transitive", "forward-transitive", "full-transitive"]
MODES: tuple[Mode, ...] = (
    "backward", "forward", "full", "backward-transitive", "forward-transitive", "full-transitive",
)  # fmt: skip


class Rule(Struct, frozen=True, kw_only=True):
    """One kind of change. `backward` and `forward` say what would go wrong; empty: nothing, the mode allows it.

    `bad` and `good` are two versions of one line of a contract; a rule that forbids nothing has only a good one.
    """

    code: str
    title: str
    backward: str = ""
    forward: str = ""
    meaning_only: bool = False
    bad: tuple[str, str] = ("", "")
    good: tuple[str, str]


RULES: tuple[Rule, ...] = (
    Rule(
        code="CMP001",
        title="Another object",
        backward="the documents are about something else",
        forward="the documents are about something else",
        meaning_only=True,
        bad=('name = "order"', 'name = "customer"'),
        good=('name = "order"', 'name = "order"'),
    ),
    Rule(
        code="CMP002",
        title="An optional field was added",
        good=("", 'note = { type = "string", required = false, meaning = "..." }'),
    ),
    Rule(
        code="CMP003",
        title="A required field was added",
        backward="old documents do not have it and would be refused",
        bad=("", 'note = { type = "string", meaning = "..." }'),
        good=("", 'note = { type = "string", required = false, meaning = "..." }'),
    ),
    Rule(
        code="CMP004",
        title="An optional field was removed",
        good=('note = { type = "string", required = false, meaning = "..." }', ""),
    ),
    Rule(
        code="CMP005",
        title="A required field was removed",
        forward="old readers need it and would refuse new documents",
        bad=('note = { type = "string", meaning = "..." }', ""),
        good=(
            'note = { type = "string", meaning = "..." }',
            'note = { type = "string", meaning = "...", deprecated = { since = "2" } }',
        ),
    ),
    Rule(
        code="CMP006",
        title="A field was renamed",
        backward="old documents have the value under its old name, where nobody looks for it any more",
        forward="new documents have the value under its new name, which old readers do not know",
        meaning_only=True,
        bad=('note = { type = "string", meaning = "..." }', 'remark = { type = "string", meaning = "..." }'),
        good=(
            'note = { type = "string", meaning = "..." }',
            'note = { type = "string", meaning = "What people now call the remark" }',
        ),
    ),
    Rule(
        code="CMP007",
        title="A field has another type",
        backward="old values are not of the new type",
        forward="new values are not of the old type",
        bad=('weight = { type = "string", meaning = "..." }', 'weight = { type = "decimal", meaning = "..." }'),
        good=(
            'weight = { type = "string", meaning = "..." }',
            (
                'weight = { type = "string", meaning = "..." }\n'
                'weight_kg = { type = "decimal", unit = "kg", required = false, meaning = "..." }'
            ),
        ),
    ),
    Rule(
        code="CMP008",
        title="The type was narrowed",
        backward="old values outside of the narrower type would be refused or misread",
        bad=('count = { type = "decimal", meaning = "..." }', 'count = { type = "quantity", meaning = "..." }'),
        good=('count = { type = "quantity", meaning = "..." }', 'count = { type = "quantity", meaning = "..." }'),
    ),
    Rule(
        code="CMP009",
        title="The type was widened",
        forward="old readers would refuse or misread what only the wider type allows",
        bad=('count = { type = "quantity", meaning = "..." }', 'count = { type = "decimal", meaning = "..." }'),
        good=('count = { type = "quantity", meaning = "..." }', 'count = { type = "quantity", meaning = "..." }'),
    ),
    Rule(
        code="CMP010",
        title="A value was added to an enum",
        forward="old readers do not list it and would refuse new documents",
        bad=(
            'state = { type = "enum", values = ["open", "paid"], meaning = "..." }',
            'state = { type = "enum", values = ["open", "paid", "void"], meaning = "..." }',
        ),
        good=(
            'state = { type = "string", meaning = "..." }',
            'state = { type = "string", meaning = "One more word is used now: void" }',
        ),
    ),
    Rule(
        code="CMP011",
        title="A value was removed from an enum",
        backward="old documents with it would be refused",
        bad=(
            'state = { type = "enum", values = ["open", "paid", "void"], meaning = "..." }',
            'state = { type = "enum", values = ["open", "paid"], meaning = "..." }',
        ),
        good=(
            'state = { type = "enum", values = ["open", "void"], meaning = "..." }',
            'state = { type = "enum", values = ["open", "void"], meaning = "void is written no more" }',
        ),
    ),
    Rule(
        code="CMP012",
        title="An optional field is required now",
        backward="old documents without it would be refused",
        bad=(
            'note = { type = "string", required = false, meaning = "..." }',
            'note = { type = "string", meaning = "..." }',
        ),
        good=(
            'note = { type = "string", required = false, meaning = "..." }',
            'note = { type = "string", required = false, meaning = "Given since 2026" }',
        ),
    ),
    Rule(
        code="CMP013",
        title="A required field is optional now",
        forward="old readers need it and would refuse new documents without it",
        bad=(
            'note = { type = "string", meaning = "..." }',
            'note = { type = "string", required = false, meaning = "..." }',
        ),
        good=('note = { type = "string", meaning = "..." }', 'note = { type = "string", meaning = "..." }'),
    ),
    Rule(
        code="CMP014",
        title="A field may be null no more",
        backward="old documents with null would be refused",
        bad=(
            'sku = { type = "string", nullable = true, meaning = "..." }',
            'sku = { type = "string", meaning = "..." }',
        ),
        good=(
            'sku = { type = "string", nullable = true, meaning = "..." }',
            'sku = { type = "string", nullable = true, meaning = "Null for gift cards only" }',
        ),
    ),
    Rule(
        code="CMP015",
        title="A field may be null now",
        forward="old readers would refuse new documents with null",
        bad=(
            'sku = { type = "string", meaning = "..." }',
            'sku = { type = "string", nullable = true, meaning = "..." }',
        ),
        good=('sku = { type = "string", meaning = "..." }', 'sku = { type = "string", meaning = "..." }'),
    ),
    Rule(
        code="CMP016",
        title="The unit changed",
        backward="old numbers would be read in the new unit",
        forward="new numbers would be read in the old unit",
        meaning_only=True,
        bad=(
            'weight = { type = "decimal", unit = "kg", meaning = "..." }',
            'weight = { type = "decimal", unit = "g", meaning = "..." }',
        ),
        good=(
            'weight = { type = "decimal", unit = "kg", required = false, meaning = "..." }',
            (
                'weight = { type = "decimal", unit = "kg", required = false, meaning = "..." }\n'
                'weight_g = { type = "decimal", unit = "g", required = false, meaning = "..." }'
            ),
        ),
    ),
    Rule(
        code="CMP017",
        title="The data class was raised",
        forward="old readers would treat new values as less protected than they are",
        meaning_only=True,
        bad=(
            'note = { type = "string", class = "internal", meaning = "..." }',
            'note = { type = "string", class = "personal", meaning = "..." }',
        ),
        good=(
            'note = { type = "string", class = "personal", meaning = "..." }',
            'note = { type = "string", class = "personal", meaning = "..." }',
        ),
    ),
    Rule(
        code="CMP018",
        title="The data class was lowered",
        backward="old values were given under a protection that new readers would take from them",
        meaning_only=True,
        bad=(
            'note = { type = "string", class = "personal", meaning = "..." }',
            'note = { type = "string", class = "public", meaning = "..." }',
        ),
        good=(
            'note = { type = "string", class = "internal", meaning = "..." }',
            'note = { type = "string", class = "internal", meaning = "..." }',
        ),
    ),
    Rule(
        code="CMP019",
        title="Said in other words",
        good=(
            'note = { type = "string", meaning = "A note" }',
            'note = { type = "string", meaning = "What the customer wrote" }',
        ),
    ),
)

BY_CODE = {rule.code: rule for rule in RULES}
