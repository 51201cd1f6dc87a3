"""All pairs of models at once, and the ranks that are left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.arrays import FloatArray
from evalkit.stats.leaderboard import Leaderboard, leaderboard
from evalkit.stats.max_t import max_t
from evalkit.stats.values import Interval, NotEstimable


def table(scores: FloatArray, **options: object) -> Leaderboard:
    """Compare with a fixed seed and few flips."""
    return leaderboard(scores, rng=np.random.default_rng(2), resamples=999, **options)  # type: ignore[arg-type]


def scores(means: list[float], n: int = 120, seed: int = 0) -> FloatArray:
    """Draw right or wrong answers with shared difficulty."""
    rng = np.random.default_rng(seed)
    hard = rng.uniform(-0.3, 0.3, (n, 1))
    return (rng.random((n, len(means))) < np.array(means) + hard).astype(np.float64)


def test_clear_order_has_single_ranks() -> None:
    """Three models far apart: each has its rank, and every pair is decided."""
    found = table(scores([0.1, 0.5, 0.9], n=400))
    assert [(m.best_rank, m.worst_rank) for m in found.models] == [(3, 3), (2, 2), (1, 1)]
    assert all(p.p_value is not None and p.p_value <= 0.05 for p in found.pairs)
    assert [m.mean for m in found.models] == pytest.approx([0.1, 0.5, 0.9], abs=0.08)


def test_equal_models_may_have_any_rank() -> None:
    """Nothing separates copies."""
    found = table(np.tile(scores([0.5]), 4))
    assert {(m.best_rank, m.worst_rank) for m in found.models} == {(1, 4)}
    assert len(found.pairs) == 6
    assert all(p.p_value == 1.0 for p in found.pairs)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5), st.integers(0, 99))
def test_ranks_follow_the_pairs(means: list[float], seed: int) -> None:
    """Ranks count the decided pairs, and hold the rank of the sample means."""
    found = table(scores(means, n=60, seed=seed))
    k = len(means)
    for i, model in enumerate(found.models):
        better = sum(
            isinstance(p.interval, Interval)
            and ((p.second == i and p.interval.low > 0) or (p.first == i and p.interval.high < 0))
            for p in found.pairs
        )
        assert model.best_rank == 1 + better
        assert model.mean is not None
        above = sum(m.mean is not None and m.mean > model.mean for m in found.models)
        assert model.best_rank <= 1 + above <= model.worst_rank <= k


def test_pairs_are_differences_of_columns() -> None:
    """Each pair is the column of max-T for its difference."""
    s = scores([0.3, 0.5, 0.6])
    found = table(s)
    direct = max_t(
        np.stack([s[:, 0] - s[:, 1], s[:, 0] - s[:, 2], s[:, 1] - s[:, 2]], axis=1),
        rng=np.random.default_rng(2),
        side="two-sided",
        resamples=999,
    )
    assert [(p.first, p.second) for p in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert tuple(p.p_value for p in found.pairs) == direct.single_step.values
    assert tuple(p.interval for p in found.pairs) == direct.intervals()


def test_a_model_without_answers_keeps_all_ranks() -> None:
    """It leaves the comparison and the others alone."""
    s = scores([0.1, 0.9, 0.5], n=300)
    s[:, 2] = np.nan
    s[:5, 0] = np.nan
    found = table(s)
    assert (found.n, found.excluded) == (295, 5)
    assert found.models[2].mean is None
    assert (found.models[2].best_rank, found.models[2].worst_rank) == (1, 3)
    assert isinstance(found.pairs[1].interval, NotEstimable)
    assert found.pairs[1].p_value is None
    # The absent model may stand on either side of both.
    assert (found.models[1].best_rank, found.models[1].worst_rank) == (1, 2)


@pytest.mark.parametrize("shape", [(0, 3), (5, 0), (5, 1), (1, 2)])
def test_poor_tables(shape: tuple[int, int]) -> None:
    """No case, no model, one model, one case: no crash and no claim."""
    found = table(np.zeros(shape))
    assert all((m.best_rank, m.worst_rank) == (1, shape[1]) for m in found.models)


def test_clusters_are_the_units() -> None:
    """Repeated rows within clusters know no more than the rows."""
    s = np.random.default_rng(0).random((40, 3))
    plain, often = table(s), table(np.repeat(s, 5, axis=0), clusters=np.repeat(np.arange(40), 5))
    for one, other in zip(plain.pairs, often.pairs, strict=True):
        assert one.p_value == other.p_value


def test_a_matrix_is_needed() -> None:
    """A vector is no table."""
    with pytest.raises(ValueError, match="matrix"):
        table(np.zeros(4))
