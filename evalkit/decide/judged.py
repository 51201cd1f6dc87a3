"""The answers of a suite that judges graded, and what people gave the same answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit.decide.run_data import RunData
from evalkit.graders.registry import JUDGES, Asking, judge_of, make
from evalkit.model import Grade, Graded, Label, Pair, Record, Reply, Suite

AnswersByModel = Mapping[tuple[str, str], Sequence[Record]]
"""Records by suite and model, of suites with a judge."""


@dataclass(frozen=True, slots=True)
class PersonAndJudge:
    """What a person and a judge gave one model's answer to a case."""

    case: str
    model: str
    person: float
    judge: Grade


@dataclass(frozen=True, slots=True)
class JudgedSuite:
    """The held-out answers that count of a suite with judges, base first, in a fixed order.

    ``graders`` and ``asked_as``, the names of the judges' models, are by grader.
    """

    suite: Suite
    pair: Pair
    graders: Mapping[str, Asking]
    asked_as: Mapping[str, str]
    answers: tuple[Record, ...]

    def is_score(self, grader: str) -> bool:
        """Return whether the suite's score is what ``grader`` gives, and nothing else."""
        return self.suite.score.strip() == grader

    def graded(self, grader: str) -> Iterator[tuple[Record, Graded]]:
        """Yield the answers that ``grader`` was to judge: of pairs, none of the base."""
        alone = self.graders[grader].against_base
        for record in self.answers:
            if grader in record.grades and not (alone and record.model == self.pair.base):
                yield record, record.grades[grader]

    def labelled(self, grader: str) -> tuple[list[PersonAndJudge], int]:
        """Return the answers that have a label and a verdict, and how many labels are stale."""
        found, stale = [], 0
        graded: dict[tuple[str, str], list[tuple[Record, Graded]]] = defaultdict(list)
        for record, grade in self.graded(grader):
            graded[record.case, record.model].append((record, grade))
        cases = {case.id: case for case in self.suite.cases}
        for (case, model), answers in graded.items():
            label = cases[case].human.get(model)
            about = [grade for record, grade in answers if label and _is_about(label, record)]
            stale += label is not None and not about
            if label and about and isinstance(about[0], Grade):
                found.append(PersonAndJudge(case, model, label.score, about[0]))
        return found, stale


def answers_by_model(run: RunData) -> AnswersByModel:
    """Return the answers to suites with a judge; the second ones of an A/A comparison are none."""
    judged = {suite.name for suite in run.suites if any(g.type in JUDGES for g in suite.graders)}
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in run.records if judged else ():
        if record.suite in judged and not record.aa and isinstance(record.outcome, Reply):
            found[record.suite, record.model].append(record)
    return found


def judged_suite(
    suite: Suite, run: RunData, pair: Pair, *, answers: AnswersByModel
) -> JudgedSuite | None:
    """Return what judges graded of the answers to ``suite``; ``None`` without a judge."""
    specs = [spec for spec in suite.graders if spec.type in JUDGES]
    made = ((spec, make(spec, allow_code=False)) for spec in specs)
    graders = {spec.name: grader for spec, grader in made if isinstance(grader, Asking)}
    if not graders:
        return None
    judges = run.project.judges
    counted = {case.id for case in suite.cases if case.split == "heldout"}
    found = [r for m in (pair.base, pair.candidate) for r in answers.get((suite.name, m), ())]
    found.sort(key=lambda r: (r.model != pair.base, r.case, r.sample))
    names = {s.name: judges[judge_of(s)].model.model for s in specs if judge_of(s) in judges}
    return JudgedSuite(
        suite, pair, graders, names, tuple(record for record in found if record.case in counted)
    )


def judgements(grade: Graded | None) -> tuple[float, ...]:
    """Return the scores of each time that a judge was asked about an answer."""
    return tuple(grade.detail.get("scores", (grade.score,))) if isinstance(grade, Grade) else ()


def _is_about(label: Label, record: Record) -> bool:
    """Return whether a label was given to this answer, or to whatever was answered."""
    text = record.outcome.text if isinstance(record.outcome, Reply) else ""
    return label.answer is None or label.answer.strip() == text.strip()
