"""Data sets: formats, choice of rows, training files."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from evalkit.loader.datafile import FileRow, select
from evalkit.model import Source
from evalkit.suite.draft import Dataset

from .projects import TRAINED, chat, fault, faults, ids, lines, loaded, suite, where, write

HEAD = "suite: sums\npurpose: target\ngraders: [{name: same, type: string_check, operation: eq}]\n"
ASK = HEAD + 'prompt: "{{ q }}"\n'
CHAT = HEAD + "datasets: [{path: rows.jsonl, format: openai-chat}]\n"
TRAIN = CHAT + '  - {path: "${trained_on}", format: openai-chat'
TRAIN = TRAIN.replace(
    "[{path: rows.jsonl, format: openai-chat}]", "\n  - {path: rows.jsonl, format: openai-chat}"
)
HELDOUT = lines([chat("held?", "yes", id="h1")])


def jsonl(**more: object) -> str:
    """Return a suite over ``rows.jsonl`` with more settings of the data set."""
    return ASK + f"datasets: [{json.dumps({'path': 'rows.jsonl', 'format': 'jsonl', **more})}]\n"


def test_a_row_of_jsonl_is_a_case(tmp_path: Path) -> None:
    """Blank lines and a byte order mark are no rows; the source is file and line."""
    rows = "\ufeff" + lines(
        [
            {"id": 7, "vars": {"q": "a"}, "expected": "x", "tags": {"n": 1, "ok": True, "l": "en"}},
            {"vars": {"q": "b"}, "expected": "y", "critical": True, "cluster": 3},
        ]
    ).replace("\n", "\n\n")
    a, b = suite(tmp_path, jsonl(), rows_jsonl=rows).cases
    assert (a.id, a.expected, dict(a.tags)) == ("7", "x", {"n": "1", "ok": "true", "l": "en"})
    assert (b.critical, b.cluster, b.split, b.trained) == (True, "3", "heldout", frozenset())
    assert b.source == Source(str(tmp_path / "sums/rows.jsonl"), 3)
    assert len(b.id) == 12


def test_map_says_what_the_fields_of_a_row_are(tmp_path: Path) -> None:
    """What it does not name becomes a variable."""
    rows = lines([{"text": "q1", "label": "x", "row": 3, "lang": "en", "extra": [1]}])
    mapping = {"q": "text", "expected": "label", "id": "row", "tags.language": "lang"}
    [case] = suite(tmp_path, jsonl(map=mapping), rows_jsonl=rows).cases
    assert (case.id, case.expected, dict(case.tags)) == ("3", "x", {"language": "en"})
    assert dict(case.vars) == {"q": "q1", "extra": [1]}


def test_map_names_fields_that_rows_must_have(tmp_path: Path) -> None:
    """A row without one is told with what it has."""
    files: dict[str, str | bytes] = {
        "sums/sums.yaml": jsonl(map={"q": "text", "expected": "lable"}),
        "sums/rows.jsonl": lines([{"text": "q1", "label": "x"}]),
    }
    told = fault(tmp_path, files)
    assert where(tmp_path, told) == "sums/rows.jsonl:1"
    assert told.got == "no 'lable' (for expected) among text, label"


CSV = ASK + "datasets: [{path: rows.csv, format: csv, map: {q: text, expected: label}}]\n"


def test_a_row_of_csv_is_a_case(tmp_path: Path) -> None:
    """Columns become variables but for those of a case; an empty cell of these is nothing."""
    text = (
        "id,text,label,tags.lang,vars.more,critical,cluster\n"
        'a,"one, and\ntwo",x,en,m,TRUE,c\n'
        "\n"
        ",three,y,,,,\n"
    )
    a, b = suite(tmp_path, CSV, rows_csv=text).cases
    assert a.messages[0]["content"] == "one, and\ntwo"
    assert (a.id, a.critical, a.cluster, dict(a.tags)) == ("a", True, "c", {"lang": "en"})
    assert dict(a.vars) == {"q": "one, and\ntwo", "more": "m"}
    assert (b.critical, b.cluster, b.source.line) == (False, None, 5)


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("text,label\na\n", 2, "1 cells under 2 column names"),
        ("text,label\na,b,c\n", 2, "3 cells under 2 column names"),
        ("text,text\na,b\n", 1, "the header text,text"),
        ("text,\na,b\n", 1, "the header text,"),
        ('text,label\n"a"b,c\n', 2, "expected after"),
        ("text,label,critical\na,b,maybe\n", 2, '"maybe"'),
        ("text,lable\na,b\n", 2, "no 'label' (for expected) among text, lable"),
    ],
)
def test_csv_that_is_none_is_told(tmp_path: Path, text: str, line: int, got: str) -> None:
    """Rows, headers and quotes that do not fit are faults with their line."""
    told = fault(tmp_path, {"sums/sums.yaml": CSV, "sums/rows.csv": text})
    assert where(tmp_path, told) == f"sums/rows.csv:{line}"
    assert got in told.got


def test_filter_chooses_rows(tmp_path: Path) -> None:
    """Nested and top-level fields are compared as texts."""
    rows = [
        {"id": f"{n}", "vars": {"q": n}, "expected": "x", "tags": {"kind": kind, "n": n}}
        for n, kind in enumerate(["ticket", "general", "ticket"])
    ]
    text = jsonl(filter={"tags.kind": "ticket", "tags.n": "2"})
    assert ids(suite(tmp_path, text, rows_jsonl=lines(rows)).cases) == ["2"]
    nothing: dict[str, str | bytes] = {
        "sums/sums.yaml": jsonl(filter={"tags.kind.deep": "x"}),
        "sums/rows.jsonl": lines(rows),
    }
    assert fault(tmp_path, nothing).got == "no row that 'filter' chooses"


def test_filter_takes_a_name_with_dots_as_it_stands(tmp_path: Path) -> None:
    """A CSV column may be called tags.lang."""
    text = CSV.replace("format: csv", "format: csv, filter: {tags.lang: en}")
    rows = "text,label,tags.lang\na,x,en\nb,y,de\n"
    assert [c.vars["q"] for c in suite(tmp_path, text, rows_csv=rows).cases] == ["a"]


ROWS = [FileRow(n, {"vars": {"q": n}}) for n in range(1, 201)]


def drawn(rows: list[FileRow], seed: int, sample: int = 20) -> list[int]:
    """Return the lines that a sample takes."""
    dataset = Dataset("rows.jsonl", "jsonl", "heldout", Source("", 1), sample, seed)
    return [row.line for row in select(rows, dataset)]


def test_a_sample_is_the_same_everywhere() -> None:
    """It depends on the seed and on what the rows say, and keeps the file's order."""
    first = drawn(ROWS, seed=1)
    assert first == sorted(first)
    assert len(set(first)) == 20
    assert drawn(list(reversed(ROWS)), seed=1) == first
    assert drawn(ROWS, seed=2) != first
    # Pinned, so that a change of the rule (which changes what is evaluated) does not go unseen.
    assert first[:5] == [3, 12, 13, 14, 23]


def test_a_sample_larger_than_the_file_is_the_file() -> None:
    """Nothing is drawn twice."""
    assert drawn(ROWS, seed=1, sample=500) == [row.line for row in ROWS]


def test_a_sample_is_even() -> None:
    """Over many seeds each row is drawn about as often: 20 of 200, 400 times, 40 each."""
    counts = [0] * 201
    for seed in range(400):
        for line in drawn(ROWS, seed):
            counts[line] += 1
    # 40 +- 6 standard deviations of a binomial(400, 0.1)
    assert all(4 < count < 76 for count in counts[1:])


def test_chat_rows_bring_their_prompt(tmp_path: Path) -> None:
    """The last assistant turn is expected; tags, vars and other fields are read."""
    row = chat("q?", '{"a": 1}', id="x", tags={"kind": "t"}, vars={"v": 1}, more=2)
    [case] = suite(tmp_path, CHAT, rows_jsonl=lines([row])).cases
    assert case.messages == ({"role": "user", "content": "q?"},)
    assert (case.id, case.expected, dict(case.tags)) == ("x", '{"a": 1}', {"kind": "t"})
    assert dict(case.vars) == {"v": 1, "more": 2}


def test_a_suites_prompt_goes_before_the_rows(tmp_path: Path) -> None:
    """It can use the row's fields, its messages, its last question and the expected answer."""
    prompt = 'prompt: "{{ user }} {{ messages|length }} {{ expected }} {{ more }}"\n'
    [case] = suite(tmp_path, CHAT + prompt, rows_jsonl=lines([chat("q?", "a", more=2)])).cases
    assert case.messages == ({"role": "user", "content": "q? 1 a 2"},)


def test_training_files_become_train_cases(tmp_path: Path) -> None:
    """A row in two files is one case with both names; ids come from what the row says."""
    files: dict[str, str | bytes] = {
        "evalkit.yaml": TRAINED,
        "sums/sums.yaml": TRAIN + "}\n",
        "sums/rows.jsonl": HELDOUT,
        "a.jsonl": lines([chat("1", "x", id="t"), chat("2", "y", critical=True), chat("2", "y")]),
        "b.jsonl": lines([chat("2", "y"), chat("3", "z", id="t")]),
    }
    found = loaded(tmp_path, files)
    [held, *train] = found.suites[0].cases
    assert (held.id, held.split) == ("h1", "heldout")
    assert [(c.expected, sorted(c.trained)) for c in train] == [
        ("x", ["tuned"]),
        ("y", ["over", "tuned"]),
        ("z", ["over"]),
    ]
    assert all(c.split == "train" and c.id.startswith("train-") and not c.critical for c in train)
    files["a.jsonl"] = lines([chat("0", "new")]) + str(files["a.jsonl"])
    assert set(ids(train)) < set(ids(loaded(tmp_path, files).suites[0].cases))


def test_each_training_file_is_sampled_alone(tmp_path: Path) -> None:
    """Who holds a row does not depend on the draw, and rows outside ``filter`` are not drawn."""
    tickets = [chat(str(n), "x", tags={"kind": "ticket"}) for n in range(50)]
    chatter = [chat(f"c{n}", "x", tags={"kind": "general"}) for n in range(50)]
    files: dict[str, str | bytes] = {
        "evalkit.yaml": TRAINED,
        "sums/sums.yaml": TRAIN + ", sample: 5, seed: 1, filter: {tags.kind: ticket}}\n",
        "sums/rows.jsonl": HELDOUT,
        "a.jsonl": lines(tickets + chatter),
        "b.jsonl": lines(tickets[:5]),
    }
    train = loaded(tmp_path, files).suites[0].cases[1:]
    both = [c for c in train if c.trained == {"tuned", "over"}]
    alone = [c for c in train if c.trained == {"tuned"}]
    assert len(both) == 5
    assert 0 < len(alone) <= 5
    assert len(train) == len(both) + len(alone)


def test_one_training_file_of_two_candidates(tmp_path: Path) -> None:
    """Its rows were seen by both; a checkpoint's name is not among them."""
    project = TRAINED.replace("b.jsonl", "a.jsonl") + (
        "  ck: {role: checkpoint, client: scripted, model: d, of: over, step: 1}\n"
    )
    files: dict[str, str | bytes] = {
        "evalkit.yaml": project,
        "sums/sums.yaml": TRAIN + "}\n",
        "sums/rows.jsonl": HELDOUT,
        "a.jsonl": lines([chat("1", "x")]),
    }
    assert loaded(tmp_path, files).suites[0].cases[1].trained == {"tuned", "over"}


SPLITS = {
    "held-out rows that were trained on": (
        "{path: ../a.jsonl, format: openai-chat}",
        "held-out rows that no candidate has seen", "which tuned was trained on", "split: train",
    ),
    "train rows that were not trained on": (
        "{path: rows.jsonl, format: openai-chat, split: train}",
        "a training file for split: train", "no candidate names", "${trained_on}",
    ),
    "training files as held-out": (
        '{path: "${trained_on}", format: openai-chat, split: heldout}',
        "split: train for ${trained_on}", "split: heldout", "split: train",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_must_be_true(tmp_path: Path, name: str) -> None:
    """Held-out and trained rows cannot be taken for each other."""
    dataset, needed, got, instead = SPLITS[name]
    files: dict[str, str | bytes] = {
        "evalkit.yaml": TRAINED,
        "sums/sums.yaml": CHAT.replace("[{", "[" + dataset + ", {"),
        "sums/rows.jsonl": HELDOUT,
        "a.jsonl": lines([chat("1", "x")]),
        "b.jsonl": lines([chat("2", "x")]),
    }
    found = [f for f in faults(tmp_path, files) if f.needed == needed]
    assert len(found) == 1
    assert where(tmp_path, found[0]) == "sums/sums.yaml:4"
    assert got in found[0].got
    assert instead in found[0].instead


def test_a_training_file_can_be_named_itself(tmp_path: Path) -> None:
    """Then it gives the train cases of its own candidates."""
    own = "  - {path: ../b.jsonl, format: openai-chat, split: train}\n"
    files: dict[str, str | bytes] = {
        "evalkit.yaml": TRAINED,
        "sums/sums.yaml": TRAIN.split('  - {path: "${trained')[0] + own,
        "sums/rows.jsonl": HELDOUT,
        "a.jsonl": lines([chat("1", "x")]),
        "b.jsonl": lines([chat("1", "x")]),
    }
    assert loaded(tmp_path, files).suites[0].cases[1].trained == {"over"}


def test_training_files_that_no_candidate_has(tmp_path: Path) -> None:
    """A suite that asks for them says what the project lacks."""
    told = fault(tmp_path, {"sums/sums.yaml": TRAIN + "}\n", "sums/rows.jsonl": HELDOUT})
    assert told.needed == "a candidate with training files"


def test_a_malformed_training_row_is_told_once(tmp_path: Path) -> None:
    """Though the file is read twice, its faults are told once, with file and line."""
    files: dict[str, str | bytes] = {
        "evalkit.yaml": TRAINED,
        "sums/sums.yaml": TRAIN + "}\n",
        "sums/rows.jsonl": HELDOUT,
        "a.jsonl": lines([chat("1", "x")]) + "{\n",
        "b.jsonl": lines([chat("1", "x"), {"messages": []}]),
    }
    assert [where(tmp_path, f) for f in faults(tmp_path, files)] == ["a.jsonl:2", "b.jsonl:2"]


def test_ten_thousand_rows_load_quickly(tmp_path: Path) -> None:
    """Reading, checking, rendering and checking again takes less than two seconds of CPU."""
    rows = [{"id": f"c{n}", "vars": {"q": f"question {n}"}, "expected": "x"} for n in range(10_000)]
    write(tmp_path, {"sums/sums.yaml": jsonl(), "sums/rows.jsonl": lines(rows)})
    start = time.process_time()
    cases = loaded(tmp_path, {}).suites[0].cases
    assert time.process_time() - start < 2
    assert len(cases) == 10_000
