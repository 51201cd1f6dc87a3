"""The graders `rubric` and `score_model`: a judge's number on a scale."""

from __future__ import annotations

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
from evalkit.graders.judge.verdicts import Numbers
from evalkit.model import Case, GraderSpec, Message, Reply

_TASK = "You grade one answer of an AI model by a criterion."


def rubric(spec: GraderSpec) -> JudgeGrader:
    """Have the answer graded by ``rubric`` on ``scale`` ([1, 5]); it passes from ``pass`` on.

    ``reference: false`` keeps the expected answer from the judge.
    """
    options = spec.options
    scale = _numbers(options.get("scale", [1, 5]), whole=True)
    system = instructions(_TASK, scale)
    criterion = f"Criterion: {options['rubric'].strip()}"
    reference = options.get("reference", True)

    def ask(case: Case, reply: Reply, _base: Reply | None) -> tuple[tuple[Message, ...], ...]:
        shown = material(case, reply.turns, reference=reference)
        user = f"{criterion}\n\n{shown}\n\n{marked('answer', written(reply))}"
        return (chat(system, user),)

    return JudgeGrader(
        judge=judge_named(options),
        scale=scale,
        ask=ask,
        shown=f"{system}\n\n{criterion}",
        combine=only,
        passes=_passes(scale, options.get("pass")),
        repeats=options.get("repeats"),
    )


def score_model(spec: GraderSpec) -> JudgeGrader:
    """Have the answer graded by messages of the suite's own, with a number in ``range`` ([0, 1]).

    As OpenAI's grader of that name: ``input`` is a chat in which ``{{ item.x }}`` stands for what
    is known of the case and ``{{ sample.output_text }}`` for the answer; passes from
    ``pass_threshold`` on.
    """
    options = spec.options
    scale = _numbers(options.get("range", [0, 1]), whole=False)
    passes = _passes(scale, options.get("pass_threshold"))
    return by_own_messages(options, "You grade one answer of an AI model.", scale, passes=passes)


def _numbers(ends: list[float], *, whole: bool) -> Numbers:
    low, high = ends
    if not low < high:
        raise OptionError("a scale from low to high", got=f"{ends}", instead="[1, 5]")
    return Numbers(low, high, whole)


def _passes(scale: Numbers, threshold: float | None) -> float:
    """Return the score from which an answer passes: at ``threshold``, else in the middle."""
    if threshold is None:
        return 0.5
    if not scale.low <= threshold <= scale.high:
        raise OptionError(
            f"a passing score on the scale from {scale.low:g} to {scale.high:g}",
            got=f"{threshold:g}",
            instead=f"{(scale.low + scale.high) / 2:g}",
        )
    return (threshold - scale.low) / (scale.high - scale.low)
