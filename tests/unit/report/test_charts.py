"""Geometry: everything lies within its drawing, in order, and nothing overlaps that must not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.charts.axis import NARROW, WIDE, WIDTHS, Scale, padded, round_values, ticks
from evalkit.report.charts.churn import CHURN_KINDS, ChurnRow, churn_chart
from evalkit.report.charts.curve import CurveLine, CurveValue, Mark, curve_chart
from evalkit.report.charts.dumbbell import DumbbellRow, dumbbell_chart
from evalkit.report.charts.intervals import IntervalRow, Sides, interval_chart

SIDES = Sides("worse", "better", "points")
numbers = st.floats(-100, 100).map(lambda x: round(x, 3))


def interval_row(low: float | None, value: float | None, high: float | None) -> IntervalRow:
    """Return a row with a limit of 2 points."""
    return IntervalRow(
        "triage", "guard, 9 cases", low, value, high, -2.0, "limit −2", "+1", "", "ok", "=", "even"
    )


@given(st.lists(numbers, min_size=2), st.integers(1, 9))
def test_round_values_are_inside_even_and_few(values: list[float], most: int) -> None:
    """Ticks lie within the axis, at even steps, and are no more than asked for plus one."""
    low, high = padded(values)
    found = round_values(low, high, most)
    assert len(found) <= most + 1
    assert all(low - 1e-6 <= v <= high + 1e-6 for v in found)
    steps = {round(b - a, 6) for a, b in pairwise(found)}
    assert len(steps) <= 1


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-12, 12, ["−10", "0", "+10"]),
        (-0.6, 0.6, ["−0.5", "0.0", "+0.5"]),
        (-0.03, 0.03, ["−0.02", "0.00", "+0.02"]),
    ],
)
def test_tick_labels(low: float, high: float, labels: list[str]) -> None:
    """Labels have only the decimals they need, and signs where asked for."""
    assert [t.label for t in ticks(Scale(low, high, 0, 100), most=3, plus=True)] == labels


def test_scale_keeps_what_lies_outside_at_its_ends() -> None:
    """A value beyond the axis is drawn at the nearer end."""
    scale = Scale(0, 10, 100, 200)
    assert (scale(-5), scale(5), scale(50)) == (100, 150, 200)


@pytest.mark.parametrize("width", WIDTHS.values())
@given(st.tuples(numbers, numbers, numbers).map(sorted))
def test_interval_chart_lies_within_its_drawing(width: int, ends: list[float]) -> None:
    """Interval, estimate, 0 and limit are in order and inside the plot."""
    chart = interval_chart([interval_row(*ends), interval_row(None, None, None)], SIDES, width)
    known, unknown = chart.rows
    assert known.low is not None
    assert known.value is not None
    assert known.high is not None
    assert chart.left <= known.low <= known.value <= known.high <= chart.right
    assert known.limit_x is not None
    assert chart.left <= known.limit_x < chart.zero <= chart.right
    assert (unknown.low, unknown.value, unknown.high) == (None, None, None)
    assert known.y < known.plot_top + 1 <= known.middle < known.plot_bottom <= unknown.y
    assert chart.height > chart.bottom == unknown.y + chart.row_height


def test_an_estimate_without_interval_is_a_dot() -> None:
    """The bar has no length where no interval can be given."""
    row = interval_chart([interval_row(None, 3.0, None)], SIDES, WIDE).rows[0]
    assert row.low == row.value == row.high


def test_a_limit_of_nothing_draws_no_line() -> None:
    """Without a limit there is neither band nor dashed line."""
    row = IntervalRow("a", "", -1, 0, 1, 0.0, "", "", "", "", "", "even")
    placed = interval_chart([row], SIDES, WIDE).rows[0]
    assert (placed.limit_x, placed.band_width) == (None, 0)


def test_long_names_are_cut_to_their_column() -> None:
    """A suite's name never runs into the plot."""
    row = IntervalRow("n" * 200, "", -1, 0, 1, 0.0, "", "", "", "", "", "even")
    chart = interval_chart([row], SIDES, WIDE)
    assert len(chart.rows[0].label) * 7.6 < chart.left


def dumbbell_row(base: float | None, candidate: float | None, group: str = "triage") -> DumbbellRow:
    """Return a row of a dumbbell chart."""
    return DumbbellRow(group, "training cases", "60 cases", base, candidate, "1", "2", "+1")


@pytest.mark.parametrize("width", WIDTHS.values())
def test_dumbbell_puts_numbers_outside_of_the_dots(width: int) -> None:
    """The number of each end stands on the side away from the other end."""
    rising, falling = dumbbell_chart([dumbbell_row(20, 90), dumbbell_row(90, 20)], width).rows
    assert rising.base_text_x < (rising.base or 0) < (rising.candidate or 0)
    assert rising.candidate_text_x > (rising.candidate or 0)
    assert (rising.base_anchor, falling.base_anchor) == ("end", "start")
    assert falling.candidate_text_x < (falling.candidate or 0) < falling.base_text_x


def test_dumbbell_names_each_group_once() -> None:
    """Rows of one suite stand under one heading, also where a score is missing."""
    rows = [dumbbell_row(1, 2), dumbbell_row(None, None), dumbbell_row(3, 4, "other")]
    chart = dumbbell_chart(rows, WIDE)
    assert [p.heading for p in chart.rows] == ["triage", "", "other"]
    assert chart.rows[1].base is chart.rows[1].candidate is None
    assert chart.rows[-1].y < chart.bottom < chart.height


def line(kind: str, *values: float, limits: bool = True) -> CurveLine:
    """Return a line with a value at steps 0, 50, 100, ..."""
    points = tuple(
        CurveValue(50.0 * i, v, v - 5 if limits else None, v + 5 if limits else None)
        for i, v in enumerate(values)
    )
    return CurveLine(kind, kind, "", points)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", WIDTHS.values())
def test_curve_shares_the_step_axis(width: int) -> None:
    """Scores and losses at one step stand above each other, losses below scores."""
    scores = [line("train", 30, 60, 99), line("heldout", 30, 50, 40)]
    losses = [line("loss", 2.0, 1.0, 0.5, limits=False)]
    chart = curve_chart(
        scores, losses, [Mark(50, "best"), Mark(100, "end")], steps=(0, 50, 100), width=width
    )
    upper, lower = chart.panels
    assert upper.bottom < lower.top < lower.bottom < chart.height
    assert [x for x, _ in upper.lines[0].dots] == [x for x, _ in lower.lines[0].dots]
    assert [m.anchor for m in chart.marks] == ["start", "end"]
    assert all(upper.top <= y <= upper.bottom for p in upper.lines for _, y in p.dots)
    assert [t.label for t in chart.ticks] == ["0", "50", "100"]


def test_curve_without_losses_has_one_panel_and_bands_only_where_known() -> None:
    """A line without intervals has no band; without a log there is no second panel."""
    chart = curve_chart(
        [line("heldout", 40, 50, limits=False)], [], [], steps=(0, 50), width=NARROW
    )
    assert len(chart.panels) == 1
    assert chart.panels[0].lines[0].band == ""


def test_crowded_steps_give_way_to_round_numbers() -> None:
    """Checkpoints too close to name are replaced by round steps."""
    values = [40.0] * 40
    chart = curve_chart(
        [line("heldout", *values)], [], [], steps=[50.0 * i for i in range(40)], width=NARROW
    )
    assert 2 <= len(chart.ticks) <= 4


def test_curve_labels_keep_apart() -> None:
    """Two lines that end at one place have labels that do not touch."""
    first, second = (
        curve_chart([line("train", 30, 60), line("heldout", 30, 60)], [], [], steps=(), width=WIDE)
        .panels[0]
        .lines
    )
    assert abs(first.label_y - second.label_y) >= 32


@given(
    st.lists(st.integers(0, 5000), min_size=4, max_size=4), st.sampled_from(list(WIDTHS.values()))
)
def test_churn_fills_its_bar(counts: list[int], width: int) -> None:
    """The parts of a bar follow each other, end at its end, and leave out what is none."""
    row = ChurnRow("triage", tuple(zip(CHURN_KINDS, counts, strict=True)))
    chart = churn_chart([row], width)
    parts = chart.bars[0].parts
    assert [p.kind for p in parts] == [k for k, n in row.counts if n]
    assert all(a.x <= a.middle <= a.x + a.width for a in parts)
    assert all(a.x < b.x + 0.2 for a, b in pairwise(parts))
    assert not parts or parts[-1].x + parts[-1].width <= width + 0.2


def test_churn_labels_only_what_fits() -> None:
    """A wide part has words, a narrow one a number, a sliver nothing."""
    row = ChurnRow("a", (("broken", 1), ("both wrong", 40), ("both right", 1000), ("fixed", 12)))
    labels = [p.label for p in churn_chart([row], NARROW).bars[0].parts]
    assert labels == ["", "", "1,000 both right", ""]
    assert churn_chart([row], WIDE).bars[0].parts[1].label == "40"
