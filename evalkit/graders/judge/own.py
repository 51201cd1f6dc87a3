"""A judge that is asked by messages of the suite's own, as OpenAI's model graders are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.graders.judge.base import PASS_FROM, JudgeGrader, instructions, judge_named, only
from evalkit.graders.judge.placeholders import check_messages, filled
from evalkit.graders.judge.verdicts import Scale
from evalkit.model import Case, Message, Reply


def by_own_messages(
    options: Mapping[str, Any], task: str, scale: Scale, *, passes: float = PASS_FROM
) -> JudgeGrader:
    """Return a judge that is told its ``task`` and then asked ``options["input"]``.

    Raises `OptionError` for messages that do not show the answer, or names that mean nothing.
    """
    messages = check_messages(options["input"])
    system = instructions(task, scale)

    def ask(case: Case, reply: Reply, _base: Reply | None) -> tuple[tuple[Message, ...], ...]:
        return (({"role": "system", "content": system}, *filled(messages, case, reply)),)

    return JudgeGrader(
        judge=judge_named(options),
        scale=scale,
        ask=ask,
        shown="\n\n".join([system, *(f"[{m['role']}] {m['content']}" for m in messages)]),
        combine=only,
        passes=passes,
        repeats=options.get("repeats"),
    )
