"""Which models and cases take part, and what they are asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.errors import SetupError
from evalkit.model import Case, ModelSpec, Pair, Project, Sampling, Suite
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import choose_models, choose_pairs, concerns, narrow, request


def model(name: str, role: str, of: str | None = None) -> ModelSpec:
    """Return a model that nobody asks."""
    return ModelSpec(name, role, "scripted", name, of=of)  # type: ignore[arg-type]


MODELS = {
    m.name: m
    for m in (
        model("base", "base"),
        model("tuned", "candidate"),
        model("other", "candidate"),
        model("tuned-30", "checkpoint", of="tuned"),
    )
}
PROJECT = Project(Path("/p"), MODELS, (Pair("base", "tuned"),))
TRAIN = Case("s", "t", (), split="train", trained=frozenset({"other"}))
HELD = Case("s", "h", ({"role": "user", "content": "q"},))
SUITE = Suite("s", "target", (HELD, TRAIN), (), "g", Sampling(samples=2))


def test_without_names_the_comparisons_say_who_takes_part() -> None:
    """Checkpoints and candidates that are not compared stay out."""
    assert choose_models(PROJECT, ()) == {"base", "tuned"}


def test_patterns_choose_models() -> None:
    """A pattern takes the checkpoints along."""
    assert choose_models(PROJECT, ("base", "tuned*")) == {"base", "tuned", "tuned-30"}


def test_a_pattern_without_a_match_names_the_models_there_are() -> None:
    """The message lists them."""
    with pytest.raises(SetupError, match="base, tuned, other"):
        choose_models(PROJECT, ("tunde",))


def test_a_candidate_without_a_comparison_is_compared_with_the_base() -> None:
    """Naming it is enough."""
    assert choose_pairs(PROJECT, frozenset({"base", "other"})) == (Pair("base", "other"),)


def test_nothing_to_compare_is_an_error() -> None:
    """A base alone decides nothing."""
    with pytest.raises(SetupError, match="a base and a candidate"):
        choose_pairs(PROJECT, frozenset({"base"}))


def test_train_cases_of_others_are_left_out() -> None:
    """They say nothing about the models of this run."""
    _, (suite,) = narrow(PROJECT, [SUITE], Options(Path("r")))
    assert suite.cases == (HELD,)


def test_samples_and_limit_reach_the_suites() -> None:
    """Both options override what the suite says."""
    options = Options(Path("r"), models=("base", "other"), samples=5, limit=1)
    _, (suite,) = narrow(PROJECT, [SUITE], options)
    assert (suite.sampling.samples, suite.cases) == (5, (HELD,))


def test_a_train_case_is_asked_of_base_and_learner_only() -> None:
    """The base is the control; another candidate never saw the row."""
    assert [concerns(TRAIN, m) for m in MODELS.values()] == [True, False, True, False]


def test_each_sample_has_a_seed_of_its_own() -> None:
    """Equal seeds would draw equal answers; without a seed none is sent."""
    assert [request(SUITE, HELD, i).body["seed"] for i in (0, 1)] == [7, 8]
    seedless = replace(SUITE, sampling=Sampling(seed=None))
    assert "seed" not in request(seedless, HELD, 0).body
