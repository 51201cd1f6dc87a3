"""Cochran's Q: published values, McNemar for two models, shuffles listed by hand."""

from __future__ import annotations

import itertools
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evalkit.stats import several_models as module
from evalkit.stats.paired_binary import mcnemar_asymptotic, mcnemar_exact
from evalkit.stats.several_models import CochranQ, cochran_q
from evalkit.stats.values import NotEstimable, PValue

OUTCOMES = st.tuples(st.integers(1, 6), st.integers(2, 4)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 1))
)


def q_of(x: object, *, resamples: int = 999) -> CochranQ:
    """Return a Q whose figures must exist."""
    found = cochran_q(x, rng=np.random.default_rng(0), resamples=resamples)  # type: ignore[arg-type]
    assert isinstance(found, CochranQ)
    return found


def p_of(value: PValue | NotEstimable) -> float:
    """Return a p-value that must exist."""
    assert isinstance(value, PValue)
    return value.value


def test_conover(reference: dict[str, dict[str, Any]]) -> None:
    """Conover's three methods on twelve items."""
    entry = reference["cochran_q"]
    found = q_of(entry["inputs"]["x"])
    assert (found.statistic, p_of(found.p_value)) == pytest.approx(
        entry["expected"], abs=entry["tolerance"]
    ), entry["source"]
    assert found.df == 2


@given(OUTCOMES)
def test_every_shuffle_is_counted(x: np.ndarray) -> None:
    """All shuffles within items listed by hand give the same p-value."""
    found = q_of(x)
    if isinstance(found.permutation, NotEstimable):
        assert found.mixed == 0
        return
    k = x.shape[1]
    rows = [sorted(set(itertools.permutations(row))) for row in x.tolist()]
    squares = [
        sum(sum(column) ** 2 for column in zip(*choice, strict=True))
        for choice in itertools.islice(itertools.product(*rows), 50_000)
    ]
    seen = int((x.sum(axis=0) ** 2).sum())
    assert found.df == k - 1
    assert p_of(found.permutation) == pytest.approx(np.mean([s >= seen for s in squares]))


def test_two_models_are_mcnemar() -> None:
    """Q is McNemar's chi-squared, its shuffles the exact test."""
    x = [[1, 0]] * 9 + [[0, 1]] * 3 + [[1, 1]] * 4 + [[0, 0]] * 2
    found = q_of(x)
    assert p_of(found.p_value) == pytest.approx(float(mcnemar_asymptotic(9, 3)[0]))
    assert p_of(found.permutation) == pytest.approx(float(mcnemar_exact(9, 3)[0]))
    assert (found.n, found.mixed) == (18, 12)


@pytest.mark.parametrize("patterns", [1_000, 0])
def test_random_shuffles_approach_all_shuffles(patterns: int) -> None:
    """Drawn by patterns or case by case, 20,000 shuffles come near the exact p-value."""
    x = np.random.default_rng(0).random((9, 4)) < [0.7, 0.4, 0.5, 0.3]
    exact = q_of(x)
    assert isinstance(exact.permutation, PValue)
    assert "all shuffles" in exact.permutation.method
    with mock.patch.object(module, "_LISTED", 1), mock.patch.object(module, "_PATTERNS", patterns):
        found = q_of(x, resamples=20_000)
    assert isinstance(found.permutation, PValue)
    assert "random" in found.permutation.method
    assert found.permutation.value == pytest.approx(exact.permutation.value, abs=0.015)


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_order_changes_nothing(x: np.ndarray, random: object) -> None:
    """Items and models in another order, and right and wrong exchanged, give the same Q."""
    items, models = list(range(len(x))), list(range(x.shape[1]))
    for order in (items, models):
        random.shuffle(order)  # type: ignore[attr-defined]
    one, other, mirror = q_of(x), q_of(x[items][:, models]), q_of(1 - x)
    for found in (other, mirror):
        if isinstance(one.statistic, NotEstimable):
            assert found.statistic == one.statistic
            continue
        assert found.statistic == pytest.approx(one.statistic)
        assert p_of(found.permutation) == pytest.approx(p_of(one.permutation))


@pytest.mark.parametrize("x", [[[1, 1], [0, 0]], [[1, 1, 1]]])
def test_items_that_all_answer_alike(x: list[list[int]]) -> None:
    """Without a mixed item there is no Q, and the rates stand."""
    found = q_of(x)
    assert found.statistic == NotEstimable("every item was answered alike by all models")
    assert found.statistic == found.p_value == found.permutation
    assert found.rates[0] == np.mean(x)


@pytest.mark.parametrize("x", [np.empty((0, 3)), [[1.0, float("nan")]]])
def test_no_items(x: object) -> None:
    """No item and missing outcomes say why."""
    found = cochran_q(x, rng=np.random.default_rng(0))  # type: ignore[arg-type]
    assert isinstance(found, NotEstimable)


@pytest.mark.parametrize("x", [[1, 0, 1], [[1], [0]], [[0.5, 1.0]]])
def test_other_shapes_are_errors(x: object) -> None:
    """One model, a flat list, and scores between 0 and 1 are a caller's mistake."""
    with pytest.raises(ValueError, match="cochran_q needs"):
        cochran_q(x, rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_many_items() -> None:
    """200,000 items of five models, one of them better, in one call."""
    x = np.random.default_rng(0).random((200_000, 5)) < [0.5, 0.5, 0.5, 0.5, 0.51]
    found = q_of(x)
    assert p_of(found.permutation) == 1 / 1000
    assert p_of(found.p_value) < 1e-3


def test_two_mixed_items_are_too_few_for_chi_squared_with_any_number_of_models() -> None:
    """One model of 21 wrong in both: 1 in 21 by chance, which chi-squared takes for .005."""
    x = np.ones((100, 21))
    x[:2, 3] = 0
    found = cochran_q(x, rng=np.random.default_rng(1), shuffled="few")
    assert isinstance(found, CochranQ)
    assert p_of(found.p_value) == pytest.approx(0.005, abs=0.001)
    assert p_of(found.preferred) == pytest.approx(1 / 21)


@pytest.mark.parametrize(("items", "by_chi_squared"), [(31, False), (32, True)])
def test_which_p_value_is_read_depends_on_the_mixed_items(items: int, by_chi_squared: bool) -> None:
    """The permutation below 32 of them; items that all models got right do not count."""
    rng = np.random.default_rng(2)
    mixed = rng.permuted(np.tile([1, 0, 0], (items, 1)), axis=1)
    found = cochran_q(np.vstack([mixed, np.ones((50, 3))]), rng=rng, shuffled="few", resamples=99)
    assert isinstance(found, CochranQ)
    assert found.mixed == items
    assert (found.preferred == found.p_value) is by_chi_squared
