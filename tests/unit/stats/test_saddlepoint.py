"""The tail of a signed sum by saddlepoint: as the listed law has it, to the far end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from evalkit.stats.arrays import FloatArray
from evalkit.stats.saddlepoint import serves, signed_sum_tail
from evalkit.stats.sign_flip import sign_flip


def listed(sizes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return every sum of signed whole ``sizes`` with P(sum > it) + P(sum = it) / 2."""
    law = np.ones(1)
    for size in sizes.astype(int):
        gap = np.zeros(size)
        law = (np.append(law, gap) + np.append(gap, law)) / 2
    above = np.cumsum(law[::-1])[::-1]
    return 2.0 * np.arange(len(law)) - sizes.sum(), above - law / 2


@pytest.mark.parametrize("z", [0.0, 0.005, 0.02, 0.5, 1.645, 3.0, 5.0, 8.0])
@pytest.mark.parametrize("shape", ["even", "skewed"])
def test_tail_is_that_of_the_listed_law(z: float, shape: str) -> None:
    """From the centre to 1e-16 the approximation is right within one part in a thousand."""
    rng = np.random.default_rng(0)
    drawn = rng.uniform(1, 400, 700) if shape == "even" else 1 + rng.gamma(2, 40, 700)
    sizes = np.floor(np.minimum(drawn, 150))
    sums, tails = listed(sizes)
    at = int(np.searchsorted(sums, z * np.sqrt((sizes**2).sum())))
    assert serves(sizes)
    assert signed_sum_tail(sizes, float(sums[at])) == pytest.approx(tails[at], rel=1e-3)


def test_tails_of_opposite_totals_add_up_to_one() -> None:
    """The law is symmetric."""
    sizes = np.random.default_rng(1).exponential(size=900)
    assert signed_sum_tail(sizes, -20.0) == pytest.approx(1 - signed_sum_tail(sizes, 20.0))


def test_all_signs_alike_is_never_impossible() -> None:
    """The farthest total has a p-value above 0, and it falls all the way there."""
    sizes = np.random.default_rng(2).uniform(0.1, 1, 900)
    farthest = float(sizes.sum())
    shares = [signed_sum_tail(sizes, share * farthest) for share in (0.5, 0.7, 0.9, 0.999, 1.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] > 0


def test_a_size_that_outweighs_the_others_is_drawn_instead() -> None:
    """One huge difference gives the law two humps, which only drawing sees."""
    rng = np.random.default_rng(3)
    d = np.append(rng.uniform(-0.01, 0.01, 800), 0.9)
    assert not serves(np.abs(d))
    found = sign_flip(d, rng=rng)
    assert "random flips" in found.method
    assert found.value > 0.4


@pytest.mark.parametrize("jitter", [0.0, 1e-4])
@pytest.mark.parametrize("others", [[], [1.5] * 30])
def test_sizes_on_a_lattice_with_dust_are_drawn_instead(jitter: float, others: list[float]) -> None:
    """100 equal sizes among 900 tiny ones have the p-value of the 100, not that of a smooth law."""
    rng = np.random.default_rng(5)
    alike = np.repeat([1.0, -1.0], [60, 40]) * rng.uniform(1 - jitter, 1 + jitter, 100)
    d = np.concatenate([alike, others, -rng.uniform(0, 1e-5, 900)])
    assert not serves(np.abs(d))
    if not others and not jitter:
        exact = sign_flip([1.0] * 60 + [-1.0] * 40, rng=rng).value
        assert sign_flip(d, rng=rng, resamples=99_999).value == pytest.approx(exact, abs=0.004)


def test_many_distinct_differences_need_no_random_number() -> None:
    """The p-value of 2,000 distinct differences needs no luck, and is near that of t."""
    d = np.random.default_rng(4).normal(0.04, 1, 2_000)
    first, second = (sign_flip(d, rng=np.random.default_rng(seed)) for seed in (0, 1))
    assert first == second
    assert first.method == "sign-flip, saddlepoint"
    t = float(d.mean() / d.std(ddof=1) * np.sqrt(len(d)))
    assert first.value == pytest.approx(2 * student.sf(abs(t), len(d) - 1), rel=0.02)


def test_all_one_way_has_its_exact_p_value() -> None:
    """700 distinct gains are as likely as 2 of 2^700 flips."""
    d = np.linspace(0.5, 0.6, 700) ** 1.5
    found = sign_flip(d, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(2 * 0.5**700)
