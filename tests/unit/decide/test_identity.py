"""Who answered, and whether it can have been the candidate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.decide import IdentityResult
from evalkit.decide.identity import answers_as
from evalkit.model import ModelSpec, Record, Reply

from .made_up import FAILED, MadeUp, MadeUpRun, gate_of, identity_of, run_of, spec, table


@pytest.mark.parametrize(
    ("asked", "answered", "ok"),
    [
        ("gpt-4.1-mini", "gpt-4.1-mini", True),
        ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", True),
        ("llama3", "llama3:latest", True),
        ("gpt-4", "gpt-4-0613", True),
        ("triage", "triage-v2", True),
        ("gpt-4", "gpt-4-32k", False),
        ("gpt-4.1", "gpt-4.1-mini-2025-04-14", False),
        ("gpt-4", "gpt-4o", False),
        ("ft:gpt-4.1-mini:acme::abc123", "gpt-4.1-mini-2025-04-14", False),
        ("ft:gpt-4.1-mini:acme::abc123", "ft:gpt-4.1-mini:acme::abc123", True),
    ],
)
def test_names(asked: str, answered: str, ok: bool) -> None:
    """A dated snapshot of the model asked for is that model; a sibling is not."""
    model = ModelSpec("tuned", "candidate", "openai", asked)
    assert answers_as(model, answered) == ok
    assert answers_as(replace(model, client="local"), answered)


@pytest.mark.parametrize("client", ["openai", "azure"])
def test_names_that_a_project_declares(client: str) -> None:
    """A proxy's name, or that behind a deployment, is right once declared, and then no other is."""
    model = ModelSpec("tuned", "candidate", client, "mini-tuned", answers_as=("acme/mini", "x"))
    assert answers_as(model, "acme/mini")
    assert answers_as(model, "acme/mini-2025-04-14")
    assert not answers_as(model, "mini-tuned")
    assert answers_as(replace(model, client="azure", answers_as=()), "anything")


def renamed(run: MadeUpRun, model: str, name: str) -> MadeUpRun:
    """Return the run with ``model`` an OpenAI one whose replies say ``name`` answered."""

    def rename(r: Record) -> Record:
        if r.model != model or not isinstance(r.outcome, Reply):
            return r
        return replace(r, outcome=replace(r.outcome, model=name))

    suites = tuple(replace(s, records=tuple(map(rename, s.records))) for s in run.suites)
    models = {**run.models, model: replace(run.models[model], client="openai", model="gpt-4.1")}
    return replace(run, suites=suites, models=models)


@pytest.mark.parametrize("model", ["base", "tuned"])
def test_another_model_answered(model: str) -> None:
    """An endpoint that answers as another model, on either side, fails the comparison."""
    run = renamed(
        run_of(MadeUp("triage", "target").add(*table(4, 91, 0, 5))), model, "gpt-4.1-nano"
    )
    gate = gate_of(run, "identity")
    assert gate.status == "failed"
    assert gate.why == f"{model}: asked for gpt-4.1, but gpt-4.1-nano answered."
    assert run.decide().outcome == "do_not_promote"


def test_an_endpoint_that_gives_no_name_proves_nothing() -> None:
    """An empty name is not held against the candidate."""
    run = renamed(run_of(MadeUp("triage", "target").add(*table(4, 91, 0, 5))), "tuned", "")
    identity = identity_of(run)
    assert identity == IdentityResult((), compared=100, different=100, ok=True)


def test_only_held_out_answers_are_compared() -> None:
    """Failed calls and trained cases are no part of the count."""
    made = MadeUp("triage").add([1.0, 1.0, FAILED], [1.0, FAILED, 1.0])
    identity = identity_of(run_of(made.add([1.0], [1.0], split="train")))
    assert (identity.compared, identity.different) == (1, 1)
    assert identity.answered_as == ("tuned-name",)


def test_nothing_to_compare_is_incomplete() -> None:
    """Without a shared answer nobody can say who answered."""
    run = run_of(MadeUp("triage").add([FAILED], [1.0]))
    gate = gate_of(run, "identity")
    assert gate.status == "incomplete"
    assert gate.why == "base and tuned share no held-out answer."


def test_a_tool_call_is_an_answer() -> None:
    """Models that call tools differ by their calls, not by their empty texts."""
    run = run_of(MadeUp("triage").add(*table(1, 0, 0, 0)))
    (suite,) = run.suites
    for calls, different in ((("a", "b"), 1), (("a", "a"), 0)):
        records = tuple(
            replace(r, outcome=Reply("", extra={"tool_calls": [call]}))
            for r, call in zip(suite.records, calls, strict=True)
        )
        told = replace(run, suites=(replace(suite, records=records),))
        assert identity_of(told).different == different


def test_a_model_unknown_to_the_project_is_left_alone() -> None:
    """A comparison may name a model without a description; its name cannot be checked."""
    run = run_of(
        MadeUp("triage").add(*table(3, 1, 1, 1)), models={"tuned": spec("tuned", "candidate")}
    )
    assert identity_of(run).ok
