"""Which column of a file of scores means what: by its name, or by what the user chose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from evalkit.loader.score_rows import SLICE_PREFIXES, SLICES, Malformed, Names

CASE_NAMES = ("case", "case_id", "id", "idx")
"""Columns that name a case; the first one there is taken."""

SCORE = "score"
"""The column of scores where the user names none."""

LABELS = ("suite", "model", "status", "error", "sample")
"""Columns of text beside case and score, in the order of `Layout.labels`."""

OF_ONE_MODEL = ("model", "status", "error")
"""Labels that mean nothing in a row with the scores of two models."""

ABOUT = ("cluster", "asked", "critical", "split")
"""Columns that say something about a case, before the slices in `Layout.about`."""

_SHOWN = 20

Head = tuple[str, tuple[int, ...], int, int]
"""What a row says of itself: its suite, and the numbers of its models, its sample, its state."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user said about the columns.

    ``case`` names the columns that together name a case, ``score`` that of the scores ("": the one
    called score), ``slices`` those that are slices. ``wide`` names two columns of scores, of base
    and candidate, for a file with a row for both.
    Scores from ``low`` to ``high`` are mapped to 0..1.
    """

    case: Names = ()
    score: str = ""
    slices: Names = ()
    wide: Names = ()
    low: float = 0.0
    high: float = 1.0

    @property
    def scaled(self) -> bool:
        """Whether scores come on a scale of their own."""
        return (self.low, self.high) != (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each value stands in the cells of a row, to which "" was appended for what is absent.

    ``scores`` are the places of the scores of ``wide``, or of the one model that the row names.
    ``fields`` are the slices that follow `ABOUT` in ``about``. ``heads`` and ``known`` remember
    what the cells of ``labels`` and of ``about`` came to.
    """

    case: Callable[[Sequence[Any]], Any]
    labels: Callable[[Sequence[Any]], tuple[Any, ...]]
    scores: tuple[int, ...]
    wide: Names
    about: Callable[[Sequence[Any]], tuple[Any, ...]]
    fields: Names
    used: Names
    unread: Names
    joined: bool
    names_model: bool
    heads: dict[tuple[Any, ...], Head] = field(default_factory=dict)
    known: dict[tuple[Any, ...], int] = field(default_factory=dict)


def lay_out(names: Names, choice: Choice) -> Layout:
    """Return what the columns ``names`` mean; raise `Malformed` if they lack something."""
    case = choice.case or next(((n,) for n in CASE_NAMES if n in names), ())
    long = _has_row_for_each_model(names, choice)
    scores = (choice.score or SCORE,) if long else choice.wide
    _check(names, case, scores=scores, choice=choice)
    slices = _slices(names, choice)
    labels = LABELS if long else tuple(n for n in LABELS if n not in OF_ONE_MODEL)
    used = {*case, *scores, *labels, *ABOUT, *(name for name, _ in slices)}
    at = {name: i for i, name in enumerate(names) if name in used}
    return Layout(
        case=itemgetter(*(at[name] for name in case)),
        labels=itemgetter(*(at.get(name, -1) if name in labels else -1 for name in LABELS)),
        scores=tuple(at[name] for name in scores),
        wide=() if long else choice.wide,
        about=itemgetter(*(at.get(name, -1) for name in ABOUT), *(at[n] for n, _ in slices)),
        fields=tuple(field for _, field in slices),
        used=tuple(at),
        unread=_unread(names, used),
        joined=len(case) > 1,
        names_model="model" in at,
    )


def _unread(names: Names, used: set[str]) -> Names:
    """Return the columns that are not used; a first one without a name is an index of pandas."""
    told = names if names[0] else names[1:]
    return tuple(name or "one without a name" for name in told if name not in used)


def _has_row_for_each_model(names: Names, choice: Choice) -> bool:
    """Return whether a row holds the score of one model; else it holds those of two.

    Two columns that are there as named hold scores, whatever a column "model" says.
    """
    if not choice.wide or choice.score:
        return True
    return "model" in names and not set(choice.wide) <= set(names)


def _slices(names: Names, choice: Choice) -> list[tuple[str, str]]:
    """Return the columns that are slices, each with the field it stands for."""
    named = [
        (name, name.removeprefix(prefix))
        for name in names
        for prefix in SLICE_PREFIXES
        if name.startswith(prefix) and name not in choice.slices
    ]
    found = [*((name, name) for name in choice.slices), *named]
    fields = [field for _, field in found]
    if twice := next((field for field in fields if fields.count(field) > 1), None):
        raise Malformed("one column for each slice", f"two for '{twice}'", "one of them")
    return found


def _check(names: Names, case: Names, *, scores: Names, choice: Choice) -> None:
    """Raise `Malformed` for the first thing that the columns ``names`` lack."""
    got = f"columns {shown_names(names)}"
    if len(names) == 1 and "|" in names[0]:
        needed = "commas, tabs or semicolons between the cells of a CSV file"
        raise Malformed(needed, f"the header {names[0]}", "the file with commas")
    if {"outcome", "grades"} <= set(names) and "split" not in names:
        got = "the records of a run, apart from its cases"
        raise Malformed("scores that say which cases are held out", got, "the run's folder")
    if not case or any(name not in names for name in case):
        wanted = " and ".join(f"'{name}'" for name in case) or "one of " + ", ".join(CASE_NAMES)
        raise Malformed(f"a column that names the case: {wanted}", got, "--case COLUMN")
    if any(name not in names for name in scores):
        raise _no_scores(scores, got, wide=scores == choice.wide)
    if SLICES in names and SLICES not in choice.slices:
        needed = "an object in 'slices', or a column slice.NAME for each"
        raise Malformed(needed, "a single value or a list", "slice.NAME, or --slice slices")
    if missing := [name for name in choice.slices if name not in names]:
        raise Malformed(f"a column '{missing[0]}' for --slice", got, "--slice with one of them")


def _no_scores(scores: Names, got: str, *, wide: bool) -> Malformed:
    wanted = " and ".join(f"'{name}'" for name in scores)
    if wide:
        return Malformed(
            f"scores in columns {wanted}, or a column 'model' with these names",
            got,
            "--base and --candidate with two of the columns",
        )
    instead = (
        "--score COLUMN, or --base COLUMN --candidate COLUMN for one of each model in one file"
    )
    return Malformed(f"scores in a column {wanted}", got, instead)


def shown_names(names: Sequence[str]) -> str:
    """Return names as a list that is not too long to read."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
