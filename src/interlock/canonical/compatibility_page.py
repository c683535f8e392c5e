"""Writes docs/reference/compatibility.md from the rules: `python -m interlock.canonical.compatibility_page`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from interlock.canonical.compatibility_rules import RULES, Rule

PAGE = Path("docs/reference/compatibility.md")
_HEAD = """\
# Which changes of a contract break whom

Two versions of a contract are compared change by change; each change follows one rule. This page is written from the
code by `python -m interlock.canonical.compatibility_page`.

- **backward**: the new reader takes every old document. Change readers first.
- **forward**: the old reader takes every new document. Change writers first.
- **full**: both.
- **transitive** (`backward-transitive` ...): not only for neighbours, for every pair of versions.

Documents are read as the hub reads them: fields that the reader does not know are ignored; a required field must be there;
an optional one that is not there, or null, is null; a value that an enum does not list is refused; a text is no number; a
whole number may be read as a decimal. Writers write the fields of their contract and no others.

A change of meaning (name, unit, data class) would pass every validation and be wrong all the same, so it counts as breaking.

| Rule | Change | backward | forward |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = "".join(
        f"| [{rule.code}](#{rule.code.lower()}) | {rule.title} | {_word(rule.backward)} | {_word(rule.forward)} |\n"
        for rule in RULES
    )
    return _HEAD + rows + "".join(line for rule in RULES for line in _section(rule))


def _section(rule: Rule) -> Iterator[str]:
    yield f'\n<a id="{rule.code.lower()}"></a>\n## {rule.code} {rule.title}\n\n'
    for mode, wrong in (("backward", rule.backward), ("forward", rule.forward)):
        yield f"- {mode}: {f'breaking. {wrong[0].upper()}{wrong[1:]}.' if wrong else 'allowed.'}\n"
    if any(rule.bad):
        yield _example("Breaks", rule.bad)
    yield _example("Does not" if any(rule.bad) else "For example", rule.good)


def _example(title: str, lines: tuple[str, str]) -> str:
    old, new = lines
    return f"\n{title}:\n\n```toml\n# old\n{old or '# (nothing)'}\n# new\n{new or '# (nothing)'}\n```\n"


def _word(wrong: str) -> str:
    return "breaks" if wrong else "allowed"


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say that it differs (exit code 1)."""
    current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if current == page():
        return 0
    sys.stderr.write(f"{PAGE} {'differs from the code' if '--check' in arguments else 'written'}\n")
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
    return int("--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
