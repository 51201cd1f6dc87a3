"""The grader `calibration`: whether an answer's confidence fits whether it was right.

The Brier score of one answer is (confidence - correct)^2, with correct 1 or 0 (Brier 1950,
"Verification of forecasts expressed in terms of probability"). ``detail`` is the same for every
answer that has a confidence: ``{"confidence": c, "correct": bool}``, c in [0, 1]. What is read off
many answers, such as the expected calibration error, starts from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evalkit.graders.base import (
    Grader,
    OptionError,
    TextGrader,
    UngradableError,
    against_reference,
    clip,
    path_option,
    verdict,
    wrong,
)
from evalkit.graders.jsontext import pick, read_json
from evalkit.graders.likelihood import logprobs_of, mean_of, prompt_of
from evalkit.graders.text import as_texts
from evalkit.model import Case, Grade, Graded, GraderSpec, Reply, Ungraded

PASS_FROM = 0.75
"""What a confidence of one half gets: from here on the confidence was on the right side of it."""

_STATED = re.compile(
    r"^[^\n]{0,40}?\bconfiden(?:ce|t)\b[^0-9\n.]{0,40}(?<!-)([0-9]{1,9}(?:[.,][0-9]{1,9})?|\.[0-9]{1,9})"
    r"[ \t]*(?:(%|percent)|(?:/|out of)[ \t]*([0-9]{1,9})\b)?[^\n]{0,40}$",
    re.IGNORECASE | re.MULTILINE,
)
_TAIL = 20_000

Read = Callable[[Case, Reply], tuple[float, str]]
"""Returns the confidence in [0, 1] and the answer without it; raises `LookupError` for none."""


@dataclass(frozen=True, slots=True)
class CalibrationGrader:
    """Scores by one minus the Brier score; ``correct`` says whether an answer is right."""

    read: Read
    correct: Grader
    threshold: float

    def grade(self, case: Case, reply: Reply) -> Graded:
        """Return one minus the Brier score; an answer that states no confidence is wrong."""
        try:
            confidence, answer = self.read(case, reply)
        except LookupError as error:
            return wrong(str(error.args[0]))
        except UngradableError as error:
            return Ungraded(str(error))
        right = self.correct.grade(case, replace(reply, text=answer))
        if isinstance(right, Ungraded):
            return right
        score = 1.0 - (confidence - right.passed) ** 2
        reason = f"{confidence:.3g} sure, and {'right' if right.passed else 'wrong'}"
        detail = {"confidence": confidence, "correct": right.passed}
        return Grade(score, score >= self.threshold, clip(reason), detail)

    def lacks(self, case: Case) -> str:
        """Return what is missing to tell whether an answer is right."""
        return self.correct.lacks(case)


def calibration(spec: GraderSpec, inner: Mapping[str, Grader]) -> CalibrationGrader:
    """Compare the confidence with whether the answer is right.

    ``confidence``: text (default, "Confidence: 80 %", 0.8 or 8/10 on a line of its own, the last
    one counts), json (the number at ``path``) or logprobs (the geometric mean of the answer's token
    probabilities). Right is what the inner grader passes, which sees the answer without the line;
    without one, an answer equal to the expected text.
    """
    source = spec.options.get("confidence", "text")
    if source == "json" and not inner:
        raise OptionError(
            "an inner grader that says which JSON answers are right",
            got="confidence: json without graders",
            instead="graders: [{name: right, type: json_match, path: $.answer}]",
        )
    [correct] = inner.values() or [_exact(spec)]
    readers = {"text": _stated, "json": _at(spec), "logprobs": _likely}
    return CalibrationGrader(
        readers[source], correct, float(spec.options.get("threshold", PASS_FROM))
    )


def _exact(spec: GraderSpec) -> TextGrader:
    def compare(text: str, references: tuple[str, ...]) -> Grade:
        return verdict(passed=text.strip() in {reference.strip() for reference in references})

    known = {key: spec.options[key] for key in ("value",) if key in spec.options}
    return against_reference(known, prepare=as_texts, compare=compare)


def _stated(_case: Case, reply: Reply) -> tuple[float, str]:
    start = max(len(reply.text) - _TAIL, 0)
    lines = list(_STATED.finditer(reply.text, start))
    if not lines:
        raise LookupError("no confidence stated")
    line = lines[-1]
    number = float(line[1].replace(",", "."))
    most = 100 if line[2] or (number > 1 and not line[3]) else float(line[3] or 1)
    if not most:
        raise LookupError(f"a confidence of {number:.4g} out of 0")
    return _checked(number / most), reply.text[: line.start()] + reply.text[line.end() :]


def _at(spec: GraderSpec) -> Read:
    steps = path_option(spec.options.get("path", "$.confidence"))

    def read(_case: Case, reply: Reply) -> tuple[float, str]:
        try:
            value = pick(read_json(reply.text, fenced=True), steps)
        except ValueError as error:
            raise LookupError(f"not JSON: {error}") from error
        except LookupError as error:
            raise LookupError(f"no confidence at {error.args[0]}") from error
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LookupError("the confidence is no number")
        # Clipped first: an integer of JSON can be too large for a float.
        number = float(min(max(value, -1000), 1000))
        return _checked(number if abs(number) <= 1 else number / 100), reply.text

    return read


def _likely(case: Case, reply: Reply) -> tuple[float, str]:
    return math.exp(mean_of(logprobs_of(reply, prompt_of(case)))), reply.text


def _checked(value: float) -> float:
    if not 0 <= value <= 1:
        raise LookupError(f"a confidence of {value:.4g}, not from 0 to 1")
    return value
