"""Suites whose cases are read as they are needed: what `load` reads, checked before."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from evalkit.errors import FileFaults, SetupError
from evalkit.loader.case_stream import CaseStream, Digests, asked_text, load_streams

from .projects import PROJECT, SUITE, TRAINED, chat, faults, ids, lines, loaded, write

ROWS = """\
suite: sums
purpose: target
prompt: "{{ sum }}"
graders: [{name: total, type: numeric}]
datasets: [{path: rows.jsonl, format: jsonl}]
"""
TRAINING = """\
suite: sums
purpose: target
graders: [{name: total, type: contains}]
datasets:
  - {path: heldout.jsonl, format: openai-chat}
  - {path: "${trained_on}", format: openai-chat}
"""


def streams(root: Path, files: Mapping[str, str | bytes]) -> tuple[CaseStream, ...]:
    """Return the streams of a project of these files."""
    file = write(root, files) / "evalkit.yaml"
    return load_streams(file, policy_file=None, environ={})[1]


def told(root: Path, files: Mapping[str, str | bytes]) -> list[tuple[str, int, str]]:
    """Return the faults that the first look finds: file, line, needed."""
    with pytest.raises(FileFaults) as error:
        streams(root, files)
    return [(Path(f.path).name, f.line, f.needed) for f in error.value.faults]


def rows(number: int) -> list[dict[str, object]]:
    """Return so many different rows."""
    return [{"id": f"r{i}", "vars": {"sum": f"{i} + 1"}, "expected": i + 1} for i in range(number)]


def test_the_cases_are_those_of_a_load(tmp_path: Path) -> None:
    """Inline ones and those of files, as often as they are asked for; the suite says the rest."""
    files = {
        "sums/sums.yaml": SUITE.replace(
            "cases:",
            "datasets: [{path: r.jsonl, format: jsonl, sample: 7, filter: {vars.kind: a}}]\ncases:",
        ),
        "sums/r.jsonl": lines(
            {**r, "vars": {**r["vars"], "kind": "ab"[i % 2]}}  # type: ignore[dict-item]
            for i, r in enumerate(rows(40))
        ),
    }
    [suite] = loaded(tmp_path, files).suites
    [stream] = streams(tmp_path, files)
    assert tuple(stream.cases()) == tuple(stream.cases()) == suite.cases
    assert stream.count(()) == 8
    assert (stream.suite.cases, stream.suite.digest) == ((), suite.digest)


def test_rows_of_training_files_come_once(tmp_path: Path) -> None:
    """Within a file and among several, with everyone that was trained on them."""
    files = {
        "evalkit.yaml": TRAINED,
        "a.jsonl": lines([*(chat(f"t{i}", "x") for i in range(6)), chat("t1", "x")]),
        "b.jsonl": lines([chat("t2", "x"), chat("t9", "x"), chat("t9", "x")]),
        "sums/sums.yaml": TRAINING,
        "sums/heldout.jsonl": lines([chat("q", "x"), chat("r", "x")]),
    }
    [suite] = loaded(tmp_path, files).suites
    [stream] = streams(tmp_path, files)
    assert tuple(stream.cases()) == suite.cases
    assert [stream.count(n) for n in ((), ("tuned",), ("over",), ("tuned", "over"))] == [2, 8, 4, 9]


@pytest.mark.parametrize(
    ("suite", "row"),
    [
        (ROWS, '{"id": "r3", "vars": {"sum": "2"}, "expected": 2}'),
        (ROWS, '{"id": "x", "vars": {"other": "2"}, "expected": 2}'),
        (ROWS, '{"id": "x", "vars": {"sum": "2"}}'),
        (ROWS, '{"id": "x", '),
        (ROWS, '{"id": "x", "vars": {"sum": "2"}, "expected": 2, "tags": 1}'),
        (ROWS + "slices: [tags.lang]\n", ""),
        (ROWS + "cluster: tags.lang\n", ""),
    ],
    ids=["double", "variable", "expected", "broken", "field", "slice", "cluster"],
)
def test_what_is_wrong_is_what_a_load_finds(tmp_path: Path, suite: str, row: str) -> None:
    """However late it is in the file, with file and line."""
    files = {"sums/sums.yaml": suite, "sums/rows.jsonl": lines(rows(2000)) + row + "\n"}
    found = faults(tmp_path, files)
    assert told(tmp_path, files) == [(Path(f.path).name, f.line, f.needed) for f in found]


def test_a_suite_without_a_prompt_needs_messages(tmp_path: Path) -> None:
    """The fault says how many rows bring none and where the first is, as in a load."""
    files = {
        "sums/sums.yaml": ROWS.replace('prompt: "{{ sum }}"\n', ""),
        "sums/rows.jsonl": lines(rows(30)),
    }
    with pytest.raises(FileFaults, match=r"no prompt for 30 cases, the first in .*rows.jsonl:1"):
        streams(tmp_path, files)


def test_many_doubles_are_counted(tmp_path: Path) -> None:
    """A file that was written twice has one kind of fault, of which the first are told."""
    files = {"sums/sums.yaml": ROWS, "sums/rows.jsonl": lines(rows(500) * 2)}
    with pytest.raises(FileFaults, match="500 faults found"):
        streams(tmp_path, files)


def test_halves_of_characters_are_refused(tmp_path: Path) -> None:
    """In what a table of scores holds: no file could."""
    row = '{"id": "\\ud800", "vars": {"sum": "2"}, "expected": 2}\n'
    assert told(tmp_path, {"sums/sums.yaml": ROWS, "sums/rows.jsonl": row})[0][:2] == (
        "rows.jsonl",
        1,
    )


def test_gzipped_rows(tmp_path: Path) -> None:
    """Are read as they are written; a file that ends too early is a fault."""
    suite = ROWS.replace("rows.jsonl", "rows.jsonl.gz")
    whole = gzip.compress(lines(rows(300)).encode())
    [stream] = streams(tmp_path, {"sums/sums.yaml": suite, "sums/rows.jsonl.gz": whole})
    assert ids(stream.cases()) == [f"r{i}" for i in range(300)]
    cut: dict[str, str | bytes] = {"sums/sums.yaml": suite, "sums/rows.jsonl.gz": whole[:-200]}
    assert any("gzip" in needed for _, _, needed in told(tmp_path, cut))


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    """What was checked is not what would be asked."""
    [stream] = streams(tmp_path, {"sums/sums.yaml": ROWS, "sums/rows.jsonl": lines(rows(9))})
    cases = stream.cases()
    next(cases)
    file = tmp_path / "sums/rows.jsonl"
    os.utime(file, ns=(1, 1))
    with pytest.raises(SetupError, match=r"rows.jsonl, which was written to"):
        list(cases)


def test_what_several_cases_ask_is_known(tmp_path: Path) -> None:
    """And nothing else: these cases are one observation."""
    twins = [{**row, "id": f"again-{row['id']}"} for row in rows(3)]
    [stream] = streams(
        tmp_path,
        {
            "evalkit.yaml": PROJECT,
            "sums/sums.yaml": ROWS,
            "sums/rows.jsonl": lines([*rows(50), *twins]),
        },
    )
    alike = [case.id for case in stream.cases() if asked_text(case) in stream.alike]
    assert alike == ["r0", "r1", "r2", "again-r0", "again-r1", "again-r2"]


def test_digests_of_nothing() -> None:
    """No text is repeated among none, or among one."""
    one = Digests()
    one.add("a")
    assert "a" not in one.repeated()
    assert "a" not in Digests().repeated()
