"""The grader `cosine`: what it asks, and what embeddings come to. No model is needed for either."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.judge.base import kind_of
from evalkit.graders.judge.embedding import CosineGrader
from evalkit.graders.registry import make
from evalkit.model import Failure, Grade, Outcome, Reply, Ungraded

from .grading import case, fault, spec

NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False)


def cosine(**options: Any) -> CosineGrader:
    """Return a grader that must be sound."""
    made = make(spec("cosine", **{"threshold": 0.8, **options}), allow_code=False)
    assert isinstance(made, CosineGrader), made
    return made


def vector(*values: float, model: str = "e") -> Reply:
    """Return a model's answer with an embedding."""
    return Reply("", model=model, extra={"embedding": list(values)})


def score(*outcomes: Outcome, **options: Any) -> Grade:
    """Return the grade of embeddings, the answer's first, that must be there."""
    found = cosine(**options).read([[outcome] for outcome in outcomes])
    assert isinstance(found, Grade), found
    return found


def test_the_answer_is_asked_about_before_the_references() -> None:
    """Each text alone, as it is; half a surrogate pair is none."""
    chats = cosine().questions(case(["yes", "sure"]), Reply("aye\ud800 "), None)
    assert [m["content"] for (m,) in chats] == ["aye? ", "yes", "sure"]
    [_, (fixed,)] = cosine(value="no").questions(case("yes"), Reply("aye"), None)
    assert fixed["content"] == "no"
    [_, (part,)] = cosine(path="$.a").questions(case({"a": "b"}), Reply("aye"), None)
    assert part["content"] == "b"


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_the_score_is_numpys(pairs: list[tuple[float, float]]) -> None:
    """The dot product over both lengths, cut to [0, 1]; the detail has it as it is."""
    one, other = np.array(pairs).T
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    found = cosine().read([[vector(*one)], [vector(*other)]])
    if not (one.any() and other.any()):
        assert isinstance(found, Ungraded)
    elif lengths > 1e-200:
        assert isinstance(found, Grade)
        expected = float(one @ other / lengths)
        assert found.score == pytest.approx(min(max(expected, 0), 1), abs=1e-9)
        assert found.detail["cosines"] == pytest.approx([expected], abs=1e-9)


def test_known_angles() -> None:
    """60 degrees is a half, across and against are 0; lengths do not count, however extreme."""
    assert score(vector(1, 0), vector(0.5, math.sqrt(0.75))).score == pytest.approx(0.5)
    assert score(vector(1, 0), vector(0, 3)).score == 0
    against = score(vector(1, 0), vector(-2, 0))
    assert (against.score, against.detail["cosines"]) == (0, [-1])
    assert score(vector(1e-300, 1e-300), vector(1e300, 1e300)).score == 1


def test_a_text_is_equal_to_itself() -> None:
    """Whatever rounding does: it passes with a threshold of 1."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        same = vector(*rng.normal(size=384))
        assert score(same, same, threshold=1).passed


def test_the_nearest_reference_counts() -> None:
    """And passes from the threshold on; the names of the model stand in the detail."""
    found = score(vector(1, 0), vector(0, 1), vector(0.8, 0.6), vector(0.6, 0.8), threshold=0.8)
    assert (found.score, found.passed) == (0.8, True)
    assert found.detail == {"cosines": [0, 0.8, 0.6], "judges": ["e"]}
    assert not score(vector(1, 0), vector(0.6, 0.8)).passed


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        ([Failure("timeout", "gave up"), vector(1)], "no answer: timeout"),
        ([vector(1, 0), vector(1, 0), Failure("server", "500")], "no answer: server"),
        ([Reply("hello"), vector(1)], "no embedding"),
        ([vector(), vector()], "no embedding"),
        ([vector(0, 0), vector(1, 0)], "no embedding"),
        ([vector(1, 0), vector(math.nan, 1)], "no embedding"),
        ([vector(1, 0), vector(math.inf, 1)], "no embedding"),
        ([vector(1, 0), vector(1, 0, 0)], "embeddings of different lengths"),
        ([vector(1, 0), vector(1, 0, model="f")], "embeddings of different models"),
        ([], "the answer is empty"),
    ],
)
def test_what_is_no_embedding_is_no_low_score(outcomes: list[Outcome], why: str) -> None:
    """Ungraded, and counted by a reason that is the same for all of a kind."""
    found = cosine().read([[outcome] for outcome in outcomes])
    assert isinstance(found, Ungraded)
    assert kind_of(found).startswith(why)


def test_of_an_empty_answer_nothing_is_asked() -> None:
    """Endpoints refuse empty texts; what it lacks is known without them."""
    assert cosine().questions(case("yes"), Reply(" \n"), None) == ()


def test_a_case_needs_a_text_to_compare_with() -> None:
    """Told before the run; a value for all cases that is none, as the grader's fault."""
    assert cosine().lacks(case()) == "the case has no expected answer"
    assert cosine().lacks(case("yes")) == ""
    assert "must hold a text" in fault("cosine", threshold=0.5, value="").got


def test_it_cannot_stand_inside_another_grader() -> None:
    """As no grader that asks a model can."""
    inner = [spec("cosine", threshold=0.5)]
    assert "asks no other model" in fault("not", graders=inner).needed
