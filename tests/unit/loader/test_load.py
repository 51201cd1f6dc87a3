"""What a loaded project says."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from evalkit.errors import Fault, FileFaults
from evalkit.loader import load, load_policy, read_schema
from evalkit.model import GraderSpec, Limits, Pair, Price, Sampling, Source

from .projects import PROJECT, SUITE, chat, lines, loaded, write

REPOSITORY = Path(__file__).parents[3]
FULL = """\
version: 1
models:
  base: {role: base, client: openai, model: a, api_key_env: A_KEY, limits: {timeout_s: 5}}
  tuned:
    role: candidate
    client: local
    model: b
    adapter: x/../tuned.gguf
    trained_on: [train.jsonl]
    training_log: log.json
    price: {input: 1}
  late: {role: checkpoint, client: local, model: b, of: tuned, step: 20}
  early: {role: checkpoint, client: local, model: b, of: tuned, step: 10}
  other: {role: candidate, client: scripted, model: c, options: {default: x}}
sampling: {temperature: 1, extra: {top_p: 0.9, n: 1}}
allow_code: true
"""
FILES: dict[str, str | bytes] = {
    "evalkit.yaml": FULL,
    "tuned.gguf": "",
    "train.jsonl": lines([chat("1", "2")]),
    "log.json": "{}",
    "sums/sums.yaml": SUITE,
}


def test_a_project_is_read_whole(tmp_path: Path) -> None:
    """Paths are absolute and clean; what the file leaves out is the model's default."""
    project = loaded(tmp_path, FILES).project
    tuned = project.models["tuned"]
    assert project.root == tmp_path
    assert (tuned.adapter, tuned.trained_on) == (
        tmp_path / "tuned.gguf",
        (tmp_path / "train.jsonl",),
    )
    assert tuned.training_log == tmp_path / "log.json"
    assert (tuned.price, dict(tuned.options)) == (Price(1.0), {})
    assert project.models["other"].options == {"default": "x"}
    assert project.models["base"].limits == Limits(timeout_s=5.0)
    assert (project.models["other"].limits, project.models["other"].price) == (Limits(), None)
    assert [m.name for m in project.checkpoints_of("tuned")] == ["early", "late"]
    assert project.sampling == Sampling(1.0, extra={"top_p": 0.9, "n": 1})
    assert type(project.sampling.temperature) is float
    assert project.allow_code


def test_what_each_kind_of_client_needs_is_settled(tmp_path: Path) -> None:
    """Files are found from the project's folder; the embedded model takes one request at a time."""
    text = (
        "version: 1\nmodels:\n"
        "  base: {role: base, client: local, model: weights.gguf}\n"
        "  tuned: {role: candidate, client: replay, model: b, options: {path: old.jsonl}}\n"
    )
    models = loaded(tmp_path, {"evalkit.yaml": text, "sums/sums.yaml": SUITE}).project.models
    assert models["base"].model == str(tmp_path / "weights.gguf")
    assert models["base"].limits == Limits(concurrency=1)
    assert models["tuned"].options == {"path": str(tmp_path / "old.jsonl")}


def test_every_candidate_is_compared_with_the_only_base(tmp_path: Path) -> None:
    """Unless the project says which comparisons it wants."""
    assert loaded(tmp_path, FILES).project.comparisons == (
        Pair("base", "tuned"),
        Pair("base", "other"),
    )
    text = FULL + "comparisons: [{base: tuned, candidate: other}]\n"
    found = loaded(tmp_path, {**FILES, "evalkit.yaml": text})
    assert found.project.comparisons == (Pair("tuned", "other"),)


def test_a_suite_is_read_whole(tmp_path: Path) -> None:
    """Sampling is the project's but for what the suite says, the only grader is the score."""
    text = SUITE + (
        "description: Adding.\nmargin: 1\nslices: [vars.sum]\n"
        "sampling: {temperature: 0, seed: null, extra: {n: 2}}\n"
        "response_format: {type: json_object}\n"
    )
    [suite] = loaded(tmp_path, {**FILES, "sums/sums.yaml": text}).suites
    path = str(tmp_path / "sums/sums.yaml")
    assert (suite.name, suite.purpose, suite.margin, suite.description) == (
        "sums",
        "target",
        1.0,
        "Adding.",
    )
    assert suite.graders == (GraderSpec("total", "numeric", {}, Source(path, 4)),)
    assert suite.score == "total"
    extra = {"top_p": 0.9, "n": 2, "response_format": {"type": "json_object"}}
    assert suite.sampling == Sampling(0.0, seed=None, extra=extra)
    assert suite.source == Source(path, 1)
    [case] = suite.cases
    assert dict(case.slices) == {"vars.sum": "1 + 1"}
    assert case.messages == ({"role": "user", "content": "1 + 1"},)
    assert case.source == Source(path, 6)


NESTED = """suite: sums
purpose: target
prompt: "{{ sum }}"
graders:
  - name: total
    type: all
    graders:
      - {name: number, type: numeric}
      - name: form
        type: not
        graders:
          - {name: word, type: %s}
cases:
  - {id: one, vars: {sum: 1 + 1}, expected: 2}
"""


def test_graders_stand_inside_graders(tmp_path: Path) -> None:
    """Each keeps its own options and its own line."""
    text = NESTED % "contains, value: two"
    [suite] = loaded(tmp_path, {**FILES, "sums/sums.yaml": text}).suites
    path = str(tmp_path / "sums/sums.yaml")
    word = GraderSpec("word", "contains", {"value": "two"}, Source(path, 12))
    number = GraderSpec("number", "numeric", {}, Source(path, 8))
    form = GraderSpec("form", "not", {}, Source(path, 9), (word,))
    assert suite.graders == (GraderSpec("total", "all", {}, Source(path, 5), (number, form)),)


@pytest.mark.parametrize(
    ("inner", "line", "got"),
    [
        ("containz", 12, '"containz"'),
        ("contains, valu: two", 12, "unknown field 'valu'"),
        ("regex, pattern: '('", 12, "'(': missing ) at position 1"),
        ("contains, value: []", 12, "expected must hold a text that is not empty"),
    ],
)
def test_faults_of_inner_graders_are_told_at_their_line(
    tmp_path: Path, inner: str, line: int, got: str
) -> None:
    """By the same schema and the same checks as those of a suite."""
    with pytest.raises(FileFaults) as error:
        loaded(tmp_path, {**FILES, "sums/sums.yaml": NESTED % inner})
    assert [line, got] in [[f.line, f.got] for f in error.value.faults], error.value.faults


def test_inner_graders_have_names_of_their_own(tmp_path: Path) -> None:
    """The second of a name is told, and where the first one is."""
    text = (NESTED % "contains, value: two").replace("name: form", "name: number")
    with pytest.raises(FileFaults) as error:
        loaded(tmp_path, {**FILES, "sums/sums.yaml": text})
    [told] = error.value.faults
    assert (told.line, told.got) == (9, "a second 'number', the first in line 8")


def test_digests_cover_every_file_that_counts(tmp_path: Path) -> None:
    """Each changes with its own files and with no other."""
    files: dict[str, str | bytes] = {
        **FILES,
        "sums/sums.yaml": SUITE + "datasets: [{path: more.jsonl, format: jsonl}]\n",
        "sums/more.jsonl": lines([{"vars": {"sum": "2"}, "expected": 2}]),
        "policy.yaml": "version: 1\n",
        "evalkit.yaml": FULL + "policy: policy.yaml\n",
    }
    names = {"project", "policy", "suite:sums", "training:train.jsonl"}
    before = loaded(tmp_path, files)
    assert before.digests.keys() == names
    assert before.policy_digest == before.digests["policy"]
    assert before.digests["policy"] == hashlib.sha256(b"version: 1\n").hexdigest()
    assert before.suites[0].digest == before.digests["suite:sums"]
    changes = {
        "evalkit.yaml": "project",
        "policy.yaml": "policy",
        "sums/sums.yaml": "suite:sums",
        "sums/more.jsonl": "suite:sums",
        "train.jsonl": "training:train.jsonl",
    }
    for file, name in changes.items():
        after = loaded(tmp_path, {**files, file: str(files[file]) + "\n"}).digests
        assert {n for n in names if after[n] != before.digests[n]} == {name}


def test_a_policy_comes_from_the_project_or_by_hand(tmp_path: Path) -> None:
    """By hand goes first, then the one it names, then the one beside it; else there is no tree."""
    none = loaded(tmp_path, {"sums/sums.yaml": SUITE})
    assert (none.policy_tree, none.policy_digest) == (None, "default")
    beside = {"policy.yaml": "version: 1\nalpha: 0.02\n"}
    assert loaded(tmp_path, beside).policy_tree == {"version": 1, "alpha": 0.02}
    own = {"evalkit.yaml": PROJECT + "policy: own.yaml\n", "own.yaml": "version: 1\nalpha: 0.01\n"}
    assert loaded(tmp_path, own).policy_tree == {"version": 1, "alpha": 0.01}
    hand = write(tmp_path, {**own, "hand.yaml": "version: 1\nalpha: 0.1\n"}) / "hand.yaml"
    found = load(tmp_path / "evalkit.yaml", policy_file=hand, environ={})
    assert found.policy_tree == {"version": 1, "alpha": 0.1}


def test_a_policy_can_be_read_alone(tmp_path: Path) -> None:
    """For deciding again over a stored run, with the same checks."""
    file = write(tmp_path, {"p.yaml": "version: 1\nalpha: 0.1\n"}) / "p.yaml"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert load_policy(file) == ({"version": 1, "alpha": 0.1}, digest)
    for bad, told in (("version: 1\nalfa: 1\n", "alpha"), ("a: [", "YAML")):
        file.write_text(bad)
        with pytest.raises(FileFaults, match=told):
            load_policy(file)
    with pytest.raises(FileFaults, match="no such file"):
        load_policy(tmp_path / "gone.yaml")


def test_code_of_the_repository_can_grade_if_allowed(tmp_path: Path) -> None:
    """A function beside the suite is found; without allow_code it is a fault and does not run."""
    text = SUITE.replace("type: numeric", 'type: python, function: "mine.py:ok"')
    files: dict[str, str | bytes] = {
        **FILES,
        "sums/sums.yaml": text,
        "sums/mine.py": "def ok(case, reply):\n    return True\n",
    }
    assert loaded(tmp_path, files).suites[0].graders[0].type == "python"
    with pytest.raises(FileFaults, match="allow_code: true"):
        loaded(tmp_path, {**files, "evalkit.yaml": FULL.replace("allow_code: true\n", "")})


def test_the_shipped_suites_are_sound() -> None:
    """The repository's own suites and data files have no fault, adapters apart."""
    faults: tuple[Fault, ...] = ()
    try:
        load(REPOSITORY / "suites/evalkit.yaml", policy_file=None, environ={})
    except FileFaults as error:
        faults = error.faults
    assert [fault for fault in faults if fault.needed != "a file that is there"] == []


def places(schema: Any, at: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return every named field of a schema, with its path."""
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(schema, dict):
        fields = schema.get("properties", {})
        if isinstance(fields, dict) and "if" not in at.split("/") and "else" not in at.split("/"):
            found += [(f"{at}/{n}", f) for n, f in fields.items() if isinstance(f, dict)]
        for key, value in schema.items():
            if key not in ("examples", "default"):
                found += places(value, f"{at}/{key}")
    if isinstance(schema, list):
        for item in schema:
            found += places(item, at)
    return found


def pointed(schema: dict[str, Any], reference: str) -> Any:
    """Return what a reference inside a schema points to."""
    found: Any = schema
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


@pytest.mark.parametrize("name", ["suite", "project"])
def test_every_field_of_a_schema_is_described(name: str) -> None:
    """Editors show the descriptions; the examples are valid and stand in messages."""
    schema = read_schema(name)
    Draft202012Validator.check_schema(schema)
    for place, field in places(schema):
        if ("const" in field and "examples" not in field) or "not" in field:
            continue
        target = pointed(schema, field["$ref"]) if "$ref" in field else {}
        assert field.get("description") or target.get("description"), place
        for example in field.get("examples", target.get("examples", ())):
            full = {**field, "$defs": schema["$defs"]}
            assert list(Draft202012Validator(full).iter_errors(example)) == [], (place, example)
        assert field.get("examples") or target.get("examples"), place
