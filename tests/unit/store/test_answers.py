"""Stored answers: kept at once, shared, and never corrupted."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from evalkit.errors import SetupError
from evalkit.model import Failure, Reply, Usage
from evalkit.model.codec import encode
from evalkit.store import Answers, answers

REPLY = Reply("x", "length", "m", Usage(1, 2, 3), 0.5, 2, "fp", {"a": [1]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet, in a folder that is not there yet."""
    return tmp_path / "new" / "answers.sqlite"


def test_answers_outlive_their_writer(path: Path) -> None:
    """What was put is there for the next run."""
    with Answers(path) as store:
        store.put("k", REPLY)
    with Answers(path) as store:
        assert store.get_many(["k", "other"]) == {"k": REPLY}


def test_forgotten_answers_are_gone(path: Path) -> None:
    """Committed or not; what is put afterwards stays, and so do all others."""
    with Answers(path) as store:
        for key in ("old", "kept"):
            store.put(key, REPLY)
    with Answers(path) as store:
        store.put("new", REPLY)
        store.forget(["old", "new", "never there"])
        store.put("new", Reply("again"))
    with Answers(path) as store:
        found = store.get_many(["old", "kept", "new"])
        assert found == {"kept": REPLY, "new": Reply("again")}


def test_a_model_asked_again_is_known_to_later_runs(path: Path) -> None:
    """Only the model that was noted, and only once it was."""
    with Answers(path) as answers:
        assert not answers.asked_again(["a", "b"])
        answers.note_again("a")
    with Answers(path) as answers:
        assert answers.asked_again(["b", "a"])
        assert not answers.asked_again(["b"])


def test_own_answers_are_seen_before_they_are_committed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A put is visible at once, and the last put of a key wins."""
    monkeypatch.setattr(answers, "COMMIT_S", 60)
    with Answers(path) as store:
        store.put("k", Reply("old"))
        store.put("k", REPLY)
        assert store.get_many(["k"]) == {"k": REPLY}
        with Answers(path) as other:
            assert other.get_many(["k"]) == {}
    with Answers(path) as store:
        assert store.get_many(["k"]) == {"k": REPLY}


def test_answers_under_commit_are_seen(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no moment at which an answer is neither pending nor stored."""
    entered, release = threading.Event(), threading.Event()

    def slow(value: object) -> str:
        entered.set()
        release.wait(10)
        return encode(value)

    monkeypatch.setattr(answers, "encode", slow)
    with Answers(path) as store:
        store.put("k", REPLY)
        assert entered.wait(10)
        assert store.get_many(["k"]) == {"k": REPLY}
        release.set()


def test_many_keys_are_found_in_chunks(path: Path) -> None:
    """Thousands of keys are looked up in one call."""
    keys = [f"k{i}" for i in range(2500)]
    with Answers(path) as store:
        for key in keys[::2]:
            store.put(key, Reply(key))
    with Answers(path) as store:
        assert store.get_many(keys) == {key: Reply(key) for key in keys[::2]}


def test_threads_may_put_side_by_side(path: Path) -> None:
    """No answer is lost when several threads write."""
    with Answers(path) as store:

        def put_some(name: str) -> None:
            for i in range(200):
                store.put(f"{name}{i}", REPLY)

        threads = [threading.Thread(target=put_some, args=[name]) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with Answers(path) as store:
        assert len(store.get_many([f"{n}{i}" for n in "abc" for i in range(200)])) == 600


WRITER = """
import sys
from pathlib import Path
from evalkit.model import Reply
from evalkit.store import Answers
with Answers(Path(sys.argv[1])) as store:
    for i in range(300):
        store.put(f"{sys.argv[2]}{i}", Reply(str(i)))
"""


def test_processes_may_share_a_file(path: Path) -> None:
    """Several processes that open and fill a new file at once all succeed."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in "abcd"]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    with Answers(path) as store:
        assert len(store.get_many([f"{n}{i}" for n in "abcd" for i in range(300)])) == 1200


KILLED = """
import itertools, sys, threading, time
from pathlib import Path
from evalkit.model import Reply
from evalkit.store import Answers
store, pace = Answers(Path(sys.argv[1])), threading.Event()
for i in itertools.count():
    pace.wait(0.0005)  # as fast as a fast endpoint answers
    store.put(str(i), Reply("x" * 500))
    print(time.monotonic(), flush=True)
"""


def test_killed_process_keeps_what_is_older_than_200_ms(path: Path) -> None:
    """The file and the log beside it that SIGKILL left are whole and lack the last moments only."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        at = [float(writer.stdout.readline())]
        while at[-1] < at[0] + 0.6:
            at.append(float(writer.stdout.readline()))
        writer.kill()
        at += map(float, writer.stdout.read().splitlines()[:-1])
    old = [str(i) for i, moment in enumerate(at) if moment < at[-1] - 0.2]
    assert len(old) > 100
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0
    with Answers(path) as store:
        assert len(store.get_many(old)) == len(old)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


def test_outcomes_are_published_for_as_long_as_the_run_lasts(path: Path) -> None:
    """Another process sees answers and failures of its run, of no other, and none afterwards."""
    keys = ["good", "bad", "open"]
    with Answers(path) as worker:
        with Answers(path) as controller:
            controller.put("good", REPLY)
            controller.put("open", REPLY)
            controller.put_outcome("run", "good", REPLY)
            controller.put_outcome("run", "bad", Failure("server", "500", 3))
            found = worker.outcomes("run", keys)
            while len(found) < 2:
                found = worker.outcomes("run", keys)
            assert found == {"good": REPLY, "bad": Failure("server", "500", 3)}
            assert worker.outcomes("other run", keys) == {}
        assert worker.outcomes("run", keys) == {}
        assert worker.get_many(keys) == {"good": REPLY, "open": REPLY}


def test_outcome_without_its_answer_is_not_there_yet(path: Path) -> None:
    """Only a published answer that is stored counts."""
    with Answers(path) as controller, Answers(path) as worker:
        controller.put_outcome("run", "k", REPLY)
        controller.put_outcome("run", "marker", Failure("server", ""))
        while not (found := worker.outcomes("run", ["k", "marker"])):
            pass
        assert list(found) == ["marker"]


def test_nothing_but_the_reply_is_stored(path: Path) -> None:
    """A row holds the key and the reply."""
    with Answers(path) as store:
        store.put("k", Reply("x"))
    db = sqlite3.connect(path)
    [(key, reply)] = db.execute("SELECT * FROM answers").fetchall()
    assert key == "k"
    assert set(json.loads(reply)) == {field.name for field in dataclasses.fields(Reply)}
    db.close()


def test_closing_twice_is_fine(path: Path) -> None:
    """The second close does nothing."""
    store = Answers(path)
    store.close()
    store.close()


def test_file_that_is_no_database_is_refused(path: Path) -> None:
    """The message names the file and says what to do with it."""
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to look like one" * 50)
    with pytest.raises(SetupError, match="move the file away") as caught:
        Answers(path)
    assert str(path) in caught.value.needed


def test_damaged_page_is_reported(path: Path) -> None:
    """A file damaged in its middle gives an error, not wrong answers."""
    keys = [f"{i:05}" for i in range(3000)]
    with Answers(path) as store:
        for key in keys:
            store.put(key, Reply("x" * 100))
    content = bytearray(path.read_bytes())
    content[8192:-4096] = b"\xff" * (len(content) - 12288)
    path.write_bytes(content)
    store = Answers(path)
    with pytest.raises(SetupError, match="move the file away"):
        store.get_many(keys)
    store.close()


def test_path_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A folder that is really a file is a fault of the set-up."""
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="choose another folder"):
        Answers(tmp_path / "file" / "answers.sqlite")
    with pytest.raises(SetupError, match="unable to open"):
        Answers(tmp_path)


def test_other_format_is_refused(path: Path) -> None:
    """A file of a later evalkit is left alone."""
    Answers(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SetupError, match="format 99"):
        Answers(path)


@pytest.mark.parametrize(
    ("pragma", "advice"),
    [("max_page_count = 1", "make room"), ("query_only = 1", "free the path")],
    ids=["full", "read-only"],
)
def test_store_that_cannot_write_says_so(path: Path, pragma: str, advice: str) -> None:
    """When a commit fails every later call raises, and so does the end."""
    store = Answers(path)
    store._writer_db.execute(f"PRAGMA {pragma}")
    for i in range(100):
        store.put(str(i), Reply("x" * 1000))
    with pytest.raises(SetupError, match=advice):
        store.close()
    for call in (
        lambda: store.put("k", REPLY),
        lambda: store.get_many(["k"]),
        lambda: store.put_outcome("run", "k", REPLY),
        lambda: store.outcomes("run", ["k"]),
    ):
        with pytest.raises(SetupError, match=advice):
            call()


def test_an_answer_that_cannot_be_kept_is_told(path: Path) -> None:
    """A client's odd value breaks the store aloud: what is put after it would be lost as well."""
    store = Answers(path)
    store.put("k", Reply("x", extra={"a": 1, 2: "b"}))  # type: ignore[dict-item]
    with pytest.raises(SetupError, match="mend the client"):
        store.close()
