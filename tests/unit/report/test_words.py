"""The wording table: size by certainty, from the verdict and the interval that is read."""

from __future__ import annotations

import pytest

from evalkit.decide.decision import Flips, Interval, SuiteResult, Verdict
from evalkit.report.words import OUTCOMES, VERDICTS, phrase

AVOIDED = ("significan", "p-value", "null", "accuracy", "no difference", "regress")


def result(
    verdict: Verdict,
    difference: float | None,
    interval: tuple[float, float] | None,
    **fields: object,
) -> SuiteResult:
    """Return the result of a guard with a limit of 2 points."""
    known: dict[str, object] = {
        "suite": "support",
        "purpose": "guard",
        "rule": "non_inferior",
        "margin": 0.02,
        "min_gain": 0.0,
        "n": 180,
        "clusters": None,
        "base_mean": 0.8,
        "candidate_mean": 0.8,
        "difference": difference,
        "interval": Interval(*interval, 0.95, "Tango score") if interval else None,
        "gate_interval": None,
        "p_value": None,
        "p_exact": None,
        "method": "",
        "verdict": verdict,
        "flips": Flips(0, 0, 0, 0),
        "broken_critical": (),
        "errors": 0,
        "ungraded": 0,
        "expected_cases": 180,
        "smallest_margin": 0.06,
        "cases_needed": 900,
        "change_sought": 0.02,
    }
    return SuiteResult(**{**known, **fields})  # type: ignore[arg-type]


TARGET = {"rule": "superior", "purpose": "target", "min_gain": 0.03}
WORDING: list[tuple[SuiteResult, str]] = [
    (
        result("regressed_beyond_margin", -0.042, (-0.06, -0.024)),
        "4.2 points lower (95 % interval 2.4 to 6.0); the limit is 2.",
    ),
    (
        result("regressed_beyond_margin", -0.042, (-0.068, -0.016)),
        "probably 4.2 points lower (95 % interval 1.6 to 6.8); the limit is 2.",
    ),
    (
        result("regressed", -0.019, (-0.034, -0.004)),
        "probably 1.9 points lower (95 % interval 0.4 to 3.4); "
        "it may or may not be within the limit of 2.",
    ),
    (
        result("regressed_within_margin", -0.01, (-0.015, -0.005)),
        "1.0 points lower (95 % interval 0.5 to 1.5), within the limit of 2.",
    ),
    (
        result("regressed_within_margin", -0.01, (-0.021, 0.001)),
        "1.0 points lower (95 % interval 2.1 lower to 0.1 higher), probably within the limit of 2.",
    ),
    (
        result("inconclusive", -0.01, (-0.05, 0.03)),
        "with 180 cases only changes above 6.0 points would show; "
        "about 900 cases are needed for 2.",
    ),
    (
        result("inconclusive", -0.01, (-0.05, 0.03), cases_needed=None),
        "with 180 cases only changes above 6.0 points would show.",
    ),
    (
        result("inconclusive", None, None, note="no case was answered by both models."),
        "no case was answered by both models.",
    ),
    (result("inconclusive", None, None), "too few cases to estimate anything."),
    (
        result("non_inferior", 0.004, (-0.012, 0.02)),
        "did not get worse by more than 2 points "
        "(0.4 higher; 95 % interval 1.2 lower to 2.0 higher).",
    ),
    (
        result("non_inferior", -0.001, (-0.021, 0.02)),
        "probably did not get worse by more than 2 points "
        "(0.1 lower; 95 % interval 2.1 lower to 2.0 higher).",
    ),
    (
        result("non_inferior", 0.004, (-0.012, 0.02), **TARGET),
        "did not get worse by more than 2 points "
        "(0.4 higher; 95 % interval 1.2 lower to 2.0 higher); as a target it has to improve.",
    ),
    (
        result("improved", 0.061, (0.039, 0.083)),
        "6.1 points higher (95 % interval 3.9 to 8.3).",
    ),
    (
        result("improved", 0.031, (-0.002, 0.064)),
        "probably 3.1 points higher (95 % interval 0.2 lower to 6.4 higher).",
    ),
    (
        result("improved", 0.02, (0.01, 0.03), **TARGET),
        "2.0 points higher (95 % interval 1.0 to 3.0); the gain asked for is 3.",
    ),
    (result("improved", 0.5, None), "probably 50.0 points higher (interval not estimable)."),
    (
        result("regressed_beyond_margin", -0.042, (-0.06, -0.024), broken_critical=("a", "b")),
        "4.2 points lower (95 % interval 2.4 to 6.0); the limit is 2. 2 critical cases broke.",
    ),
    *(
        (
            result(verdict, -0.042, (-0.06, -0.024), **TARGET),
            "4.2 points lower (95 % interval 2.4 to 6.0); as a target it has to improve.",
        )
        for verdict in ("regressed_beyond_margin", "regressed", "regressed_within_margin")
    ),
]


@pytest.mark.parametrize(("found", "words"), WORDING)
def test_phrase(found: SuiteResult, words: str) -> None:
    """Each zone has its words, "probably" where only the narrower interval settles it."""
    assert phrase(found) == words


@pytest.mark.parametrize(("found", "_words"), WORDING)
def test_no_avoided_word(found: SuiteResult, _words: str) -> None:
    """No phrase uses the words that page 1 avoids."""
    assert not [word for word in AVOIDED if word in phrase(found).lower()]


def test_every_outcome_has_its_title() -> None:
    """The four titles are those the design names."""
    titles = {words.title for words in OUTCOMES.values()}
    assert titles == {"Promote", "Do not promote", "Not enough evidence", "Run incomplete"}


def test_verdicts_need_no_colour() -> None:
    """Zones differ in their glyphs and labels, not only in their tone."""
    assert len({(v.glyph, v.label) for v in VERDICTS.values()}) == len(VERDICTS)
    assert {v.zone for v in VERDICTS.values()} == {"worse", "unknown", "held", "better"}
