"""The faults users make: each is told once, at its place, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import FileFaults, SetupError
from evalkit.loader import load

from .projects import PROJECT, SUITE, fault, faults, lines, loaded, where, write

ROWS = SUITE.split("cases:")[0] + "datasets: [{path: rows.jsonl, format: jsonl}]\n"
ROW = {"vars": {"sum": "1 + 1"}, "expected": 2}
MODEL = "  third: {role: candidate, client: scripted, model: c"
OPENAI = MODEL.replace("scripted", "openai")


def in_suite(old: str, new: str) -> dict[str, str | bytes]:
    """Return the usual suite with one change."""
    assert old in SUITE
    return {"sums/sums.yaml": SUITE.replace(old, new)}


def in_project(more: str) -> dict[str, str | bytes]:
    """Return the usual suite and a longer project."""
    return {"sums/sums.yaml": SUITE, "evalkit.yaml": PROJECT + more}


def with_rows(text: str | bytes) -> dict[str, str | bytes]:
    """Return a suite over these rows."""
    return {"sums/sums.yaml": ROWS, "sums/rows.jsonl": text}


FAULTS: dict[str, tuple[dict[str, str | bytes], str, str, str, str]] = {
    "YAML syntax": (
        in_suite("purpose: target", "purpose: [target"),
        "sums/sums.yaml:3", "YAML", "did not find expected", "quotes",
    ),
    "a tab": (in_suite("  - {id", "\t- {id"), "sums/sums.yaml:6", "YAML", "token", "spaces"),
    "duplicate key": (
        in_suite("purpose: target", "purpose: target\npurpose: guard"),
        "sums/sums.yaml:3", "each key once", "'purpose' again, first in line 2", "one of the two",
    ),
    "unknown field": (
        in_suite("purpose: target", "purpose: target\nmargins: 0.1"),
        "sums/sums.yaml:3", "only the fields", "unknown field 'margins'", "margin (did",
    ),
    "unknown grader": (
        in_suite("numeric", "numerc"),
        "sums/sums.yaml:4", "one of ", '"numerc"', "numeric (did you mean it?)",
    ),
    "unknown option": (
        in_suite("type: numeric", "type: numeric, asb: 1"),
        "sums/sums.yaml:4", "only the fields name, type, abs", "unknown field 'asb'", "abs (did",
    ),
    "option of another grader": (
        in_suite("type: numeric", "type: numeric, pattern: x"),
        "sums/sums.yaml:4", "only the fields", "unknown field 'pattern'", "remove it",
    ),
    "missing option": (
        in_suite("type: numeric", "type: choice"),
        "sums/sums.yaml:4", "the field 'choices'", "nothing", 'choices: ["A", "B", "C", "D"]',
    ),
    "broken option": (
        in_suite("type: numeric", "type: regex, pattern: (x"),
        "sums/sums.yaml:4", "a regular expression", "(x", "Python's syntax",
    ),
    "two graders of one name": (
        in_suite("]\ncases", ", {name: total, type: json_valid}]\nscore: total\ncases"),
        "sums/sums.yaml:4", "one grader of each name", "a second 'total', the first in line 4", "",
    ),
    "a grader called min": (
        in_suite("name: total", "name: min"),
        "sums/sums.yaml:4", "a name that the score formula can use", "'min'", "another name",
    ),
    "which grader gates": (
        in_suite("]\ncases", ", {name: valid, type: json_valid}]\ncases"),
        "sums/sums.yaml:4", "a field 'score'", "graders total, valid", "score: total",
    ),
    "unknown name in the score": (
        in_suite("cases:", "score: totl\ncases:"),
        "sums/sums.yaml:5", "names of graders: total", "'totl' in the score", "total (did",
    ),
    "a score that is no formula": (
        in_suite("cases:", "score: total ** 2\ncases:"),
        "sums/sums.yaml:5", "a formula of", "total ** 2", "queue",
    ),
    "no purpose": (
        in_suite("purpose: target\n", ""),
        "sums/sums.yaml:1", "the field 'purpose'", "nothing", "purpose: guard",
    ),
    "no graders": (
        in_suite("[{name: total, type: numeric}]", "[]"),
        "sums/sums.yaml:4", "something, not nothing", "[]", "graders: [",
    ),
    "a margin in percent": (
        in_suite("purpose: target", "purpose: target\nmargin: 2%"),
        "sums/sums.yaml:3", "a number", '"2%"', "margin: 0.02",
    ),
    "a margin of 2": (
        in_suite("purpose: target", "purpose: target\nmargin: 2"),
        "sums/sums.yaml:3", "a number of at most 1", "2", "margin: 0.02",
    ),
    "a margin of nothing": (
        in_suite("purpose: target", "purpose: target\nmargin: 0"),
        "sums/sums.yaml:3", "a number above 0", "0", "margin: 0.02",
    ),
    "critical: yes": (
        in_suite("id: one", "id: one, critical: yes"),
        "sums/sums.yaml:6", "true or false", '"yes"', "critical: true",
    ),
    "a tag with parts": (
        in_suite("id: one", "id: one, tags: {language: [en, de]}"),
        "sums/sums.yaml:6", "a text or a number or true or false", '["en", "de"]', "language: en",
    ),
    "template syntax": (
        in_suite("{{ sum }}", "{{ sum }"),
        "sums/sums.yaml:3", "a Jinja2 template", "unexpected '}'", "{{ name }}",
    ),
    "template variable missing": (
        in_suite("{sum: 1 + 1}", "{som: 1 + 1, n: 2}"),
        "sums/sums.yaml:6", "a value for every variable",
        "case one: no value for 'sum'; the case has: n, som", "som (did you mean it?)",
    ),
    "no prompt": (
        in_suite('prompt: "{{ sum }}"\n', ""),
        "sums/sums.yaml:1", "a prompt for cases that bring no messages", "no prompt", "prompt: ",
    ),
    "two cases with one id": (
        in_suite("expected: 2}", "expected: 2}\n  - {id: one, vars: {sum: 2 + 2}, expected: 4}"),
        "sums/sums.yaml:7", "one case of each id", "'one', also in", "another id",
    ),
    "an id that pytest would part": (
        with_rows(lines([{**ROW, "id": "a::b"}])),
        "sums/rows.jsonl:1", "an id without '::'", "'a::b'", "':'",
    ),
    "the same question twice": (
        with_rows(lines([ROW, ROW])),
        "sums/rows.jsonl:2", "cases that differ, or ids", "the same request as", "an id",
    ),
    "no expected answer": (
        in_suite(", expected: 2", ""),
        "sums/sums.yaml:6", "an expected answer that the grader 'total' can compare with",
        "case one: the case has no expected answer", "another 'expected'",
    ),
    "an expected answer of another kind": (
        in_suite("expected: 2", "expected: two"),
        "sums/sums.yaml:6", "an expected answer that", "must be a number", "another",
    ),
    "empty suite": (
        {"sums/sums.yaml": SUITE.split("cases:")[0]},
        "sums/sums.yaml:1", "at least one held-out case", "an empty suite", "cases: [",
    ),
    "a slice that no case has": (
        in_suite("cases:", "slices: [vars.sum, tags.langage]\ncases:"),
        "sums/sums.yaml:5", "slices that at least one case has", "'tags.langage'", "vars.sum",
    ),
    "a slice of something else": (
        in_suite("cases:", "slices: [language]\ncases:"),
        "sums/sums.yaml:5", "tags.NAME or vars.NAME", '"language"', "tags.language",
    ),
    "a slice twice": (
        in_suite("cases:", "slices: [vars.sum, vars.sum]\ncases:"),
        "sums/sums.yaml:5", "a list without repetition", '["vars.sum", "vars.sum"]', "slices: [",
    ),
    "a cluster that a case lacks": (
        in_suite("cases:", "cluster: vars.template\ncases:"),
        "sums/sums.yaml:7", "vars.template, the suite's cluster, in every case",
        "tags -; vars sum", "a field 'cluster' in the case",
    ),
    "an empty file named like its folder": (
        {"sums/sums.yaml": SUITE, "next/next.yaml": ""},
        "next/next.yaml:1", "a mapping", "null", "One suite",
    ),
    "two suites of one name": (
        {"sums/sums.yaml": SUITE, "more.yml": SUITE},
        "sums/sums.yaml:1", "one suite of each name", "'sums', which is also", "another name",
    ),
    "a data set that is missing": (
        {"sums/sums.yaml": ROWS},
        "sums/sums.yaml:5", "a data file", "no file", "another path",
    ),
    "malformed row": (
        with_rows(lines([ROW]) + '{"id": "odd", \n'),
        "sums/rows.jsonl:2", "one JSON object a line", "at column", '{"id": "..."',
    ),
    "a row that is no object": (
        with_rows(lines([ROW, [1]])),
        "sums/rows.jsonl:2", "one JSON object a line", "list instead of an object", '{"id": "..."',
    ),
    "a row with a key twice": (
        with_rows(lines([ROW]) + '{"id": "a", "id": "b"}\n'),
        "sums/rows.jsonl:2", "one JSON object a line", "the key 'id' twice", '{"id": "..."',
    ),
    "a row with NaN": (
        with_rows(lines([ROW]) + '{"expected": NaN}\n'),
        "sums/rows.jsonl:2", "one JSON object a line", "NaN, which is not JSON", '{"id": "..."',
    ),
    "a row that nests too deeply": (
        with_rows(lines([ROW]) + "[" * 100_000 + "\n"),
        "sums/rows.jsonl:2", "one JSON object a line", "recursion", '{"id": "..."',
    ),
    "a row in another encoding": (
        with_rows(lines([ROW]).encode() + b'{"id": "\xe4"}\n'),
        "sums/rows.jsonl:2", "text in UTF-8", "0xe4", "the file in UTF-8",
    ),
    "unknown field of a row": (
        with_rows(lines([ROW, {**ROW, "id": "b", "expcted": 2}])),
        "sums/rows.jsonl:2", "only the fields id, vars", "unknown field 'expcted'", "expected (did",
    ),
    "a field of a row of the wrong kind": (
        with_rows(lines([ROW, {**ROW, "id": "b", "critical": 1}])),
        "sums/rows.jsonl:2", "true or false", "1", "critical: true",
    ),
    "a data set without rows": (
        with_rows("\n\n"),
        "sums/sums.yaml:5", "a file with rows", "no row", "with rows",
    ),
    "missing model": (
        in_project("comparisons: [{base: base, candidate: tunde}]\n"),
        "evalkit.yaml:5", "the name of a model: base, tuned", "'tunde'", "tuned (did you mean it?)",
    ),
    "missing base": (
        in_project("comparisons: [{base: zzz, candidate: tuned}]\n"),
        "evalkit.yaml:5", "the name of a model: base, tuned", "'zzz'", "base: base",
    ),
    "a model against itself": (
        in_project("comparisons:\n  - {base: tuned, candidate: tuned}\n"),
        "evalkit.yaml:6", "two models to compare", "'tuned' against itself", "another model",
    ),
    "two bases": (
        in_project("  second: {role: base, client: scripted, model: c}\n"),
        "evalkit.yaml:2", "one model with role base", "2 of them: base, second", "comparisons: [",
    ),
    "adapter missing": (
        in_project(MODEL + ", adapter: gone.gguf}\n"),
        "evalkit.yaml:5", "a file that is there", "gone.gguf", "a path relative to",
    ),
    "training file missing": (
        in_project(MODEL + ",\n    trained_on: [gone.jsonl]}\n"),
        "evalkit.yaml:6", "a file that is there", "gone.jsonl", "a path relative to",
    ),
    "training log missing": (
        in_project(MODEL + ", training_log: gone.json}\n"),
        "evalkit.yaml:5", "a file that is there", "gone.json", "a path relative to",
    ),
    "a checkpoint of nothing": (
        in_project("  ck: {role: checkpoint, client: scripted, model: c, of: tunde, step: 1}\n"),
        "evalkit.yaml:5", "the name of a model with role candidate", "'tunde'", "tuned (did",
    ),
    "a checkpoint of the base": (
        in_project("  ck: {role: checkpoint, client: scripted, model: c, of: ba, step: 1}\n"),
        "evalkit.yaml:5", "the name of a model with role candidate", "'ba'", "of: tuned",
    ),
    "a checkpoint without a step": (
        in_project("  ck: {role: checkpoint, client: scripted, model: c, of: tuned}\n"),
        "evalkit.yaml:5", "the field 'step'", "nothing", "a value that fits",
    ),
    "a candidate of something": (
        in_project(MODEL + ", of: tuned}\n"),
        "evalkit.yaml:5", "only checkpoints have 'of'", "tuned", "remove it",
    ),
    "a role that is none": (
        in_project("  third: {role: canditate, client: scripted, model: c}\n"),
        "evalkit.yaml:5", "one of base, candidate, checkpoint", '"canditate"', "candidate (did",
    ),
    "an option that no client reads": (
        in_project(MODEL + ", options: {anwsers: {}}}\n"),
        "evalkit.yaml:5", "only the fields answers, default", "unknown field 'anwsers'",
        "answers (did you mean it?)",
    ),
    "an option of another client": (
        in_project(OPENAI + ", options: {endpoint: chat, api_version: x}}\n"),
        "evalkit.yaml:5", "only the fields endpoint, headers", "unknown field 'api_version'",
        "remove it",
    ),
    "an endpoint that is none": (
        in_project(OPENAI + ",\n    options: {endpoint: completion}}\n"),
        "evalkit.yaml:6", "one of chat, responses, completions", '"completion"', "completions (did",
    ),
    "a model under test that answers by embeddings": (
        in_project(OPENAI + ",\n    options: {endpoint: embeddings}}\n"),
        "evalkit.yaml:6", "endpoint: embeddings is for judges", '{"endpoint": "embeddings"}',
        "remove it",
    ),
    "cosine as a metric": (
        in_suite("type: numeric", "type: text_similarity, threshold: 0.8, metric: cosine"),
        "sums/sums.yaml:4", "one of fuzzy_match", '"cosine"', "type: cosine",
    ),
    "cosine without a judge": (
        in_suite("type: numeric", "type: cosine, threshold: 0.8"),
        "sums/sums.yaml:4", "with endpoint: embeddings", "the project has none",
        "options: {endpoint: embeddings}",
    ),
    "a header that is no text": (
        in_project(OPENAI.replace("openai", "azure") + ", options: {headers: {X-A: 1}}}\n"),
        "evalkit.yaml:5", "a text", "1", "X-A: ",
    ),
    "options of a client without any": (
        in_project(OPENAI.replace("openai", "local") + ", options: {threads: 1}}\n"),
        "evalkit.yaml:5", "no options for client: local", '{"threads": 1}', "remove it",
    ),
    "a conversation to continue": (
        in_project(OPENAI + ", options: {endpoint: completions}}\n")
        | in_suite('"{{ sum }}"', '[{role: system, content: Add}, {role: user, content: "1"}]'),
        "sums/sums.yaml:6", "a prompt of one text for the model 'third' with endpoint: completions",
        "case one: messages of system, user", "or endpoint: chat",
    ),
    "a conversation of turns to continue": (
        in_project(OPENAI + ", options: {endpoint: completions}}\n")
        | in_suite('"{{ sum }}"', '"{{ sum }}"\nconversation: [And?]'),
        "sums/sums.yaml:7", "a prompt of one text for the model 'third' with endpoint: completions",
        "case one: messages of user, user", "no conversation, or endpoint: chat",
    ),
    "a name with a space": (
        in_project("  my model: {role: candidate, client: scripted, model: c}\n"),
        "evalkit.yaml:5", "a name of letters", '"my model"', "a name of letters",
    ),
    "another version": (
        {"sums/sums.yaml": SUITE, "evalkit.yaml": PROJECT.replace("1", "2", 1)},
        "evalkit.yaml:1", "1", "2", "version: 1",
    ),
    "policy file missing": (
        in_project("policy: gone.yaml\n"),
        "evalkit.yaml:5", "a file that is there", "gone.yaml", "a path relative to",
    ),
    "a policy for a suite that is not there": (
        in_project("policy: p.yaml\n") | {"p.yaml": "version: 1\nsuites:\n  sms: {margin: 0.1}\n"},
        "p.yaml:3", "rules for suites of this project: sums", "'sms'", "sums (did you mean it?)",
    ),
    "a suite that is not there chooses checkpoints": (
        in_project("policy: p.yaml\n")
        | {"p.yaml": "version: 1\ncheckpoints:\n  suites:\n    - sums\n    - sms\n"},
        "p.yaml:5", "rules for suites of this project: sums", "'sms'", "sums (did you mean it?)",
    ),
    "no suite chooses checkpoints": (
        in_project("policy: p.yaml\n") | {"p.yaml": "version: 1\ncheckpoints: {suites: []}\n"},
        "p.yaml:2", "something, not nothing", "[]", 'suites: ["triage"]',
    ),
    "a way to choose checkpoints that is none": (
        in_project("policy: p.yaml\n") | {"p.yaml": "version: 1\ncheckpoints: {method: splits}\n"},
        "p.yaml:2", "one of split, simultaneous", '"splits"', "split (did you mean it?)",
    ),
    "all cases choose": (
        in_project("policy: p.yaml\n") | {"p.yaml": "version: 1\ncheckpoints: {dev_share: 1}\n"},
        "p.yaml:2", "a number below 1", "1", "dev_share: 0.5",
    ),
    "a correction that suites cannot have": (
        in_project("policy: p.yaml\n")
        | {"p.yaml": "version: 1\nexploratory:\n  correction: max_t\n"},
        "p.yaml:3", "one of holm, hochberg, hommel, bonferroni, bh, by, none", '"max_t"', "bh",
    ),
    "unknown field of the policy": (
        in_project("policy: p.yaml\n") | {"p.yaml": "version: 1\nalfa: 0.1\n"},
        "p.yaml:2", "only the fields", "unknown field 'alfa'", "alpha (did you mean it?)",
    ),
    "an empty policy": (
        in_project("policy: p.yaml\n") | {"p.yaml": ""},
        "p.yaml:1", "a mapping", "null", "",
    ),
    "a policy that is no YAML": (
        in_project("policy: p.yaml\n") | {"p.yaml": "a: [\n"},
        "p.yaml:2", "YAML", "did not find expected", "quotes",
    ),
    "a variable that is not set": (
        in_project(MODEL + ', base_url: "${EVALKIT_URL}"}\n'),
        "evalkit.yaml:5", "environment variables", "EVALKIT_URL", "${EVALKIT_URL:-default}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_at_its_place(tmp_path: Path, name: str) -> None:
    """One fault is told once: where, what was needed, what came, what to write."""
    files, place, needed, got, instead = FAULTS[name]
    told = fault(tmp_path, files)
    assert where(tmp_path, told) == place
    assert needed in told.needed
    assert got in told.got
    assert instead in told.instead


def test_no_suite_found(tmp_path: Path) -> None:
    """A project without suites says what a suite file begins with."""
    with pytest.raises(SetupError, match="no suite found") as error:
        loaded(tmp_path, {"notes.yaml": "a: 1\n"})
    assert "suite: triage" in error.value.instead


def test_a_file_named_like_its_folder_is_meant_as_a_suite(tmp_path: Path) -> None:
    """It is told what it lacks, instead of being left out in silence."""
    files = {"sums/sums.yaml": SUITE, "next/next.yaml": "description: to be written\n"}
    found = faults(tmp_path, files)
    assert {where(tmp_path, f) for f in found} == {"next/next.yaml:1"}
    assert [f.needed for f in found] == [
        f"the field '{n}'" for n in ("graders", "purpose", "suite")
    ]


def test_no_models_and_no_candidate(tmp_path: Path) -> None:
    """A project needs a candidate and a base to compare it with."""
    only = "version: 1\nmodels:\n  x: {role: checkpoint, client: a, model: b, of: y, step: 1}\n"
    found = faults(tmp_path, {"sums/sums.yaml": SUITE, "evalkit.yaml": only})
    assert [f.got for f in found] == ["models x", "0 of them", "'y'"]
    assert found[2].instead == "a model with role: candidate"


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    """A fault in one place hides none in another place or file."""
    broken = (
        SUITE.replace("numeric", "numerc").replace("one,", "one, tag: x,")
        + "  - {vars: {n: 1}}\nmargins: 1\ndatasets: [{path: rows.jsonl, format: jsonl}]\n"
    )
    found = faults(
        tmp_path,
        {
            "evalkit.yaml": PROJECT + "policy: policy.yaml\nsample: 1\n",
            "policy.yaml": "version: 1\nalfa: 1\nsuites: {zzz: {margin: 0.1}}\n",
            "sums/sums.yaml": broken,
            "sums/rows.jsonl": '{"vars": \n{"vars": {"sum": 1}, "tgas": {}}\n{"vars": {}}\n',
            "other.yaml": "a: [\n",
        },
    )
    assert [where(tmp_path, f) for f in found] == [
        *("evalkit.yaml:6", "other.yaml:2", "policy.yaml:2", "policy.yaml:3"),
        *(f"sums/rows.jsonl:{line}" for line in (1, 2, 3)),
        *(f"sums/sums.yaml:{line}" for line in (4, 6, 7, 8)),
    ]
    assert found == sorted(found)


def test_many_faults_of_one_kind_are_counted(tmp_path: Path) -> None:
    """A file full of malformed rows does not flood the terminal, nor hide another kind of fault."""
    rows = "{\n" * 100 + lines([{"vars": {}, "expected": 1}])
    found = faults(tmp_path, with_rows(rows))
    assert len(found) == 7
    assert [f.line for f in found[:6]] == list(range(1, 7))
    assert [f.got for f in found if "more" in f.got] == ["from here on 95 more like the 5 above"]
    assert found[6].needed == "a value for every variable of the prompt"


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        ("score: gg\nmetrics: [f1_macro]\n", ["names of graders", "a grader of type choice"]),
        ("metrics: [brier]\n", ["a field 'score'", "a grader of type calibration"]),
    ],
)
def test_a_grader_at_fault_hides_no_fault_of_score_and_metrics(
    tmp_path: Path, more: str, needed: list[str]
) -> None:
    """They need the names and types of graders, and these are known."""
    graders = "graders: [{name: total, type: numeric, abs: -1}, {name: b, type: json_valid}]\n"
    text = SUITE.replace("graders: [{name: total, type: numeric}]\n", graders + more)
    told = [found.needed for found in faults(tmp_path, {"sums/sums.yaml": text})]
    assert len(told) == 3
    assert all(any(start.startswith(n) for start in told) for n in needed)


def test_a_file_read_by_two_suites_has_its_faults_once(tmp_path: Path) -> None:
    """The count of what was left out is that of the file."""
    other = ROWS.replace("suite: sums", "suite: more")
    found = faults(tmp_path, {**with_rows("{\n" * 30 + lines([ROW])), "sums/more.yaml": other})
    assert [f.got for f in found if "more" in f.got] == ["from here on 25 more like the 5 above"]


def test_an_unreadable_suite_may_have_a_rule(tmp_path: Path) -> None:
    """A syntax error is one fault, not also a rule for a suite that is not there."""
    policy = {
        "evalkit.yaml": PROJECT + "policy: p.yaml\n",
        "p.yaml": "version: 1\nsuites: {sums: {}}\n",
    }
    assert (
        where(tmp_path, fault(tmp_path, {**policy, "sums/sums.yaml": "a: [\n"}))
        == "sums/sums.yaml:2"
    )


def test_paths_are_shown_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the current folder they are relative, elsewhere absolute."""
    files = in_suite("purpose: target", "purpose: aim")
    assert Path(fault(tmp_path, files).path).is_absolute()
    monkeypatch.chdir(tmp_path)
    assert fault(tmp_path, files).path == "sums/sums.yaml"


def test_a_project_file_that_is_gone(tmp_path: Path) -> None:
    """It is told like any file that cannot be read."""
    with pytest.raises(FileFaults, match=r"evalkit\.yaml"):
        load(tmp_path / "evalkit.yaml", policy_file=None, environ={})


def test_a_broken_project_still_tells_what_is_wrong_with_its_suites(tmp_path: Path) -> None:
    """Nothing is said about training files then, since nothing is known of them."""
    text = ROWS.replace("rows.jsonl", '"${trained_on}"').replace("numeric", "numerc")
    found = faults(tmp_path, {"evalkit.yaml": "models: [\n", "sums/sums.yaml": text})
    assert {where(tmp_path, f) for f in found} == {"evalkit.yaml:2", "sums/sums.yaml:4"}


def test_a_policy_given_by_hand_must_be_there(tmp_path: Path) -> None:
    """The option goes before the project's own policy, and is checked like it."""
    file = write(tmp_path, {"sums/sums.yaml": SUITE}) / "evalkit.yaml"
    with pytest.raises(FileFaults, match="no such file"):
        load(file, policy_file=tmp_path / "gone.yaml", environ={})
