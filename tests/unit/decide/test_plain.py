"""A decision as JSON and back, against its schema; a policy file against its own."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import typing
from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml

from evalkit.decide import (
    CheckpointRule,
    Decision,
    Policy,
    RunLimits,
    SuiteRule,
    from_dict,
    policy_from,
    to_dict,
)
from evalkit.decide import decision as types
from evalkit.decide.policy import Correction, PlainCorrection, Rule

from .made_up import FAILED, MadeUp, MadeUpRun, record, run_of, spec, table


def schema(name: str) -> dict[str, Any]:
    """Return a schema of the package."""
    text = (resources.files("evalkit") / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    tree: dict[str, Any] = json.loads(text)
    return tree


def rich_run() -> MadeUpRun:
    """Return a run with something in every part of the decision."""
    made = MadeUp("triage", "target").add(
        *table(20, 61, 7, 5), slices=[{"k": str(i % 3)} for i in range(93)], critical=True
    )
    made = made.add([0.3, FAILED], [1 / 3, None]).add(*table(1, 18, 0, 1), split="train")
    models = {
        "base": spec("base", "base"),
        "tuned": spec("tuned", "candidate"),
        "half": spec("half", "checkpoint", of="tuned", step=50),
    }
    more = tuple(record("triage", case.id, "half", 0.7) for case in made.suite.cases)
    return run_of(made, MadeUp("empty"), models=models, more=more)


def test_round_trip() -> None:
    """A decision equals the one read back from its JSON, to the byte."""
    decision = rich_run().decide()
    text = json.dumps(to_dict(decision), allow_nan=False)
    assert from_dict(json.loads(text)) == decision
    assert json.dumps(to_dict(from_dict(json.loads(text)))) == text


@pytest.mark.parametrize(
    "run", [rich_run(), run_of(pairs=()), run_of(MadeUp("triage").add([], []))]
)
def test_decisions_fit_their_schema(run: MadeUpRun) -> None:
    """Full and empty decisions alike."""
    jsonschema.Draft202012Validator(schema("decision")).validate(to_dict(run.decide()))


def test_the_decision_schema_lists_every_field() -> None:
    """Schema and dataclasses name the same fields, all required and no others allowed."""
    tree = schema("decision")
    found = {"Decision": tree, **tree["$defs"]}
    kinds = {name: getattr(types, name) for name in types.__all__}
    classes = {name: kind for name, kind in kinds.items() if dataclasses.is_dataclass(kind)}
    assert found.keys() - {"Verdict"} == classes.keys()
    for name, kind in classes.items():
        fields = [f.name for f in dataclasses.fields(kind)]
        assert list(found[name]["properties"]) == found[name]["required"] == fields
        assert found[name]["additionalProperties"] is False


def test_the_decision_schema_lists_every_word() -> None:
    """Outcomes, verdicts and classes of the schema are those of the code."""
    defs = schema("decision")["$defs"]
    assert tuple(defs["Verdict"]["enum"]) == typing.get_args(types.Verdict)
    assert tuple(defs["SuiteResult"]["properties"]["rule"]["enum"]) == typing.get_args(Rule)
    for where, field, words in (
        ("ComparisonDecision", "outcome", types.Outcome),
        ("OverfitResult", "classification", types.OverfitClass),
        ("Gate", "status", types.GateStatus),
    ):
        assert tuple(defs[where]["properties"][field]["enum"]) == typing.get_args(words)


def test_numbers_are_rounded_to_twelve_digits() -> None:
    """What differs only by the order of summation gives the same bytes; -0 is 0."""
    decision = dataclasses.replace(run_of(pairs=()).decide(), alpha=0.1 + 0.2)
    assert to_dict(decision)["alpha"] == 0.3
    zero = to_dict(dataclasses.replace(decision, alpha=-0.0))["alpha"]
    assert math.copysign(1, zero) == 1


FULL = """
version: 1
alpha: 0.025
run: {max_error_rate: 0.05, min_coverage: 0.9, max_ungraded_rate: 0}
suites:
  triage: {rule: superior, min_gain: 0.03}
  safety: {rule: non_inferior, margin: 0.005, min_cases: 200, critical: never_break}
slices: {rule: alarm, correction: none}
exploratory: {correction: hommel}
checkpoints: {method: simultaneous, dev_share: 0.3, suites: [triage]}
overfitting: {max_gap: 0.1}
on_inconclusive: warn
"""


def test_a_whole_policy() -> None:
    """Every field of the file arrives in the policy."""
    tree = yaml.safe_load(FULL)
    jsonschema.Draft202012Validator(schema("policy")).validate(tree)
    assert policy_from(tree, digest="abc") == Policy(
        alpha=0.025,
        run=RunLimits(max_error_rate=0.05, min_coverage=0.9, max_ungraded_rate=0),
        suites={
            "triage": SuiteRule(rule="superior", min_gain=0.03),
            "safety": SuiteRule("non_inferior", margin=0.005, min_cases=200),
        },
        slice_correction="none",
        exploratory_correction="hommel",
        checkpoints=CheckpointRule("simultaneous", 0.3, ("triage",)),
        max_gap=0.1,
        on_inconclusive="warn",
        digest="abc",
    )


def test_the_policy_schema_lists_every_word() -> None:
    """Corrections and ways to choose are those of the code, with the same defaults."""
    parts = schema("policy")["properties"]
    fields = {
        (part, field): parts[part]["properties"][field]
        for part, field in (
            ("slices", "correction"),
            ("exploratory", "correction"),
            ("checkpoints", "method"),
        )
    }
    words = {
        ("slices", "correction"): typing.get_args(Correction),
        ("exploratory", "correction"): typing.get_args(PlainCorrection),
        ("checkpoints", "method"): typing.get_args(typing.get_type_hints(CheckpointRule)["method"]),
    }
    assert {place: set(field["enum"]) for place, field in fields.items()} == {
        place: set(said) for place, said in words.items()
    }
    defaults = [field["default"] for field in fields.values()]
    bare = Policy()
    assert defaults == [
        bare.slice_correction,
        bare.exploratory_correction,
        bare.checkpoints.method,
    ]
    assert parts["checkpoints"]["properties"]["dev_share"]["default"] == bare.checkpoints.dev_share


def test_a_bare_policy_is_the_default() -> None:
    """What the file leaves out keeps its default."""
    assert policy_from({"version": 1}, digest="default") == Policy()


@pytest.mark.parametrize(
    "text",
    [
        "alpha: 0.05",
        "{version: 2}",
        "{version: 1, alpha: 0}",
        "{version: 1, baseline: {max_age_days: 14}}",
        "{version: 1, waivers: []}",
        "{version: 1, overfitting: {memorisation: {max_rate: 0.01}}}",
        "{version: 1, overfitting: {contamination: {near_duplicates: 0.01}}}",
        "{version: 1, suites: {triage: {rule: better}}}",
        "{version: 1, suites: {triage: {min_gian: 0.03}}}",
        "{version: 1, suites: {triage: {margin: 2}}}",
        "{version: 1, run: {max_error_rate: -1}}",
        "{version: 1, slices: {rule: block}}",
        "{version: 1, exploratory: {correction: max_t}}",
        "{version: 1, checkpoints: {method: best}}",
        "{version: 1, checkpoints: {dev_share: 0}}",
        "{version: 1, checkpoints: {suites: [triage, triage]}}",
    ],
)
def test_policies_that_are_refused(text: str) -> None:
    """A field that nothing reads is a fault, and so is a value out of range."""
    validator = jsonschema.Draft202012Validator(schema("policy"))
    assert not validator.is_valid(yaml.safe_load(text))


def test_schema_examples_are_valid() -> None:
    """Every example that the policy schema gives may be written."""
    tree = schema("policy")
    jsonschema.Draft202012Validator.check_schema(tree)
    for name in ("alpha", "on_inconclusive"):
        for example in tree["properties"][name]["examples"]:
            jsonschema.validate({"version": 1, name: example}, tree)


def test_a_policy_written_without_decimals_gives_the_same_bytes() -> None:
    """0 and 0.0 in the file are one policy."""
    made = MadeUp("triage", "target", margin=1).add(*table(4, 91, 0, 5))
    one, other = (
        json.dumps(to_dict(run_of(made, policy=policy_from(tree, digest="x")).decide()))
        for tree in (
            {"suites": {"triage": {"min_gain": 0}}, "overfitting": {"max_gap": 0}},
            {"suites": {"triage": {"min_gain": 0.0}}, "overfitting": {"max_gap": 0.0}},
        )
    )
    assert one == other


def test_importing_the_types_loads_no_statistics() -> None:
    """Reading a decision or a policy needs neither numpy nor scipy."""
    check = (
        "import sys, evalkit.decide; "
        "sys.exit(any(m.split('.')[0] in {'numpy', 'scipy'} for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_decision_is_what_its_type_says() -> None:
    """Decisions are values: frozen, and equal when their content is."""
    decision = rich_run().decide()
    assert decision == rich_run().decide()
    with pytest.raises(dataclasses.FrozenInstanceError):
        decision.outcome = "promote"  # type: ignore[misc]
    assert isinstance(decision, Decision)
