"""A million pairs stay within seconds and within bounded memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
import pytest

from evalkit.stats.arrays import FloatArray
from evalkit.stats.paired import compare

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["binary", "grid", "continuous"])
def test_a_million_pairs(kind: str) -> None:
    """1,000,000 pairs with 9,999 random flips: 30 seconds of one core and 1 GB at most."""
    rng = np.random.default_rng(0)
    draw: Callable[[], FloatArray] = {
        "binary": lambda: rng.integers(0, 2, 1_000_000).astype(np.float64),
        "grid": lambda: rng.integers(0, 5, 1_000_000) / 4,
        "continuous": lambda: rng.random(1_000_000),
    }[kind]
    base, candidate = draw(), draw()
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert compare(base, candidate, rng=rng).n == 1_000_000
    assert time.process_time() - start < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000
