"""docs/reference/checklist.md, written from the rules: each with its reason, what fails it, and what passes."""

from msgspec import inspect
from msgspec.structs import asdict

from interlock.strategy.checklist import ITEMS, OPEN
from interlock.strategy.decode import written_fields
from interlock.strategy.items.base import Case, Rule, RunningRule
from interlock.strategy.slos import Freshness

_INTRODUCTION = """\
# The checklist of the strategy

Eight items say how complete an integration strategy is. `interlock check` computes each from the folder, from what lies beside it and from
what ran in its store; the console shows the same on its page Strategy. Nobody ticks anything. An item is **red** when something is missing
that must be there, **amber** when something is missing, undecided, unknown or too old, and **green** when each of its rules sees what it
wants to see. Where no hub has run, whatever only a store can show is amber. This page is written from the code by
`python -m interlock.strategy.reference`.

## How old evidence may be

The limits stand under `[freshness]` in `slos.toml`.

| Key | Default | Age |
|---|---|---|
"""


def checklist_page() -> str:
    """The whole page."""
    items = "".join(
        f"\n## {item.number}. {item.title}\n\n{_table(item.rules)}{''.join(map(_section, item.rules))}"
        for item in ITEMS
    )
    return f"{_INTRODUCTION}{_freshness()}\n## Of every item\n\n{_table((OPEN,))}{_section(OPEN)}{items}"


def _freshness() -> str:
    defaults = asdict(Freshness())
    rows = []
    for field in written_fields(Freshness):
        described = field.type.extra_json_schema if isinstance(field.type, inspect.Metadata) else None
        rows.append(
            f"| `{field.encode_name}` | {defaults[field.name]} | {(described or {}).get('description', '')} |\n"
        )
    return "".join(rows)


def _table(rules: tuple[Rule, ...]) -> str:
    rows = "".join(
        f"| [{rule.code}](#{rule.code.lower()}) | {rule.title} | {rule.colour} | {_source(rule)} |\n" for rule in rules
    )
    return f"| Code | Wants to see | else | in |\n|---|---|---|---|\n{rows}"


def _source(rule: Rule) -> str:
    return "the store" if isinstance(rule, RunningRule) else "the folder"


def _section(rule: Rule) -> str:
    why = f"{rule.why[0].upper()}{rule.why[1:]}."
    return f'\n<a id="{rule.code.lower()}"></a>\n### {rule.code} {rule.title}\n\n{why}\n\n{_case("Not", rule.bad)}{_case("Yes", rule.good)}'


def _case(word: str, case: Case) -> str:
    shown = [f"- {word}: {case.says}."]
    for example in case.examples:
        if example.absent:
            shown.append(f"  There is no `{example.file}`.")
            continue
        kind = "toml" if example.file.endswith(".toml") else "markdown"
        lines = [
            line.replace("# ", "# (no ", 1) + ")" if _taken_out(line) else line for line in example.text.splitlines()
        ]
        shown += [f"  In `{example.file}`:", "", f"  ```{kind}", *(f"  {line}".rstrip() for line in lines), "  ```"]
    return "\n".join(shown) + "\n"


def _taken_out(line: str) -> bool:
    """`# key` takes a line out of the folder that the example is laid over."""
    return line.startswith("# ") and line[2:].isidentifier() and line[2:].islower()
