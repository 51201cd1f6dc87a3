"""How answers can be graded, told by what a training file expects: graders, score, metrics."""

from __future__ import annotations

import json
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.graders.jsontext import read_json
from evalkit.starter.jsonshape import shape_of

MOST_LABELS, LONGEST_LABEL = 20, 40
"""How many different answers are labels, and how long one of them is at most."""

_NUMBER = re.compile(r"\W{0,3}[-+−]?[0-9][0-9.,'_ ]*(?:[eE][-+]?[0-9]+)?\W{0,3}")
_MARKED = re.compile(r"####\s*[-+−]?[0-9]")
_WORD = re.compile(r"(?![{\[]).*\w")
_LEAST_TOKENS, _MOST_TOKENS = 64, 4096
_MOST = 0.5


@dataclass(frozen=True, slots=True)
class Grading:
    """Graders as a suite writes them. ``what`` are the answers in a word, ``note`` for the user.

    ``advice`` are lines for a comment above the graders.
    """

    what: str
    graders: tuple[Mapping[str, Any], ...]
    score: str
    metrics: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    note: str = ""


def is_call(answer: object) -> bool:
    """Return whether an expected answer calls tools."""
    return isinstance(answer, Mapping) and "tool_calls" in answer


def grading_of(answers: Sequence[Any]) -> Grading:
    """Return how answers can be graded; there is at least one.

    Tool calls are only told from other answers where all of them are calls.
    """
    if all(map(is_call, answers)):
        return _CALLS
    objects = [found for answer in answers if (found := _object(answer)) is not None]
    if len(objects) == len(answers):
        return _json(objects)
    texts = [_text(answer) for answer in answers]
    labels = _labels(texts)
    if labels:
        return _label(labels)
    if all(_NUMBER.fullmatch(text) or _MARKED.search(text) for text in texts):
        return _NUMBERS
    note = ""
    if len(objects) >= _MOST * len(answers):
        first = next(n for n, answer in enumerate(answers) if _object(answer) is None)
        note = (
            f"{len(answers) - len(objects)} of {len(answers)} answers are no JSON objects, the "
            f"first is {texts[first][:40]!r}: mend them, or give them a file of their own, to have "
            "each field compared"
        )
    return _prose(note)


def tokens_for(answers: Iterable[Any]) -> int:
    """Return a limit of tokens that leaves the longest answer room: a power of 2.

    Two bytes a token, half of what English takes and about what other scripts do.
    """
    longest = max((len(_text(answer).encode("utf-8", "replace")) for answer in answers), default=0)
    limit = _LEAST_TOKENS
    while limit < longest / 2 and limit < _MOST_TOKENS:
        limit *= 2
    return limit


_CALLS = Grading(
    "tool calls",
    ({"name": "call", "type": "tool_call"},),
    "call",
    advice=("Name and arguments have to be equal; `arguments: subset` allows more of them.",),
)
_NUMBERS = Grading(
    "numbers",
    ({"name": "number", "type": "numeric", "rel": 0.001},),
    "number",
    advice=("The last number of the answer; `rel` is how far off it may be.",),
)


def _label(labels: Sequence[str]) -> Grading:
    letters = all(len(label) == 1 and label.isalpha() for label in labels)
    grader: dict[str, Any] = {"name": "label", "type": "label", "labels": [*labels]}
    if letters:
        grader = {"name": "label", "type": "choice", "choices": [*labels]}
    return Grading(
        f"{len(labels)} {'letters' if letters else 'labels'}",
        (grader,),
        "label",
        metrics=("f1_macro", "mcc", "per_label"),
        advice=("An answer without one clear label is wrong; `off_menu: ungraded` leaves it out.",),
    )


def _json(objects: Sequence[Mapping[str, Any]]) -> Grading:
    shape = shape_of(objects)
    graders: list[dict[str, Any]] = [{"name": "valid", "type": "json_schema"}]
    graders[0]["schema"] = dict(shape.schema)
    names = _grader_names(shape.compared)
    graders += [
        {"name": name, "type": "json_match", "fields": [field]}
        for name, field in zip(names, shape.compared, strict=True)
    ]
    advice = [
        "Right is an answer that fits the schema and has the right value in each field.",
    ]
    if names:
        each = " + ".join([*names[:3], *(["..."] if len(names) > 3 else [])])
        advice.append(f"For the share of right fields: score: ({each}) / {len(names)}")
    else:
        graders.append({"name": "near", "type": "text_similarity", **_SIMILAR})
    if shape.prose:
        fields = ", ".join(shape.prose)
        advice.append(f"Not compared, as the wording is free: {fields}. A rubric judge can.")
    wanted = " and ".join(["valid", *names])
    score = f"1 if {wanted} else 0" if names else "near if valid else 0"
    return Grading("JSON objects", tuple(graders), score, advice=tuple(advice))


def _prose(note: str) -> Grading:
    return Grading(
        "texts",
        ({"name": "near", "type": "text_similarity", **_SIMILAR},),
        "near",
        advice=(
            "Likeness to one reference answer is a weak measure where good answers differ in",
            "words: have a judge grade by a criterion of yours instead (docs: judges).",
            '- {name: good, type: rubric, scale: [1, 5], pass: 4, rubric: "..."}',
        ),
        note=note,
    )


_SIMILAR: Mapping[str, Any] = {"metric": "rouge_l", "threshold": 0.5}


def _object(answer: Any) -> Mapping[str, Any] | None:  # noqa: ANN401  (any expected answer)
    if isinstance(answer, str) and answer.lstrip().startswith("{"):
        try:
            answer = read_json(answer)
        except ValueError:
            return None
    return answer if isinstance(answer, Mapping) and answer and not is_call(answer) else None


def _text(answer: Any) -> str:  # noqa: ANN401  (any expected answer)
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _labels(texts: Sequence[str]) -> list[str]:
    """Return the different answers, each in its usual spelling, if they are few; else none."""
    spelled: dict[str, Counter[str]] = {}
    for text in texts:
        word = text.strip()
        spelled.setdefault(word.casefold(), Counter())[word] += 1
        short = len(word) <= LONGEST_LABEL and "\n" not in word
        if not short or len(spelled) > MOST_LABELS or not _WORD.match(word):
            return []
    few = len(spelled) >= 2 and 3 * len(spelled) <= len(texts)
    return sorted(counts.most_common(1)[0][0] for counts in spelled.values()) if few else []


def _grader_names(fields: Sequence[str]) -> list[str]:
    """Return a name for each field's grader that the score can use, none of them twice."""
    names: list[str] = []
    for field in fields:
        name = re.sub(r"\W+", "_", field, flags=re.ASCII)[:24].strip("_").lower() or "field"
        if name in _TAKEN or keyword.iskeyword(name) or name[0].isdigit():
            name = f"field_{name}"
        while name in names:
            name += "_"
        names.append(name)
    return names


_TAKEN = frozenset({"valid", "min", "max", "true", "false", "null", "none"})
