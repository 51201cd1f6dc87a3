"""The reference pages are what the schemas say now, and every example on them holds."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from jsonschema import validate
from pyarrow import parquet

from evalkit.decide.serialise import from_dict, to_dict
from evalkit.graders import SuiteGrader
from evalkit.graders.facts import priced
from evalkit.graders.registry import JUDGES, TYPES
from evalkit.loader import load, read_schema
from evalkit.model import Grade, Graded, Price, Reply, Suite, Ungraded, Usage
from evalkit.sandbox import isolation
from scripts.make_reference import FAMILIES, FOLDER, described, pages
from scripts.reference.examples import ASKED, EXAMPLES, FORMATS, GRADED

PROJECT = """\
version: 1
models:
  base: {role: base, client: scripted, model: a}
  tuned: {role: candidate, client: scripted, model: b}
judges:
  default: {client: scripted, model: judge}
  embeddings: {client: openai, model: embeddings, options: {endpoint: embeddings}}
allow_code: true
"""
HEAD = "suite: example\npurpose: report\n"
ANY_GRADER = "graders: [{name: any, type: length, max: 100}]\n"


def read(root: Path, text: str, files: Mapping[str, str]) -> Suite:
    """Return the suite of a part of a suite file, as the public loader reads it."""
    (root / "example").mkdir(parents=True, exist_ok=True)
    for path, content in {"../evalkit.yaml": PROJECT, "example.yaml": HEAD + text, **files}.items():
        (root / "example" / path).write_text(content, encoding="utf-8")
    [suite] = load(root / "evalkit.yaml", policy_file=None, environ={}).suites
    return suite


def reply(answer: Mapping[str, Any]) -> Reply:
    """Return the reply that an example tells of."""
    extra: dict[str, Any] = {}
    if calls := answer.get("tool_calls"):
        made = [{**call, "arguments": json.dumps(call["arguments"])} for call in calls]
        extra["tool_calls"] = [{"id": "1", "type": "function", "function": call} for call in made]
    if chance := answer.get("chance"):
        tokens = [{"token": token, "logprob": math.log(p)} for token, p in chance.items()]
        extra["logprobs"] = {"content": tokens}
    told = {key: answer[key] for key in ("latency_s", "finish_reason") if key in answer}
    made_of = Usage(**answer.get("usage", {}))
    price = Price(**answer["price"]) if "price" in answer else None
    return priced(Reply(answer["text"], usage=made_of, extra=extra, **told), price)


def judgements(answer: Mapping[str, Any]) -> Iterator[list[Reply]]:
    """Yield what the judge says to each question: verdicts, or embeddings."""
    for verdict in answer.get("verdicts", ()):
        yield [Reply(json.dumps({"reasoning": "", "verdict": verdict}))]
    for vector in answer.get("embeddings", ()):
        yield [Reply("", extra={"embedding": vector})]


def graded(grader: SuiteGrader, suite: Suite, answer: Mapping[str, Any]) -> Graded:
    """Return the grade of an example's answer; judges give the verdicts that stand there."""
    [case] = suite.cases
    judged = {}
    for name, judge in grader.judges.items():
        base = Reply(answer["base"]) if "base" in answer else None
        asked = judge.questions(case, reply(answer), base)
        said = list(judgements(answer))
        assert len(asked) == len(said)
        judged[name] = judge.read(said)
    grades, _ = grader.grade(case, reply(answer), judged)
    return grades[suite.graders[-1].name]


@pytest.mark.parametrize("name", TYPES)
def test_every_answer_gets_the_score_that_its_page_shows(name: str, tmp_path: Path) -> None:
    """Read by the loader, graded by the grader; at least two answers that fare differently."""
    if name == "unit_tests" and isolation() == "none":
        pytest.skip("this system lets the user make no namespaces")
    example = GRADED[name]
    suite = read(tmp_path, ASKED + example["suite"], example.get("files", {}))
    assert suite.graders[-1].type == name
    grader = SuiteGrader(suite, allow_code=True)
    assert (name in JUDGES) == bool(grader.judges)
    assert len({answer.get("score") for answer in example["answers"]}) > 1
    for answer in example["answers"]:
        grade = graded(grader, suite, answer)
        if "ungraded" in answer:
            assert isinstance(grade, Ungraded), answer
            assert answer["ungraded"] in grade.why
        else:
            assert isinstance(grade, Grade), (answer, grade)
            assert grade.score == pytest.approx(answer["score"], abs=5e-4), answer
            assert grade.passed == answer.get("passes", answer["score"] == 1), answer


def put(path: Path, name: str, example: Mapping[str, Any]) -> None:
    """Write an example's row as a file of its format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = example["row"]
    if name in {"parquet", "huggingface"}:
        table = pa.Table.from_pylist([json.loads(row)])
        if name == "parquet":
            parquet.write_table(table, path)
            return
        path.mkdir()
        with (
            pa.OSFile(str(path / "data.arrow"), "wb") as file,
            pa.ipc.new_stream(file, table.schema) as out,
        ):
            out.write_table(table)
        (path / "dataset_info.json").write_text("{}")
        (path / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    else:
        text = json.dumps(json.loads(row)) if path.suffix == ".jsonl" else row
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", read_schema("suite")["$defs"]["format"]["enum"])
def test_every_row_becomes_the_case_that_its_page_shows(name: str, tmp_path: Path) -> None:
    """Of each format that the schema knows, read by the loader."""
    example = FORMATS[name]
    put(tmp_path / "example" / example["path"], name, example)
    suite = read(tmp_path, example["suite"] + ANY_GRADER, {})
    [case] = suite.cases
    found = {key: getattr(case, key) for key in example["case"]}
    found["messages"] = list(found["messages"])
    assert found == example["case"]
    assert set(example["case"]) >= {"messages", "expected"}
    assert described(name)


def test_the_files_of_the_pages_are_a_project(tmp_path: Path) -> None:
    """Project, suite and policy of the pages fit each other."""
    (tmp_path / "triage").mkdir()
    shutil.copy(EXAMPLES / "project.yaml", tmp_path / "evalkit.yaml")
    shutil.copy(EXAMPLES / "suite.yaml", tmp_path / "triage/triage.yaml")
    shutil.copy(EXAMPLES / "policy.yaml", tmp_path / "policy.yaml")
    loaded = load(tmp_path / "evalkit.yaml", policy_file=None, environ={})
    assert [suite.name for suite in loaded.suites] == ["triage", "arithmetic"]
    assert loaded.policy_tree == yaml.safe_load((EXAMPLES / "policy.yaml").read_text())


def test_the_decision_of_the_page_is_one() -> None:
    """It fits the schema, and is read and written unchanged."""
    tree = json.loads((EXAMPLES / "decision.json").read_text())
    validate(tree, read_schema("decision"))
    assert to_dict(from_dict(tree)) == tree


def test_pages_are_what_the_script_writes() -> None:
    """Run `uv run python -m scripts.make_reference` where this fails."""
    made = pages()
    found = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*.md")}
    assert set(found) == set(made)
    assert [path for path in made if found[path].read_text(encoding="utf-8") != made[path]] == []


def test_every_type_has_a_family_and_an_example() -> None:
    """And none is left that is no type or format any more."""
    assert sorted(name for family in FAMILIES.values() for name in family) == sorted(TYPES)
    assert set(GRADED) == set(TYPES)
    assert set(FORMATS) == set(read_schema("suite")["$defs"]["format"]["enum"])


def named(nav: Any) -> Iterator[str]:
    """Yield every page of a part of the site's navigation."""
    if isinstance(nav, str):
        yield nav
    for each in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from named(each)


def test_the_site_lists_every_page() -> None:
    """`mkdocs.yml` names each page of the reference, and no other."""
    nav = yaml.safe_load((FOLDER.parents[1] / "mkdocs.yml").read_text())["nav"]
    listed = [page for page in named(nav) if page.startswith("reference/")]
    assert sorted(listed) == sorted(f"reference/{path}" for path in pages())


def anchors(page: str) -> list[str]:
    """Return the anchors of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return [re.sub(r"[^\w\s-]", "", head).strip().lower().replace(" ", "-") for head in heads]


def test_every_link_leads_to_a_heading() -> None:
    """Each page of the reference has a heading once, and links only to those that are there."""
    made = pages()
    for path, page in made.items():
        assert len(set(anchors(page))) == len(anchors(page)), path
        for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", page):
            file = (FOLDER / path).parent / target if target else FOLDER / path
            assert anchor in anchors(file.resolve().read_text(encoding="utf-8")), (path, anchor)
