"""Cases with their records as rows of scores, from which a run with --stream is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalkit.decide.score_table import STATE_WORDS, score_text
from evalkit.loader.case_stream import CaseStream, asked_text
from evalkit.model import Case, Record
from evalkit.pipeline.answer_scores import asked_digest, scored

_ABOUT = ("cluster", "asked", "critical", "split")


class ScoreRows:
    """Turns records into rows of a file of scores, as `score_table.score_rows` gives them.

    What a case asks stands there only where another case may ask the same: then the two are one
    observation.
    """

    def __init__(self, streams: Mapping[str, CaseStream]) -> None:
        self._streams = streams
        self._fields = tuple(sorted({name for s in streams.values() for name in s.slices}))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        slices = (f"slice.{name}" for name in self._fields)
        return ("suite", "case", "model", "score", "status", "sample", *_ABOUT, *slices)

    def of(self, case: Case, records: Sequence[Record]) -> Iterator[tuple[str, ...]]:
        """Yield the rows of a case."""
        about = self._about(case)
        for record in records:
            state, score = scored(record)
            head = (case.suite, case.id, record.model, score_text(score), STATE_WORDS[state])
            yield (*head, str(record.sample or ""), *about)

    def _about(self, case: Case) -> tuple[str, ...]:
        alike = self._streams[case.suite].alike
        asked = asked_digest(case.asks) if len(alike) and asked_text(case) in alike else ""
        return (
            case.cluster or "",
            asked,
            "true" if case.critical else "",
            "train" if case.split == "train" else "",
            *(case.slices.get(name, "") for name in self._fields),
        )
