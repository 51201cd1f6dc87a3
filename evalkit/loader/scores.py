"""Files of scores to columns: each row checked as it comes, every fault with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.decide.score_table import FAILED, GRADED, UNGRADED
from evalkit.errors import Fault
from evalkit.loader.faults import Faults, shown
from evalkit.loader.score_cells import (
    FLAGS,
    NO_ERROR,
    SPLITS,
    STATES,
    Scale,
    as_text,
    is_nan,
    shown_cell,
)
from evalkit.loader.score_columns import About, ScoreColumns
from evalkit.loader.score_layout import ABOUT, LABELS, Choice, Head, Layout, lay_out
from evalkit.loader.score_rows import Malformed, Names, Row, read_score_rows

DEFAULT_SUITE = "scores"
"""The suite of rows that name none."""

_NAN = float("nan")
_REMEMBERED = 10_000
_MODEL, _STATUS, _ERROR = map(LABELS.index, ("model", "status", "error"))


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was read of a file: its rows, its columns that mean nothing here."""

    rows: int
    unread: Names


def read_scores(
    path: Path, columns: ScoreColumns, choice: Choice, *, model: str, faults: Faults
) -> FileFacts:
    """Add the rows of a file to ``columns``; what is malformed goes to ``faults``.

    ``model`` is the model of rows that name none.
    """
    reader = _Reader(columns, choice, columns.source(shown(path)), model)
    for line, fault in reader.read(read_score_rows(path, faults, reader.wanted)):
        faults.add([Fault(shown(path), line, fault.needed, fault.got, fault.instead)])
    if not reader.rows and not faults.about(shown(path)):
        faults.add([Fault(shown(path), 0, "a file with rows", "no row", "a row for each score")])
    return FileFacts(reader.rows, tuple(reader.unread))


class _Reader:
    """Reads the rows of one file, by the layout of their names."""

    def __init__(self, columns: ScoreColumns, choice: Choice, source: int, model: str) -> None:
        self.rows = 0
        self.unread: dict[str, None] = {}
        self._columns = columns
        self._choice = choice
        self._scale = Scale(choice.low, choice.high)
        self._source = source
        self._model = model
        self._layouts: dict[Names, Layout | Malformed] = {}

    def wanted(self, names: Names) -> Names:
        """Return which of the columns ``names`` are read; raise `Malformed` if they do not do."""
        layout = self._layout(names)
        if isinstance(layout, Malformed):
            raise layout
        return layout.used

    def read(self, rows: Iterable[Row]) -> Iterator[tuple[int, Malformed]]:
        """Take all rows; yield the line and the fault where one is not what is needed."""
        for line, names, cells in rows:
            self.rows += 1
            layout = self._layouts.get(names) or self._layout(names)
            if isinstance(layout, Malformed):
                yield line, layout
                continue
            cells.append("")
            try:
                self._add(line, layout, cells)
            except Malformed as first:
                for fault in tuple(self._all_wrong(layout, cells)) or (first,):
                    yield line, fault

    def _layout(self, names: Names) -> Layout | Malformed:
        if names not in self._layouts:
            try:
                found = self._layouts[names] = lay_out(names, self._choice)
                self.unread.update(dict.fromkeys(found.unread))
            except Malformed as misfit:
                self._layouts[names] = misfit
        return self._layouts[names]

    def _add(self, line: int, layout: Layout, cells: list[Any]) -> None:
        suite, models, sample, state = self._head(layout, cells)
        name, about = layout.case(cells), self._about(layout, cells)
        if layout.joined or name.__class__ is not str or not name or not name.isascii():
            name = _case_name(layout, cells)
        columns = self._columns
        case = columns.cases.add(suite, name, about)
        for model, at in zip(models, layout.scores, strict=True):
            score = self._score(cells[at], state)
            found = UNGRADED if score is None and state == GRADED else state
            columns.add((case, model, sample, found, line), _NAN if score is None else score)

    def _head(self, layout: Layout, cells: list[Any]) -> Head:
        """Return what a row says of itself; rows that say the same are looked up."""
        raw = layout.labels(cells)
        try:
            if (head := layout.heads.get(raw)) is not None:
                return head
        except TypeError:  # a list or an object in a cell, of which `_labels` will complain
            pass
        suite, model, _, _, sample = labels = _labels(layout, cells)
        names = layout.wide or (model or self._model_of(layout),)
        columns = self._columns
        models = tuple(columns.models[self._source, name] for name in names)
        head = suite or DEFAULT_SUITE, models, columns.samples[sample], _state(labels)
        if len(layout.heads) < _REMEMBERED and all(isinstance(cell, str) for cell in raw):
            layout.heads[raw] = head
        return head

    def _all_wrong(self, layout: Layout, cells: list[Any]) -> Iterator[Malformed]:
        """Yield everything that is wrong with a row, apart from what other rows say."""
        labels = [as_text(cell) for cell in layout.labels(cells)]
        state = STATES.get((labels[_STATUS] or "").lower(), GRADED)
        checks: tuple[Callable[[], object], ...] = (
            lambda: _labels(layout, cells),
            lambda: _case_name(layout, cells),
            lambda: labels[_MODEL] != "" or self._model_of(layout),
            lambda: _state([label or "" for label in labels]),
            lambda: self._about(layout, cells),
            lambda: [self._score(cells[at], state) for at in layout.scores],
        )
        for check in checks:
            try:
                check()
            except Malformed as fault:
                yield fault

    def _model_of(self, layout: Layout) -> str:
        """Return the model of a row that names none."""
        if layout.names_model:
            raise Malformed("the model in each row", "nothing", "the name of the model")
        return self._model

    def _about(self, layout: Layout, cells: list[Any]) -> int:
        raw = layout.about(cells)
        try:
            if (known := layout.known.get(raw)) is not None:
                return known
        except TypeError:  # a list or an object in a cell, of which `_about` will complain
            pass
        number = self._columns.cases.about(_about(layout, raw))
        if all(isinstance(cell, str) for cell in raw):
            layout.known[raw] = number
        return number

    def _score(self, cell: Any, state: int) -> float | None:  # noqa: ANN401  (any JSON value)
        try:
            score = self._scale.read(cell)
        except ValueError:
            raise self._no_score(cell) from None
        if score is not None and state != GRADED:
            raise Malformed(
                "no score in a row that failed or was not graded",
                f"the score {shown_cell(cell)}",
                "either the score or the failure",
            )
        return score

    def _no_score(self, cell: Any) -> Malformed:  # noqa: ANN401  (any JSON value)
        low, high = self._choice.low, self._choice.high
        no_number = "an empty cell, or null in JSON" if is_nan(cell) else ""
        if self._choice.scaled:
            needed = f"a score from {low:g} to {high:g}, or nothing"
            return Malformed(needed, shown_cell(cell), no_number or "a number on that scale")
        needed = "a score from 0 to 1, true, false, or nothing where an answer could not be graded"
        instead = "a number from 0 to 1, or --scale LOW HIGH for scores on another scale"
        return Malformed(needed, shown_cell(cell), no_number or instead)


def _labels(layout: Layout, cells: list[Any]) -> Sequence[str]:
    raw = layout.labels(cells)
    found = [as_text(cell) for cell in raw]
    if None in found:
        at = found.index(None)
        needed = f"text or a number in '{LABELS[at]}'"
        raise Malformed(needed, shown_cell(raw[at]), "a single value")
    return [str(text) for text in found]


def _case_name(layout: Layout, cells: list[Any]) -> str:
    found = layout.case(cells)
    parts = [as_text(cell) for cell in (found if layout.joined else (found,))]
    if not all(parts):
        raise Malformed("the case in each row", shown_cell(found), "a text or a number")
    if not layout.joined:
        return str(parts[0])
    # "a/b" and "c" are not "a" and "b/c".
    return "/".join(str(part).replace("\\", r"\\").replace("/", r"\/") for part in parts)


def _state(labels: Sequence[str]) -> int:
    status, error = labels[_STATUS].lower(), labels[_ERROR].lower()
    if status not in STATES:
        words = ", ".join(word for word in STATES if word)
        raise Malformed(f"a status of {words}, or nothing", shown_cell(status), "one of these")
    return STATES[status] if error in NO_ERROR else FAILED


def _about(layout: Layout, raw: tuple[Any, ...]) -> About:
    texts = [as_text(cell) for cell in raw]
    if None in texts:
        at = texts.index(None)
        needed = f"text or a number in '{(*ABOUT, *layout.fields)[at]}'"
        raise Malformed(needed, shown_cell(raw[at]), "a single value")
    cluster, asked, critical, split, *values = map(str, texts)
    if critical.lower() not in FLAGS:
        needed = "true or false in 'critical', or nothing"
        raise Malformed(needed, shown_cell(critical), "true or false")
    if split.lower() not in SPLITS:
        needed = "heldout or train in 'split', or nothing"
        raise Malformed(needed, shown_cell(split), "heldout, or train for what was trained on")
    return About(
        cluster=cluster,
        asked=asked,
        critical=FLAGS[critical.lower()],
        train=SPLITS[split.lower()],
        slices=tuple((f, v) for f, v in zip(layout.fields, values, strict=True) if v),
    )
