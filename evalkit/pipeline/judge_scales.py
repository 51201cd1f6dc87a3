"""Whether the judges of two runs measured on one scale: the same model, told the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit.graders.registry import JUDGES, Asking, make
from evalkit.model import Grade, Record, Suite
from evalkit.report.safe import one_line

Place = tuple[str, str]
"""A suite and one of its graders."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What a judge was told, the form of its verdicts, and the names under which it answered.

    A model of embeddings is told nothing, and there is no form.
    """

    told: str
    form: Mapping[str, object] | None
    judges: tuple[str, ...]


def scales(suites: Sequence[Suite], records: Iterable[Record]) -> dict[Place, Scale]:
    """Return the scale of each grader that asks a judge."""
    made = {
        (suite.name, spec.name): make(spec, allow_code=False)
        for suite in suites
        for spec in suite.graders
        if spec.type in JUDGES
    }
    names = _names(records, made.keys()) if made else {}
    return {
        place: Scale(grader.shown, grader.form, tuple(sorted(names.get(place, ()))))
        for place, grader in made.items()
        if isinstance(grader, Asking)
    }


def two_scales(
    first: Mapping[Place, Scale], second: Mapping[Place, Scale], *, where: tuple[str, str]
) -> Iterator[str]:
    """Yield where the judges of two runs, called ``where``, differ: their scores do not compare."""
    for place in sorted(first.keys() & second.keys()):
        one, other, name = first[place], second[place], one_line("/".join(place), 120)
        if (one.told, one.form) != (other.told, other.form):
            yield (
                f"{name}: {where[0]} and {where[1]} told their judges different things, so the "
                "scores are on two scales."
            )
        if one.judges and other.judges and one.judges != other.judges:
            yield (
                f"{name}: judged by {_listed(one.judges)} in {where[0]} and by "
                f"{_listed(other.judges)} in {where[1]}, so the scores are on two scales."
            )


def _names(records: Iterable[Record], places: Iterable[Place]) -> Mapping[Place, set[str]]:
    graders: dict[str, list[str]] = defaultdict(list)
    for suite, grader in places:
        graders[suite].append(grader)
    found: dict[Place, set[str]] = defaultdict(set)
    for record in records:
        for grader in graders.get(record.suite, ()):
            grade = record.grades.get(grader)
            names = grade.detail.get("judges", ()) if isinstance(grade, Grade) else ()
            found[record.suite, grader].update(filter(None, names))
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(one_line(name, 60) for name in names)
