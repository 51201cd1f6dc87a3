"""The view: everything the report says, decided before anything is rendered."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalkit.decide import Policy, RunData, decide
from evalkit.decide.decision import CurvePoint, IdentityResult
from evalkit.model import Grade, Record, Reply, TrainingPoint
from evalkit.report.changes import describe_changes
from evalkit.report.learning import learning_curves
from evalkit.report.overfitting import describe_overfitting
from evalkit.report.summary import summarise
from evalkit.report.tables import Table
from evalkit.report.view import MOST_BROKEN, MOST_FIXED
from evalkit.report.view import View as ReportView
from tests.unit.report.conftest import ViewOf, view_of_run
from tests.unit.report.scenarios import SCENARIOS

AVOIDED = ("significan", "p-value", "null hypothesis", "accuracy", "no difference")


def table(view: ReportView, caption: str) -> Table:
    """Return the table of the method section whose caption starts with ``caption``."""
    tables = (*view.method.tables, *view.method.small_tables)
    return next(t for t in tables if t.caption.startswith(caption))


@pytest.mark.parametrize(
    ("name", "title", "tone"),
    [
        ("promote", "Promote", "good"),
        ("overfit", "Do not promote", "bad"),
        ("inconclusive", "Not enough evidence", "unsure"),
        ("incomplete", "Run incomplete", "even"),
        ("two", "Do not promote", "bad"),
    ],
)
def test_the_decision_leads(view_of: ViewOf, name: str, title: str, tone: str) -> None:
    """Each run has its title and tone."""
    overall = view_of(name).overall
    assert (overall.title, overall.tone) == (title, tone)


def test_the_first_screen_of_a_refused_run(view_of: ViewOf) -> None:
    """Reasons are the decision's own, at most three; every suite is in one of the lists."""
    view = view_of("overfit")
    found = view.candidates[0].summary
    decision = SCENARIOS["overfit"]().decision.comparisons[0]
    assert len(found.reasons) == 3
    assert found.reasons[0].replace("\N{NO-BREAK SPACE}", " ") == decision.reasons[0]
    assert found.more_reasons.startswith(f"{len(decision.reasons) - 3} more reason")
    listed = [li.name for li in (*found.worse, *found.better, *found.unknown, *found.held)]
    suites = [s.suite for s in decision.suites]
    assert sorted(n for n in listed if n in suites) == sorted(suites)
    assert [n for n in listed if n not in suites] == ["triage, slices"]


def test_alarming_slices_share_a_line() -> None:
    """The worst slices of a suite are named, the others counted, prefixes of fields left out."""
    comparison = SCENARIOS["overfit"]().decision.comparisons[0]
    first = comparison.suites[0]
    parts = tuple(
        replace(first.slices[0], field="tags.topic", value=f"t{i}", difference=-i / 10)
        for i in (1, 4, 2, 3, 5)
    )
    for kept, words in (
        (parts, "topic t5 50.0 points lower (27 cases), topic t4 40.0 points lower (27 cases), "),
        (parts[:1], "topic t1 10.0 points lower (27 cases)."),
    ):
        found = replace(comparison, suites=(replace(first, slices=kept),))
        line = summarise(found, alpha=0.05, partial=False).worse[-1]
        assert line.text.startswith(words)
        assert line.name == ("triage, slices" if len(kept) > 1 else "triage, slice")
        assert line.text.endswith("and 2 more slices.") is (len(kept) > 1)


@pytest.mark.parametrize("name", ["promote", "overfit", "inconclusive", "incomplete", "two"])
def test_page_one_avoids_the_words_it_should(view_of: ViewOf, name: str) -> None:
    """The first screen is free of the words that mislead readers."""
    for candidate in view_of(name).candidates:
        found = candidate.summary
        said = [found.deck, *found.reasons, *(s.text for s in found.steps)]
        said += [li.text for li in (*found.worse, *found.better, *found.unknown, *found.held)]
        said += [f.text for f in found.facts]
        assert not [w for w in AVOIDED if w in " ".join(said).lower()]


def test_how_sure(view_of: ViewOf) -> None:
    """Cases compared, the smallest change that would show, the risk of passing wrongly."""
    cases, change, risk = view_of("overfit").candidates[0].summary.facts
    assert (cases.figure, cases.unit) == ("1,588", "of 1,588 cases")
    assert "tone with 60 cases" in change.text
    assert risk.figure == "5 %"


def test_without_an_estimate_there_is_no_smallest_change() -> None:
    """A run that cannot estimate anything does not make a number up."""
    comparison = SCENARIOS["overfit"]().decision.comparisons[0]
    suites = tuple(replace(s, smallest_margin=None) for s in comparison.suites)
    found = summarise(replace(comparison, suites=suites), alpha=0.025, partial=False)
    assert [f.figure for f in found.facts] == ["1,588", "2.5 %"]


def test_an_incomplete_run_warns_about_its_numbers(view_of: ViewOf) -> None:
    """Numbers of a void run come with the word that they decide nothing."""
    assert "decides nothing" in view_of("incomplete").candidates[0].summary.caveat
    assert view_of("promote").candidates[0].summary.caveat == ""


def test_several_candidates_have_a_block_each(view_of: ViewOf) -> None:
    """The overall decision is the worst; each candidate keeps its own."""
    view = view_of("two")
    assert [c.summary.title for c in view.candidates] == ["Promote", "Do not promote"]
    assert len({c.key for c in view.candidates}) == 2
    assert "At least one of the 2 candidates" in view.overall.deck


def test_the_line_of_who_what_and_when(view_of: ViewOf) -> None:
    """Run, time, digests and cost stand on the first screen."""
    facts = dict(view_of("promote").facts)
    assert facts["Made"] == "24 November 2026, 09:32 UTC"
    assert facts["Run"] == "20261124T093211Z-7f3a91"
    assert facts["Policy"] == "b5d4045cb5d4"
    assert facts["Cost"] == "2.05"
    assert len(facts["Suites"]) == 12


@pytest.mark.parametrize(
    ("stamp", "shown"),
    [
        ("2026-11-24T09:32:11", "24 November 2026, 09:32 UTC"),
        ("2026-11-24T09:32:11+02:00", "24 November 2026, 07:32 UTC"),
        ("yesterday", "yesterday"),
    ],
)
def test_times_are_in_utc(stamp: str, shown: str) -> None:
    """A time without a zone is UTC, another zone is converted, anything else is shown as it is."""
    made = SCENARIOS["inconclusive"]()
    view = view_of_run(replace(made, manifest=replace(made.manifest, created=stamp)))
    assert view.created == shown


def test_a_run_without_prices_says_so() -> None:
    """No price is not a cost of nothing."""
    made = SCENARIOS["inconclusive"]()
    models = tuple(replace(m, cost=None, median_latency_s=None) for m in made.manifest.models)
    view = view_of_run(replace(made, manifest=replace(made.manifest, models=models)))
    assert dict(view.facts)["Cost"] == "no price given"


# What changed


def test_suites_are_ordered_by_zone(view_of: ViewOf) -> None:
    """Worse first, then what cannot be told, then held, then better; worst first within a zone."""
    changes = view_of("overfit").candidates[0].changes
    assert [li.suite for li in changes.lines] == ["triage", "general", "facts", "tone", "fairness"]
    assert changes.finding == "Of 5 suites, 3 got worse, 1 got better and for 1 we cannot tell."
    assert [r.label for r in changes.chart] == [li.suite for li in changes.lines]


def test_limits_follow_the_rule(view_of: ViewOf) -> None:
    """A guard's limit is a loss; a target's is the gain asked for."""
    rows = {r.label: r for r in view_of("promote").candidates[0].changes.chart}
    assert (rows["triage"].limit, rows["triage"].limit_text) == (3.0, "asked +3")
    assert (rows["general"].limit, rows["general"].limit_text) == (-2.0, "limit −2")


def test_a_target_without_a_gain_asked_for_has_to_improve() -> None:
    """A target's limit is 0 where any gain will do."""
    comparison = SCENARIOS["promote"]().decision.comparisons[0]
    first = replace(comparison.suites[0], min_gain=0.0, note="too few pairs")
    changes = describe_changes(replace(comparison, suites=(first,)))
    assert (changes.chart[0].limit_text, changes.lines[0].limit) == ("has to improve", "0")
    assert changes.notes == ("triage: too few pairs",)
    assert changes.finding == "Of 1 suite, 1 got better."


def test_what_is_not_estimable_is_a_dash() -> None:
    """A suite without a comparison keeps its row, with dashes."""
    comparison = SCENARIOS["promote"]().decision.comparisons[0]
    empty = replace(
        comparison.suites[0],
        n=0,
        base_mean=None,
        candidate_mean=None,
        difference=None,
        interval=None,
        verdict="inconclusive",
        slices=(),
    )
    line = describe_changes(replace(comparison, suites=(empty,))).lines[0]
    assert (line.base, line.candidate, line.difference, line.interval) == ("–", "–", "–", "–")


def test_slices_raise_alarms(view_of: ViewOf) -> None:
    """Alarming slices lead their table and are counted in a sentence."""
    changes = view_of("overfit").candidates[0].changes
    assert changes.slices is not None
    assert [row[1] for row in changes.slices.rows] == ["language = de", "language = en"]
    assert changes.slices.rows[0][-1] == "▼ look here"
    assert changes.slice_note.startswith("2 slices looked at; 2 slices with a loss")


def test_slices_without_alarm(view_of: ViewOf) -> None:
    """Slices that show nothing say so, and a run without slices says nothing of them."""
    changes = view_of("promote").candidates[0].changes
    assert "in none of them is a loss clear" in changes.slice_note
    assert view_of("inconclusive").candidates[0].changes.slices is None
    assert view_of("inconclusive").candidates[0].changes.slice_note == ""


# Overfitting


def test_memorising_is_named(view_of: ViewOf) -> None:
    """Gains on training and held-out cases stand side by side with the gap."""
    over = view_of("overfit").candidates[0].overfitting
    assert over.measured
    assert [(p.label, p.sub) for p in over.pairs] == [
        ("training cases", "60 cases"),
        ("held-out cases", "108 cases"),
    ]
    assert over.pairs[0].change.startswith("+")
    assert over.pairs[1].change.startswith("−")
    gap = over.gaps[0]
    assert (gap.word, gap.glyph, gap.limit) == ("harmful", "▼", 5.0)
    assert gap.span.endswith("(90 %)")


def test_a_run_without_training_cases_says_so(view_of: ViewOf) -> None:
    """Without training cases there is no finding, and the limits of the evidence say why."""
    view = view_of("inconclusive")
    assert not view.candidates[0].overfitting.measured
    assert any("learning cannot be told from memorising" in li for li in view.method.limits)


def test_a_gap_that_is_not_estimable() -> None:
    """A gap without numbers keeps its row and its note."""
    comparison = SCENARIOS["overfit"]().decision.comparisons[0]
    bare = replace(
        comparison.overfitting[0],
        base_train=None,
        candidate_train=None,
        gap=None,
        interval=None,
        flagged=False,
        classification="inconclusive",
        note="one training case",
    )
    over = describe_overfitting(replace(comparison, overfitting=(bare,)), ())
    assert (over.gaps[0].value, over.gaps[0].span, over.gaps[0].glyph) == (None, "–", "?")
    assert over.pairs[0].change == "–"
    assert over.notes == ("triage: one training case",)


def test_the_learning_curve_starts_at_the_base(view_of: ViewOf) -> None:
    """The base stands at step 0 of both lines; the trained suite comes first, with its losses."""
    first, *rest = view_of("overfit").candidates[0].overfitting.learning
    assert (first.suite, first.main) == ("triage", True)
    assert [li.kind for li in first.scores] == ["train", "heldout"]
    assert [li.values[0].step for li in first.scores] == [0, 0]
    assert [li.kind for li in first.losses] == ["loss", "eval-loss"]
    assert not any(curve.main or curve.losses for curve in rest)
    assert first.finding.startswith("On held-out cases of triage epoch-1 at step 60 scored highest")
    assert [m.label.split(":")[0] for m in first.marks] == ["highest on held-out", "candidate"]


def test_a_lead_that_may_be_chance_is_called_so(view_of: ViewOf) -> None:
    """Where the intervals overlap the best checkpoint is not advertised as better."""
    close = view_of("promote").candidates[0].overfitting.learning[0]
    clear = view_of("overfit").candidates[0].overfitting.learning[0]
    assert close.finding.endswith("their intervals overlap, so this may be chance.")
    assert "chance" not in clear.finding


def test_a_candidate_without_a_step_stands_at_the_end() -> None:
    """The end is the log's last step, or a place after the last checkpoint without a log."""
    comparison = SCENARIOS["overfit"]().decision.comparisons[0]
    log = (TrainingPoint(0, 2.0), TrainingPoint(480, 0.1))
    with_log, without = (learning_curves(comparison, t)[0] for t in (log, ()))
    assert with_log.scores[0].values[-1].step == 480
    assert without.scores[0].values[-1].step > 240
    assert without.losses == ()
    assert without.steps == (0, 60, 240)


def test_the_best_checkpoint_may_be_the_candidate() -> None:
    """Nothing is advertised over the candidate where it scored highest."""
    two = SCENARIOS["two"]().decision.comparisons[0]
    curve = learning_curves(two, ())[0]
    assert "nothing scored higher than tuned" in curve.finding
    assert len(curve.marks) == 1


def test_curves_need_two_checkpoints() -> None:
    """One checkpoint is a point, not a curve; scores that are missing do not count."""
    comparison = SCENARIOS["promote"]().decision.comparisons[0]
    one = CurvePoint("step-40", 40, "triage", "heldout", 9, 0.5, None)
    none = CurvePoint("step-80", 80, "triage", "heldout", 0, None, None)
    assert learning_curves(replace(comparison, learning_curve=(one, none)), ()) == ()


def test_a_curve_of_training_cases_only() -> None:
    """Without a held-out score of a checkpoint there is no best one to name."""
    comparison = SCENARIOS["promote"]().decision.comparisons[0]
    points = tuple(p for p in comparison.learning_curve if p.split == "train")
    found = learning_curves(replace(comparison, learning_curve=points, suites=()), ())
    assert found[0].finding == "Scores over the steps of training."
    assert [li.kind for li in found[0].scores] == ["train"]


def test_a_curve_without_the_candidate() -> None:
    """A candidate that was not scored on a suite leaves its checkpoints to speak."""
    comparison = SCENARIOS["promote"]().decision.comparisons[0]
    points = tuple(p for p in comparison.learning_curve if p.model != comparison.candidate)
    curve = learning_curves(replace(comparison, learning_curve=points), ())[0]
    assert "nothing scored higher than step-160" in curve.finding


# Flips


def test_flips_are_counted_as_the_decision_counts_them(view_of: ViewOf) -> None:
    """The cases listed as broken and fixed are as many as the decision's flips."""
    for name in ("overfit", "two", "incomplete"):
        made, view = SCENARIOS[name](), view_of(name)
        for number, comparison in enumerate(made.decision.comparisons):
            for status in ("broken", "fixed"):
                listed = [
                    c
                    for c in view.cases
                    if c.pair == number and c.split == "heldout" and c.status == status
                ]
                assert len(listed) == sum(getattr(s.flips, status) for s in comparison.suites)


def test_the_worst_flips_are_kept_and_the_rest_counted(view_of: ViewOf) -> None:
    """The page itself holds the worst flips; it says how many are left to the table."""
    flips = view_of("overfit").candidates[0].flips
    assert len(flips.broken) == MOST_BROKEN
    assert len(flips.fixed) <= MOST_FIXED
    assert flips.broken[0].critical
    broken, fixed = (int(n) for n in re.findall(r"\d+", flips.finding))
    hidden = broken - MOST_BROKEN + fixed - len(flips.fixed)
    assert flips.left_out == f"{hidden} more flips in the table of cases."


def test_no_flips_is_said() -> None:
    """A run in which nothing flipped says so in numbers."""
    made = SCENARIOS["inconclusive"]()
    right = Grade(1.0, passed=True)
    records = tuple(
        Record(r.suite, r.case, r.model, 0, Reply("x"), {"match": right}, 1.0) for r in made.records
    )
    decision = decide(RunData(made.project, made.suites, records), Policy())
    flips = view_of_run(replace(made, records=records, decision=decision)).candidates[0].flips
    assert flips.finding == "0 cases broke, 0 cases were fixed."
    assert (flips.broken, flips.fixed, flips.left_out) == ((), (), "")


# Method


def test_the_method_names_tests_and_why(view_of: ViewOf) -> None:
    """Each test in use is explained, and only those."""
    view = view_of("overfit")
    said = " ".join(view.method.tests)
    assert "Tango" in said
    assert "McNemar" in said
    assert "paired t" not in said
    assert len(table(view, "Tests").rows) == 5


def test_the_method_lists_what_never_came(view_of: ViewOf) -> None:
    """Failures are grouped by model, kind and message; a whole run has no such table."""
    rows = table(view_of("incomplete"), "Answers that never came").rows
    assert rows == (("tuned", "timeout", "no answer within 120 s", "14"),)
    captions = [t.caption for t in view_of("promote").method.tables]
    assert "Answers that never came" not in captions


def test_tables_of_several_candidates_say_whose_they_are(view_of: ViewOf) -> None:
    """Rules and tests are given per candidate."""
    captions = [t.caption for t in view_of("two").method.tables]
    assert "Tests: tuned against base" in captions
    assert "Tests: tuned-overfit against base" in captions


def test_suites_table_has_seeds_samples_and_digests(view_of: ViewOf) -> None:
    """Everything that is needed to ask again is in the table."""
    row = table(view_of("promote"), "Suites").rows[0]
    assert row[0] == "triage"
    assert row[2:5] == ("108", "60", "6")
    assert row[-1] == "3f79bb7b3f79"


def test_a_partial_run_lists_that_among_its_limits() -> None:
    """A partial run says that it is one, and why."""
    made = SCENARIOS["promote"]()
    partial = replace(made.manifest, partial="12 of 600 cases were deselected")
    limits = view_of_run(replace(made, manifest=partial)).method.limits
    assert limits[-1].startswith("The run is partial: 12 of 600 cases were deselected.")


def test_repeated_samples_and_a_missing_seed_are_shown() -> None:
    """Several samples drop the warning about a single asking; no seed is a dash."""
    made = SCENARIOS["inconclusive"]()
    suites = tuple(
        replace(s, sampling=replace(s.sampling, samples=3, seed=None)) for s in made.suites
    )
    view = view_of_run(replace(made, suites=suites))
    assert not any("asked once" in li for li in view.method.limits)
    assert table(view, "Suites").rows[0][7:10] == ("3", "0", "–")


def test_clusters_and_unknowns_in_the_table_of_tests() -> None:
    """Clusters are counted where there are any; missing numbers are dashes."""
    made = SCENARIOS["inconclusive"]()
    first, second = made.decision.comparisons[0].suites
    suites = (
        replace(first, clusters=12, cases_needed=None),
        replace(second, interval=None, p_value=None),
    )
    identity = IdentityResult((), compared=100, different=0, ok=False, note="all equal")
    comparison = replace(made.decision.comparisons[0], suites=suites, identity=identity)
    view = view_of_run(replace(made, decision=replace(made.decision, comparisons=(comparison,))))
    tests = table(view, "Tests").rows
    assert (tests[0][4], tests[0][-1]) == ("12", "–")
    assert (tests[1][8], tests[1][9]) == ("–", "–")
    who, compared, _, result = table(view, "Is the candidate").rows[0]
    assert (who, compared, result) == ("–", "100", "not shown. all equal")
