"""Beyond the mean in the report: a table of metrics, one of labels, two matrices side by side."""

from __future__ import annotations

import re
from dataclasses import replace

from evalkit.decide import Policy, RunData, decide
from evalkit.model import METRICS
from evalkit.report import build_view, render_html, render_markdown
from evalkit.report.metrics import MOST_SHOWN, BeyondMean, describe_metrics
from tests.unit.decide.made_up import only
from tests.unit.decide.test_metrics import MENU, QUEUE, SURE, answered, run_with
from tests.unit.report.builder import HOSTILE
from tests.unit.report.scenarios import SCENARIOS
from tests.unit.report.test_score_view import visible


def beyond(run: RunData) -> BeyondMean:
    """Return the part on the only suite."""
    (found,) = describe_metrics(only(decide(run, Policy())).suites)
    return found


def rendered(run: RunData) -> tuple[str, str]:
    """Return page and summary of a run."""
    view = build_view(
        decide(run, Policy()),
        manifest=SCENARIOS["inconclusive"]().manifest,
        suites=run.suites,
        records=run.records,
    )
    return render_html(view), render_markdown(view)


def many_labels(labels: int) -> RunData:
    """Return a run with so many labels; the later ones have more cases."""
    rows = [(f"l{i:02}", f"l{i:02}", f"l{(i + 1) % labels:02}") for i in range(labels)]
    return run_with(QUEUE, rows=[*rows, *rows[3:]])


def test_every_metric_has_a_row() -> None:
    """On its own scale, with limits of each model and of the difference."""
    found = beyond(run_with(QUEUE, SURE, metrics=tuple(METRICS)))
    rows = {row[0]: row for row in found.table.rows}
    assert rows["Accuracy"][1:4] == ("queue", "60", "0.750")
    assert rows["Accuracy"][7] == "+0.100"
    assert " to " in rows["MCC"][8]
    assert rows["ECE (lower is better)"][8] == "–"
    assert rows["Brier score (lower is better)"][7] == "−0.060"
    assert {len(row) for row in found.table.rows} == {len(found.table.columns)}


def test_pass_rates_stand_beside_them() -> None:
    """Of a case asked twice: pass@2 in the same table."""
    more = [
        answered(model, f"heldout-{i:04d}", MENU[0], MENU[i % 3], sample=1)
        for i in range(60)
        for model in ("base", "tuned")
    ]
    found = beyond(run_with(QUEUE, more=more))
    assert [row[0] for row in found.table.rows] == [
        *("F1, micro", "F1, macro", "MCC", "pass@2", "pass^2"),
    ]


def test_labels_have_three_rows_each() -> None:
    """The label of the most cases first; a label without a value says why."""
    (table,) = beyond(run_with(QUEUE)).labels
    assert [row[:3] for row in table.rows[:4]] == [
        ("billing", "Precision", "20"),
        ("billing", "Recall", "20"),
        ("billing", "F1", "20"),
        ("other", "Precision", "20"),
    ]
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_matrices_mark_what_is_right() -> None:
    """Cases in the cells, shaded by their share of the row, answers without a label last."""
    ((base, candidate),) = beyond(run_with(QUEUE)).matrices
    assert base.columns == candidate.columns == (*MENU, "no label")
    name, cells = base.rows[0]
    assert (name, [cell.text for cell in cells]) == ("billing", ["15", "0", "0", "5"])
    assert [cell.shade for cell in cells] == [4, 0, 0, 2]
    assert [cell.right for cell in cells] == [True, False, False, False]


def test_rare_labels_are_summed() -> None:
    """Of twenty labels eleven are shown; the others are one row, in which no cell is right."""
    found = beyond(many_labels(20))
    ((base, _),) = found.matrices
    assert len(base.rows) == len(base.columns) == MOST_SHOWN
    name, cells = base.rows[-1]
    assert name == "9 others"
    assert cells[-1].text == "15"
    assert not any(cell.right for cell in cells)
    assert sum(int(cell.text) for _, row in base.rows for cell in row) == 37
    (table,) = found.labels
    assert table.rows[-1][0] == "8 more labels in decision.json"
    ((whole, _),) = beyond(many_labels(MOST_SHOWN)).matrices
    assert all(cells[at].right for at, (_, cells) in enumerate(whole.rows))


def test_page_and_summary_show_them() -> None:
    """A section of the changes, tables that can be read aloud, a short table in the summary."""
    page, summary = rendered(run_with(QUEUE))
    assert "Beyond the mean" in visible(page)
    places = [page.index(part) for part in ('id="changes"', "Beyond the mean", 'id="overfitting"')]
    assert places == sorted(places)
    (head,) = re.findall(r'<table class="data matrix">\s*<caption>triage, queue: base', page)
    assert head
    assert '<th scope="row">billing</th>' in page
    assert "style=" not in page[page.index("Beyond the mean") : page.index('id="overfitting"')]
    assert "**Beyond the mean**" in summary
    assert "| F1, macro | 60 |" in summary


def test_nothing_is_said_without_metrics() -> None:
    """A suite without labels has no such section."""
    page, summary = rendered(run_with(QUEUE, metrics=()))
    assert "Beyond the mean" not in page
    assert "Beyond the mean" not in summary


def test_hostile_labels_break_nothing() -> None:
    """A label is text, whatever it says."""
    rows = [(bad, bad, "billing") for bad in HOSTILE]
    page, summary = rendered(run_with(replace(QUEUE, options={"choices": []}), rows=rows))
    plain, _ = rendered(run_with(QUEUE))
    assert page.count("<script") == plain.count("<script")
    assert "<img" not in page
    assert "<script" not in summary
