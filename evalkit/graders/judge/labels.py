"""The graders `label_model` and `factuality`: a judge's choice among labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.graders.base import OptionError
from evalkit.graders.judge.base import (
    JudgeGrader,
    chat,
    instructions,
    judge_named,
    material,
    only,
)
from evalkit.graders.judge.marks import marked
from evalkit.graders.judge.own import by_own_messages
from evalkit.graders.judge.placeholders import written
from evalkit.graders.judge.verdicts import Labels
from evalkit.model import Case, GraderSpec, Message, Reply

RELATIONS: Mapping[str, tuple[str, float]] = {
    "equal": ("says the same", 1.0),
    "subset": ("says a part of it and nothing that contradicts it", 1.0),
    "superset": ("says all of it and more, and nothing that contradicts it", 1.0),
    "immaterial": ("differs in ways that do not matter for its truth", 1.0),
    "contradicts": ("contradicts it", 0.0),
}
"""How an answer's facts may relate to the reference's, and what that scores."""

_FACTS = (
    "You compare the facts in one answer of an AI model with those in a reference that is right. "
    "Style, grammar and order do not matter. Compared with the reference, the answer: "
    + "; ".join(f"{name}: {meaning}" for name, (meaning, _) in RELATIONS.items())
    + "."
)


def label_model(spec: GraderSpec) -> JudgeGrader:
    """Have a judge put the answer under one of ``labels``; it passes under ``passing_labels``.

    As OpenAI's grader of that name; ``input`` as in `score_model`.
    """
    options = spec.options
    labels, passing = options["labels"], options["passing_labels"]
    if unknown := [label for label in passing if label not in labels]:
        raise OptionError(
            "passing_labels that are among labels", got=unknown[0], instead=", ".join(labels)
        )
    _refuse_twins(labels)
    scale = Labels({label: float(label in passing) for label in labels})
    return by_own_messages(options, "You put one answer of an AI model under a label.", scale)


def factuality(spec: GraderSpec) -> JudgeGrader:
    """Ask a judge how the answer's facts relate to the expected answer's (`RELATIONS`).

    ``scores`` says what a relation scores where that is not the default.
    """
    options = spec.options
    scale = Labels({name: score for name, (_, score) in RELATIONS.items()} | _scores(options))
    system = instructions(_FACTS, scale)

    def ask(case: Case, reply: Reply, _base: Reply | None) -> tuple[tuple[Message, ...], ...]:
        shown = material(case, reply.turns, reference=True)
        user = f"{shown}\n\n{marked('answer', written(reply))}"
        return (chat(system, user),)

    return _NeedsReference(
        judge=judge_named(options),
        scale=scale,
        ask=ask,
        shown=system,
        combine=only,
        repeats=options.get("repeats"),
    )


def _refuse_twins(labels: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for label in labels:
        twin = first.setdefault(label.strip().casefold(), label)
        if twin != label or not label.strip():
            raise OptionError(
                "labels that differ in more than case",
                got=f"'{twin}' and '{label}'" if label.strip() else "an empty one",
                instead="each label once",
            )


def _scores(options: Mapping[str, object]) -> dict[str, float]:
    given = options.get("scores")
    return dict(given) if isinstance(given, Mapping) else {}


class _NeedsReference(JudgeGrader):
    __slots__ = ()

    def lacks(self, case: Case) -> str:
        """Return what a case without an expected answer lacks."""
        return "" if case.expected is not None else "the case has no expected answer"
