"""Logs of other tools: marks of every kind, failures, and what cannot be read."""

from __future__ import annotations

import copy
import json
import math
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalkit.cli.importing import NAMES
from evalkit.errors import FileFaults, SetupError
from evalkit.importers import inspect_log, lm_eval_log, mlflow_table, openai_registry, reports
from evalkit.importers.formats import FORMATS, Request, read
from evalkit.importers.found import Figure, Log, Mark, Scored
from evalkit.importers.gather import Gathered, Wanted, gather
from evalkit.model import Failure, Pair, Reply, Ungraded
from evalkit.pipeline.importing import Asked, import_files

from .sample_files import FILES

DATA = Path(__file__).parents[2] / "data" / "imports"


def log(*rows: Scored, figures: tuple[Figure, ...] = ()) -> Log:
    """Return a log of some tool."""
    return Log("tool", rows, (), figures)


def row(case: str, mark: float | None = 1.0, **more: Any) -> Scored:
    """Return the answer of model m to a case of task t, marked by scorer s."""
    fields = {"outcome": Reply("a"), "marks": {"s": Mark(mark)}, "task": "t", "model": "m", **more}
    return Scored(case=case, **fields)


def taken(name: str, file: Path) -> None:
    """Read a file and, if it holds results, gather them."""
    found = read(name, Request(file, "m"))
    if isinstance(found, Log):
        gather([found], Wanted(high=5))


def scores(found: Gathered) -> dict[tuple[str, str], float | None]:
    """Return the scores of the only model by suite and case."""
    return {(r.suite, r.case): r.score for r in found.records}


def test_scorers_are_suites_of_their_own() -> None:
    """A task with one scorer keeps its name; others are named by task and scorer."""
    two = {"a b": Mark(1.0), "a-b": Mark(0.0)}
    found = gather([log(row("1"), row("1", task="u", marks=two))], Wanted())
    assert [suite.name for suite in found.suites] == ["t", "u.a-b", "u.a-b-2"]


def test_scores_on_another_scale_are_mapped_or_left_out() -> None:
    """--scale maps; without it such a scorer is named, and a log of nothing else refused."""
    rows = [row("1", 5.0), row("2", 3.0)]
    assert scores(gather([log(*rows)], Wanted(low=1, high=5))) == {("t", "1"): 1.0, ("t", "2"): 0.5}
    with pytest.raises(SetupError, match="a score of 5 is not from 0 to 1"):
        gather([log(*rows)], Wanted())
    more = gather([log(*rows, row("1", task="u"))], Wanted())
    assert [suite.name for suite in more.suites] == ["u"]
    assert "t, s: a score of 5" in str(more.notes[0])


def test_what_has_no_score_is_ungraded_and_what_failed_has_no_grade() -> None:
    """Neither is ever a zero."""
    gone = row("2", outcome=Failure("timeout", "late"), marks={})
    found = gather([log(row("1", None), gone, row("3"))], Wanted())
    by_case = {record.case: record for record in found.records}
    assert by_case["1"].grades["s"] == Ungraded("the log has no score")
    assert (by_case["2"].score, dict(by_case["2"].grades)) == (None, {})
    (mean,) = found.means
    assert (mean.value, mean.lost) == (1.0, 2)


def test_a_failure_counts_only_where_its_case_would_have_been_scored() -> None:
    """A scorer of some cases only does not get the failures of others."""
    gone = row("3", outcome=Failure("timeout", "late"), marks={})
    some = {"s": Mark(1.0), "rare": Mark(1.0)}
    found = gather([log(row("1", marks=some), row("2"), gone)], Wanted())
    assert {suite.name: len(suite.cases) for suite in found.suites} == {"t.s": 3, "t.rare": 1}


def test_samples_are_averaged_before_cases() -> None:
    """A mean is that of the cases, each the mean of its samples, as tools reduce epochs."""
    rows = [row("1", 1.0), row("1", 0.0, sample=1), row("2", 1.0)]
    found = gather([log(*rows, figures=(Figure("t", "s", "m", 0.75),))], Wanted())
    (mean,) = found.means
    assert mean.value == 0.75
    assert not mean.differs
    assert found.suites[0].sampling.samples == 2


def test_a_figure_that_differs_is_told() -> None:
    """The tool's own figure stands beside the mean, and says so where they part."""
    (mean,) = gather([log(row("1"), figures=(Figure("t", "s", "m", 0.9),))], Wanted()).means
    assert mean.differs


def test_a_case_twice_is_a_fault() -> None:
    """Two runs of one model in one log are not for a tool to choose from."""
    with pytest.raises(FileFaults, match="each case once"):
        gather([log(row("1", source=_at(1)), row("1", source=_at(2)))], Wanted())


def test_cases_asked_differently_are_a_fault() -> None:
    """Answers to two questions under one id cannot be paired."""
    asked = ({"role": "user", "content": "other"},)
    with pytest.raises(FileFaults, match="one prompt for each case"):
        gather([log(row("1"), row("1", model="n", messages=asked))], Wanted())


def _at(line: int) -> Any:
    from evalkit.model import Source

    return Source("log", line)


def inspect_sample(**more: Any) -> dict[str, Any]:
    """Return a sample of Inspect."""
    message = {"content": "x", "role": "assistant"}
    output = {"choices": [{"message": message, "stop_reason": "stop"}], "completion": "x"}
    sample = {"id": 1, "epoch": 1, "input": "q", "target": "x", "output": output, "scores": {}}
    return {**sample, **more}


def inspected(tmp_path: Path, *samples: Mapping[str, Any], **more: Any) -> Log:
    """Import a JSON log of Inspect with these samples."""
    tree = {"status": "success", "eval": {"task": "a/t", "model": "m"}, "samples": samples, **more}
    file = tmp_path / "log.json"
    file.write_text(json.dumps(tree))
    return inspect_log.read_log(file, "")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), ("yes", 1.0), ("0.25", 0.25)),
        *((True, 1.0), (0.3, 0.3), ("maybe", None), (None, None)),
    ],
)
def test_marks_of_inspect_are_numbers(tmp_path: Path, value: Any, number: float | None) -> None:
    """Letters, words and numbers count as Inspect counts them; anything else is no score."""
    found = inspected(tmp_path, inspect_sample(scores={"s": {"value": value}}))
    assert found.rows[0].marks["s"].value == number
    assert found.rows[0].task == "t"


def test_a_sample_of_inspect_that_failed_is_a_failure(tmp_path: Path) -> None:
    """An error is no answer; chats, parts and lists of scores are read."""
    asked = [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]
    failed = inspect_sample(id=2, error={"message": "gone"}, output={})
    scored = inspect_sample(input=asked, scores={"s": {"value": [1, 0]}})
    found = inspected(tmp_path, failed, scored, status="error")
    assert found.rows[0].outcome == Failure("bad_response", "gone")
    assert found.rows[1].messages == ({"role": "user", "content": "hello"},)
    assert found.rows[1].marks.keys() == {"s.0", "s.1"}
    assert "did not end well" in str(found.notes[0])


def test_an_archive_that_is_none_is_a_fault(tmp_path: Path) -> None:
    """A damaged .eval, and one without its header, are told as such."""
    file = tmp_path / "log.eval"
    file.write_bytes(b"PK no archive")
    with pytest.raises(FileFaults, match="a zip archive"):
        inspect_log.read_log(file, "")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("_journal/start.json", "{}")
    with pytest.raises(FileFaults, match=r"header\.json"):
        inspect_log.read_log(file, "")


def test_an_archive_with_deflate_needs_no_package(tmp_path: Path) -> None:
    """Members that Python unpacks itself are read as they are."""
    file = tmp_path / "log.eval"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": {"task": "t", "model": "m"}}))
        archive.writestr("samples/1_epoch_1.json", json.dumps(inspect_sample()))
    assert [row.case for row in inspect_log.read_log(file, "me").rows] == ["1"]


def test_metrics_of_a_whole_task_are_named(tmp_path: Path) -> None:
    """A metric without a score for each sample is left out by its name."""
    line = {"doc_id": 0, "target": "x", "arguments": [["q", {}]], "resps": [["a"]]}
    line |= {"filter": "none", "metrics": ["bleu", "exact_match"], "bleu": ["x", "a"]}
    file = tmp_path / "samples_t.jsonl"
    file.write_text(json.dumps({**line, "exact_match": True}) + "\n")
    found = lm_eval_log.read_log(file, "me")
    assert found.rows[0].marks == {"exact_match": Mark(1.0)}
    assert found.rows[0].messages == ({"role": "user", "content": "q"},)
    assert "t, bleu" in str(found.notes[0])


def test_chats_of_lm_eval_are_messages(tmp_path: Path) -> None:
    """A prompt that was sent as a chat is read as one."""
    chat = json.dumps([{"role": "user", "content": "q"}])
    line = {"doc_id": 0, "arguments": {"gen_args_0": {"arg_0": [chat]}}, "resps": [["a", "b"]]}
    file = tmp_path / "samples_t.jsonl"
    file.write_text(json.dumps({**line, "metrics": ["m"], "m": math.pi}) + "\n")
    (found,) = lm_eval_log.read_log(file, "").rows
    assert found.messages == ({"role": "user", "content": "q"},)
    assert getattr(found.outcome, "extra", None) == {"responses": ["a", "b"]}


def test_a_line_that_is_no_object_is_told(tmp_path: Path) -> None:
    """A malformed line of a log is a fault with its number."""
    file = tmp_path / "samples_t.jsonl"
    file.write_text('{"doc_id": 0, "resps": [["a"]], "metrics": []}\n[1]\n')
    with pytest.raises(FileFaults) as found:
        lm_eval_log.read_log(file, "")
    assert found.value.faults[0].line == 2


def test_a_metric_of_deepeval_that_failed_is_ungraded(tmp_path: Path) -> None:
    """An error of a metric is no zero."""
    metric = {"name": "M", "score": 0, "success": False, "error": "judge away"}
    case = {"name": "c", "input": "q", "actualOutput": "a", "metricsData": [metric]}
    file = tmp_path / "test_run_1.json"
    file.write_text(json.dumps({"testCases": [case]}))
    (found,) = reports.read_deepeval(tmp_path, "").rows
    assert found.marks["M"] == Mark(None, "judge away")


def test_conversations_of_deepeval_are_named(tmp_path: Path) -> None:
    """They are left out, and the note says how many."""
    case = {"name": "c", "input": "q", "actualOutput": "a", "success": True}
    talks = [{"name": "t", "turns": []}, {"name": "u", "turns": []}]
    file = tmp_path / "test_run_1.json"
    file.write_text(json.dumps({"testCases": [case], "conversationalTestCases": talks}))
    found = reports.read_deepeval(tmp_path, "")
    assert len(found.rows) == 1
    assert ["2 of them" in note.what for note in found.notes] == [True]


def test_a_table_without_scores_names_its_columns(tmp_path: Path) -> None:
    """A table of something else is refused, as is a kind that is none."""
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(FileFaults, match="columns a, b"):
        mlflow_table.read_log(file, "")
    with pytest.raises(FileFaults, match=r"a table in \.json"):
        mlflow_table.read_log(tmp_path / "t.txt", "")


def test_words_of_a_judge_are_scores_in_mlflow(tmp_path: Path) -> None:
    """The words yes and no count; other words are named; a trace that failed is a failure."""
    file = tmp_path / "t.csv"
    file.write_text(
        "request,response,state,ok/value,word/value\nq,a,OK,yes,blue\nq,b,OK,no,red\nr,,ERROR,,\n"
    )
    found = mlflow_table.read_log(file, "m")
    assert [r.marks["ok"].value for r in found.rows] == [1.0, 0.0, None]
    assert len({r.case for r in found.rows}) == 3
    assert isinstance(found.rows[2].outcome, Failure)
    assert "word/value" in str(found.notes[0])


def test_a_log_of_something_else_is_no_log_of_oaieval(tmp_path: Path) -> None:
    """Without a line 'spec' the file is refused."""
    file = tmp_path / "log.jsonl"
    file.write_text('{"a": 1}\n')
    with pytest.raises(FileFaults, match="a line 'spec'"):
        openai_registry.read_log(file, "")


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_not_of_the_format_is_a_fault(tmp_path: Path, name: str) -> None:
    """Any other JSON is refused by every importer with needed, got and instead; so is nothing."""
    file = tmp_path / "other.json"
    file.write_text('{"a": [1, {"b": null}]}')
    with pytest.raises((FileFaults, SetupError)) as found:
        read(name, Request(file))
    assert "needed: " in str(found.value)
    with pytest.raises(SetupError, match="nothing at"):
        read(name, Request(tmp_path / "no.json"))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("content", ["", "[]", "{", "[1, 2]", '"text"', "{}", "\xff"])
def test_broken_files_are_faults(tmp_path: Path, name: str, content: str) -> None:
    """No content whatever makes an importer break."""
    for ending in ("json", "jsonl", "yaml"):
        file = tmp_path / f"broken.{ending}"
        file.write_bytes(content.encode("latin-1"))
        with pytest.raises((FileFaults, SetupError)):
            taken(name, file)


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_file_with_a_part_of_another_kind_is_read_or_refused(
    tmp_path: Path, name: str, file: str
) -> None:
    """Wherever something else stands than what the tool writes, nothing breaks."""
    given = DATA / name / file
    text = given.read_text()
    lines = file.endswith(".jsonl")
    tree = [json.loads(line) for line in text.splitlines()] if lines else yaml.safe_load(text)
    places = list(_places(tree))
    step = max(1, len(places) // 60)
    for number, place in enumerate(places[::step]):
        changed = copy.deepcopy(tree)
        _put(changed, place, ("text", 7, None, [], {}, [[]])[number % 6])
        target = tmp_path / given.name
        rows = "".join(json.dumps(row) + "\n" for row in changed)
        target.write_text(rows if lines else json.dumps(changed))
        with suppress(FileFaults, SetupError):
            taken(name, target)


def _places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from _places(value, (*at, key))


def _put(tree: Any, place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        tree = tree[key]
    tree[place[-1]] = value


def test_folders_of_logs_are_read_whole(tmp_path: Path) -> None:
    """A folder stands for the logs in it; one without any is a fault."""
    (tmp_path / "a").mkdir()
    for importer, match in ((inspect_log, "logs of Inspect"), (lm_eval_log, "samples_")):
        with pytest.raises(FileFaults, match=match):
            importer.read_log(tmp_path / "a", "")
    with pytest.raises(FileFaults, match="one file test_run"):
        reports.read_deepeval(tmp_path / "a", "")
    inspected(tmp_path, inspect_sample())
    assert len(inspect_log.read_log(tmp_path, "").rows) == 1


def test_errors_in_a_log_of_oaieval_are_failures(tmp_path: Path) -> None:
    """A sample that broke off has no match, and is no wrong answer."""
    lines = [
        {"spec": {"base_eval": "e", "completion_fns": ["m"]}},
        {"type": "error", "sample_id": "e.0", "data": {"message": "gone"}},
        {"type": "match", "sample_id": "e.1", "data": {"correct": True, "sampled": "a"}},
    ]
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = openai_registry.read_log(file, "")
    assert [r.outcome for r in found.rows] == [Reply("a"), Failure("bad_response", "gone")]


def test_the_command_offers_every_format() -> None:
    """The list that the command line shows is that of the importers."""
    assert set(NAMES) == set(FORMATS)


def test_more_names_than_paths_are_refused(tmp_path: Path) -> None:
    """--model names the models of the paths, in their order; base and candidate must be there."""
    asked = Asked("inspect", (DATA / "inspect" / "base.json",), tmp_path)
    for wrong in ({"models": ("a", "b")}, {"pair": Pair("nobody", "")}):
        with pytest.raises(SetupError):
            import_files(replace(asked, **wrong))


def test_suites_and_results_are_two_calls(tmp_path: Path) -> None:
    """Paths of both kinds in one call are refused, as are two suites of one name."""
    given = DATA / "promptfoo"
    asked = Asked("promptfoo", (given / "promptfooconfig.yaml", given / "results.json"), tmp_path)
    with pytest.raises(SetupError, match="paths of one kind"):
        import_files(asked)
    with pytest.raises(SetupError, match="suites of different names"):
        import_files(replace(asked, paths=(asked.paths[0], asked.paths[0])))


def test_what_needs_pyarrow_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, archives with Zstandard and Parquet name what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SetupError, match=r"pytest-evalkit\[store\]"):
        inspect_log.read_log(DATA / "inspect" / "base.eval", "")
    with pytest.raises(SetupError, match=r"pytest-evalkit\[store\]"):
        mlflow_table.read_log(DATA / "mlflow" / "table-base.parquet", "")


def test_a_parquet_file_that_is_none_is_a_fault(tmp_path: Path) -> None:
    """A damaged table is told as such."""
    file = tmp_path / "t.parquet"
    file.write_bytes(b"PAR1 no table")
    with pytest.raises(FileFaults, match="a table of MLflow"):
        mlflow_table.read_log(file, "")
