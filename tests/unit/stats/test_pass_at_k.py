"""pass@k and pass^k: the published number, unbiased by enumeration, paired by case."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.pass_at_k import paired_passes, pass_at_k, pass_hat_k
from evalkit.stats.repeats import repeats

COUNTS = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))
)


def test_codex_paper(reference: dict[str, dict[str, Any]]) -> None:
    """Three right of ten samples: pass@1 and pass@5."""
    entry = reference["pass_at_k"]
    inputs = entry["inputs"]
    found = [float(pass_at_k(inputs["n"], inputs["c"], k=k)[0]) for k in inputs["k"]]
    assert found == pytest.approx(entry["expected"], abs=entry["tolerance"]), entry["source"]


@given(COUNTS)
def test_binomial_coefficients(counts: tuple[int, int, int]) -> None:
    """The products are the ratios of binomial coefficients, and none passing is the mirror."""
    n, c, k = counts
    some = 1 - math.comb(n - c, k) / math.comb(n, k)
    every = math.comb(c, k) / math.comb(n, k)
    assert pass_at_k(n, c, k=k)[0] == pytest.approx(some, abs=1e-12)
    assert pass_hat_k(n, c, k=k)[0] == pytest.approx(every, abs=1e-12)
    assert pass_hat_k(n, n - c, k=k)[0] == pytest.approx(1 - some, abs=1e-12)
    assert every <= some + 1e-12


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_unbiased(p: float, k: int) -> None:
    """Over all outcomes of eight samples the means are 1 - (1 - p)^k and p^k."""
    c = np.arange(9)
    weight = np.array([math.comb(8, int(x)) * p**x * (1 - p) ** (8 - x) for x in c])
    n = np.full(9, 8)
    assert weight @ pass_at_k(n, c, k=k) == pytest.approx(1 - (1 - p) ** k)
    assert weight @ pass_hat_k(n, c, k=k) == pytest.approx(p**k)


def test_too_few_samples_have_no_estimate() -> None:
    """pass@5 of three samples is not a number, and its neighbours are untouched."""
    found = pass_at_k([3, 10], [1, 3], k=5)
    assert math.isnan(float(found[0]))
    assert found[1] == pytest.approx(11 / 12)
    with pytest.raises(ValueError, match="k must be at least 1"):
        pass_at_k(3, 1, k=0)


def test_paired_by_case() -> None:
    """Cases align by label; one with too few samples of either model is dropped and counted."""
    base = repeats([1, 0, 0, 1, 1, 0], ["a", "a", "a", "b", "b", "c"])
    candidate = repeats([1, 1, 1, 0, 0, 0, 1], ["b", "a", "a", "b", "c", "c", "d"])
    some = paired_passes(base, candidate, k=2)
    every = paired_passes(base, candidate, k=2, passing="all")
    assert some.cases.tolist() == ["a", "b"]
    assert (some.dropped, some.method, every.method) == (2, "pass@2", "pass^2")
    assert some.base == pytest.approx([2 / 3, 1])
    assert some.candidate.tolist() == [1.0, 1.0]
    assert every.differences == pytest.approx([1.0, -1.0])


def test_swapped_models_mirror_the_differences() -> None:
    """What one gains the other loses."""
    rng = np.random.default_rng(0)
    a, b = (repeats(rng.integers(0, 2, 40), np.repeat(np.arange(10), 4)) for _ in "ab")
    one, other = paired_passes(a, b, k=3), paired_passes(b, a, k=3)
    assert one.differences.tolist() == (-other.differences).tolist()


def test_scores_between_are_refused() -> None:
    """A half right sample neither passes nor fails."""
    model = repeats([0.25, 1.0], ["a", "a"])
    with pytest.raises(ValueError, match="score 0 or 1"):
        paired_passes(model, model, k=1)


def test_no_case() -> None:
    """Nothing asked gives empty arrays, which `compare` knows."""
    found = paired_passes(repeats([], []), repeats([], []), k=1)
    assert (len(found.base), len(found.candidate), found.dropped) == (0, 0, 0)


def test_a_million_cases_in_one_call() -> None:
    """Vectorised over cases, exact for large K too."""
    n = np.full(1_000_000, 1_000)
    found = pass_at_k(n, np.arange(1_000_000) % 1_001, k=10)
    assert found[1_000] == 1.0
    assert found[1] == pytest.approx(0.01)
