"""Files of scores: every format gives the same table, every malformed row is told by its line."""

from __future__ import annotations

import gzip
import random
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import SetupError
from evalkit.loader import score_columns
from evalkit.loader.score_layout import Choice
from evalkit.model import Pair

from .score_files import as_csv, columns_of, faults_of, rows_of, save, table_of

FORMATS = ("s.csv", "s.csv.gz", "s.jsonl", "s.jsonl.gz", "s.ndjson", "s.parquet")
ROWS: list[dict[str, Any]] = [
    {"case": f"c{i}", "model": model, "score": (i + shift) % 3 / 2, "sample": sample}
    | {"cluster": f"k{i % 2}", "critical": i == 1, "split": "train" if i > 3 else "heldout"}
    | {"slice.language": "de" if i % 2 else "en", "slices.size": i // 2}
    for shift, model in enumerate(("old", "new"))
    for i in range(6)
    for sample in range(2)
]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_table(tmp_path: Path, name: str) -> None:
    """Text, numbers and flags mean the same wherever they stand, in any order of the rows."""
    expected = rows_of(table_of(save(tmp_path / "x.csv", ROWS)))
    assert len(expected) == 24
    assert expected[2] == {
        "suite": "scores",
        "case": "c0",
        "model": "new",
        "score": "0.5",
        "sample": "0",
        "cluster": "k0",
        "slice.language": "en",
        "slice.size": "0",
    }
    shuffled = random.Random(1).sample(ROWS, len(ROWS))  # noqa: S311  (any order)
    table = table_of(save(tmp_path / name, shuffled), pair=Pair("old", "new"))
    assert rows_of(table) == expected


@pytest.mark.parametrize("name", ["s.jsonl", "s.parquet"])
def test_slices_may_be_an_object(tmp_path: Path, name: str) -> None:
    """The fields of an object are slices like columns of their own; one may be absent."""
    slices: dict[str, Any] = {"a": {"x": "1"}, "b": None}
    rows = [
        {"case": c, "model": m, "score": 1, "slices": s} for c, s in slices.items() for m in "pq"
    ]
    found = rows_of(table_of(save(tmp_path / name, rows)))
    assert [row.get("slice.x") for row in found] == ["1", "1", None, None]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("1", "1"),
        ("0.25", "0.25"),
        (" 1e-1 ", "0.1"),
        ("TRUE", "1"),
        ("false", "0"),
        ("", None),
        ("  ", None),
    ],
)
def test_what_a_score_may_be(tmp_path: Path, cell: str, text: str | None) -> None:
    """A number from 0 to 1, a flag, or nothing: an answer without a score."""
    path = tmp_path / "s.csv"
    path.write_text(f"case,model,score\na,p,{cell}\na,q,1\n")
    assert rows_of(table_of(path))[0].get("score") == text


def test_a_scale_is_mapped_to_one(tmp_path: Path) -> None:
    """From 1 to 5, three is one half; what lies beside the scale is a fault, flags too."""
    rows = [{"case": "a", "model": m, "score": s} for m, s in (("p", 3), ("q", 5))]
    choice = Choice(low=1, high=5)
    path = save(tmp_path / "s.jsonl", rows)
    assert [row["score"] for row in rows_of(table_of(path, choice=choice))] == ["0.5", "1"]
    bad = save(tmp_path / "t.jsonl", [{"case": "a", "model": "p", "score": s} for s in (0, True)])
    first, second = faults_of(bad, choice=choice)
    assert (first.line, first.needed) == (1, "a score from 1 to 5, or nothing")
    assert (second.line, second.got) == (2, "True")


def test_two_columns_of_scores(tmp_path: Path) -> None:
    """A wide file has a row for both models; several columns may name a case."""
    path = tmp_path / "wide.csv"
    path.write_text("task,idx,direct,cot\nadd,0,1,0\nadd,1,,1\nsub,0,0,1\n")
    choice = Choice(case=("task", "idx"), slices=("task",), wide=("direct", "cot"))
    found = rows_of(table_of(path, choice=choice))
    assert [(r["case"], r["model"], r.get("score"), r["slice.task"]) for r in found] == [
        ("add/0", "direct", "1", "add"),
        ("add/0", "cot", "0", "add"),
        ("add/1", "direct", None, "add"),
        ("add/1", "cot", "1", "add"),
        ("sub/0", "direct", "0", "sub"),
        ("sub/0", "cot", "1", "sub"),
    ]


def test_a_file_names_its_model_where_no_row_does(tmp_path: Path) -> None:
    """Two files without a column for the model are two models."""
    paths = [save(tmp_path / f"{name}.csv", [{"id": "a", "score": 1}]) for name in ("old", "new")]
    assert [row["model"] for row in rows_of(table_of(*paths))] == ["old", "new"]


def test_failures_are_no_scores(tmp_path: Path) -> None:
    """A status or an error makes a row one of a failed call; words that say nothing do not."""
    rows: list[dict[str, Any]] = [
        {"case": "a", "model": "p", "status": "timeout"},
        {"case": "b", "model": "p", "error": "HTTP 500"},
        {"case": "c", "model": "p", "error": False, "status": "OK", "score": 1},
        {"case": "d", "model": "p", "error": None},
        {"case": "e", "model": "p", "error": {"kind": "auth"}, "score": None},
        {"case": "a", "model": "q", "score": 1},
    ]
    there = rows_of(table_of(save(tmp_path / "s.csv", rows)))
    mine = [row for row in there if row["model"] == "p"]
    found = {row["case"]: (row.get("status"), row.get("score")) for row in mine}
    assert found == {
        "a": ("failed", None),
        "b": ("failed", None),
        "c": (None, "1"),
        "d": (None, None),
        "e": ("failed", None),
    }


MALFORMED = [
    ("case,model,score\na,p,7\n", 2, "a score from 0 to 1", "'7'"),
    ("case,model,score\na,p,nan\n", 2, "a score from 0 to 1", "'nan'"),
    ("case,model,score\na,p,high\n", 2, "a score from 0 to 1", "'high'"),
    ("case,model,score\n,p,1\n", 2, "the case in each row", "nothing"),
    ("case,model,score\na,,1\n", 2, "the model in each row", "nothing"),
    ("case,model,score,split\na,p,1,dev\n", 2, "heldout or train in 'split'", "'dev'"),
    ("case,model,score,critical\na,p,1,maybe\n", 2, "true or false in 'critical'", "'maybe'"),
    ("case,model,score,status\na,p,1,odd\n", 2, "a status of ok,", "'odd'"),
    ("case,model,score,status\na,p,1,failed\n", 2, "no score in a row that failed", "score '1'"),
    ("case,model,score,error\na,p,0,late\n", 2, "no score in a row that failed", "score '0'"),
    ("case,model,score\na,p\n", 2, "CSV with a header", "2 cells under 3 column names"),
    ("case,model,score\na,p,1,2\n", 2, "CSV with a header", "4 cells under 3 column names"),
    ('case,model,score\na,p,"1\n', 2, "CSV with a header", "unexpected end of data"),
    ("case,case,score\na,b,1\n", 1, "CSV with a header", "the header case,case,score"),
    ("", 1, "a file with rows", "an empty one"),
    ("case|score\na|1\n", 1, "commas, tabs or semicolons", "the header case|score"),
    ("name,score\na,1\n", 1, "a column that names the case", "columns name, score"),
    ("case,points\na,1\n", 1, "scores in a column 'score'", "columns case, points"),
    ("case,score,slices\na,1,x\n", 1, "an object in 'slices'", "a single value"),
    ("case,score,slice.x,slices.x\na,1,b,c\n", 1, "one column for each slice", "two for 'x'"),
    ("case,score,outcome,grades\na,1,x,y\n", 1, "scores that say which cases", "apart from"),
    ("case,model,score\n", 0, "a file with rows", "no row"),
]


@pytest.mark.parametrize(("text", "line", "needed", "got"), MALFORMED)
def test_what_is_malformed_is_told_by_its_line(
    tmp_path: Path, *, text: str, line: int, needed: str, got: str
) -> None:
    """Needed, got and write, at the row that is at fault; line 0 is the file as a whole."""
    path = tmp_path / "s.csv"
    path.write_text(text)
    (fault,) = faults_of(path)
    assert (fault.path, fault.line) == (str(path), line)
    assert fault.needed.startswith(needed)
    assert got in fault.got
    assert fault.instead


@pytest.mark.parametrize(
    ("row", "needed", "got"),
    [
        ("{", "one JSON object a line", "at column"),
        ("[1]", "one JSON object a line", "list instead of an object"),
        ('{"case": "a"} {}', "one JSON object a line", "Extra data"),
        ('{"case": "a", "score": NaN}', "one JSON object a line", "NaN"),
        ('{"case": "a", "score": 1, "score": 0}', "one JSON object a line", "'score' twice"),
        ('{"case": "a", "slices": {"x": 1, "x": 2}}', "one JSON object a line", "'x' twice"),
        ('{"case": ["a"], "score": 1}', "the case in each row", "['a']"),
        ('{"case": null, "score": 1}', "the case in each row", "nothing"),
        ('{"case": "a", "score": [1]}', "a score from 0 to 1", "[1]"),
        ('{"case": "a", "score": 2}', "a score from 0 to 1", "2"),
        ('{"case": "a", "score": 1, "model": {"x": 1}}', "text or a number in 'model'", "{'x': 1}"),
        ('{"case": "a", "score": 1, "cluster": []}', "text or a number in 'cluster'", "[]"),
        ('{"case": "a", "score": 1, "slice.x": {}}', "text or a number in 'x'", "{}"),
        ('{"case": "a"}', "scores in a column 'score'", "columns case"),
    ],
)
def test_malformed_json(tmp_path: Path, row: str, needed: str, got: str) -> None:
    """What JSON can hold and a score cannot be is told by its line."""
    path = tmp_path / "s.jsonl"
    path.write_text('{"case": "z", "score": 1}\n\n' + row + "\n")
    (fault,) = faults_of(path)
    assert (fault.line, fault.needed[: len(needed)]) == (3, needed)
    assert got in fault.got


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """All faults of one row, of all rows, of both files."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("case,score,split\n,9,dev\nb,1,\n")
    second.write_text("case,score\na,x\n")
    found = [(Path(f.path).name, f.line, f.needed.split()[-1]) for f in faults_of(first, second)]
    assert len(found) == 4
    assert {(name, line) for name, line, _ in found} == {("a.csv", 2), ("b.csv", 2)}


def test_a_million_faults_are_counted_not_told(tmp_path: Path) -> None:
    """Of one kind five are told, the others counted."""
    rows = [{"case": i, "model": "p", "score": 9} for i in range(1000)]
    *told, last = faults_of(save(tmp_path / "s.csv", rows))
    assert len(told) == 5
    assert (last.line, last.got) == (7, "from here on 995 more like the 5 above")


def test_a_row_said_twice_is_a_fault(tmp_path: Path) -> None:
    """Same case, model and sample: which one counts is not for us to say."""
    rows = [{"case": c, "model": m, "score": 1} for c in "ab" for m in "pq"]
    path = save(tmp_path / "s.csv", [*rows, {"case": "a", "model": "q", "score": 0}])
    (fault,) = faults_of(path)
    assert (fault.line, fault.got) == (6, "case 'a' of 'q' again, as in line 3")
    several = [row | {"sample": 0} for row in rows] + [{"case": "a", "model": "q", "sample": 1}]
    assert len(rows_of(table_of(save(tmp_path / "t.csv", several)))) == 5


@pytest.mark.parametrize(
    ("column", "one", "other", "what"),
    [
        ("cluster", "x", "y", "cluster"),
        ("asked", "x", "y", "question"),
        ("critical", "true", "false", "'critical'"),
        ("split", "train", "heldout", "split"),
        ("slice.k", "x", "y", "slice 'k'"),
    ],
)
def test_rows_must_agree_about_a_case(
    tmp_path: Path, *, column: str, one: str, other: str, what: str
) -> None:
    """What one row says of a case another may leave open, but not contradict, in either file."""
    base = save(tmp_path / "a.csv", [{"case": "a", "score": 1, column: one}])
    silent = save(tmp_path / "b.csv", [{"case": "a", "score": 1, column: ""}])
    table = table_of(base, silent)
    assert rows_of(table) == rows_of(table_of(silent, base, pair=Pair("a", "b")))
    assert len({row.get(column) for row in rows_of(table)}) == 1
    (fault,) = faults_of(base, save(tmp_path / "c.csv", [{"case": "a", "score": 1, column: other}]))
    assert (Path(fault.path).name, fault.line) == ("c.csv", 2)
    assert fault.needed == f"one {what} for a case in all its rows"


def test_a_slice_of_ids_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column with more values than a report can hold is no slice."""
    monkeypatch.setattr(score_columns, "MOST_SLICES", 3)
    rows = [{"case": f"c{i}", "model": "p", "score": 1} for i in range(5)]
    first, *_ = faults_of(save(tmp_path / "s.csv", rows), choice=Choice(slices=("case",)))
    assert (first.line, first.needed) == (5, "slices with at most 3 different values in all")


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    """Columns that mean nothing here are named; the index that pandas writes has no name."""
    path = tmp_path / "s.csv"
    path.write_text(f",case,model,score,prompt\n0,a,p,1,{'x' * 200_000}\n")
    _, (facts,) = columns_of(path)
    assert (facts.rows, facts.unread) == (1, ("prompt",))


def test_parquet_reads_only_what_it_needs(tmp_path: Path) -> None:
    """Columns of other types do not disturb, and rows are numbered from 1."""
    rows = [{"case": i, "model": "p", "score": 1.5 * i, "raw": b"\xff"} for i in range(2)]
    path = save(tmp_path / "s.parquet", rows)
    (fault,) = faults_of(path)
    assert (fault.line, fault.got) == (2, "1.5")


def test_parquet_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra to install."""
    path = save(tmp_path / "s.parquet", [{"case": "a", "score": 1}])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SetupError, match=r"pytest-evalkit\[store\]"):
        columns_of(path)


@pytest.mark.parametrize(
    ("name", "data", "needed"),
    [
        ("s.txt", b"x", "a file of scores"),
        ("s.parquet.gz", b"x", "a file of scores"),
        ("s.parquet", b"x", "a whole Parquet file"),
        ("s.csv.gz", b"x", "a file that can be read to its end"),
        ("s.csv.gz", gzip.compress(b"case,score\n" * 99, mtime=0)[:-9], "a file that can be"),
        ("s.csv", b"case,score\n\xff,1\n", "text in UTF-8"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, data: bytes, needed: str) -> None:
    """Another format, a damaged file, another encoding."""
    path = tmp_path / name
    path.write_bytes(data)
    assert any(fault.needed.startswith(needed) for fault in faults_of(path))


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    """As spreadsheets write it."""
    path = tmp_path / "s.csv"
    path.write_bytes(b"\xef\xbb\xbf" + as_csv(ROWS).encode())
    assert len(rows_of(table_of(path))) == len(ROWS)


@pytest.mark.parametrize(("name", "sign"), [("s.tsv", "\t"), ("s.csv", "\t"), ("s.csv", ";")])
def test_cells_between_other_signs(tmp_path: Path, name: str, sign: str) -> None:
    """Where the header has no comma, tabs and semicolons do as well."""
    path = tmp_path / name
    path.write_text(f"case{sign}model{sign}score\na{sign}p{sign}1\n")
    columns, _ = columns_of(path)
    assert (list(columns.cases.ids), list(columns.scores)) == (["a"], [1.0])
    path.write_text(f"case{sign}model{sign}score\na{sign}p{sign}0,5\n")
    (fault,) = faults_of(path)
    assert fault.got == "'0,5'"


def test_a_decimal_of_parquet_is_a_number(tmp_path: Path) -> None:
    """As databases write them."""
    path = tmp_path / "s.parquet"
    save(path, [{"case": "a", "model": "p", "score": Decimal("0.25")}])
    columns, _ = columns_of(path)
    assert list(columns.scores) == [0.25]
