"""Reports that hold their cases in one JSON file: deepeval's test runs, pydantic-evals' reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.errors import Fault, FileFaults
from evalkit.importers.found import Figure, Log, Mark, Note, Scored
from evalkit.importers.gather import as_text
from evalkit.importers.part import Part, read_json
from evalkit.loader.faults import shown
from evalkit.model import Failure, Message, Outcome, Reply

SUCCESS = "success"
"""The scorer of deepeval that says whether a case passed all its metrics."""

ASSERTIONS = "assertions"
"""The figure of pydantic-evals over all its assertions together."""

_REASON = 160


def read_deepeval(path: Path, model: str) -> Log:
    """Return the test cases of a test run of deepeval, ``test_run_*.json``."""
    file = _newest(path, "test_run_*.json", "results_folder of deepeval")
    run = read_json(file)
    hyper = run.get("hyperparameters")
    who = model or (hyper.text("model") if hyper else "") or file.stem
    task = run.text("identifier", "deepeval")
    rows = [_deepeval_row(case, task, who) for case in run["testCases"].items()]
    figures = [*_deepeval_means(run, task, who)]
    passed, failed = (run.get(key) for key in ("testPassed", "testFailed"))
    if passed and failed and passed.number() + failed.number():
        share = passed.number() / (passed.number() + failed.number())
        figures.append(Figure(task, SUCCESS, who, share))
    return Log("deepeval", tuple(rows), (file,), tuple(figures), tuple(_left_out(run)))


def _left_out(run: Part) -> Iterator[Note]:
    """Yield what a test run holds beside cases of one question and one answer."""
    if talks := run.each("conversationalTestCases"):
        yield Note(talks[0].where, f"conversations, {len(talks)} of them: no single answer to take")


def _deepeval_row(case: Part, task: str, model: str) -> Scored:
    marks = {metric.text("name"): _metric(metric) for metric in case.each("metricsData")}
    if (success := case.get("success")) is not None:
        marks[SUCCESS] = Mark(success.number())
    return Scored(
        task=task,
        case=case.text("name") or case["order"].scalar(),
        model=model,
        outcome=_answer(case, "actualOutput"),
        marks=marks,
        messages=_asked(case.value.get("input")),
        expected=case.value.get("expectedOutput"),
        source=case.source,
    )


def _metric(metric: Part) -> Mark:
    error, score, success = (metric.get(key) for key in ("error", "score", "success"))
    if score is None or error is not None:
        return Mark(None, error.scalar()[:_REASON] if error else "no score")
    passed = bool(success.value) if success else None
    return Mark(score.number(), metric.text("reason")[:_REASON], passed)


def _deepeval_means(run: Part, task: str, model: str) -> Iterator[Figure]:
    for metric in run.each("metricsScores"):
        scores = [score.number() for score in metric.each("scores")]
        if scores and not metric.value.get("errors"):
            yield Figure(task, metric.text("metric"), model, sum(scores) / len(scores))


def read_pydantic_report(path: Path, model: str) -> Log:
    """Return the cases of a report of pydantic-evals, as `EvaluationReportAdapter` writes it."""
    report = read_json(path)
    task, who = report["name"].scalar(), model or path.stem
    rows = [_pydantic_row(case, task, who) for case in report["cases"].items()]
    rows += [
        Scored(
            task=task,
            case=_name(case),
            model=who,
            outcome=Failure("bad_response", case.text("error_message")[:300]),
            marks={},
            messages=_asked(case.value.get("inputs")),
            expected=case.value.get("expected_output"),
            sample=0,
            source=case.source,
        )
        for case in report.each("failures")
    ]
    return Log("pydantic-evals", tuple(_numbered(rows)), (path,))


def _pydantic_row(case: Part, task: str, model: str) -> Scored:
    marks: dict[str, Mark] = {}
    for group in ("scores", "assertions"):
        found = case.get(group)
        for name, result in found.members() if found else ():
            marks[name] = Mark(result["value"].number(), result.text("reason")[:_REASON])
    for failure in case.each("evaluator_failures"):
        marks[failure.text("name")] = Mark(None, failure.text("error_message")[:_REASON])
    return Scored(
        task=task,
        case=_name(case),
        model=model,
        outcome=_answer(case, "output"),
        marks=marks,
        messages=_asked(case.value.get("inputs")),
        expected=case.value.get("expected_output"),
        source=case.source,
    )


def _name(case: Part) -> str:
    """Return the case's name; repeats of one case share the name that they were made from."""
    return case.text("source_case_name") or case["name"].scalar()


def _numbered(rows: list[Scored]) -> Iterator[Scored]:
    from dataclasses import replace

    seen: dict[str, int] = {}
    for row in rows:
        yield replace(row, sample=seen.get(row.case, 0))
        seen[row.case] = seen.get(row.case, 0) + 1


def _answer(case: Part, key: str) -> Outcome:
    value = case.value.get(key)
    return Reply(as_text(value), latency_s=case.quantity("task_duration"))


def _asked(value: object) -> tuple[Message, ...]:
    return ({"role": "user", "content": as_text(value)},)


def _newest(path: Path, pattern: str, what: str) -> Path:
    """Return a file, or the only one of a folder that fits ``pattern``."""
    if not path.is_dir():
        return path
    files = sorted(path.glob(pattern))
    if len(files) == 1:
        return files[0]
    got = f"{len(files)} in this folder" + (
        f": {', '.join(f.name for f in files)}" if files else ""
    )
    needed, instead = f"one file {pattern}, as in the {what}", "the path of one of them"
    raise FileFaults([Fault(shown(path), 0, needed, got, instead)])
