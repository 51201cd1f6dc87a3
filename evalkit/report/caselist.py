"""Every case with what was asked and answered, and what happened to it between two models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.decide.decision import ComparisonDecision
from evalkit.decide.status import RIGHT, Status, mean_score, status_of
from evalkit.model import Case, Failure, Graded, Message, Record, Suite, Ungraded
from evalkit.report.numerals import ABSENT, points
from evalkit.report.safe import one_line, visible
from evalkit.report.words import Tone
from evalkit.suite.images import shown_part

LONGEST_TEXT = 8_000
"""Characters of a text that are shown; records.jsonl.gz has all of it."""


@dataclass(frozen=True, slots=True)
class StatusWords:
    """What happened to a case, in words and with a glyph that needs no colour."""

    label: str
    glyph: str
    tone: Tone


STATUSES: dict[Status, StatusWords] = {
    "broken": StatusWords("broken", "▼", "bad"),
    "error": StatusWords("not compared", "…", "unsure"),
    "missed": StatusWords("both wrong", "✕", "even"),
    "fixed": StatusWords("fixed", "▲", "good"),
    "passed": StatusWords("both right", "✓", "even"),
}
"""By how urgently someone should look."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a model; ``right`` is ``None`` when it has no score.

    ``before`` is what was said between the prompt and this answer, of a conversation.
    """

    text: str
    score: str
    right: bool | None
    notes: tuple[str, ...]
    before: str = ""

    @property
    def whole(self) -> str:
        """All that was said after the prompt."""
        return f"{self.before}\n\n[assistant]\n{self.text}" if self.before else self.text

    @property
    def short(self) -> str:
        """The answer on one line, or why there is none."""
        return one_line(self.text or " ".join(self.notes), 90)


@dataclass(frozen=True, slots=True)
class CaseEntry:
    """One case of one comparison. ``prompt`` holds (role, text); ``change`` sorts by severity."""

    pair: int
    suite: str
    id: str
    status: Status
    split: str
    critical: bool
    base_score: str
    candidate_score: str
    change: float
    question: str
    prompt: tuple[tuple[str, str], ...]
    expected: str
    base: tuple[Answer, ...]
    candidate: tuple[Answer, ...]


Index = Mapping[tuple[str, str, str], Sequence[Record]]


def list_cases(
    comparisons: Sequence[ComparisonDecision], suites: Sequence[Suite], records: Sequence[Record]
) -> tuple[CaseEntry, ...]:
    """Return every case of every comparison, the most urgent first."""
    index: dict[tuple[str, str, str], list[Record]] = {}
    for record in sorted((r for r in records if not r.aa), key=lambda r: r.sample):
        index.setdefault((record.suite, record.case, record.model), []).append(record)
    entries = [
        _entry(number, comparison, case, index)
        for number, comparison in enumerate(comparisons)
        for suite in suites
        for case in suite.cases
        if _asked(comparison, case, index)
    ]
    order = tuple(STATUSES)
    entries.sort(key=lambda e: (order.index(e.status), not e.critical, e.change))
    return tuple(entries)


def _asked(comparison: ComparisonDecision, case: Case, index: Index) -> bool:
    return any(
        (case.suite, case.id, m) in index for m in (comparison.base, comparison.candidate)
    ) and (case.split == "heldout" or comparison.candidate in case.trained)


def _entry(number: int, comparison: ComparisonDecision, case: Case, index: Index) -> CaseEntry:
    base = index.get((case.suite, case.id, comparison.base), ())
    candidate = index.get((case.suite, case.id, comparison.candidate), ())
    before, after = mean_score(base), mean_score(candidate)
    prompt = tuple((one_line(_role(m), 20), _cut(_content(m))) for m in case.messages)
    return CaseEntry(
        pair=number,
        suite=one_line(case.suite, 60),
        id=one_line(case.id, 120),
        status=status_of(before, after),
        split=case.split,
        critical=case.critical,
        base_score=points(before, 0),
        candidate_score=points(after, 0),
        change=0.0 if before is None or after is None else after - before,
        question=one_line(prompt[-1][1], 160) if prompt else "",
        prompt=prompt,
        expected=_cut(_as_text(case.expected)),
        base=_answers(base),
        candidate=_answers(candidate),
    )


def _answers(records: Sequence[Record]) -> tuple[Answer, ...]:
    return tuple(_answer(r) for r in records) or (Answer("", ABSENT, None, ("not asked",)),)


def _answer(record: Record) -> Answer:
    outcome = record.outcome
    if isinstance(outcome, Failure):
        why = one_line(f"no answer ({outcome.kind.replace('_', ' ')}): {outcome.message}", 400)
        return Answer("", ABSENT, None, (why,))
    return Answer(
        text=_cut(outcome.text),
        score=points(record.score, 0),
        right=None if record.score is None else record.score >= RIGHT,
        notes=tuple(_note(name, grade) for name, grade in record.grades.items()),
        before="\n\n".join(f"[{_role(m)}]\n{_cut(_content(m))}" for m in outcome.turns),
    )


def _note(name: str, grade: Graded) -> str:
    if isinstance(grade, Ungraded):
        return one_line(f"{name}: could not be graded, {grade.why}", 400)
    said = "passed" if grade.passed else "failed"
    return one_line(f"{name} {said}{': ' if grade.reason else ''}{grade.reason}", 400)


def _role(message: Message) -> str:
    return str(message.get("role", "user"))


def _content(message: Message) -> str:
    content = message.get("content")
    calls = [_as_text(message["tool_calls"])] if message.get("tool_calls") else []
    return "\n".join([*_content_parts(content), *calls])


def _content_parts(content: Any) -> Iterable[str]:  # noqa: ANN401  (the chat format's free field)
    if content is None:
        return ()
    if not isinstance(content, list):
        return (_as_text(content),)
    return (shown_part(p) or _as_text(p) for p in content)


def _as_text(value: Any) -> str:  # noqa: ANN401  (a suite's expected output may be any JSON)
    if value is None:
        return ""
    return (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    )


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return visible(text)
    return f"{visible(text[:LONGEST_TEXT])}\n[cut here; the full text is in records.jsonl.gz]"
