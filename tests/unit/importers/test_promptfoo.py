"""promptfoo's configurations: every assertion with a counterpart, and those without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalkit.errors import FileFaults
from evalkit.importers import build
from evalkit.importers.found import Definitions
from evalkit.importers.promptfoo_asserts import ASSERTIONS
from evalkit.importers.promptfoo_config import read_config
from evalkit.loader.schemas import grader_schemas


def read(tmp_path: Path, *tests: Mapping[str, Any], **more: Any) -> Definitions:
    """Import a configuration of these tests."""
    file = tmp_path / "promptfooconfig.yaml"
    tree = {"prompts": ["Say {{x}}"], "providers": ["openai:gpt-4.1-mini"], **more}
    file.write_text(yaml.safe_dump({**tree, "tests": list(tests)}))
    return read_config(file)


def asserted(tmp_path: Path, **assertion: Any) -> tuple[Mapping[str, Any], Any, str]:
    """Return the grader, what is expected and the score of a test with one assertion."""
    found = read(tmp_path, {"vars": {"x": "y"}, "assert": [assertion]})
    (suite,) = found.suites
    (case,) = suite.cases
    (grader,) = suite.tree["graders"]
    return grader, case.get("expected"), suite.tree["score"]


@pytest.mark.parametrize(
    ("assertion", "grader", "expected"),
    [
        ({"type": "equals", "value": "a"}, {"type": "string_check", "operation": "eq"}, "a"),
        ({"type": "equals", "value": {"a": 1}}, {"type": "json_diff", "threshold": 1}, {"a": 1}),
        ({"type": "contains", "value": "a"}, {"type": "string_check", "operation": "like"}, "a"),
        ({"type": "icontains", "value": "a"}, {"type": "string_check", "operation": "ilike"}, "a"),
        (
            {"type": "contains-all", "value": "a, b"},
            {"type": "contains", "match": "all"},
            ["a", "b"],
        ),
        ({"type": "contains-any", "value": ["a"]}, {"type": "contains", "match": "any"}, ["a"]),
        (
            {"type": "icontains-all", "value": ["a"]},
            {"type": "contains", "match": "all", "ignore_case": True},
            ["a"],
        ),
        (
            {"type": "icontains-any", "value": ["a"]},
            {"type": "contains", "match": "any", "ignore_case": True},
            ["a"],
        ),
        ({"type": "starts-with", "value": "a"}, {"type": "starts_with"}, "a"),
        ({"type": "regex", "value": "a+"}, {"type": "regex", "pattern": "a+"}, None),
        ({"type": "is-json"}, {"type": "json_valid"}, None),
        (
            {"type": "is-json", "value": {"type": "object"}},
            {"type": "json_schema", "schema": {"type": "object"}},
            None,
        ),
        ({"type": "is-xml"}, {"type": "xml_valid"}, None),
        (
            {"type": "rouge-n", "value": "a"},
            {
                "type": "text_similarity",
                "metric": "rouge_1",
                "threshold": 0.75,
                "ignore_case": True,
            },
            "a",
        ),
        (
            {"type": "bleu", "value": "a", "threshold": 0.3},
            {"type": "text_similarity", "metric": "bleu", "threshold": 0.3},
            "a",
        ),
        (
            {"type": "word-count", "value": {"max": 9}},
            {"type": "length", "count": "words", "max": 9},
            None,
        ),
        ({"type": "latency", "threshold": 500}, {"type": "latency", "max_s": 0.5}, None),
        ({"type": "perplexity", "threshold": 5}, {"type": "perplexity", "max": 5.0}, None),
        (
            {"type": "finish-reason", "value": "stop"},
            {"type": "finish_reason", "allowed": ["stop"]},
            None,
        ),
        ({"type": "is-refusal"}, {"type": "refusal", "expect": "refusal"}, None),
        (
            {"type": "tool-call-f1", "value": ["find"]},
            {"type": "tool_call", "arguments": "ignore", "scoring": "f1"},
            [{"name": "find"}],
        ),
        (
            {"type": "llm-rubric", "value": "kind", "threshold": 0.8},
            {"type": "rubric", "rubric": "kind", "scale": [0, 1], "pass": 0.8, "reference": False},
            None,
        ),
        ({"type": "factuality", "value": "a"}, {"type": "factuality"}, "a"),
    ],
    ids=lambda value: value.get("type", "") if isinstance(value, dict) else "",
)
def test_an_assertion_becomes_a_grader(
    tmp_path: Path, assertion: dict[str, Any], grader: dict[str, Any], expected: Any
) -> None:
    """The grader asks what the assertion asks, of the answer alone or of what the case expects."""
    found, wanted, _ = asserted(tmp_path, **assertion)
    assert {key: value for key, value in found.items() if key != "name"} == grader
    assert wanted == expected


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "javascript",
            "python",
            "ruby",
            "webhook",
            "levenshtein",
            "similar",
            "cost",
            "classifier",
        ),
        *("moderation", "guardrails", "select-best", "max-score", "context-recall", "is-sql"),
        *(
            "answer-relevance",
            "pi",
            "trajectory:tool-used",
            "not-contains-json",
            "perplexity-score",
        ),
    ],
)
def test_an_assertion_without_a_counterpart_is_named(tmp_path: Path, kind: str) -> None:
    """It is left out by its name and place; what else the test asserts stays."""
    tests = [{"vars": {"x": "y"}, "assert": [{"type": kind, "value": "v"}, {"type": "is-json"}]}]
    found = read(tmp_path, *tests)
    assert [g["type"] for g in found.suites[0].tree["graders"]] == ["json_valid"]
    assert any(f"test 0, {kind}" in str(note) for note in found.notes)


def test_about_25_assertions_have_a_counterpart() -> None:
    """The table is as long as the documentation says."""
    assert len(ASSERTIONS) >= 25


def test_a_negated_assertion_is_no_expected_answer(tmp_path: Path) -> None:
    """`not-` turns the score round, and its text is the grader's own."""
    grader, expected, score = asserted(tmp_path, type="not-contains", value="sorry")
    assert (grader["value"], expected, score) == ("sorry", None, "1 if not not_contains else 0")


def test_all_assertions_have_to_hold(tmp_path: Path) -> None:
    """Without a threshold the score is 1 only if every assertion with a weight passes."""
    checks = [{"type": "contains", "value": "a"}, {"type": "is-json", "weight": 0}]
    found = read(tmp_path, {"vars": {"x": 1}, "assert": checks})
    assert found.suites[0].tree["score"] == "contains"


def test_a_threshold_is_one_of_the_weighted_mean(tmp_path: Path) -> None:
    """With a threshold the weighted mean of the scores has to reach it."""
    checks = [{"type": "contains", "value": "a", "weight": 2}, {"type": "not-is-json"}]
    found = read(tmp_path, {"vars": {"x": 1}, "assert": checks, "threshold": 0.6})
    score = found.suites[0].tree["score"]
    assert score == "1 if (2 * contains + (1 - not_is_json)) / 3 >= 0.6 else 0"


def test_tests_that_are_asserted_alike_are_one_suite(tmp_path: Path) -> None:
    """Values differ from case to case, the kinds of assertion from suite to suite."""
    tests = [
        {"vars": {"x": x}, "assert": [{"type": kind, "value": f"{{{{x}}}}{x}"}]}
        for x, kind in (("a", "equals"), ("b", "equals"), ("c", "contains"))
    ]
    found = read(tmp_path, *tests, description="Two words")
    assert [suite.name for suite in found.suites] == ["Two-words", "Two-words-2"]
    assert [c["expected"] for c in found.suites[0].cases] == ["aa", "bb"]
    assert [c["id"] for s in found.suites for c in s.cases] == ["0", "1", "2"]


def test_lists_of_variables_are_combined(tmp_path: Path) -> None:
    """A variable with several values stands for several cases, numbered as promptfoo does."""
    test = {"vars": {"x": ["a", "b"], "z": [1, 2]}, "assert": [{"type": "is-json"}]}
    cases = read(tmp_path, test).suites[0].cases
    assert [(c["id"], c["vars"]["x"], c["vars"]["z"]) for c in cases] == [
        ("0", "a", 1),
        ("1", "a", 2),
        ("2", "b", 1),
        ("3", "b", 2),
    ]


def test_files_are_read_and_code_is_not(tmp_path: Path) -> None:
    """Prompts, variables and tests may be files of text; what is code is named."""
    (tmp_path / "ask.txt").write_text("One {{x}}\n---\nTwo {{x}}")
    (tmp_path / "x.txt").write_text("apple")
    (tmp_path / "tests.csv").write_text("x,__expected\nfile://x.txt,contains: app\nfig,fig\n")
    (tmp_path / "make.py").write_text("raise SystemExit")
    file = tmp_path / "promptfooconfig.yaml"
    tree = {
        "prompts": ["file://ask.txt", "file://make.py"],
        "tests": ["file://tests.csv", "file://make.py"],
    }
    file.write_text(yaml.safe_dump(tree))
    found = read_config(file)
    assert [suite.tree["prompt"] for suite in found.suites] == ["One {{x}}"] * 2 + ["Two {{x}}"] * 2
    assert found.suites[0].cases[0]["vars"] == {"x": "apple"}
    assert [s.tree["graders"][0]["operation"] for s in found.suites[:2]] == ["like", "eq"]
    assert sum("make.py" in str(note) for note in found.notes) == 2


def test_chat_prompts_and_openai_models_are_taken_over(tmp_path: Path) -> None:
    """JSON of a chat becomes messages; the first OpenAI model is the base."""
    found = read(
        tmp_path,
        {"vars": {"x": "y"}, "assert": [{"type": "is-json"}]},
        prompts=[
            '[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{x}}"}]'
        ],
        providers=["openai:chat:gpt-4.1-mini", {"id": "openai:ft:a", "label": "tuned"}, "echo"],
    )
    assert found.suites[0].tree["prompt"][0] == {"role": "system", "content": "Be brief."}
    assert {name: m["role"] for name, m in found.models.items()} == {
        "chat-gpt-4.1-mini": "base",
        "tuned": "candidate",
    }
    assert any("echo" in str(note) for note in found.notes)


def test_a_pattern_that_python_does_not_know_is_named(tmp_path: Path) -> None:
    """A regular expression of JavaScript that Python cannot read is left out with its reason."""
    checks = [{"type": "regex", "value": "(?<n"}, {"type": "is-json"}]
    found = read(tmp_path, {"vars": {"x": 1}, "assert": checks})
    assert any("a regular expression" in str(note) for note in found.notes)


def test_a_configuration_of_nothing_is_a_fault(tmp_path: Path) -> None:
    """Without a test that can be graded the file is refused, with all that was left out."""
    with pytest.raises(FileFaults) as found:
        read(tmp_path, {"vars": {"x": 1}, "assert": [{"type": "javascript", "value": "1"}]})
    assert "code of a configuration is never run" in found.value.faults[0].got


def test_a_malformed_assertion_is_told_with_its_line(tmp_path: Path) -> None:
    """What is no assertion is a fault at its place."""
    file = tmp_path / "c.yaml"
    file.write_text("prompts: [a]\ntests:\n  - vars: {x: 1}\n    assert:\n      - value: v\n")
    with pytest.raises(FileFaults) as found:
        read_config(file)
    assert (found.value.faults[0].line, found.value.faults[0].needed[:6]) == (5, "'type'")


def test_sets_and_templates_of_assertions_are_followed(tmp_path: Path) -> None:
    """A set counts as its assertions, a reference as the template; a set's threshold is named."""
    test = {
        "vars": {"x": 1},
        "assert": [
            {"type": "assert-set", "threshold": 0.5, "assert": [{"type": "is-json"}]},
            {"$ref": "#/assertionTemplates/short"},
            "is-json",
        ],
        "options": {"transform": "output"},
    }
    short = {"type": "word-count", "value": 3}
    found = read(tmp_path, test, assertionTemplates={"short": short}, sharing=True)
    assert [g["type"] for g in found.suites[0].tree["graders"]] == ["json_valid", "length"]
    told = "\n".join(map(str, found.notes))
    assert all(word in told for word in ("assert-set", "sharing", "test 0, options", ", is-json"))


@pytest.mark.parametrize(
    ("assertion", "why"),
    [
        ({"type": "contains", "value": ""}, "nothing to compare with"),
        ({"type": "contains-any", "value": 3}, "no texts to look for"),
        ({"type": "regex", "value": ""}, "no pattern"),
        ({"type": "is-json", "value": 3}, "no JSON Schema"),
        ({"type": "is-xml", "value": ["a"]}, "required elements"),
        ({"type": "word-count", "value": "few"}, "no number of words"),
        ({"type": "word-count", "value": {}}, "no number of words"),
        ({"type": "latency"}, "no threshold"),
        ({"type": "perplexity"}, "no threshold"),
        ({"type": "finish-reason"}, "no reason named"),
        ({"type": "tool-call-f1"}, "no names of tools"),
        ({"type": "llm-rubric"}, "no rubric in words"),
        ({"type": "llm-rubric", "value": "a", "rubricPrompt": "b"}, "a prompt of its own"),
        ({"type": "equals", "value": "a", "transform": "x"}, "transform is code"),
    ],
)
def test_an_assertion_that_says_too_little_or_too_much_is_named(
    tmp_path: Path, assertion: dict[str, Any], why: str
) -> None:
    """What a grader could not follow is left out with its reason."""
    found = read(tmp_path, {"vars": {"x": 1}, "assert": [assertion, {"type": "is-json"}]})
    assert any(why in str(note) for note in found.notes)
    assert len(found.suites[0].tree["graders"]) == 1


def test_files_elsewhere_on_the_machine_are_not_read(tmp_path: Path) -> None:
    """A configuration cannot carry a file from outside its folder into a prompt."""
    (tmp_path / "secret.txt").write_text("secret")
    inside = tmp_path / "given"
    inside.mkdir()
    checks = [{"type": "is-json"}]
    tests = [{"vars": {"x": "file://../secret.txt"}, "assert": checks}]
    found = read(inside, *tests, {"vars": {"x": "a"}, "assert": checks})
    assert [case["id"] for case in found.suites[0].cases] == ["1"]
    assert "the variable x names code, or a file" in str(found.notes[0])


@pytest.mark.parametrize("ending", ["yaml", "json", "jsonl"])
def test_tests_may_stand_in_files(tmp_path: Path, ending: str) -> None:
    """A file of tests counts as the tests in it; one that is missing is a fault."""
    test = {"vars": {"x": "y"}, "assert": [{"type": "equals", "value": "file://want.txt"}]}
    text = json.dumps(test) if ending == "jsonl" else json.dumps([test])
    (tmp_path / f"tests.{ending}").write_text(text)
    (tmp_path / "want.txt").write_text("z")
    file = tmp_path / "c.yaml"
    file.write_text(f"prompts: a\ntests: [{{path: 'file://tests.{ending}'}}]\n")
    assert read_config(file).suites[0].cases[0]["expected"] == "z"
    file.write_text("prompts: a\ntests: file://gone.csv\n")
    with pytest.raises(FileFaults, match="a file of tests"):
        read_config(file)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("icontains: A", "string_check"),
        ("is-json", "json_valid"),
        ("rouge-n(0.5): a b", "text_similarity"),
        ("plain text", "string_check"),
    ],
)
def test_cells_of_tables_write_assertions_down(tmp_path: Path, cell: str, kind: str) -> None:
    """`type: value`, `type(threshold): value`, or a text to equal."""
    rows = f'x,__expected,__description,__threshold,__prefix\ny,"{cell}",d,0.5,p\n'
    (tmp_path / "tests.csv").write_text(rows)
    file = tmp_path / "c.yaml"
    file.write_text("prompts: ['{{x}}']\ntests: tests.csv\n")
    found = read_config(file)
    assert found.suites[0].tree["graders"][0]["type"] == kind
    assert found.suites[0].cases[0]["tags"] == {"description": "d"}
    assert "column __prefix" in str(found.notes[0])


def test_a_prompt_that_cannot_be_filled_in_is_no_case(tmp_path: Path) -> None:
    """A test without the prompt's variable, and a prompt that is no template, are named."""
    tests = [{"vars": {v: 1}, "assert": [{"type": "is-json"}]} for v in ("x", "z")]
    found = read(tmp_path, *tests)
    assert [case["id"] for case in found.suites[0].cases] == ["0"]
    assert "its prompt cannot be filled in" in "".join(map(str, found.notes))
    with pytest.raises(FileFaults, match="its prompt is no template"):
        read(tmp_path, *tests, prompts=["{{ x"])
    with pytest.raises(FileFaults, match="prompts that are texts"):
        read(tmp_path, *tests, prompts=[{"id": 3}, "file://p.js"])


def test_graders_that_this_evalkit_has_not_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mapping is longer than the list of graders: what is not there yet is left out."""
    known = {k: v for k, v in grader_schemas().items() if k != "starts_with"}
    monkeypatch.setattr(build, "grader_schemas", lambda: known)
    checks = [{"type": "starts-with", "value": "a"}, {"type": "is-json"}]
    found = read(tmp_path, {"vars": {"x": 1}, "assert": checks})
    assert "starts-with: no grader starts_with" in str(found.notes[0])
