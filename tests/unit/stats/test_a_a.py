"""Two runs of one model: their noise, and the gate's own false alarms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.a_a import FalseAlarms, GateSettings, gate_false_alarms, noise_floor
from evalkit.stats.flips import Share
from evalkit.stats.values import NotEstimable

nan = float("nan")


def fresh() -> np.random.Generator:
    """Return the same generator each time."""
    return np.random.default_rng(7)


def alarms(first: Any, second: Any, settings: GateSettings, clusters: Any = None) -> FalseAlarms:
    """Return the false alarms of runs that have cases."""
    found = gate_false_alarms(first, second, settings=settings, clusters=clusters, rng=fresh())
    assert isinstance(found, FalseAlarms)
    return found


def two_runs(n: int, noise: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return scores of 0 and 1 of which a share ``noise`` flips in the second run."""
    rng = np.random.default_rng(1)
    first = (rng.random(n) < 0.7).astype(float)
    return first, np.where(rng.random(n) < noise, 1 - first, first)


def test_noise_of_binary_runs() -> None:
    """Two of ten cases flip: a rate of .2, as is the mean size, and root .2 as the spread."""
    found = noise_floor([1, 1, 1, 0, 0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 0, 0, 1, 1, 1, 1], rng=fresh())
    assert isinstance(found.flips, Share)
    assert (found.flips.count, found.flips.n) == (2, 10)
    assert (found.sd, found.mean_absolute) == pytest.approx((math.sqrt(0.2), 0.2))
    assert found.comparison.difference == 0.0


def test_noise_of_graded_runs_has_no_flips() -> None:
    """Scores between have a spread and no flip rate; nan cases are left out."""
    found = noise_floor([0.5, 0.25, nan], [0.75, 0.25, 1.0], rng=fresh())
    assert found.flips == NotEstimable("the scores are not all 0 or 1")
    assert found.n == 2
    assert found.mean_absolute == pytest.approx(0.125)


def test_a_drift_between_runs_is_seen() -> None:
    """If the second run is worse by itself, the A/A comparison says so."""
    first = np.ones(100)
    second = np.where(np.arange(100) < 15, 0.0, 1.0)
    found = noise_floor(first, second, rng=fresh())
    assert not isinstance(found.comparison.exact, NotEstimable)
    assert found.comparison.exact.value < 0.001


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_the_order_of_the_runs_does_not_matter(rows: list[tuple[bool, bool]]) -> None:
    """Noise has no direction."""
    first, second = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    one, other = noise_floor(first, second, rng=fresh()), noise_floor(second, first, rng=fresh())
    assert (one.sd, one.mean_absolute, one.flips) == (other.sd, other.mean_absolute, other.flips)
    ours = alarms(first, second, GateSettings(0.05, draws=50))
    theirs = alarms(second, first, GateSettings(0.05, draws=50))
    assert ours == theirs


def test_flips_of_whole_clusters_are_as_unsure_as_the_clusters_are_few() -> None:
    """100 clusters of 4 that flip as one have the share's limits of about 100 cases, not of 400."""
    first = np.ones(100)
    second = np.where(np.arange(100) < 30, 0.0, 1.0)
    once = noise_floor(first, second, rng=fresh()).flips
    four = [np.repeat(run, 4) for run in (first, second)]
    apart = noise_floor(*four, rng=fresh()).flips
    whole = noise_floor(*four, clusters=np.repeat(np.arange(100), 4), rng=fresh()).flips
    assert isinstance(once, Share)
    assert isinstance(apart, Share)
    assert isinstance(whole, Share)
    assert (whole.count, whole.n) == (120, 400)
    widths = [share.interval.high - share.interval.low for share in (once, apart, whole)]
    assert widths[2] == pytest.approx(widths[0], rel=0.1)
    assert widths[1] < 0.6 * widths[2]
    assert whole.interval.method == "t on clusters (CR2)"
    assert apart.interval.method == "Clopper-Pearson"


def test_hardly_any_flip_in_clusters_has_limits_from_0() -> None:
    """One flip of 40: not below 0, and never of width 0; of one cluster nothing is known."""
    first, second = np.ones(40), np.where(np.arange(40) < 1, 0.0, 1.0)
    found = noise_floor(first, second, clusters=np.arange(40) // 4, rng=fresh()).flips
    assert isinstance(found, Share)
    assert 0 <= found.interval.low <= 1 / 40 < found.interval.high
    none = noise_floor(first, second, clusters=np.zeros(40), rng=fresh()).flips
    assert isinstance(none, NotEstimable)


@pytest.mark.parametrize("runs", [([], []), ([nan], [1.0])])
def test_no_case_run_twice(runs: tuple[list[float], list[float]]) -> None:
    """Without pairs there is neither noise nor an alarm."""
    found = noise_floor(*runs, rng=fresh())
    assert (found.n, found.sd, found.flips) == (0, None, NotEstimable("no case was run twice"))
    none = gate_false_alarms(*runs, settings=GateSettings(0.05), rng=fresh())
    assert none == NotEstimable("no case was run twice")
    with pytest.raises(ValueError, match="one score per case"):
        noise_floor([1.0], [1.0, 0.0], rng=fresh())


def test_binary_gate_keeps_its_rate() -> None:
    """300 cases that flip in 8 %: false regressions near 5 %, none beyond the margin."""
    found = alarms(*two_runs(300, 0.08), GateSettings(0.05, draws=20_000))
    assert found.regressed.value == pytest.approx(0.05, abs=0.012)
    assert found.regressed.interval.low < found.regressed.value < found.regressed.interval.high
    assert found.beyond_margin.value < 0.001
    assert found.method == "Tango score of drawn suites"


def test_more_cases_pass_more_often() -> None:
    """Nothing changed, yet small suites cannot show it: refusals fall with the cases."""
    runs = two_runs(300, 0.08)
    stopped = [alarms(*runs, GateSettings(0.05, cases=n)).not_passed.value for n in (50, 150, 600)]
    assert stopped == sorted(stopped, reverse=True)
    assert stopped[0] > 0.5
    assert stopped[-1] < 0.05


def test_no_noise_no_alarm() -> None:
    """Two equal runs never regress; a suite of ten still cannot be certified."""
    same = np.ones(40)
    found = alarms(same, same, GateSettings(0.05, cases=10, draws=200))
    assert (found.regressed.value, found.not_passed.value) == (0.0, 1.0)
    assert alarms(same, same, GateSettings(0.05, cases=500, draws=200)).not_passed.value == 0.0


@pytest.mark.parametrize(("n", "clusters"), [(200, False), (200, True), (25, False), (8, False)])
def test_graded_gate_keeps_its_rate(n: int, clusters: bool) -> None:
    """Scores, clusters and small suites: false regressions are few everywhere."""
    rng = np.random.default_rng(2)
    first = rng.beta(4, 2, n)
    second = np.clip(first + rng.normal(0, 0.15, n), 0, 1)
    labels = np.arange(n) // 5 if clusters else None
    found = alarms(first, second, GateSettings(0.05, draws=300), labels)
    assert found.regressed.value < 0.1
    assert found.cases == (n // 5 if clusters else n)


def test_one_cluster_never_passes() -> None:
    """A gate without an interval refuses every suite and calls none regressed."""
    found = alarms([0.5, 0.75], [0.25, 1.0], GateSettings(0.05, draws=20), ["a", "a"])
    assert (found.regressed.value, found.not_passed.value) == (0.0, 1.0)


def test_no_draw() -> None:
    """Without a suite drawn there is no rate."""
    found = gate_false_alarms([1.0], [0.0], settings=GateSettings(0.05, draws=0), rng=fresh())
    assert found == NotEstimable("no suite was drawn")
