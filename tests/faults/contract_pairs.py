"""Two versions of a contract as they happen: a small contract, and the same one after a few edits."""

from typing import Any

from hypothesis import strategies as st

from interlock.canonical import Contract
from interlock.canonical.contract import ContractFile, Field, ObjectShape

SCALARS = (
    "string",
    "id",
    "decimal",
    "money",
    "amount",
    "quantity",
    "date",
    "timestamp",
    "country",
    "currency",
    "boolean",
)
NAMES = ("a", "b", "c", "d")
VALUES = ("open", "paid", "void")
CLASSES = ("public", "internal", "personal")

OWN_PROPERTY = {"enum": "values", "quantity": "unit", "decimal": "unit"}
NEAR = {
    "quantity": ("decimal", "string"),
    "decimal": ("quantity", "money"),
    "string": ("date", "enum", "id", "country"),
}
"""Types that an edit turns into more often than into others: where widening and narrowing happen."""

Fields = dict[str, Field]


@st.composite
def pairs_of_versions(draw: Any) -> tuple[Contract, Contract, int]:
    """An old version, a new one, and a seed for documents. Each has nested fields under `part` and `rows[]`."""
    old_top, old_part = draw(fields("top")), draw(fields("part"))
    new_top, new_part = draw(edits(old_top, "top")), draw(edits(old_part, "part"))
    holders = draw(nesting())
    new_holders = {
        name: draw(edited(field)) if draw(st.integers(0, 5)) == 0 else field for name, field in holders.items()
    }
    old = contract(1, old_top | holders, old_part)
    new = contract(2, new_top | new_holders, new_part)
    return old, new, draw(st.integers(0, 2**32))


def contract(version: int, top: Fields, part: Fields) -> Contract:
    file = ContractFile(name="thing", version=version, meaning="It", fields=top, objects={"part": ObjectShape(part)})
    return Contract(file, f"thing.v{version}.toml")


@st.composite
def fields(draw: Any, where: str) -> Fields:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    return {name: draw(field(f"{where} {name}")) for name in names}


@st.composite
def field(
    draw: Any, meaning: str, kinds: tuple[str, ...] = (*SCALARS, *["enum"] * 5, "list", "quantity", "string")
) -> Field:
    kind = draw(st.sampled_from(kinds))
    given: dict[str, Any] = {"of": draw(st.sampled_from(SCALARS))} if kind == "list" else {}
    if kind == "enum":
        given["values"] = tuple(draw(st.lists(st.sampled_from(VALUES), min_size=1, unique=True)))
    return Field(
        type=kind, meaning=meaning, required=draw(st.booleans()), nullable=draw(st.booleans()),
        data_class=draw(st.sampled_from(CLASSES)), **given,
    )  # fmt: skip


@st.composite
def nesting(draw: Any) -> Fields:
    """How the nested object hangs below the top: as an object, in a list, both or not at all."""
    held = {"part": Field(type="object", of="part", meaning="a part", required=draw(st.booleans()))}
    rows = {"rows": Field(type="list", of="part", meaning="rows", nullable=draw(st.booleans()))}
    return draw(st.sampled_from(({}, held, rows, held | rows)))


@st.composite
def edits(draw: Any, before: Fields, where: str) -> Fields:
    """The fields after an addition, a removal, a rename, or an edit of one or two fields; or as they were."""
    after = dict(before)
    for _ in range(draw(st.sampled_from((0, 1, 1, 2)))):
        name = draw(st.sampled_from(NAMES))
        if name not in after:
            after[name] = draw(field(f"{where} {name} again"))
        elif draw(st.integers(0, 3)) == 0:
            taken = after.pop(name)
            if draw(st.booleans()):
                after[f"{name}_renamed"] = taken
        else:
            after[name] = draw(edited(after[name]))
    return after or before


@st.composite
def edited(draw: Any, before: Field) -> Field:
    """One property changed."""
    wanted = draw(
        st.sampled_from(("required", "nullable", "class", "type", *[OWN_PROPERTY.get(before.type, "nullable")] * 2))
    )
    given: dict[str, Any] = {name: getattr(before, name) for name in Field.__struct_fields__}
    if wanted in ("required", "nullable"):
        given[wanted] = not given[wanted]
    elif wanted == "class":
        given["data_class"] = draw(st.sampled_from(CLASSES))
    elif wanted == "type" and before.of != "part":
        other = draw(field(before.meaning, NEAR.get(before.type, SCALARS)))
        given |= {"type": other.type, "of": other.of, "values": other.values}
    elif wanted == "values":
        given["values"] = tuple(draw(st.lists(st.sampled_from(VALUES), min_size=1, unique=True)))
    elif wanted == "unit":
        given["unit"] = draw(st.sampled_from(("kg", "g")))
    return Field(**given)
