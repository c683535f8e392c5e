"""docs/reference/advice.md, written from the rules."""

from interlock.strategy.advise.rule import Example, Rule
from interlock.strategy.advise.rules import ALL

_INTRODUCTION = """\
# Advice about patterns

`interlock advise` applies these rules to every flow: to what its file declares and, where a store is, to what was measured in the last
seven days. A rule that lacks its figures says nothing: a volume needs a day of traffic, a ratio 50 events or deliveries. A delivery
that found nothing to write counts as one that only reads.

A pattern that contradicts a rule is not refused. It is argued for: the `rationale` says why, and `accepts = ["ADV001"]` says which rule
it answers. Until then `interlock advise` exits with 1, and the flow's page on the console says so. This page is written from the code
by `python -m interlock.strategy.reference`.

| Code | Rule | Suits |
|---|---|---|
"""


def advice_page() -> str:
    """The whole page."""
    rows = "".join(
        f"| [{rule.code}](#{rule.code.lower()}) | {rule.title} | {', '.join(rule.patterns)} |\n" for rule in ALL
    )
    return _INTRODUCTION + rows + "".join(map(_section, ALL))


def _section(rule: Rule) -> str:
    watch = f"\n\nWatch {rule.watch}." if rule.watch else ""
    return (
        f'\n<a id="{rule.code.lower()}"></a>\n## {rule.code} {rule.title}\n\n{rule.why[0].upper()}{rule.why[1:]}.{watch}\n\n'
        f"Contradicted by{_example(rule.bad)}\nFollowed by{_example(rule.good)}"
    )


def _example(example: Example) -> str:
    measured = example.measured.words()
    return f"{f', with {measured}' if measured else ''}:\n\n```toml\n{example.text}\n```\n"
