"""A run's folder: written last to first, read back as it was."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from evalkit.errors import RunError, SetupError
from evalkit.model import Case, Failure, Grade, Manifest, Record, Reply
from evalkit.store import RunFolder, check_writable, forget_latest, new_run_id

MANIFEST = Manifest("id", "2026-11-24T03:15:00Z", 1.0, versions={}, digests={}, models=())
CASES = [Case("s", f"c{i}", ({"role": "user", "content": "é"},)) for i in range(3)]
RECORDS = [
    Record("s", "c0", "base", 0, Reply("x"), {"g": Grade(1.0, True, "ok")}, 1.0),
    Record("s", "c0", "tuned", 0, Failure("timeout", "late")),
]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A whole finished run."""
    run = RunFolder.create(tmp_path / "reports", "20261124T031500Z-ab12")
    run.write_cases(CASES)
    run.write_records(RECORDS)
    run.write_text("decision.json", "{}")
    run.finish(MANIFEST)
    return run


def test_run_ids_sort_by_time() -> None:
    """A later run has a greater id, whatever the clock's zone."""
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    later = (noon + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=-9)))
    assert re.fullmatch(r"20261124T120000Z-[0-9a-f]{4}", new_run_id(noon))
    assert new_run_id(noon) < new_run_id(later)


def test_everything_is_read_back(run: RunFolder) -> None:
    """Cases, records, texts and manifest come back equal."""
    assert list(run.read_cases()) == CASES
    assert list(run.read_records()) == RECORDS
    assert run.read_text("decision.json") == "{}"
    assert run.manifest() == MANIFEST


def test_no_file_but_those_written_is_left(run: RunFolder) -> None:
    """Nothing half written stays behind."""
    assert sorted(path.name for path in run.path.iterdir()) == [
        "cases.jsonl.gz",
        "decision.json",
        "manifest.json",
        "records.jsonl.gz",
    ]


def test_equal_runs_give_equal_bytes(run: RunFolder, tmp_path: Path) -> None:
    """No time, path or name hides in a file."""
    other = RunFolder.create(tmp_path / "elsewhere", "x")
    other.write_cases(iter(CASES))
    other.write_records(iter(RECORDS))
    other.finish(MANIFEST)
    for name in ("cases.jsonl.gz", "records.jsonl.gz", "manifest.json"):
        assert (other.path / name).read_bytes() == (run.path / name).read_bytes()


def test_rows_may_be_replaced(run: RunFolder) -> None:
    """Grading again replaces the records; a failure midway leaves the old ones."""

    def broken() -> Iterator[Record]:
        yield RECORDS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run.write_records(broken())
    assert list(run.read_records()) == RECORDS
    run.write_records(RECORDS[:1])
    assert list(run.read_records()) == RECORDS[:1]


def test_texts_are_utf8_with_their_own_line_ends(run: RunFolder) -> None:
    """Reports keep their letters and line ends on every system."""
    run.write_text("summary.md", "é\r\n\n")
    assert (run.path / "summary.md").read_bytes() == b"\xc3\xa9\r\n\n"
    assert run.read_text("summary.md") == "é\r\n\n"


def test_latest_points_at_the_newest_finished_run(run: RunFolder) -> None:
    """The pointer is relative, moves with every finished run, and not before."""
    reports = run.path.parent
    assert (reports / "latest").readlink() == Path(run.path.name)
    second = RunFolder.create(reports, "20261124T041500Z-ab12")
    assert RunFolder.open(reports / "latest") == run
    second.finish(MANIFEST)
    assert RunFolder.open(reports / "latest") == second
    assert len(list(reports.iterdir())) == 3


def test_latest_without_symbolic_links_is_a_text_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where links cannot be made the pointer is a file that holds the name."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    run = RunFolder.create(tmp_path, "run")
    run.finish(MANIFEST)
    assert (tmp_path / "latest").read_text() == "run\n"
    assert RunFolder.open(tmp_path / "latest") == run


def test_latest_can_be_taken_away(run: RunFolder) -> None:
    """The run that it pointed at stays; where there is none, nothing happens."""
    for _ in range(2):
        forget_latest(run.path.parent)
    assert list(run.path.parent.iterdir()) == [run.path]


def test_writable_reports_folder_is_made(tmp_path: Path) -> None:
    """The folder of all runs is made, and the trial leaves nothing in it."""
    for _ in range(2):
        check_writable(tmp_path / "new" / "reports")
    assert list((tmp_path / "new" / "reports").iterdir()) == []


def test_unwritable_reports_folder_is_found_at_once(tmp_path: Path) -> None:
    """Before any call is paid for it is known that results can be kept."""
    (tmp_path / "reports").touch()
    with pytest.raises(SetupError, match="choose another folder"):
        check_writable(tmp_path / "reports")


def test_existing_run_is_not_overwritten(run: RunFolder) -> None:
    """Two runs never share a folder."""
    with pytest.raises(SetupError, match="exists"):
        RunFolder.create(run.path.parent, run.path.name)


@pytest.mark.parametrize(
    "write",
    [
        lambda run: run.write_text("a", ""),
        lambda run: run.write_records(RECORDS),
        lambda run: run.finish(MANIFEST),
    ],
    ids=["text", "rows", "manifest"],
)
def test_folder_that_vanished_is_a_fault_of_the_set_up(
    tmp_path: Path, write: Callable[[RunFolder], None]
) -> None:
    """What cannot be written is told in three parts."""
    with pytest.raises(SetupError, match="can be written"):
        write(RunFolder(tmp_path / "gone"))


def test_missing_run_is_told(tmp_path: Path) -> None:
    """A path with nothing behind it is named."""
    with pytest.raises(RunError, match="nothing at"):
        RunFolder.open(tmp_path / "latest")


def test_the_newest_finished_run_is_named_where_none_was_found(tmp_path: Path) -> None:
    """A refused run takes ``latest`` away, and the folder of the runs is none itself."""
    for name in ("20260101", "20260202"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").touch()
    for given in (tmp_path / "latest", tmp_path):
        with pytest.raises(RunError) as error:
            RunFolder.open(given)
        assert error.value.instead.endswith("20260202")


def test_unfinished_run_is_refused(tmp_path: Path) -> None:
    """Without a manifest a run is unfinished."""
    with pytest.raises(RunError, match="stopped before its end"):
        RunFolder.open(RunFolder.create(tmp_path, "run").path)


def test_other_format_is_refused(run: RunFolder) -> None:
    """A run of a later evalkit is not read by guess."""
    run.finish(replace(MANIFEST, version=2))
    with pytest.raises(RunError, match="format 2"):
        RunFolder.open(run.path)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"version": 1}', b"[]"])
def test_damaged_manifest_is_refused(run: RunFolder, text: bytes) -> None:
    """A manifest that does not hold what it should is no manifest."""
    (run.path / "manifest.json").write_bytes(text)
    with pytest.raises(RunError, match="whole file"):
        RunFolder.open(run.path)


def cut(content: bytes) -> bytes:
    """Lose the end."""
    return content[:-12]


def garble(content: bytes) -> bytes:
    """Lose the middle."""
    return content[:20] + b"\xff" * 20 + content[40:]


@pytest.mark.parametrize(
    "damage",
    [cut, garble, lambda _: b"no gzip", lambda _: gzip.compress(b"{}\n")],
    ids=["cut", "garbled", "plain", "other"],
)
def test_damaged_rows_are_refused(run: RunFolder, damage: Callable[[bytes], bytes]) -> None:
    """A file cut short, or of something else, is an error and never a shorter run."""
    path = run.path / "records.jsonl.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunError, match="whole file"):
        list(run.read_records())


def test_missing_files_are_told(tmp_path: Path) -> None:
    """A run that was never decided has no decision to read."""
    with pytest.raises(RunError, match=r"decision\.json"):
        RunFolder(tmp_path).read_text("decision.json")
    with pytest.raises(RunError, match="cases"):
        list(RunFolder(tmp_path).read_cases())
