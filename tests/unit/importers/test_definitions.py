"""Tasks, evals and data sets of other tools: what they become, and what of them is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalkit.errors import FileFaults
from evalkit.importers.found import Definitions
from evalkit.importers.lm_eval_task import read_tasks
from evalkit.importers.openai_api import read_openai
from evalkit.importers.openai_registry import read_registry
from evalkit.importers.pydantic_yaml import read_dataset

ROWS = [{"q": "1 + 1", "a": "2"}, {"q": "2 + 2", "a": "4"}]
TASK = {
    "task": "sums",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
    "test_split": "test",
    "doc_to_text": "{{q}}?",
    "doc_to_target": "{{a}}",
    "metric_list": [{"metric": "exact_match"}],
}


def task(tmp_path: Path, rows: list[dict[str, Any]] = ROWS, **more: Any) -> Definitions:
    """Import a task of lm-eval with these rows."""
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / "sums.yaml"
    file.write_text(yaml.safe_dump({**TASK, **more}))
    return read_tasks(file, None)


def notes(found: Definitions) -> str:
    """Return all notes as one text."""
    return "\n".join(map(str, found.notes))


def test_generated_text_is_compared_with_the_target(tmp_path: Path) -> None:
    """Templates stay templates, rows become variables, ids are lm-eval's numbers."""
    (suite,) = task(tmp_path).suites
    assert suite.tree["prompt"] == "{{q}}?"
    assert suite.tree["graders"] == [
        {"name": "exact_match", "type": "string_check", "operation": "eq"}
    ]
    assert [(c["id"], c["expected"]) for c in suite.cases] == [("0", "2"), ("1", "4")]


def test_generation_settings_are_sampling(tmp_path: Path) -> None:
    """Stop texts, length and temperature are asked for; what has no counterpart is named."""
    given = {"until": ["a", "b", "c", "d", "e"], "max_gen_toks": 9, "do_sample": False, "beams": 4}
    found = task(tmp_path, generation_kwargs=given, repeats=3)
    assert found.suites[0].tree["sampling"] == {
        "temperature": 0,
        "max_tokens": 9,
        "samples": 3,
        "extra": {"stop": ["a", "b", "c", "d"]},
    }
    assert "generation_kwargs.beams" in notes(found)
    assert "only the first 4" in notes(found)


@pytest.mark.parametrize(
    ("steps", "grader"),
    [
        ([{"function": "take_first"}], "string_check"),
        ([{"function": "lowercase"}], "text_similarity"),
        ([{"function": "regex", "regex_pattern": r"#### (\-?[0-9\.\,]+)"}], "numeric"),
    ],
)
def test_filters_choose_the_grader(
    tmp_path: Path, steps: list[Mapping[str, Any]], grader: str
) -> None:
    """A filter that folds case or takes a number out is a grader that does."""
    found = task(tmp_path, filter_list=[{"name": "f", "filter": steps}])
    assert [g["type"] for g in found.suites[0].tree["graders"]] == [grader]


def test_what_a_task_lacks_a_counterpart_for_is_refused_with_its_reasons(tmp_path: Path) -> None:
    """A filter of another kind leaves nothing to grade."""
    steps = [{"function": "regex", "regex_pattern": "(yes|no)"}, {"function": "majority_vote"}]
    with pytest.raises(FileFaults) as found:
        task(tmp_path, filter_list=[{"name": "f", "filter": steps}])
    assert "the filter regex has no counterpart" in found.value.faults[0].got


def test_python_that_a_task_names_is_never_run(tmp_path: Path) -> None:
    """`!function` is named by its line; the rest is imported."""
    task(tmp_path)
    file = tmp_path / "sums.yaml"
    file.write_text(file.read_text() + "process_docs: !function utils.process\n")
    found = read_tasks(file, None)
    line = len(file.read_text().splitlines())
    assert f"sums.yaml:{line}: !function names Python" in notes(found)


def test_a_task_is_what_it_includes_and_what_it_says(tmp_path: Path) -> None:
    """A file's own fields go before those it includes; one that includes itself is a fault."""
    task(tmp_path)
    file = tmp_path / "more.yaml"
    file.write_text("include: sums.yaml\ntask: more\n")
    assert read_tasks(file, None).suites[0].name == "more"
    (tmp_path / "sums.yaml").write_text("include: more.yaml\n")
    with pytest.raises(FileFaults, match="one that includes itself"):
        read_tasks(file, None)


def test_choices_are_letters(tmp_path: Path) -> None:
    """Choices of a row are listed and the right one's letter is expected, by number or by text."""
    rows: list[dict[str, Any]] = [
        {"q": "a", "c": ["x", "y"], "a": 1},
        {"q": "b", "c": ["x", "y", "z"], "a": "z"},
    ]
    more = {"doc_to_choice": "{{c}}", "doc_to_target": "a", "metric_list": [{"metric": "acc"}]}
    found = task(tmp_path, rows, output_type="multiple_choice", **more)
    (suite,) = found.suites
    assert suite.tree["graders"][0]["choices"] == ["A", "B", "C"]
    assert [c["expected"] for c in suite.cases] == ["B", "C"]
    assert "likelihoods" in notes(found)


def test_rows_elsewhere_are_asked_for(tmp_path: Path) -> None:
    """A data set of a hub is a fault that names --data; with it the task is imported."""
    with pytest.raises(FileFaults, match="--data FILE"):
        task(tmp_path, dataset_kwargs=None, dataset_path="org/sums")
    found = read_tasks(tmp_path / "sums.yaml", tmp_path / "rows.jsonl")
    assert len(found.suites[0].cases) == len(ROWS)


def suites_of(file: Path, data: Path | None) -> Definitions:
    """Import a file of the Evals API that holds no results."""
    found = read_openai(file, "", data)
    assert isinstance(found, Definitions)
    return found


EVAL = {"object": "eval", "id": "e", "name": "Queues", "data_source_config": {"type": "custom"}}


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[..., Definitions]:
    """Return what imports an eval with these criteria, and a run of one row."""

    def read(*criteria: Mapping[str, Any], item: Mapping[str, Any] | None = None) -> Definitions:
        row = {"item": item or {"text": "hello", "label": "greeting"}}
        source = {"type": "file_content", "content": [row]}
        asked = {"type": "template", "template": [{"role": "user", "content": "{{ item.text }}"}]}
        data = {"type": "completions", "source": source, "input_messages": asked}
        run = {"object": "eval.run", "eval_id": "e", "data_source": data}
        file = tmp_path / "eval.json"
        file.write_text(json.dumps([{**EVAL, "testing_criteria": criteria}, run]))
        return suites_of(file, None)

    return read


ANSWER = "{{ sample.output_text }}"
JUDGED = [{"role": "user", "content": f"Good? {ANSWER}"}]


@pytest.mark.parametrize(
    ("criterion", "grader", "expected"),
    [
        (
            {
                "type": "string_check",
                "input": ANSWER,
                "reference": "{{ item.label }}!",
                "operation": "ilike",
            },
            {"type": "string_check", "operation": "ilike"},
            "greeting!",
        ),
        (
            {
                "type": "string_check",
                "input": "{{ sample.output_json.queue }}",
                "reference": "{{item.label}}",
                "operation": "eq",
            },
            {"type": "json_match", "path": "$.queue", "as_text": True},
            "greeting",
        ),
        (
            {
                "type": "text_similarity",
                "input": ANSWER,
                "reference": "{{ item.label }}",
                "evaluation_metric": "rouge_l",
                "pass_threshold": 0.7,
            },
            {"type": "text_similarity", "metric": "rouge_l", "threshold": 0.7},
            "greeting",
        ),
        (
            {"type": "label_model", "input": JUDGED, "labels": ["y", "n"], "passing_labels": ["y"]},
            {"type": "label_model", "input": JUDGED, "labels": ["y", "n"], "passing_labels": ["y"]},
            None,
        ),
        (
            {"type": "score_model", "input": JUDGED, "range": [1, 5], "pass_threshold": 4},
            {"type": "score_model", "input": JUDGED, "range": [1, 5], "pass_threshold": 4},
            None,
        ),
        (
            {
                "type": "multi",
                "graders": {
                    "a": {
                        "type": "string_check",
                        "input": ANSWER,
                        "reference": "x",
                        "operation": "eq",
                    }
                },
                "calculate_output": "a",
            },
            {
                "type": "multi",
                "graders": [{"name": "a", "type": "string_check", "operation": "eq", "value": "x"}],
                "formula": "a",
            },
            None,
        ),
    ],
    ids=lambda value: value.get("type", "") if isinstance(value, dict) else "",
)
def test_a_grader_of_the_api_is_one_of_a_suite(
    evaluated: Callable[..., Definitions],
    criterion: dict[str, Any],
    grader: dict[str, Any],
    expected: str | None,
) -> None:
    """Templates of the row are filled in, those of the answer are what a grader reads anyway."""
    found = evaluated({"name": "g", **criterion})
    (suite,) = found.suites
    assert suite.tree["graders"] == [{"name": "g", **grader}]
    assert suite.cases[0].get("expected") == expected
    assert suite.tree["prompt"] == [{"role": "user", "content": "{{ text }}"}]


@pytest.mark.parametrize(
    ("criterion", "why"),
    [
        ({"type": "python", "source": "x"}, "never run"),
        ({"type": "endpoint"}, "no counterpart"),
        (
            {
                "type": "string_check",
                "input": "{{ item.text }}",
                "reference": "a",
                "operation": "eq",
            },
            "not the answer",
        ),
        (
            {
                "type": "string_check",
                "input": ANSWER,
                "reference": "{{ item.no }}",
                "operation": "eq",
            },
            "cannot be filled in",
        ),
    ],
)
def test_a_grader_of_the_api_without_a_counterpart_is_named(
    evaluated: Callable[..., Definitions], criterion: dict[str, Any], why: str
) -> None:
    """Its name, place and reason are told, and the other graders stay."""
    kept = {
        "type": "string_check",
        "name": "k",
        "input": ANSWER,
        "reference": "a",
        "operation": "eq",
    }
    found = evaluated({"name": "gone", **criterion}, kept)
    assert [g["name"] for g in found.suites[0].tree["graders"]] == ["k"]
    assert any("gone" in str(note) and why in str(note) for note in found.notes)


def test_an_eval_without_rows_asks_for_them(tmp_path: Path) -> None:
    """--data brings the rows of an eval whose run is not there."""
    criterion = {
        "type": "string_check",
        "name": "k",
        "input": ANSWER,
        "reference": "a",
        "operation": "eq",
    }
    file = tmp_path / "eval.json"
    file.write_text(json.dumps({**EVAL, "testing_criteria": [criterion]}))
    with pytest.raises(FileFaults, match="--data FILE"):
        read_openai(file, "", None)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"item": {"text": "hello"}}\n')
    assert suites_of(file, rows).suites[0].cases[0]["vars"] == {"text": "hello"}


def test_registry_classes_are_graders(tmp_path: Path) -> None:
    """Match, Includes, JsonMatch and JsonValidator have counterparts; other classes are named."""
    (tmp_path / "s.jsonl").write_text('{"input": "q", "ideal": "{\\"a\\": 1}"}\n')
    classes = [
        "match:Match",
        "includes:Includes",
        "json_match:JsonMatch",
        "json_validator:JsonValidator",
    ]
    tree: dict[str, Any] = {
        f"{n}.test.v1": {"class": f"evals.elsuite.basic.{c}", "args": {"samples_jsonl": "s.jsonl"}}
        for n, c in zip("abcd", classes, strict=True)
    }
    tree["e.test.v1"] = {"class": "evals.elsuite.modelgraded.classify:ModelBasedClassify"}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(tree))
    found = read_registry(tmp_path / "r.yaml")
    assert {s.name: s.tree["graders"][0]["type"] for s in found.suites} == {
        "a": "starts_with",
        "b": "contains",
        "c": "json_diff",
        "d": "json_valid",
    }
    assert "e.test.v1" in notes(found)


def test_evaluators_of_pydantic_evals_are_graders(tmp_path: Path) -> None:
    """Evaluators with and without arguments, of the data set and of a case."""
    file = tmp_path / "set.yaml"
    tree = {
        "name": "set",
        "cases": [
            {
                "name": "one",
                "inputs": {"q": 1},
                "expected_output": {"a": 1},
                "metadata": {"k": "v"},
            },
            {
                "inputs": "two",
                "evaluators": [{"Contains": {"value": "A", "case_sensitive": False}}],
            },
        ],
        "evaluators": ["EqualsExpected", {"MaxDuration": 2.0}, {"LLMJudge": "kind?"}, "Mine"],
    }
    file.write_text(yaml.safe_dump(tree))
    found = read_dataset(file)
    one, two = found.suites
    assert [g["type"] for g in one.tree["graders"]] == ["json_diff", "latency", "rubric"]
    assert [g["type"] for g in two.tree["graders"]] == ["latency", "rubric", "string_check"]
    assert one.cases[0]["tags"] == {"k": "v"}
    assert one.cases[0]["vars"] == {"inputs": '{"q": 1}'}
    assert "Mine: no counterpart" in notes(found)
    assert "EqualsExpected: the case expects nothing" in notes(found)


def test_parts_of_a_task_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """Metrics, output types and fields without a counterpart, and cases without a target."""
    rows: list[dict[str, Any]] = [{"q": "a", "a": None}, {"q": "b", "a": ["x", "y"]}]
    metrics = [{"metric": "exact_match", "ignore_punctuation": True}, {"metric": "f1"}]
    metrics += [{"metric": "bleu"}, {"metric": "exact_match", "ignore_case": False}]
    found = task(tmp_path, rows, metric_list=metrics, doc_to_target="a", num_fewshot=5)
    told = notes(found)
    assert found.suites[0].cases[0]["expected"] == {"exact_match": ["x", "y"], "bleu": ["x", "y"]}
    assert found.suites[0].tree["score"] == "1 if exact_match else 0"
    for part in (
        "num_fewshot",
        "ignore_punctuation",
        "f1",
        "doc_to_target gives nothing",
        "left out",
    ):
        assert part in told
    with pytest.raises(FileFaults, match="only generated text is graded"):
        task(tmp_path, output_type="loglikelihood_rolling")


def test_a_folder_of_tasks_skips_what_is_none(tmp_path: Path) -> None:
    """Groups and shared parts of other tasks are named; a group alone is a fault."""
    task(tmp_path)
    group = tmp_path / "group.yaml"
    group.write_text("group: all\ntask: [sums]\n")
    found = read_tasks(tmp_path, None)
    assert [suite.name for suite in found.suites] == ["sums"]
    assert "no task of its own" in notes(found)
    with pytest.raises(FileFaults, match="a group or a part"):
        read_tasks(group, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "q,a\n1 + 1,2\n"),
        ("rows.tsv", "q\ta\n1 + 1\t2\n"),
        ("rows.json", '[{"q": "1 + 1", "a": "2"}]'),
    ],
)
def test_rows_come_in_several_kinds_of_files(tmp_path: Path, name: str, text: str) -> None:
    """CSV, tabs and a JSON list are read as JSON lines are; another kind is a fault."""
    task(tmp_path)
    (tmp_path / name).write_text(text)
    found = read_tasks(tmp_path / "sums.yaml", tmp_path / name)
    assert found.suites[0].cases[0]["vars"] == {"q": "1 + 1", "a": "2"}
    (tmp_path / "rows.txt").write_text(text)
    with pytest.raises(FileFaults, match=r"rows in \.jsonl"):
        read_tasks(tmp_path / "sums.yaml", tmp_path / "rows.txt")


def test_a_data_set_of_pydantic_evals_in_json(tmp_path: Path) -> None:
    """JSON is read like YAML; evaluators that ask too little are named."""
    evaluators: list[Any] = [{"Contains": {"value": 3}}, {"LLMJudge": {}}, {"MaxDuration": "x"}]
    evaluators += [{"Equals": "a"}, {"IsInstance": "int"}]
    tree = {"cases": [{"inputs": "q"}], "evaluators": evaluators, "report_evaluators": ["X"]}
    file = tmp_path / "set.json"
    file.write_text(json.dumps(tree))
    found = read_dataset(file)
    assert [g["type"] for g in found.suites[0].tree["graders"]] == ["string_check"]
    for why in (
        "only a text",
        "no rubric",
        "no number of seconds",
        "never of that type",
        "report_",
    ):
        assert why in notes(found)


def test_samples_that_cannot_be_graded_are_named(tmp_path: Path) -> None:
    """Several JSON answers, none, or samples that are not there."""
    samples = [{"input": "q", "ideal": ["{}", "[]"]}, {"input": "q", "ideal": "{"}]
    samples.append({"input": "q", "ideal": "{}"})
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
    arguments = {"samples_jsonl": "s.jsonl", "num_few_shot": 3}
    entry = {"class": "evals.elsuite.basic.json_match:JsonMatch", "args": arguments}
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump({"e.test.v1": entry}))
    found = read_registry(file)
    assert len(found.suites[0].cases) == 1
    assert all(w in notes(found) for w in ("several ideal", "is no JSON", "num_few_shot"))
    (tmp_path / "s.jsonl").unlink()
    with pytest.raises(FileFaults, match="samples that are there"):
        read_registry(file)
