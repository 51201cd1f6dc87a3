"""One case told at length: what was asked, what each model answered, and how it was graded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.model import Case, Failure, Grade, Record


def tell(case: Case, records: Sequence[Record]) -> str:
    """Return prompt, expected answer, and every model's answer with its grades."""
    asked = case.messages[-1].get("content", "") if case.messages else ""
    lines = [f"asked:    {asked}", f"expected: {case.expected}"]
    for record in records:
        lines += ["", *_answer(record)]
    return "\n".join(lines)


def _answer(record: Record) -> Iterator[str]:
    if isinstance(record.outcome, Failure):
        yield f"{record.model}: no answer ({record.outcome.kind}: {record.outcome.message})"
        return
    yield f"{record.model}: {record.outcome.text}"
    for name, grade in record.grades.items():
        if isinstance(grade, Grade):
            yield f"  {name}: {grade.score:g} {grade.reason}".rstrip()
        else:
            yield f"  {name}: not graded ({grade.why})"
