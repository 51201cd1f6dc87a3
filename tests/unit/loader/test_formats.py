"""Data files of every format, read as they lie on disk."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from evalkit.errors import SetupError
from evalkit.loader import arrowfile, datafile
from evalkit.loader.arrowfile import data_parts, splits_of
from evalkit.loader.case_stream import load_streams
from evalkit.loader.datafile import FileRow, file_digest, read_rows, select, shuffled
from evalkit.loader.faults import Faults
from evalkit.model import Source
from evalkit.suite.draft import Dataset, Format
from evalkit.suite.filters import read_filter

from .projects import TRAINED, chat, fault, faults, ids, lines, loaded, suite, where, write

HEAD = "suite: sums\npurpose: target\ngraders: [{name: same, type: string_check, operation: eq}]\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def over(path: str, kind: str, *others: str, **more: object) -> str:
    """Return a suite over a data set and others, whose rows bring messages."""
    entries = [json.dumps({"path": path, "format": kind, **more}), *others]
    return HEAD + f"datasets: [{', '.join(entries)}]\n"


def rows_of(path: Path, kind: Format) -> list[FileRow]:
    """Return the rows of a file that must be sound."""
    faults = Faults()
    found = list(read_rows(path, kind, faults))
    faults.raise_any()
    return found


def saved(folder: Path, rows: list[dict[str, Any]], *, shards: int = 1) -> Path:
    """Write a folder as ``Dataset.save_to_disk`` of Hugging Face `datasets` 4 does."""
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(rows)
    names = [f"data-{n:05}-of-{shards:05}.arrow" for n in range(shards)]
    each = -(-len(rows) // shards)
    for number, name in enumerate(names):
        part = table.slice(number * each, each)
        with (
            pa.OSFile(str(folder / name), "wb") as file,
            pa.ipc.new_stream(file, table.schema) as out,
        ):
            out.write_table(part)
    (folder / "dataset_info.json").write_text("{}")
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0"}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def test_parquet_rows_are_cases(tmp_path: Path) -> None:
    """Columns become variables; null is no id and no tag; a row's number is its line."""
    (tmp_path / "sums").mkdir()
    columns = [
        {"id": "a", "q": "one", "expected": 2, "tags.lang": "en", "critical": True},
        {"id": None, "q": "two", "expected": 2, "tags.lang": None, "critical": None},
    ]
    parquet.write_table(pa.Table.from_pylist(columns), tmp_path / "sums/rows.parquet")
    a, b = suite(tmp_path, over("rows.parquet", "parquet") + 'prompt: "{{ q }}"\n').cases
    assert (a.id, a.expected, dict(a.tags), a.critical) == ("a", 2, {"lang": "en"}, True)
    assert (len(b.id), dict(b.tags), b.critical) == (12, {}, False)
    assert b.source == Source(str(tmp_path / "sums/rows.parquet"), 2)


def test_fine_tuning_rows_may_lie_in_parquet(tmp_path: Path) -> None:
    """What Arrow has null for in a message is not there."""
    (tmp_path / "sums").mkdir()
    row = chat("q?", "yes")
    row["messages"][1]["weight"] = 1
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "sums/rows.parquet")
    [case] = suite(tmp_path, over("rows.parquet", "openai-chat")).cases
    assert (case.messages, case.expected) == (({"role": "user", "content": "q?"},), "yes")


def test_a_folder_of_datasets_is_read_in_order(tmp_path: Path) -> None:
    """Its shards one after the other, as state.json names them; it can be a training file."""
    rows = [chat(f"q{n}", f"a{n}") for n in range(5)]
    saved(tmp_path / "sums/rows", rows, shards=2)
    cases = suite(tmp_path, over("rows", "openai-chat")).cases
    assert [case.expected for case in cases] == ["a0", "a1", "a2", "a3", "a4"]
    assert [case.source.line for case in cases] == [1, 2, 3, 4, 5]
    plain = suite(
        tmp_path,
        over("rows", "huggingface", map={"expected": "messages.1.content"})
        + 'prompt: "{{ messages[0].content }}"\n',
    )
    assert ids(plain.cases) == ids(cases)


def test_a_training_folder_and_its_streams(tmp_path: Path) -> None:
    """trained_on takes folders too, and a stream reads them."""
    saved(tmp_path / "a.jsonl", [chat("1", "x")])
    files: dict[str, str | bytes] = {
        "evalkit.yaml": TRAINED,
        "b.jsonl": lines([chat("1", "x")]),
        "sums/rows.jsonl": lines([chat("h", "y")]),
        "sums/sums.yaml": over(
            "rows.jsonl", "openai-chat", '{path: "${trained_on}", format: openai-chat}'
        ),
    }
    cases = loaded(tmp_path, files).suites[0].cases
    assert [sorted(case.trained) for case in cases] == [[], ["over", "tuned"]]
    [stream] = load_streams(tmp_path / "evalkit.yaml", policy_file=None, environ={})[1]
    assert [case.id for case in stream.cases()] == ids(cases)
    assert len(file_digest(tmp_path / "a.jsonl")) == 64


def test_a_folder_that_is_no_data_set_is_told(tmp_path: Path) -> None:
    """One of several splits with the name of one; any other as what it is."""
    both = tmp_path / "sums/both"
    saved(both / "train", [chat("1", "x")])
    (both / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    told = fault(tmp_path, {"sums/sums.yaml": over("both", "openai-chat")})
    assert ("train, test" in told.got, told.instead) == (True, "both/train")
    project = TRAINED.replace("a.jsonl", "sums/both")
    files: dict[str, str | bytes] = {"evalkit.yaml": project, "b.jsonl": "", "sums/sums.yaml": HEAD}
    assert faults(tmp_path, files)[0].instead == str(both / "train")
    (tmp_path / "evalkit.yaml").unlink()
    (both / "dataset_dict.json").write_text("[]")
    assert splits_of(both) == ()
    assert "which is none" in fault(tmp_path, {"sums/sums.yaml": over("both", "huggingface")}).got
    file = {"sums/sums.yaml": over("r.jsonl", "huggingface"), "sums/r.jsonl": "{}\n"}
    assert fault(tmp_path, file).needed == "a folder that datasets has saved"


def test_state_may_name_no_file_outside_its_folder(tmp_path: Path) -> None:
    """Nor one that is not there, and no other shape."""
    folder = saved(tmp_path / "rows", [chat("1", "x")])
    outside = tmp_path / "out.arrow"
    outside.write_bytes((folder / "data-00000-of-00001.arrow").read_bytes())
    for content in (
        '{"_data_files": [{"filename": "../out.arrow"}]}',
        "[]",
        "{",
        '{"_data_files": [{"filename": "x"}]}',
    ):
        (folder / "state.json").write_text(content)
        assert data_parts(folder) == ()


@pytest.mark.parametrize("name", ["rows.parquet", "rows/data-00000-of-00001.arrow"])
def test_a_damaged_file_is_a_fault(tmp_path: Path, name: str) -> None:
    """With its name; what was read before it counts for nothing."""
    path = tmp_path / "sums" / name
    saved(tmp_path / "sums/rows", [chat("1", "x")])
    path.write_bytes(b"PAR1 and no more")
    kind = "parquet" if name.endswith("parquet") else "huggingface"
    text = over("rows.parquet" if kind == "parquet" else "rows", kind) + 'prompt: "x"\n'
    told = fault(tmp_path, {"sums/sums.yaml": text})
    assert (told.needed, where(tmp_path, told)) == (
        "a whole Parquet or Arrow file",
        f"sums/{name}:0",
    )


def test_a_column_that_is_there_twice_is_a_fault(tmp_path: Path) -> None:
    """As in a CSV file: one of the two would be lost without a word."""
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["q", "q"])
    (tmp_path / "sums").mkdir()
    parquet.write_table(table, tmp_path / "sums/rows.parquet")
    text = over("rows.parquet", "parquet") + 'prompt: "{{ q }}"\n'
    told = fault(tmp_path, {"sums/sums.yaml": text})
    assert (told.needed, told.got) == ("one column of each name", "two columns 'q'")


def test_values_of_arrow_become_json(tmp_path: Path) -> None:
    """Dates and decimals as text, bytes of an image as its data URL, nan as null."""
    row = {
        "day": dt.date(2026, 11, 24),
        "image": {"bytes": PNG, "path": None},
        "raw": b"\x00\x01",
        "nan": float("nan"),
        "list": [{"a": 1, "b": None}],
    }
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "r.parquet")
    [found] = rows_of(tmp_path / "r.parquet", "parquet")
    assert found.fields["day"] == "2026-11-24"
    assert found.fields["image"].keys() == {"bytes"}
    assert found.fields["image"]["bytes"].startswith("data:image/png;base64,iVBOR")
    assert (found.fields["raw"], found.fields["nan"], found.fields["list"]) == (
        "AAE=",
        None,
        [{"a": 1}],
    )
    json.dumps(found.fields)


def test_parquet_is_read_by_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of several row groups and batches are numbered on."""
    monkeypatch.setattr(arrowfile, "_BATCH", 3)
    table = pa.table({"q": [str(n) for n in range(20)]})
    parquet.write_table(table, tmp_path / "r.parquet", row_group_size=7)
    saved(tmp_path / "r", [{"q": str(n)} for n in range(20)])
    for kind, name in (("parquet", "r.parquet"), ("huggingface", "r")):
        found = rows_of(tmp_path / name, kind)  # type: ignore[arg-type]
        assert [(row.line, row.fields["q"]) for row in found] == [
            (n + 1, str(n)) for n in range(20)
        ]


def test_without_pyarrow_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named."""
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "r.parquet").write_bytes(b"")
    with pytest.raises(SetupError, match="pytest-evalkit\\[store\\]"):
        rows_of(tmp_path / "r.parquet", "parquet")


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("openai-chat", chat("q", "a")),
        (
            "sharegpt",
            {
                "conversations": [
                    {"from": "human", "value": "q"},
                    {"from": "gpt", "value": "a"},
                ]
            },
        ),
        ("prompt-completion", {"prompt": "q", "completion": "a"}),
        (
            "openai-dpo",
            {
                "input": {"messages": [{"role": "user", "content": "q"}]},
                "preferred_output": [{"role": "assistant", "content": "a"}],
                "non_preferred_output": [{"role": "assistant", "content": "b"}],
            },
        ),
        ("openai-rft", {"messages": [{"role": "user", "content": "q"}], "expected": "a"}),
    ],
)  # fmt: skip
def test_training_files_may_be_of_any_shape(tmp_path: Path, kind: str, row: Any) -> None:
    """Rows of two files are one case with both candidates, whatever else they say."""
    data = f'{{path: "${{trained_on}}", format: {kind}, sample: 5, seed: 1}}'
    files: dict[str, str | bytes] = {
        "evalkit.yaml": TRAINED,
        "sums/rows.jsonl": lines([chat("held", "x")]),
        "sums/sums.yaml": over("rows.jsonl", "openai-chat", data),
        "a.jsonl": lines([{**row, "tags": {"n": 1}}]),
        "b.jsonl": lines([{**row, "tags": {"n": 2}}]),
    }
    [_, case] = loaded(tmp_path, files).suites[0].cases
    assert (case.messages, case.expected) == (({"role": "user", "content": "q"},), "a")
    assert (case.split, set(case.trained)) == ("train", {"tuned", "over"})


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("tsv", "\t")])
@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2))
def test_no_character_of_a_cell_breaks_a_table(
    tmp_path_factory: pytest.TempPathFactory, kind: Format, delimiter: str, cells: list[str]
) -> None:
    """What the standard library writes, quotes, separators and line ends included, comes back."""
    import csv

    path = tmp_path_factory.mktemp("t") / f"r.{kind}"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([["a", "b"], cells, ["x", "y"]])
    found = rows_of(path, kind)
    assert [list(row.fields.values()) for row in found] == [cells, ["x", "y"]]


@given(text=st.text(min_size=1).filter(str.strip))
def test_no_character_of_a_row_breaks_reading(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """Line separators of Unicode, marks and half characters are part of a row, gzipped or not."""
    row = chat(text, text)
    folder = tmp_path_factory.mktemp("t")
    escaped = (json.dumps(row) + "\n").encode()
    raw = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    (folder / "e.jsonl").write_bytes(escaped)
    (folder / "r.jsonl.gz").write_bytes(gzip.compress(raw))
    assert rows_of(folder / "e.jsonl", "openai-chat")[0].fields == row
    [plain] = rows_of(folder / "r.jsonl.gz", "openai-chat")
    assert plain.fields["messages"][0]["content"] == text.encode("utf-8", "replace").decode()


def dataset(**settings: Any) -> Dataset:
    """Return a data set of plain rows."""
    return Dataset("rows.jsonl", "jsonl", "heldout", Source("", 1), **settings)


ROWS = [FileRow(n, {"vars": {"q": n}}) for n in range(1, 51)]


def test_shuffle_is_another_order_of_the_same_rows() -> None:
    """The same everywhere, another with another seed, and after the sample is drawn."""
    one, two = ([row.line for row in select(ROWS, dataset(shuffle=seed))] for seed in (1, 2))
    assert sorted(one) == sorted(two) == [row.line for row in ROWS]
    assert len({tuple(one), tuple(two), tuple(sorted(one))}) == 3
    assert [row.line for row in select(ROWS[::-1], dataset(shuffle=1))] == one
    plain = {row.line for row in select(ROWS, dataset(sample=9, seed=3))}
    assert {row.line for row in select(ROWS, dataset(sample=9, seed=3, shuffle=1))} == plain


def test_many_rows_are_shuffled_through_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same order as few, with everything that they say."""
    few = list(shuffled(ROWS, 7))
    monkeypatch.setattr(datafile, "MOST_HELD", 10)
    assert list(shuffled(ROWS, 7)) == few


def test_the_order_of_rows_changes_no_case(tmp_path: Path) -> None:
    """Ids, answers and all else but the order are as they were."""
    rows = lines([{"vars": {"q": n}, "expected": n} for n in range(30)])
    text = over("rows.jsonl", "jsonl") + 'prompt: "{{ q }}"\n'
    mixed = text.replace('"jsonl"}', '"jsonl", "shuffle": 4}')
    before = suite(tmp_path, text, rows_jsonl=rows).cases
    after = suite(tmp_path, mixed, rows_jsonl=rows).cases
    assert ids(before) != ids(after)
    assert sorted(before, key=lambda c: c.id) == sorted(after, key=lambda c: c.id)


@given(order=st.permutations(range(20)), seed=st.integers())
def test_a_sample_is_free_of_the_files_order(order: list[int], seed: int) -> None:
    """Which rows are drawn depends on what they say."""
    rows = [FileRow(at, {"vars": {"q": n}}) for at, n in enumerate(order, 1)]
    drawn = {row.fields["vars"]["q"] for row in select(rows, dataset(sample=5, seed=seed))}
    straight = [FileRow(n + 1, {"vars": {"q": n}}) for n in range(20)]
    assert drawn == {
        row.fields["vars"]["q"] for row in select(straight, dataset(sample=5, seed=seed))
    }


def test_a_pattern_that_takes_too_long_names_the_row() -> None:
    """It ends the run instead of holding it up."""
    slow = dataset(filter=read_filter({"q": {"regex": "(a|a)+b"}}))
    with pytest.raises(SetupError, match=r"row 4 of rows\.jsonl"):
        list(select([FileRow(4, {"q": "a" * 40})], slow))


def test_map_steps_into_fields(tmp_path: Path) -> None:
    """By dots, also for the fields by which a format asks."""
    rows = lines(
        [{"data": {"chat": chat("q?", "a")["messages"], "row": 7}, "gold": {"label": "x"}}]
    )
    mapping = {"messages": "data.chat", "id": "data.row", "expected": "gold.label"}
    [case] = suite(tmp_path, over("rows.jsonl", "openai-chat", map=mapping), rows_jsonl=rows).cases
    assert (case.id, case.expected, case.messages[0]["content"]) == ("7", "x", "q?")
    files = write(
        tmp_path, {"sums/sums.yaml": over("rows.jsonl", "openai-chat", map={"id": "data.no"})}
    )
    assert fault(files, {}).got == "no 'data.no' (for id) among data, gold"
