"""How often whole decisions go wrong, simulated at the boundary of each rule.

Prints nominal against measured (`pytest -m slow -s`).
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from .made_up import MadeUp, gate_of, result_of, ruled, run_of, table

pytestmark = pytest.mark.slow

RUNS = 500


def draws(n: int, gained: float, lost: float) -> list[tuple[int, int, int, int]]:
    """Draw 2 x 2 tables with these shares of fixed and broken cases."""
    rng = np.random.default_rng(20261124)
    rest = (1 - gained - lost) / 2
    shares = [rest, gained, lost, rest]
    return [tuple(row) for row in rng.multinomial(n, shares, size=RUNS).tolist()]


def tell(what: str, *, nominal: float, measured: float) -> float:
    """Print nominal against measured, and return what was measured."""
    sys.stdout.write(f"\n{what}: nominal {nominal:.3f}, measured {measured:.4f}")
    return measured


@pytest.mark.parametrize(
    ("n", "shares"),
    [
        (50, (0.02, 0.04)),
        (50, (0.0, 0.02)),
        (200, (0.05, 0.07)),
        (200, (0.0, 0.02)),
        (600, (0.02, 0.04)),
    ],
)
def test_guard_at_its_margin(n: int, shares: tuple[float, float]) -> None:
    """A candidate that is worse by exactly the margin passes the guard in about 5 % at most."""
    gained, lost = shares
    passed = sum(
        gate_of(run_of(MadeUp("triage", margin=lost - gained).add(*table(*cells))), "suite").status
        == "passed"
        for cells in draws(n, gained, lost)
    )
    rate = tell(f"guard passed, n={n} {shares}", nominal=0.05, measured=passed / RUNS)
    assert rate <= 0.075


@pytest.mark.parametrize("churn", [0.02, 0.3])
def test_a_target_without_a_gain(churn: float) -> None:
    """A candidate that changed nothing on average is called improved in 2.5 % at most."""
    improved = sum(
        result_of(run_of(MadeUp("triage", "target", 0.05).add(*table(*cells)))).verdict
        == "improved"
        for cells in draws(100, churn / 2, churn / 2)
    )
    assert tell(f"improved, churn={churn}", nominal=0.025, measured=improved / RUNS) <= 0.03


def test_a_target_at_the_gain_asked_for() -> None:
    """A true gain right at min_gain passes in about 5 %, not in half of all runs."""
    passed = sum(
        gate_of(
            run_of(
                MadeUp("triage", "target", 0.05).add(*table(*cells)), policy=ruled(min_gain=0.1)
            ),
            "suite",
        ).status
        == "passed"
        for cells in draws(300, 0.15, 0.05)
    )
    assert tell("gain proved at min_gain", nominal=0.05, measured=passed / RUNS) <= 0.075


def test_an_honest_candidate_is_not_called_overfitted() -> None:
    """Where trained and held-out cases gain alike, a gap at the limit is flagged in 5 % at most."""
    train, heldout = draws(60, 0.45, 0.05), draws(100, 0.40, 0.05)
    flagged = sum(
        gate_of(
            run_of(MadeUp("triage").add(*table(*new)).add(*table(*known), split="train")),
            "overfitting",
        ).status
        == "failed"
        for known, new in zip(train[:200], heldout[:200], strict=True)
    )
    assert tell("overfitting flagged at max_gap", nominal=0.05, measured=flagged / 200) <= 0.085
