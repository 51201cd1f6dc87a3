"""The base against itself: what flips by noise alone, and what the gate makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .made_up import Answer, MadeUp, record, result_of, run_of, table


def twice(made: MadeUp, second: list[Answer]) -> MadeUp:
    """Add the base's second answers to all cases."""
    again = tuple(
        replace(record(made.name, case.id, "base", answer, sample=1), aa=True)
        for case, answer in zip(made.cases, second, strict=True)
    )
    return replace(made, records=(*made.records, *again))


def test_second_answers_are_part_of_no_score() -> None:
    """Everything but the noise itself is as without them."""
    made = MadeUp("triage").add(*table(60, 9, 2, 49))
    plain, noisy = (result_of(run_of(m)) for m in (made, twice(made, [0.0] * 120)))
    assert replace(noisy, noise=None) == plain
    assert noisy.noise is not None
    assert noisy.noise.difference == pytest.approx(-62 / 120)


def test_a_model_that_repeats_itself_has_no_noise() -> None:
    """No flip between the two runs: all churn is the candidate's, and no alarm is false."""
    base, tuned = table(60, 9, 2, 49)
    noise = result_of(run_of(twice(MadeUp("triage").add(base, tuned), base))).noise
    assert noise is not None
    assert (noise.flips, noise.spread, noise.p_value) == (0.0, 0.0, 1.0)
    assert noise.excess == pytest.approx(11 / 120)
    assert noise.flips_interval is not None
    assert noise.flips_interval.high > 0
    assert noise.false_regressed == 0.0


def test_noise_of_a_wavering_model() -> None:
    """30 of 120 cases flip by themselves, so the candidate's 11 flips are less than noise."""
    base, tuned = table(60, 9, 2, 49)
    second = [1 - b if i % 4 == 0 and b is not None else b for i, b in enumerate(base)]  # type: ignore[operator]
    noise = result_of(run_of(twice(MadeUp("triage", margin=0.1).add(base, tuned), second))).noise
    assert noise is not None
    assert noise.flips == 0.25
    assert noise.excess == pytest.approx(11 / 120 - 0.25)
    assert 0.0 < (noise.false_regressed or 0.0) < 0.09
    assert 0.1 < (noise.false_refused or 0.0) < 0.9


def test_noise_of_some_cases_tests_no_change() -> None:
    """Which cases were asked twice may hang on the first answers: flips and spread alone stand."""
    base, tuned = table(60, 9, 2, 49)
    made = twice(MadeUp("triage").add(base, tuned), [1.0] * 120)
    second = [r for r in made.records if r.aa]
    for left_out, tested in ((second[:60], False), ([], True)):
        kept = tuple(r for r in made.records if r not in left_out)
        noise = result_of(run_of(replace(made, records=kept))).noise
        assert noise is not None
        assert noise.n == 120 - len(left_out)
        assert noise.flips is not None
        assert (noise.p_value is not None) == (noise.difference is not None) == tested


def test_scores_between_0_and_1_have_a_spread_but_no_flips() -> None:
    """A rubric's noise is the spread of its differences."""
    base: list[Answer] = [0.25 * (i % 5) for i in range(40)]
    second: list[Answer] = [0.25 * ((i + i % 2) % 5) for i in range(40)]
    noise = result_of(run_of(twice(MadeUp("tone").add(base, base), second))).noise
    assert noise is not None
    assert (noise.flips, noise.excess) == (None, None)
    assert noise.spread > 0


def test_a_lost_second_answer_leaves_its_case_out() -> None:
    """An ungraded second answer is no measurement of noise."""
    base, tuned = table(10, 1, 1, 8)
    noise = result_of(run_of(twice(MadeUp("triage").add(base, tuned), [None, *base[1:]]))).noise
    assert noise is not None
    assert noise.n == 19


def test_nothing_answered_twice_is_no_noise() -> None:
    """All second answers lost: nothing is claimed."""
    base, tuned = table(2, 1, 1, 1)
    assert result_of(run_of(twice(MadeUp("triage").add(base, tuned), [None] * 5))).noise is None


def test_interval_and_p_value_of_the_noise_agree() -> None:
    """9 of 120 flipped one way and 2 the other: the interval excludes 0, and so does its test."""
    base, again = table(60, 9, 2, 49)
    noise = result_of(run_of(twice(MadeUp("triage").add(base, base), again))).noise
    assert noise is not None
    assert noise.interval is not None
    assert noise.interval.low > 0
    assert noise.p_value == pytest.approx(0.035, abs=5e-4)
    assert noise.p_exact == pytest.approx(2 * 67 / 2048)
