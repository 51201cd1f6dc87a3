"""What promptfoo's assertions become: a grader each, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalkit.importers.build import Check
from evalkit.importers.part import Part

_NOT = "not-"
_CODE = frozenset({"javascript", "python", "ruby", "webhook"})

Value = Any
"""An assertion's value with its variables filled in."""

Made = Check | str
"""A check, or why there is none."""

Maker = Callable[[Part, Value], Made]


def check_of(assertion: Part, value: Value) -> Made:
    """Return the check of one assertion, whose ``value`` is filled in."""
    kind = assertion["type"].scalar()
    base = kind.removeprefix(_NOT)
    if base in _CODE:
        return "code of a configuration is never run"
    for key in ("transform", "contextTransform"):
        if assertion.get(key):
            return f"{key} is code, which is never run"
    maker = ASSERTIONS.get(base)
    if maker is None:
        return "no counterpart"
    made = maker(assertion, value)
    if isinstance(made, str):
        return made
    weight = assertion.get("weight")
    return Check(
        made.type,
        made.options,
        made.reference,
        name=assertion.text("metric") or kind,
        negate=kind.startswith(_NOT),
        weight=1.0 if weight is None else weight.number(),
    )


def _equals(_: Part, value: Value) -> Made:
    if isinstance(value, dict | list):
        return Check("json_diff", {"threshold": 1}, value)
    return Check("string_check", {"operation": "eq"}, _text(value))


def _string(operation: str) -> Maker:
    return lambda _, value: _with_text(Check("string_check", {"operation": operation}), value)


def _contains(match: str, *, ignore_case: bool = False) -> Maker:
    options = {"match": match, **({"ignore_case": True} if ignore_case else {})}

    def make(_: Part, value: Value) -> Made:
        texts = value.split(",") if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts:
            return "no texts to look for"
        return Check("contains", options, [_text(text).strip() for text in texts])

    return make


def _regex(_: Part, value: Value) -> Made:
    return Check("regex", {"pattern": _text(value)}) if value else "no pattern"


def _is_json(_: Part, value: Value) -> Made:
    if value in (None, ""):
        return Check("json_valid")
    return Check("json_schema", {"schema": value}) if isinstance(value, dict) else "no JSON Schema"


def _is_xml(_: Part, value: Value) -> Made:
    return (
        Check("xml_valid") if value in (None, "", {}) else "required elements have no counterpart"
    )


def _similar(metric: str, threshold: float, *, ignore_case: bool = False) -> Maker:
    def make(assertion: Part, value: Value) -> Made:
        options: dict[str, Any] = {"metric": metric, "threshold": _threshold(assertion, threshold)}
        if ignore_case:
            options["ignore_case"] = True
        reference = [_text(v) for v in value] if isinstance(value, list) else _text(value)
        return _with_text(Check("text_similarity", options), reference)

    return make


def _word_count(_: Part, value: Value) -> Made:
    ends = value if isinstance(value, dict) else {"min": value, "max": value}
    try:
        limits = {key: int(ends[key]) for key in ("min", "max") if ends.get(key) is not None}
    except (TypeError, ValueError):
        return "no number of words"
    return Check("length", {"count": "words", **limits}) if limits else "no number of words"


def _latency(assertion: Part, _: Value) -> Made:
    found = assertion.get("threshold")
    return Check("latency", {"max_s": found.number() / 1000}) if found else "no threshold"


def _perplexity(assertion: Part, _: Value) -> Made:
    found = assertion.get("threshold")
    return Check("perplexity", {"max": found.number()}) if found else "no threshold"


def _finish_reason(_: Part, value: Value) -> Made:
    return Check("finish_reason", {"allowed": [_text(value)]}) if value else "no reason named"


def _tool_calls(_: Part, value: Value) -> Made:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        return "no names of tools"
    calls = [{"name": _text(name).strip()} for name in names]
    return Check("tool_call", {"arguments": "ignore", "scoring": "f1"}, calls)


def _rubric(assertion: Part, value: Value) -> Made:
    if not isinstance(value, str) or not value:
        return "no rubric in words"
    if assertion.get("rubricPrompt"):
        return "a prompt of its own for the judge has no counterpart"
    passing = _threshold(assertion, 0.5)
    options = {"rubric": value, "scale": [0, 1], "pass": passing, "reference": False}
    return Check("rubric", options)


def _threshold(assertion: Part, default: float) -> float:
    found = assertion.get("threshold")
    return default if found is None else found.number()


def _with_text(check: Check, value: Value) -> Made:
    if value in (None, "", []):
        return "nothing to compare with"
    reference = value if isinstance(value, list) else _text(value)
    return Check(check.type, check.options, reference)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


ASSERTIONS: Mapping[str, Maker] = {
    "equals": _equals,
    "contains": _string("like"),
    "icontains": _string("ilike"),
    "contains-all": _contains("all"),
    "contains-any": _contains("any"),
    "icontains-all": _contains("all", ignore_case=True),
    "icontains-any": _contains("any", ignore_case=True),
    "starts-with": lambda _, value: _with_text(Check("starts_with"), value),
    "regex": _regex,
    "is-json": _is_json,
    "is-xml": _is_xml,
    "rouge-n": _similar("rouge_1", 0.75, ignore_case=True),
    "bleu": _similar("bleu", 0.5),
    "gleu": _similar("gleu", 0.5),
    "meteor": _similar("meteor", 0.5),
    "word-count": _word_count,
    "latency": _latency,
    "perplexity": _perplexity,
    "finish-reason": _finish_reason,
    "is-refusal": lambda _assertion, _value: Check("refusal", {"expect": "refusal"}),
    "tool-call-f1": _tool_calls,
    "llm-rubric": _rubric,
    "model-graded-closedqa": _rubric,
    "g-eval": _rubric,
    "factuality": lambda _, value: _with_text(Check("factuality"), value),
    "model-graded-factuality": lambda _, value: _with_text(Check("factuality"), value),
}
"""Every assertion that has a counterpart, by its name without ``not-``."""
