"""The choice of procedure, and what must hold whichever is chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.paired import compare
from evalkit.stats.paired_scores import paired_t
from evalkit.stats.sign_flip import sign_flip
from evalkit.stats.values import Interval, NotEstimable, Procedure

SCORE = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
PAIRS = st.lists(st.tuples(SCORE, SCORE, st.integers(0, 6)), min_size=1, max_size=60)


def fresh() -> np.random.Generator:
    """Return the same generator each time."""
    return np.random.default_rng(7)


def procedure_of(base: object, candidate: object, clusters: object = None) -> Procedure:
    """Return the procedure of a comparison that must have one."""
    found = compare(base, candidate, clusters=clusters, rng=fresh()).procedure  # type: ignore[arg-type]
    assert not isinstance(found, NotEstimable)
    return found


@pytest.mark.parametrize(
    ("n", "kind", "method"),
    [
        (3, "binary", "Tango score"),
        (500, "binary", "Tango score"),
        (3, "dense", "Tango score on sums of gains and losses"),
        (20, "dense", "inverted sign-flip"),
        (25, "dense", "inverted sign-flip, 99,999 random flips"),
        (30, "dense", "paired t"),
        (400, "dense", "paired t"),
        (400, "sparse", "Tango score on sums of gains and losses"),
        (400, "constant", "Tango score on sums of gains and losses"),
        (400, "clustered", "t on clusters (CR2)"),
    ],
)
def test_method_by_data(n: int, kind: str, method: str) -> None:
    """Each kind of data gets the procedure that the module's table names."""
    rng = np.random.default_rng(1)
    base = rng.uniform(0.2, 0.8, n)
    candidate = {
        "binary": (base > 0.5).astype(float),
        "dense": np.clip(base + rng.normal(0, 0.1, n), 0, 1),
        "sparse": base - 0.1 * (np.arange(n) < 6),
        "constant": base + 0.125,
        "clustered": np.clip(base + rng.normal(0, 0.1, n), 0, 1),
    }[kind]
    base = (base > 0.4).astype(float) if kind == "binary" else base
    if kind == "constant":
        base, candidate = np.full(n, 0.5), np.full(n, 0.625)
    clusters = np.arange(n) // 5 if kind == "clustered" else None
    assert procedure_of(base, candidate, clusters).method == method


@given(PAIRS, st.booleans(), st.sampled_from([0.9, 0.95]))
def test_interval_excludes_zero_exactly_when_the_matching_test_rejects(
    rows: list[tuple[float, float, int]], clustered: bool, level: float
) -> None:
    """Whatever the procedure, its p-value and its interval tell one story."""
    base, candidate, labels = (np.array(column) for column in zip(*rows, strict=True))
    found = compare(base, candidate, clusters=labels if clustered else None, rng=fresh())
    if isinstance(found.procedure, NotEstimable):
        assert len(set(labels)) == 1
        return
    interval = found.procedure.interval(level=level)
    rejects = found.procedure.p_value().value <= 1 - level + 1e-12
    if isinstance(interval, NotEstimable):
        assert not rejects
    else:
        assert (interval.low > 0 or interval.high < 0) == rejects


@given(PAIRS, st.booleans())
def test_swapping_the_models_mirrors_everything(
    rows: list[tuple[float, float, int]], clustered: bool
) -> None:
    """Candidate against base is base against candidate with the other sign."""
    base, candidate, labels = (np.array(column) for column in zip(*rows, strict=True))
    clusters = labels if clustered else None
    one = compare(base, candidate, clusters=clusters, rng=fresh())
    other = compare(candidate, base, clusters=clusters, rng=fresh())
    assert one.difference == -(other.difference or 0.0)
    assert one.exact == other.exact
    assert one.variance == pytest.approx(other.variance)
    if isinstance(one.procedure, NotEstimable) or isinstance(other.procedure, NotEstimable):
        assert one.procedure == other.procedure
        return
    here, there = one.procedure.interval(level=0.9), other.procedure.interval(level=0.9)
    if isinstance(here, Interval) and isinstance(there, Interval):
        assert (here.low, here.high) == pytest.approx((-there.high, -there.low), abs=1e-9)
    greater = one.procedure.p_value(side="greater").value
    assert greater == pytest.approx(other.procedure.p_value(side="less").value)


@given(PAIRS, st.booleans(), st.randoms(use_true_random=False))
def test_order_of_cases_changes_nothing(
    rows: list[tuple[float, float, int]], clustered: bool, random: object
) -> None:
    """The same cases in another order give the same comparison."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = []
    for order in (rows, shuffled):
        base, candidate, labels = (np.array(column) for column in zip(*order, strict=True))
        found.append(compare(base, candidate, clusters=labels if clustered else None, rng=fresh()))
    one, other = found
    assert (one.difference, one.exact) == (other.difference, other.exact)
    if isinstance(one.procedure, NotEstimable) or isinstance(other.procedure, NotEstimable):
        assert one.procedure == other.procedure
        return
    assert one.procedure.p_value().value == pytest.approx(other.procedure.p_value().value)


@given(PAIRS, st.integers(1, 200))
def test_tied_pairs_never_flip_a_sign(rows: list[tuple[float, float, int]], ties: int) -> None:
    """Cases on which the models agree never turn a gain into a loss or the other way round."""
    base, candidate, _ = (np.array(column) for column in zip(*rows, strict=True))
    more = np.append(base, np.full(ties, 0.5)), np.append(candidate, np.full(ties, 0.5))
    before, after = compare(base, candidate, rng=fresh()), compare(*more, rng=fresh())
    assert math.copysign(1, before.difference or 0.0) == math.copysign(1, after.difference or 0.0)
    signs = []
    for found in (before, after):
        assert not isinstance(found.procedure, NotEstimable)
        interval = found.procedure.interval(level=0.9)
        known = isinstance(interval, Interval)
        signs.append((known and interval.low > 0) - (known and interval.high < 0))  # type: ignore[union-attr]
    assert signs[0] * signs[1] >= 0


@given(PAIRS, st.integers(2, 5))
def test_copies_of_cases_in_clusters_narrow_nothing(
    rows: list[tuple[float, float, int]], copies: int
) -> None:
    """Rows repeated within their case are no new evidence once the case is the cluster."""
    base, candidate, _ = (np.array(column) for column in zip(*rows, strict=True))
    labels = np.arange(len(rows))
    once = compare(base, candidate, clusters=labels, rng=fresh())
    often = compare(
        np.repeat(base, copies),
        np.repeat(candidate, copies),
        clusters=np.repeat(labels, copies),
        rng=fresh(),
    )
    if isinstance(once.procedure, NotEstimable) or isinstance(often.procedure, NotEstimable):
        assert once.procedure == often.procedure
        return
    narrow, wide = often.procedure.interval(level=0.9), once.procedure.interval(level=0.9)
    assert isinstance(narrow, Interval)
    assert isinstance(wide, Interval)
    assert (narrow.low, narrow.high) == pytest.approx((wide.low, wide.high), abs=1e-9)


def test_no_case_is_said_to_be_none() -> None:
    """Without a case there is no number, and the reason stands in each place."""
    found = compare([], [], rng=fresh())
    assert found.n == 0
    assert found.difference is None
    assert found.procedure == found.exact == NotEstimable("no case was answered by both models")


def test_one_cluster_is_refused() -> None:
    """Cases that all hang together have no spread to go by."""
    found = compare([0, 1, 1], [1, 1, 1], clusters=["a", "a", "a"], rng=fresh())
    assert found.procedure == NotEstimable("all cases are in one cluster, two are needed")
    assert found.exact == found.procedure
    assert found.variance is None
    assert found.difference == pytest.approx(1 / 3)


@pytest.mark.parametrize("n", [1, 2, 30, 1000])
@pytest.mark.parametrize("change", [0.0, 0.25, -0.25, 1.0])
@pytest.mark.parametrize("clustered", [False, True])
def test_equal_differences_claim_no_certainty(n: int, change: float, clustered: bool) -> None:
    """One common difference has no spread, but its interval has width, less with more cases."""
    base = np.full(n, 0.5 if abs(change) < 1 else 0.0)
    clusters = np.arange(n) if clustered else None
    found = compare(base, base + change, clusters=clusters, rng=fresh())
    if clustered and n == 1:
        assert isinstance(found.procedure, NotEstimable)
        return
    assert not isinstance(found.procedure, NotEstimable)
    interval = found.procedure.interval(level=0.9)
    assert isinstance(interval, Interval)
    assert interval.low <= change <= interval.high
    assert interval.high - interval.low > 1 / n
    assert found.variance is not None
    assert found.variance > 0


def test_clipped_to_the_scale() -> None:
    """No limit leaves [-1, 1], the range of differences of scores."""
    rng = np.random.default_rng(0)
    base = np.zeros(40)
    candidate = np.concatenate([np.ones(37), rng.uniform(0.1, 0.5, 3)])
    interval = procedure_of(base, candidate).interval(level=0.99)
    assert isinstance(interval, Interval)
    assert interval.high <= 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_no_number_claims_nothing(bad: float) -> None:
    """Neither certainty nor a p-value of 0 comes out of nan; a bare sign-flip test refuses it."""
    rng = np.random.default_rng(0)
    found = compare([1.0, bad, 0.0, 1.0] * 10, [1.0, 1.0, 0.0, 0.0] * 10, rng=rng)
    assert isinstance(found.procedure, NotEstimable)
    assert isinstance(found.exact, NotEstimable)
    assert (found.n, found.difference, found.variance) == (40, None, None)
    with pytest.raises(ValueError, match="finite"):
        sign_flip([bad, 1.0, 2.0], rng=rng)


def test_differences_too_small_to_square() -> None:
    """Their spread is lost in a float: no statistic is made of it."""
    found = paired_t(np.where(np.arange(40) % 2, 1e-200, 0.0))
    assert isinstance(found, NotEstimable)
