"""The split: what belongs together stays on one side, and more rows move nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance.Indel import normalized_similarity

from evalkit.starter.heldout import ALIKE, Question, Split, group_rows, split_rows

ROWS = st.lists(
    st.builds(
        lambda words, group: Question(tuple(words), " ".join(words).encode(), group),
        st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=9),
        st.none() | st.sampled_from(["x", "y", "z"]),
    ),
    min_size=1,
    max_size=20,
)


def split_of(rows: list[Question], heldout: float, seed: int = 0) -> Split:
    """Return the split of rows by their groups."""
    return split_rows(rows, group_rows(rows), heldout=heldout, seed=seed)


def distinct(number: int) -> list[Question]:
    """Return so many rows that have no word in common."""
    return [Question((f"a{n}", f"b{n}"), str(n).encode()) for n in range(number)]


@given(ROWS, st.sampled_from([0.3, 0.5, 2.0, 5.0]), st.integers(0, 3))
@settings(deadline=None)
def test_rows_that_belong_together_never_straddle(
    rows: list[Question], heldout: float, seed: int
) -> None:
    """Equal, near and same-group rows are on one side; every row is somewhere, once."""
    split = split_of(rows, heldout, seed)
    assert sorted([*split.train, *split.heldout, *split.left_out]) == [*range(len(rows))]
    for one in split.train:
        for other in (*split.heldout, *split.left_out):
            left, right = rows[one], rows[other]
            assert normalized_similarity(left.words, right.words) < ALIKE
            assert left.group is None or left.group != right.group


@given(ROWS, ROWS, st.sampled_from([0.3, 0.5]))
@settings(deadline=None)
def test_appended_rows_move_no_other(
    rows: list[Question], more: list[Question], heldout: float
) -> None:
    """A row changes sides only where a new row joins its group to an earlier one."""
    rows, more = rows[:10], more[:10]
    before, groups = split_of(rows, heldout), group_rows(rows)
    after, joined = split_of([*rows, *more], heldout), group_rows([*rows, *more])
    for index in range(len(rows)):
        if joined.of[index] == groups.of[index]:
            assert (index in before.train) == (index in after.train)


def test_of_a_number_of_cases_appended_rows_only_push_out() -> None:
    """No row of the training side comes to be held out, so none that a model learned from."""
    before, after = split_of(distinct(40), 10), split_of(distinct(80), 10)
    assert len(before.heldout) == len(after.heldout) == 10
    assert set(before.train) <= set(after.train)


def test_the_share_is_about_what_was_asked() -> None:
    """A fifth of a thousand groups is two hundred, give or take four standard errors."""
    assert abs(len(split_of(distinct(1000), 0.2).heldout) - 200) < 51


def test_seeds_choose_other_groups() -> None:
    """Another seed is another split; the same one the same."""
    rows = distinct(60)
    assert split_of(rows, 0.5, 1) == split_of(rows, 0.5, 1) != split_of(rows, 0.5, 2)


def test_a_held_out_request_stands_once() -> None:
    """Repeats of a held-out row are in neither file, or two cases would have one id."""
    rows = [*distinct(5), *distinct(5)]
    split = split_of(rows, 5)
    assert len(split.heldout) == len(split.left_out) == 5
    assert group_rows(rows).repeats == 5


def test_figures_of_groups() -> None:
    """Groups, the largest of them, and the questions that are near another."""
    words = tuple("abcdefghij")
    rows = [*distinct(3), Question(words, b"p"), Question((*words[:9], "k"), b"q")]
    groups = group_rows(rows)
    assert (groups.number, groups.largest, groups.near) == (4, 2, 2)
    assert group_rows(rows, alike=1).number == 5
