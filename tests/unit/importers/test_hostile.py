"""Files that are damaged, malformed or made to harm: refused with a reason, nothing left behind."""

from __future__ import annotations

import copy
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalkit.errors import EvalkitError, FileFaults, SetupError
from evalkit.importers import Log, Request, inspect_log, read
from evalkit.importers.found import Defined, Definitions
from evalkit.importers.mlflow_table import read_log as read_mlflow
from evalkit.importers.promptfoo_config import read_config
from evalkit.importers.sound import sound
from evalkit.importers.write import write_definitions
from evalkit.pipeline.importing import Asked, Imported, import_files
from evalkit.pipeline.options import Options
from evalkit.pipeline.prepare import prepare
from evalkit.pipeline.stages import read_run

from .sample_files import FILES

DATA = Path(__file__).parents[2] / "data" / "imports"
SAMPLE = {
    "id": "a",
    "epoch": 1,
    "input": "q",
    "target": "t",
    "output": {"completion": "x", "choices": []},
    "scores": {"s": {"value": 1}},
}
HEAD = {"eval": {"task": "t", "model": "m"}}
HUGE = 10**400
ODD: tuple[Any, ...] = (
    None,
    -1,
    HUGE,
    "1e999",
    "x\ud800",
    [],
    {},
    True,
    "",
    [[]],
    1.5,
    "../../x",
    "n" * 5_000,
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inspected(**sample: Any) -> Log:
    """Read a log of Inspect with one sample."""
    Path("log.json").write_text(_json({**HEAD, "samples": [{**SAMPLE, **sample}]}))
    return inspect_log.read_log(Path("log.json"), "")


def archive(name: str = "log.eval", kind: int = zipfile.ZIP_DEFLATED, padding: int = 0) -> Path:
    """Write an archive of one sample, with spaces after it."""
    with zipfile.ZipFile(name, "w", kind) as file:
        file.writestr("header.json", json.dumps(HEAD))
        file.writestr("samples/a.json", json.dumps(SAMPLE) + " " * padding)
    return Path(name)


def promptfoo(*assertions: Mapping[str, Any], **more: Any) -> Path:
    """Write a configuration of one test, with an assertion that can be imported beside others."""
    test = {"vars": {"x": "y"}, "assert": [{"type": "contains", "value": "k"}, *assertions]}
    tree = {"prompts": ["Say {{x}}"], "tests": [test], **more}
    Path("config.json").write_text(json.dumps(tree))
    return Path("config.json")


def suites(file: Path, tool: str = "promptfoo") -> Imported:
    """Import definitions to the folder `out`, and validate what was written."""
    made = import_files(Asked(tool, (file,), Path("reports"), out=Path("out")))
    prepare([Path("out")], Options(Path("reports")), environ={"OPENAI_API_KEY": "x"})
    return made


def _json(tree: Any) -> str:
    """Return JSON in which the text "1e999" is a number beyond any float."""
    return json.dumps(tree).replace('"1e999"', "1e999")


def test_a_member_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size that the archive states is looked at first, and the limit stands in the fault."""
    monkeypatch.setattr(inspect_log, "MOST_UNPACKED", 2**20)
    with pytest.raises(FileFaults, match=r"at most 1 MiB\s+got: 2 MiB"):
        inspect_log.read_log(archive(padding=2 * 2**20), "")


def test_a_member_that_hides_its_size_is_read_up_to_what_it_states() -> None:
    """An archive whose directory lies about a size is damaged."""
    file = archive(padding=5_000)
    content = bytearray(file.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 200)
    file.write_bytes(content)
    with pytest.raises(FileFaults, match="zip archive"):
        inspect_log.read_log(file, "")


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_cannot_be_bounded_are_refused(kind: int) -> None:
    """Inspect writes deflate and Zstandard only."""
    with pytest.raises(FileFaults, match="deflate or Zstandard"):
        inspect_log.read_log(archive(kind=kind), "")


@pytest.mark.parametrize("damage", ["password", "content", "half"])
def test_damaged_archives_are_faults(damage: str) -> None:
    """A password, broken content and an archive cut off are told like any fault."""
    file = archive()
    content = bytearray(file.read_bytes())
    start = content.find(b"header.json") + len("header.json")
    if damage == "password":
        for sign, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.find(sign) + flags] |= 1
    elif damage == "content":
        content[start : start + 20] = b"\xff" * 20
    file.write_bytes(content[: len(content) // 2] if damage == "half" else content)
    with pytest.raises(FileFaults, match="the whole file as Inspect wrote it"):
        inspect_log.read_log(file, "")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"epoch": "1e999"}, "epoch"),
        ({"epoch": HUGE}, "epoch"),
        ({"epoch": 0}, "an epoch from 1"),
        ({"output": {"completion": "x", "usage": {"input_tokens": "9"}}}, "usage.input_tokens"),
        ({"working_time": HUGE}, "working_time"),
    ],
)
def test_numbers_that_are_none_are_faults_with_their_place(
    fields: Mapping[str, Any], place: str
) -> None:
    """Numbers too large for any float, and texts in their place, are told by where they are."""
    with pytest.raises(FileFaults, match=place):
        inspected(**fields)


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", HUGE])
def test_a_score_that_is_no_finite_number_is_ungraded(value: Any) -> None:
    """It costs its own answer, not the scorer."""
    mark = inspected(scores={"s": {"value": value}}).rows[0].marks["s"]
    assert mark.value is None
    assert "is no number" in mark.reason


def test_a_cell_nan_is_ungraded() -> None:
    """A table keeps the scorer, and the row without a score is counted as lost."""
    Path("t.csv").write_text("inputs,outputs,exact/v1/score\nq1,a,nan\nq2,b,yes\nq3,c,0.5\n")
    marks = [row.marks["exact"].value for row in read_mlflow(Path("t.csv"), "m").rows]
    assert marks == [None, 1.0, 0.5]
    made = import_files(Asked("mlflow", (Path("t.csv"),), Path("reports"), out=Path("run")))
    assert [(mean.cases, mean.lost) for mean in made.means] == [(2, 1)]


@pytest.mark.parametrize("name", ["t.csv", "rows.csv"])
def test_cells_may_be_long(name: str) -> None:
    """A cell of more than 131,072 characters, csv's own limit, is read."""
    long = "x" * 200_000
    Path(name).write_text(f"inputs,outputs,exact/v1/score\nq1,{long},1\n")
    if name == "t.csv":
        assert read_mlflow(Path(name), "m").rows[0].outcome.text == long  # type: ignore[union-attr]
        return
    Path("task.yaml").write_text(yaml.safe_dump(_task("{{inputs}}", data=name)))
    found = read("lm-eval", Request(Path("task.yaml")))
    assert isinstance(found, Definitions)
    assert found.suites[0].cases[0]["vars"]["outputs"] == long


def test_a_row_of_too_many_cells_is_a_fault_with_its_line() -> None:
    """Cells without a name belong to no column."""
    Path("t.csv").write_text("inputs,outputs,exact/v1/score\nq1,a,1,extra\n")
    with pytest.raises(FileFaults, match=r"t\.csv:2"):
        read_mlflow(Path("t.csv"), "m")


def _task(asked: str, data: str = "rows.jsonl") -> dict[str, Any]:
    return {
        "task": "t",
        "dataset_kwargs": {"data_files": {"test": data}},
        "test_split": "test",
        "doc_to_text": asked,
        "doc_to_target": "a",
        "metric_list": [{"metric": "exact_match"}],
    }


def test_half_surrogates_become_replacement_characters(here: Path) -> None:
    """What no file in UTF-8 can hold is replaced, in runs and in suites; nothing breaks."""
    Path("log.json").write_text(
        json.dumps({"eval": {"task": "t", "model": "m\ud800"}, "samples": [SAMPLE]})
    )
    import_files(Asked("inspect", (Path("log.json"),), Path("reports"), out=Path("run")))
    _, stored = read_run(Path("run"))
    assert [record.model for record in stored.records] == ["m\N{REPLACEMENT CHARACTER}"]
    file = promptfoo(tests=[{"vars": {"x": "\ud800"}, "assert": [{"type": "is-json"}]}])
    suites(file)
    assert "\N{REPLACEMENT CHARACTER}" in next((here / "out").rglob("cases.jsonl")).read_text()
    with pytest.raises(SetupError, match="in UTF-8"):
        read("inspect", Request(Path("log.json"), "m\ud800"))


def test_nothing_is_left_behind_where_writing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run or suites that cannot be written to their end are taken away again."""
    suite = Defined("s", {"prompt": "x", "graders": []}, ({"vars": {}},))
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    monkeypatch.setattr("evalkit.importers.write._make_folders", _full)
    with pytest.raises(SetupError, match="No space"):
        write_definitions(Definitions((suite,)), Path("out"), title="", has_project=False)
    assert [path.name for path in Path("out").iterdir()] == ["mine.txt"]
    inspected()
    monkeypatch.setattr("evalkit.pipeline.importing.write_run", _full)
    with pytest.raises(OSError, match="No space"):
        import_files(Asked("inspect", (Path("log.json"),), Path("reports"), out=Path("run")))
    assert not Path("run").exists()


def _full(folder: Any, made: Any, **_: Any) -> None:
    """Make the folder, and fail where a second file would follow."""
    if isinstance(made, list):
        if made:
            raise OSError(28, "No space left on device")
        folder.mkdir()
        made.append(folder)
        return
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "assertion",
    [
        {"type": "is-json", "value": {"type": "strin"}},
        {"type": "word-count", "value": {"min": 5, "max": 2}},
        {"type": "llm-rubric", "value": "good", "threshold": 5},
        {"type": "bleu", "value": "x", "threshold": 5},
        {"type": "latency", "threshold": 0},
        {"type": "contains-any", "value": "x,,y"},
        {"type": "not-contains-any", "value": "x,,y"},
    ],
    ids=lambda assertion: assertion["type"],
)
def test_a_check_that_validate_refuses_is_named(assertion: Mapping[str, Any]) -> None:
    """It is left out with the reason; what is written is valid."""
    made = suites(promptfoo(assertion))
    (note,) = [str(note) for note in made.notes if assertion["type"] in str(note)]
    assert "needed" in note or "expected must" in note
    assert made.suites == {"promptfoo": 1}


def _eval(*criteria: Mapping[str, Any], item: Mapping[str, Any]) -> Path:
    asked = {"type": "template", "template": [{"role": "user", "content": "{{item.q}}"}]}
    rows = {"type": "file_content", "content": [{"item": {"q": "a", **item}}]}
    source = {"type": "completions", "input_messages": asked, "source": rows}
    keep = {"type": "string_check", "name": "keep", "operation": "like", "reference": "a"}
    criteria = ({**keep, "input": "{{sample.output_text}}"}, *criteria)
    found = {"object": "eval", "name": "E", "testing_criteria": criteria}
    tree = [found, {"object": "eval.run", "data_source": source}]
    Path("eval.json").write_text(json.dumps(tree))
    return Path("eval.json")


@pytest.mark.parametrize(
    ("criterion", "why"),
    [
        (
            {
                "type": "multi",
                "graders": {
                    "a": {
                        "type": "string_check",
                        "input": "{{sample.output_text}}",
                        "reference": "x",
                        "operation": "eq",
                    }
                },
                "calculate_output": "sqrt(a*a)",
            },
            "needed a formula",
        ),
        (
            {
                "type": "score_model",
                "input": [
                    {
                        "role": "user",
                        "content": "{{sample.output_text}} {{sample.output_json.x}}",
                    }
                ],
            },
            "sample.output_json.x",
        ),
        (
            {"type": "score_model", "input": [{"role": "user", "content": "rate"}]},
            "messages that show the judge the answer",
        ),
        (
            {
                "type": "string_check",
                "input": "{{sample.output_json.b}}",
                "operation": "eq",
                "reference": "true",
            },
            "is not known",
        ),
    ],
)
def test_a_grader_that_validate_refuses_is_named(criterion: Mapping[str, Any], why: str) -> None:
    """Formulas and judges' messages are checked as the suite's are; the rest is imported."""
    made = suites(_eval({"name": "gone", **criterion}, item={}), "openai-evals")
    assert any("gone" in str(note) and why in str(note) for note in made.notes)


@pytest.mark.parametrize("value", [5, 2.5, True, "five", "none"])
def test_a_field_of_the_answer_is_compared_as_a_text(value: Any) -> None:
    """A number of the row equals the number in the answer, and the text that it is written as."""
    from evalkit.graders import SuiteGrader
    from evalkit.model import Grade, Reply

    criterion = {"type": "string_check", "name": "field", "operation": "eq"}
    asked = {"input": "{{sample.output_json.n}}", "reference": "{{item.n}}"}
    suites(_eval({**criterion, **asked}, item={"n": value}), "openai-evals")
    plan = prepare([Path("out")], Options(Path("reports")), environ={"OPENAI_API_KEY": "x"})
    (suite,) = plan.suites
    written = value if isinstance(value, str) else json.dumps(value)
    for answer, right in ((value, True), (written, True), ("other", False), ([value], False)):
        grades, _ = SuiteGrader(suite).grade(suite.cases[0], Reply(json.dumps({"n": answer})))
        grade = grades["field"]
        assert isinstance(grade, Grade)
        assert grade.passed is right, answer


def test_rows_that_make_one_case_twice_are_named() -> None:
    """Equal requests without ids would be a fault of the suite: the first stays."""
    Path("registry.yaml").write_text(
        "e.t.v1:\n  class: evals.elsuite.basic.match:Match\n  args: {samples_jsonl: s.jsonl}\n"
    )
    row = json.dumps({"input": "q", "ideal": "a"})
    Path("s.jsonl").write_text(f"{row}\n{row}\n{row}\n")
    made = suites(Path("registry.yaml"), "openai-evals-registry")
    assert made.suites == {"e": 1}
    assert sum("the same request as the case in" in str(note) for note in made.notes) == 2


def test_a_suite_that_validate_refuses_is_named() -> None:
    """Whatever an importer makes, nothing invalid is written; of nothing valid there is a fault."""
    good = Defined("good", _tree("contains"), ({"id": "1", "vars": {}, "expected": "a"},))
    bad = Defined("bad", {**_tree("contains"), "score": "c +"}, good.cases)
    found = sound(Definitions((good, bad)))
    assert [suite.name for suite in found.suites] == ["good"]
    assert "bad: the suite: needed a formula" in str(found.notes[0])
    with pytest.raises(FileFaults, match="a suite that evalkit can run"):
        sound(Definitions((bad,)))


def _tree(kind: str) -> dict[str, Any]:
    return {"prompt": "x", "graders": [{"name": "c", "type": kind}], "score": "c"}


def test_notes_leave_the_file_readable() -> None:
    """Characters that YAML forbids are written as their code points, also in a comment."""
    made = suites(promptfoo({"type": "con\u0007ta\ufffeins\u2028", "value": "x"}))
    text = Path("out/promptfoo/promptfoo.yaml").read_text()
    assert "U+0007" in text
    assert len(made.notes) == 1


def test_a_suite_of_a_name_that_the_project_has_is_refused() -> None:
    """Two suites of one name would be a fault of the whole project."""
    suites(promptfoo())
    with pytest.raises(SetupError, match=r"'promptfoo', which is also out/promptfoo"):
        import_files(Asked("promptfoo", (promptfoo(),), Path("reports"), out=Path("out/more")))
    assert not Path("out/more").exists()


def _outside(here: Path) -> Path:
    """Make a folder to stand in, and a file beside it that must not be read."""
    (here / "secret.jsonl").write_text('{"input": "SECRET", "ideal": "k", "a": "k"}\n')
    (here / "secret.yaml").write_text(yaml.safe_dump(_task("{{input}}", "secret.jsonl")))
    folder = here / "registry" / "evals"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("way", ["above", "absolute", "link"])
@pytest.mark.parametrize("tool", ["lm-eval", "openai-evals-registry", "include"])
def test_definitions_do_not_reach_files_elsewhere(
    here: Path, monkeypatch: pytest.MonkeyPatch, *, tool: str, way: str
) -> None:
    """Rows, samples and includes lie below the definition's folder or the current one."""
    folder = _outside(here)
    monkeypatch.chdir(folder)
    kind = "yaml" if tool == "include" else "jsonl"
    name = {"above": "../../secret", "absolute": str(here / "secret"), "link": "link"}[way]
    (folder / f"link.{kind}").symlink_to(here / f"secret.{kind}")
    named = f"{name}.{kind}"
    if tool == "openai-evals-registry":
        arguments = {"samples_jsonl": named}
        tree: Any = {"e.t.v1": {"class": "evals.elsuite.basic.match:Match", "args": arguments}}
    else:
        tree = _task("{{input}}", named) if tool == "lm-eval" else {"include": named, "task": "t"}
    Path("given.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(FileFaults, match=r"secret|link") as found:
        read(tool.replace("include", "lm-eval"), Request(Path("given.yaml")))
    assert "SECRET" not in str(found.value)


def test_a_task_may_include_what_lies_below_the_current_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task below takes its common parts from the folder above, seen from there."""
    folder = here / "tasks" / "de"
    folder.mkdir(parents=True)
    (here / "tasks" / "common.yaml").write_text(yaml.safe_dump(_task("{{q}}")))
    (here / "tasks" / "rows.jsonl").write_text('{"q": "1", "a": "2"}\n')
    (folder / "t.yaml").write_text("include: ../common.yaml\ntask: de\n")
    monkeypatch.chdir(here / "tasks")
    found = read("lm-eval", Request(Path("de/t.yaml")))
    assert isinstance(found, Definitions)
    assert found.suites[0].name == "de"


@pytest.mark.parametrize("tests", ["/etc/*", "../*.json", "n" * 5_000, "file://" + "n" * 5_000])
def test_paths_of_tests_that_lead_nowhere_are_faults(tests: str) -> None:
    """Patterns elsewhere and names that no file can have are no crash."""
    with pytest.raises(FileFaults):
        read("promptfoo", Request(promptfoo(tests=tests)))


def test_lists_that_combine_to_too_many_cases_are_a_fault() -> None:
    """They are counted before they are made, and so are prompts times tests."""
    lists = {f"v{number}": list(range(60)) for number in range(8)}
    with pytest.raises(FileFaults, match="at most 100,000 cases"):
        read_config(promptfoo(tests=[{"vars": lists, "assert": [{"type": "is-json"}]}]))
    several = [{"vars": {"x": list(range(20_000))}, "assert": [{"type": "is-json"}]}]
    with pytest.raises(FileFaults, match="6 prompts and 20,000 tests"):
        read_config(promptfoo(tests=several, prompts=["a", "b", "c", "d", "e", "f"]))


def test_a_template_that_makes_too_long_a_text_is_no_case() -> None:
    """The cases of a task whose prompt is a bomb are named, with the limit."""
    Path("rows.jsonl").write_text('{"q": "1", "a": "2"}\n')
    Path("t.yaml").write_text(yaml.safe_dump(_task("{{ 'a' * 10**9 }}{{q}}")))
    with pytest.raises(FileFaults, match="at most 10,000,000 characters"):
        read("lm-eval", Request(Path("t.yaml")))


DEFINITIONS = [
    ("lm-eval", "tasks/sums.yaml"),
    ("openai-evals-registry", "registry/evals/queues.yaml"),
]


@pytest.mark.parametrize(("tool", "name"), [*FILES, *DEFINITIONS])
def test_a_file_with_an_odd_value_is_imported_whole_or_refused(
    here: Path, tool: str, name: str
) -> None:
    """Wherever an odd value stands, the import ends well or with an error of its own; what it
    writes is valid, and where it fails it leaves nothing.
    """
    given = DATA / tool / name
    for rows in (*given.parent.glob("*.jsonl"), *(DATA / tool).rglob("s*s.jsonl")):
        (here / rows.name).write_text(rows.read_text())
    text = given.read_text()
    lines = name.endswith(".jsonl")
    tree = [json.loads(line) for line in text.splitlines()] if lines else yaml.safe_load(text)
    places = list(_places(tree))
    step = max(1, len(places) // 12)
    for number, place in enumerate(places[::step]):
        changed = copy.deepcopy(tree)
        _put(changed, place, ODD[(number * 5 + len(name)) % len(ODD)])
        out, target = here / f"out{number}", here / given.name
        written = [_json(row) + "\n" for row in changed] if lines else [_json(changed)]
        target.write_text("".join(written))
        try:
            made = import_files(Asked(tool, (target,), Path("reports"), out=out))
        except EvalkitError:
            assert not out.exists()
            continue
        if not made.is_run:
            prepare([out], Options(Path("reports")), environ={"OPENAI_API_KEY": "x"})


def _places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a tree."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from _places(value, (*at, key))


def _put(tree: Any, place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        tree = tree[key]
    tree[place[-1]] = value


def test_models_that_no_project_file_can_hold_are_named() -> None:
    """The file that is written has models to fill in instead, and is valid."""
    made = suites(promptfoo(providers=["openai:gpt-4.1-mini", {"id": "openai:x", "label": "..."}]))
    assert [note.where for note in made.notes] == ["the models"]
    assert "name-of-the-base-model" in Path("out/evalkit.yaml").read_text()
