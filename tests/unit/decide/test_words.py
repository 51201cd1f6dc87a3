"""The sentences: numbers in points, the right way round, and no jargon."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.decide import Interval
from evalkit.decide.words import interval_words, many, percent, points

from .made_up import FAILED, MadeUp, gate_of, only, ruled, run_of, table

JARGON = ("significant", "p-value", "null", "hypothes", "reject", "regress")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0421, "4.2"), (-0.0004, "0.0"), (0.0, "0.0"), (1.0, "100.0"), (-0.125, "-12.5")],
)
def test_points(value: float, text: str) -> None:
    """A point is 0.01, with one decimal, and nothing is never negative."""
    assert points(value) == text
    assert percent(value) == f"{text} %"


@pytest.mark.parametrize(
    ("low", "high", "lower", "text"),
    [
        (0.84, 0.951, False, "95 % interval 84.0 to 95.1"),
        (-0.06, -0.024, True, "95 % interval 2.4 to 6.0"),
        (-0.06, 0.024, True, "95 % interval 6.0 lower to 2.4 higher"),
    ],
)
def test_intervals(low: float, high: float, lower: bool, text: str) -> None:
    """Losses count as positive numbers, and mixed intervals say which end is which."""
    assert interval_words(Interval(low, high, 0.95, "t"), lower=lower) == text


def test_no_interval() -> None:
    """What cannot be given is said."""
    assert interval_words(None) == "no interval can be given"


def test_one_and_many() -> None:
    """Nouns follow their count."""
    assert (many(1, "case"), many(2, "case"), many(0, "case")) == ("1 case", "2 cases", "0 cases")


@pytest.mark.parametrize("purpose", ["guard", "target", "report"])
@pytest.mark.parametrize(
    "cells",
    [
        (4, 91, 0, 5),
        (300, 20, 20, 200),
        (500, 10, 40, 400),
        (100, 4, 16, 80),
        (200, 10, 60, 10),
        (10, 1, 2, 5),
    ],
)
def test_every_gate_speaks_plainly(cells: tuple[int, int, int, int], purpose: str) -> None:
    """Every gate says why in whole sentences without a statistician's words."""
    made = MadeUp("triage", purpose, 0.05).add(*table(*cells), critical=True)  # type: ignore[arg-type]
    made = made.add(*table(1, 20, 0, 3), split="train").add([FAILED], [None])
    comparison = only(run_of(made, policy=ruled(min_gain=0.01)).decide())
    for text in (*comparison.reasons, *(gate.why for gate in comparison.gates)):
        assert text.endswith((".", "?"))
        assert "nan" not in text.split()
        assert "None " not in text.removeprefix("None of the ")
        assert not any(word in text.lower() for word in JARGON)


def test_the_headline() -> None:
    """The sentence a stakeholder reads first."""
    run = run_of(MadeUp("ticket triage", "target").add(*table(4, 91, 0, 5)))
    assert only(run.decide()).reasons == (
        "ticket triage improved by 91.0 points (95 % interval 83.8 to 95.2).",
    )


def test_one_cluster_in_words() -> None:
    """A suite without an interval says why it cannot be judged."""
    for purpose in ("guard", "target"):
        made = MadeUp("triage", purpose).add(*table(3, 5, 1, 1), cluster="one")
        (reason,) = only(run_of(made).decide()).reasons
        assert reason == (
            "We cannot tell if triage got worse by more than 10.0 points "
            "(all cases are in one cluster, two are needed)."
        )


@pytest.mark.parametrize(
    ("cells", "rule", "said"),
    [
        ((150, 3, 9, 38), {"margin": 0.065}, "probably got worse by 3.0 points"),
        ((150, 3, 9, 38), {"margin": 0.065}, "probably within the limit of 6.5 points"),
        ((500, 10, 40, 400), {"margin": 0.05}, "got worse by 3.2 points"),
        ((150, 3, 9, 38), {"rule": "equivalent", "margin": 0.065}, "probably stayed within 6.5"),
        ((300, 20, 20, 200), {"rule": "equivalent", "margin": 0.05}, "stayed within 5.0 points"),
        ((150, 3, 9, 38), {"rule": "superior", "min_gain": 0.001}, "probably got worse"),
    ],
)
def test_a_sentence_never_contradicts_the_interval_in_it(
    cells: tuple[int, int, int, int], rule: dict[str, Any], said: str
) -> None:
    """What only the narrower interval of the gate shows is probable."""
    run = run_of(MadeUp("triage").add(*table(*cells)), policy=ruled(**rule))
    why = gate_of(run, "suite").why
    assert said in why
    assert said.startswith("probably") == ("probably" in why)
