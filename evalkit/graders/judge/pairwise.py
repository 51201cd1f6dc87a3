"""The grader `pairwise`: which of two answers is better, the candidate's or the base's.

Each pair is judged in both orders, since judges favour a place: only a verdict that both orders
agree on counts, anything else is a tie. The score is 1 where the candidate wins, 0 where it loses
and .5 for a tie; the base scores .5 against itself, so that the difference of the means is the win
rate above one half.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.graders.judge.base import (
    JudgeGrader,
    chat,
    instructions,
    judge_named,
    material,
)
from evalkit.graders.judge.marks import marked
from evalkit.graders.judge.placeholders import whole
from evalkit.graders.judge.verdicts import Labels
from evalkit.model import Case, Grade, GraderSpec, Message, Reply

TIE = 0.5
ITSELF = Grade(TIE, passed=True, reason="the base is what others are compared with")

_TASK = "You compare two answers of AI models, first and second, by a criterion."
_DEFAULT = "Which answer helps the one who asked more? It must be right before it is anything else."
_SCALE = Labels({"first": 1.0, "second": 0.0, "tie": TIE})


def pairwise(spec: GraderSpec) -> JudgeGrader:
    """Ask a judge which answer is better by ``rubric``, in both orders or in ``orders: one``."""
    options = spec.options
    system = instructions(_TASK, _SCALE)
    criterion = f"Criterion: {options.get('rubric', _DEFAULT).strip()}"
    reference = options.get("reference", True)
    both = options.get("orders", "both") == "both"

    def ask(case: Case, reply: Reply, base: Reply | None) -> tuple[tuple[Message, ...], ...]:
        texts = whole(reply), whole(base) if base else ""
        asked = f"{criterion}\n\n{material(case, (), reference=reference)}"
        orders = (texts, texts[::-1]) if both else (texts,)
        return tuple(_question(system, asked, pair) for pair in orders)

    return JudgeGrader(
        judge=judge_named(options),
        scale=_SCALE,
        ask=ask,
        shown=f"{system}\n\n{criterion}",
        combine=agreed,
        repeats=options.get("repeats"),
        against_base=True,
    )


def agreed(scores: Sequence[float]) -> float:
    """Return the candidate's score: of one order its own, of both what they agree on, or a tie.

    In the second order the candidate's answer stands second.
    """
    if len(scores) == 1:
        return scores[0]
    first, second = scores[0], 1 - scores[1]
    return first if first == second else TIE


def _question(system: str, asked: str, pair: tuple[str, ...]) -> tuple[Message, ...]:
    answers = (marked(name, text) for name, text in zip(("first", "second"), pair, strict=True))
    user = "\n\n".join([asked, *answers])
    return chat(system, user)
