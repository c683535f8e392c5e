"""Fault case 48: what the checker of contract versions says is what people said, and what documents do."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from contract_documents import documents, refused
from contract_pairs import pairs_of_versions
from experiment import Experiment
from hypothesis import HealthCheck, Phase, given, seed, settings
from small_contracts import small_contract

from interlock.canonical import Contract
from interlock.canonical.compatibility import Ladder, compare, compare_ladder
from interlock.canonical.compatibility_rules import RULES
from interlock.mapping import Context, Functions, MappingFileError
from interlock.mapping.conversion import compile_conversion

CORPUS = Path(__file__).parents[1] / "fixtures" / "compatibility"
WORDS = {"=": "full", "b": "backward", "f": "forward", ".": "none"}
SAMPLES = {"enum": "enum(a|b)", "list": "[string]", "object": "{ name: string }"}
KEPT = {
    "full": {"backward", "forward", "full"},
    "backward": {"backward"},
    "forward": {"forward"},
    "none": set[str](),
}
DOCUMENTS = 1_000
CONVERTED = 50
NOWHERE = Context(system="")
BREAKING = [rule for rule in RULES if rule.backward or rule.forward]
BY_DOCUMENTS = {rule.code for rule in BREAKING if not rule.meaning_only}


class Judged(NamedTuple):
    """Versions of a contract, and the modes that a person says they keep."""

    name: str
    versions: list[Contract]
    keeps: set[str]

    def agrees(self, without: str = "") -> bool:
        """Whether the checker, perhaps with one rule taken out, says the same of all six modes."""
        ladder: Ladder = compare_ladder(self.versions, without=frozenset({without}))
        return {mode for mode, kept in ladder.verdicts().items() if kept} == self.keeps


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((CORPUS / name).read_text(encoding="utf-8"))


def pair(name: str, old: str, new: str, verdict: str) -> Judged:
    kept = KEPT[verdict]
    versions = [small_contract(old), small_contract(new, version=2)]
    return Judged(name, versions, kept | {f"{mode}-transitive" for mode in kept})


def corpus() -> list[Judged]:
    """Every pair and every ladder."""
    found = [pair(f"{theme}: {name}", *row) for theme, rows in read("pairs.toml").items() for name, row in rows.items()]
    grid = read("types.toml")
    for old, row in grid["grid"].items():
        for new, mark in zip(grid["columns"].split(), row.split(), strict=True):
            texts = (f"x: {SAMPLES.get(kind, kind)}" for kind in (old, new))
            found.append(pair(f"{old} to {new}", *texts, WORDS[mark]))
    found.append(Judged("another object", [small_contract("id: id"), small_contract("id: id", name="other")], set()))
    for name, ladder in read("ladders.toml").items():
        versions = [small_contract(text, version=at) for at, text in enumerate(ladder["versions"], 1)]
        found.append(Judged(name, versions, set(ladder["keeps"])))
    return found


def test_the_checker_agrees_with_what_people_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 48: every verdict of a corpus written by hand; with any breaking rule taken out some of them differ."""
    experiment = Experiment("48 corpus", suite=300, table=300, capsys=capsys)
    judged = corpus()
    assert [each.name for each in judged if not each.agrees()] == []
    noticed = {rule.code: sum(not each.agrees(without=rule.code) for each in judged) for rule in BREAKING}
    assert [code for code, differing in noticed.items() if not differing] == []
    experiment.report(
        faults=len(judged),
        trials=len(judged),
        disagreements=0,
        control=f"each of {len(noticed)} rules taken out is noticed, the least by {min(noticed.values())} verdicts",
    )


def shown_by_a_document(judged: list[Judged]) -> set[str]:
    """Rules without which a checker would call some pair of the corpus compatible although a document is refused."""
    found: set[str] = set()
    for old, new in (each.versions for each in judged if len(each.versions) == 2):
        compared = compare(old, new)
        backward = {change.code for change in compared.changes if not change.backward}
        forward = {change.code for change in compared.changes if not change.forward}
        for broken_by, writer, reader in ((backward, old, new), (forward, new, old)):
            if len(broken_by) == 1 and refused(reader, documents(writer, 100, seed=1)) is not None:
                found |= broken_by
    return found


def test_documents_are_read_wherever_the_checker_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 48: 1,000 documents of every version that is called compatible are read by the other one, both ways;
    a checker without one of the rules would have been caught by a document."""
    experiment = Experiment("48 documents", suite=100_000, table=2_000_000, capsys=capsys)
    read = 0

    @seed(experiment.seed)
    @settings(
        max_examples=experiment.size // 1_000, deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(pairs_of_versions())
    def holds(found: tuple[Contract, Contract, int]) -> None:
        nonlocal read
        old, new, chance = found
        compared = compare(old, new)
        for mode, writer, reader in (("backward", old, new), ("forward", new, old)):
            if compared.allowed(mode):
                assert refused(reader, documents(writer, DOCUMENTS, chance)) is None
                read += DOCUMENTS

    holds()
    caught = shown_by_a_document(corpus())
    assert caught >= BY_DOCUMENTS, f"no document shows what {BY_DOCUMENTS - caught} are for"
    experiment.report(
        faults=read,
        trials=read,
        refused=0,
        control=f"without any one of {', '.join(sorted(BY_DOCUMENTS))} a refused document shows that it is missing",
    )


def test_what_a_converter_makes_of_a_document_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 48: both ways, what a converter without a row of its own makes is read by the other version, and where
    such a converter would have to guess it is refused; a converter that copies everything makes what nobody can read."""
    experiment = Experiment("48 converters", suite=6_000, table=300_000, capsys=capsys)
    made = refusals = unreadable = 0

    @seed(experiment.seed)
    @settings(
        max_examples=experiment.size // 50, deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(pairs_of_versions())
    def holds(found: tuple[Contract, Contract, int]) -> None:
        nonlocal made, refusals, unreadable
        for writer, reader in (found[:2], found[1::-1]):
            bodies = documents(writer, CONVERTED, found[2])
            try:
                convert = compile_conversion({}, writer, reader, Functions())
            except MappingFileError:
                refusals += 1
                unreadable += refused(reader, bodies) is not None
                continue
            values = [convert(msgspec.json.decode(body, type=writer.struct), NOWHERE) for body in bodies]
            assert refused(reader, [msgspec.json.encode(value) for value in values]) is None
            made += CONVERTED

    holds()
    assert refusals
    experiment.report(
        faults=made,
        trials=made,
        unreadable=0,
        refused_to_guess=refusals,
        control=f"in {unreadable} of these the old document as it stands is unreadable",
    )
    assert unreadable
