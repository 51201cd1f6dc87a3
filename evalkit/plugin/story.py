"""One case told at length: what was asked, what each model answered, and how it was graded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.model import Case, Failure, Grade, Record
from evalkit.report.safe import shorten, visible
from evalkit.suite.images import shown_part

LONGEST = 2_000
"""Characters of a text that a terminal shows; the report has more of it."""


def tell(case: Case, records: Sequence[Record]) -> str:
    """Return prompt, expected answer, and every model's answer with its grades."""
    asked = case.messages[-1].get("content", "") if case.messages else ""
    if isinstance(asked, list):
        asked = " ".join(shown_part(part) or str(part) for part in asked)
    lines = [f"asked:    {_short(asked)}", f"expected: {_short(case.expected)}"]
    for record in (r for r in records if not r.aa):
        lines += ["", *_answer(record)]
    return "\n".join(lines)


def _answer(record: Record) -> Iterator[str]:
    if isinstance(record.outcome, Failure):
        failure = record.outcome
        yield f"{record.model}: no answer ({failure.kind}: {_short(failure.message)})"
        return
    for turn in record.outcome.turns:
        who = record.model if turn["role"] == "assistant" else "asked"
        yield f"{who}: {_short(turn['content'])}"
    yield f"{record.model}: {_short(record.outcome.text)}"
    for name, grade in record.grades.items():
        if isinstance(grade, Grade):
            yield f"  {name}: {grade.score:g} {_short(grade.reason)}".rstrip()
        else:
            yield f"  {name}: not graded ({_short(grade.why)})"


def _short(text: object) -> str:
    # A model's words may hold what a terminal would obey.
    return shorten(visible(str(text)), LONGEST)
