"""Examples of a few-shot prompt: drawn by seed from rows that are no case of the suite."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evalkit.errors import Fault
from evalkit.loader.arrowfile import is_data
from evalkit.loader.datafile import rank, read_rows, select
from evalkit.loader.faults import Faults, shown
from evalkit.model import Message, Source
from evalkit.suite.cases import asked_messages
from evalkit.suite.draft import Draft, FewShot, RowError, SuiteDraft
from evalkit.suite.rows import row_drafts
from evalkit.suite.validate import Schema

MOST_DRAWN = 10_000
"""How many rows are held, from which those that are cases are taken out."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Where examples come from: a suite's ``few_shot``, its file, and the schema of cases."""

    few_shot: FewShot
    path: Path
    case_schema: Schema

    def drafts(self, faults: Faults) -> Iterator[Draft]:
        """Yield what may be drawn, in the seed's order; rows that make none go to ``faults``."""
        dataset, seed = self.few_shot.dataset, self.few_shot.seed
        rows = select(read_rows(self.path, dataset.format, faults), dataset)
        for row in heapq.nsmallest(MOST_DRAWN, rows, key=partial(rank, seed=seed)):
            drafts, more = row_drafts(
                row.fields,
                dataset,
                source=Source(shown(self.path), row.line),
                case_schema=self.case_schema,
                trained=frozenset(),
            )
            faults.add(more)
            yield from drafts


def draw_shots(
    pool: Pool, suite: SuiteDraft, drafts: Iterable[Draft], faults: Faults
) -> tuple[Message, ...]:
    """Return the examples as turns: each row's question and its expected answer.

    ``drafts`` are those of the suite's cases: a row that asks what one of them asks is no example,
    whatever its spaces and capitals. Rows whose answer is no text are none either.
    """
    known: dict[str, tuple[Message, ...]] = {}
    for draft in pool.drafts(faults):
        try:
            question = asked_messages(suite, draft)
        except RowError as error:
            faults.add([error.fault(draft.source)])
            continue
        answer = _answer(draft.expected)
        if answer is not None:
            known.setdefault(_key(question), (*_turns(question), answer))
    total = len(known)
    _take_out(known, suite, drafts)
    count = pool.few_shot.count
    if len(known) < count:
        faults.add([_too_few(pool.few_shot, len(known), total)])
    return tuple(turn for turns in [*known.values()][:count] for turn in turns)


def shots_file(few_shot: FewShot, folder: Path, faults: Faults) -> Path | None:
    """Return the file that examples are drawn from, ``None`` if it is not there."""
    path = (folder / few_shot.dataset.path).resolve()
    if is_data(path):
        return path
    source = few_shot.dataset.source
    needed, got = "a data file for few_shot", f"no file {shown(path)}"
    faults.add([Fault(source.path, source.line, needed, got, "another path")])
    return None


def _take_out(
    known: dict[str, tuple[Message, ...]], suite: SuiteDraft, drafts: Iterable[Draft]
) -> None:
    for draft in drafts:
        try:
            known.pop(_key(asked_messages(suite, draft)), None)
        except RowError:
            continue  # told when the case is built


def _turns(messages: Sequence[Message]) -> tuple[Message, ...]:
    return tuple(m for m in messages if m["role"] not in ("system", "developer"))


def _key(messages: Sequence[Message]) -> str:
    text = json.dumps(_turns(messages), sort_keys=True, ensure_ascii=False)
    return "".join(text.replace("\\n", " ").replace("\\t", " ").split()).casefold()


def _answer(expected: Any) -> Message | None:  # noqa: ANN401  (any JSON value)
    """Return an expected answer as a turn; of several accepted ones the first."""
    if isinstance(expected, list) and expected and all(isinstance(e, str) for e in expected):
        expected = expected[0]
    if expected in (None, "") or (isinstance(expected, Mapping) and "tool_calls" in expected):
        return None
    text = expected if isinstance(expected, str) else json.dumps(expected, ensure_ascii=False)
    return {"role": "assistant", "content": text}


def _too_few(few_shot: FewShot, left: int, total: int) -> Fault:
    source = few_shot.dataset.source
    return Fault(
        source.path,
        source.line,
        f"{few_shot.count} rows with an answer that no case of the suite asks, for few_shot",
        f"{left} in {few_shot.dataset.path}; {total - left} more are cases of the suite",
        "a file that is not under test, a smaller count, or a 'sample' of the suite's data sets",
    )
