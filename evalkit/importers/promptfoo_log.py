"""Results of promptfoo, ``promptfoo eval -o results.json``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.importers.found import Figure, Log, Mark, Scored
from evalkit.importers.gather import as_text
from evalkit.importers.part import Part, read_json
from evalkit.model import Failure, Message, Outcome, Reply, Usage

TOOL = "promptfoo"
PASS, SCORE = "pass", "score"
"""The scorers of every result; metrics that assertions name come beside them."""

_ERROR = 2
"""promptfoo's ``failureReason`` of a result that no answer or no grade came for."""


def read_log(path: Path, model: str) -> Log:
    """Return every result: a model for each provider, a task for each prompt."""
    content = read_json(path)
    results = content["results"]
    config = content.get("config")
    name = (config.text("description") if config else "") or TOOL
    prompts = results.each("prompts")
    labels = list(dict.fromkeys(p.text("label") or p.text("raw") for p in prompts))
    tasks = {
        label: name if len(labels) == 1 else f"{name}-{number}"
        for number, label in enumerate(labels, 1)
    }
    rows = list(_rows(results, tasks, name, model))
    figures = [figure for prompt in prompts for figure in _figures(prompt, tasks, name, model)]
    return Log(TOOL, tuple(rows), (path,), tuple(figures))


def _rows(results: Part, tasks: dict[str, str], name: str, model: str) -> Iterator[Scored]:
    seen: dict[tuple[str, str, str], int] = {}
    for result in results["results"].items():
        task = tasks.get(result["prompt"].text("label"), name)
        who, case = model or _provider(result["provider"]), result["testIdx"].scalar()
        sample = seen.get((task, case, who), 0)
        seen[task, case, who] = sample + 1
        test = result.get("testCase")
        yield Scored(
            task=task,
            case=case,
            model=who,
            outcome=_outcome(result),
            marks=dict(_marks(result)),
            messages=_asked(result["prompt"].text("raw")),
            expected=_expected(test),
            tags={"description": test.text("description")}
            if test and test.get("description")
            else {},
            sample=sample,
            source=result.source,
        )


def _provider(provider: Part) -> str:
    if isinstance(provider.value, str):
        return provider.value
    return provider.text("label") or provider["id"].scalar()


def _outcome(result: Part) -> Outcome:
    response, error = result.get("response"), result.text("error")
    if result.value.get("failureReason") == _ERROR or response is None:
        return Failure("bad_response", error[:300] or "no response")
    usage = response.get("tokenUsage") or response.at({})
    return Reply(
        as_text(response.value.get("output")),
        finish_reason=response.text("finishReason", "stop"),
        usage=Usage(usage.count("prompt"), usage.count("completion")),
        latency_s=result.quantity("latencyMs") / 1000,
    )


def _marks(result: Part) -> Iterator[tuple[str, Mark]]:
    if result.value.get("failureReason") == _ERROR:
        return
    success = bool(result["success"].value)
    graded = result.get("gradingResult")
    reason = (graded.text("reason") if graded else "")[:160]
    yield PASS, Mark(float(success), reason)
    yield SCORE, Mark(result["score"].number(), reason, success)
    named = result.get("namedScores")
    for name, value in named.members() if named else ():
        yield name, Mark(value.number())


def _asked(text: str) -> tuple[Message, ...]:
    return ({"role": "user", "content": text},)


def _expected(test: Part | None) -> object:
    """Return what the assertions compare with: one value, or several by the assertion's type."""
    found = {
        f"{number}. {assertion.text('type')}": assertion.value["value"]
        for number, assertion in enumerate(test.each("assert") if test else [], 1)
        if isinstance(assertion.value, dict) and "value" in assertion.value
    }
    return next(iter(found.values())) if len(found) == 1 else found or None


def _figures(prompt: Part, tasks: dict[str, str], name: str, model: str) -> Iterator[Figure]:
    """Yield the shares of a provider, of the tests that it answered."""
    metrics = prompt.get("metrics")
    if metrics is None:
        return
    task = tasks.get(prompt.text("label") or prompt.text("raw"), name)
    who = model or prompt.text("provider")
    passed = metrics["testPassCount"].number()
    answered = passed + metrics["testFailCount"].number()
    if answered:
        yield Figure(task, PASS, who, passed / answered)
        yield Figure(task, SCORE, who, metrics["score"].number() / answered)
