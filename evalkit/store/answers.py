"""Answers kept for good: one SQLite file, shared by threads, processes and runs.

Writes are collected and committed together by a thread of their own, so that `Answers.put` never
waits for a disk. In WAL mode a killed process loses at most what was not yet committed, and a
reader never waits for a writer. Beside the answers the file holds the outcomes of runs that several
processes share: the one that asks publishes them for the others. And it notes which models were
asked a second time, as looking for each second answer would cost every run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from evalkit.errors import SetupError
from evalkit.model import Failure, Outcome, Reply
from evalkit.model.codec import decode, encode

COMMIT_S = 0.05
"""How long answers are collected before they are committed together."""

BUSY_S = 30.0
"""How long to wait while another process writes."""

CHUNK = 1000
"""Keys looked up by one query."""

VERSION = 1

TABLES = (
    """CREATE TABLE IF NOT EXISTS answers (
        key TEXT PRIMARY KEY, reply TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS outcomes (
        run TEXT, key TEXT, failure TEXT, PRIMARY KEY (run, key)
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS asked_again (model TEXT PRIMARY KEY) WITHOUT ROWID",
    f"PRAGMA user_version = {VERSION}",
)
PUT_ANSWERS = "INSERT OR REPLACE INTO answers VALUES (?, ?)"
PUT_AGAIN = "INSERT OR REPLACE INTO asked_again VALUES (?)"
GET_AGAIN = "SELECT model FROM asked_again WHERE model IN (SELECT value FROM json_each(?))"
PUT_OUTCOMES = "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)"
DROP_ANSWERS = "DELETE FROM answers WHERE key = ?"
DROP_OUTCOMES = "DELETE FROM outcomes WHERE run = ?"
GET_ANSWERS = "SELECT key, reply FROM answers WHERE key IN (SELECT value FROM json_each(?))"
GET_OUTCOMES = """
SELECT key, failure, reply FROM outcomes LEFT JOIN answers USING (key)
WHERE key IN (SELECT value FROM json_each(?)) AND run = ?
"""

ADVICE = {
    "SQLITE_BUSY": "end the other run that holds the file, or wait for it",
    "SQLITE_CORRUPT": "move the file away: its answers will be asked for again",
    "SQLITE_NOTADB": "move the file away: its answers will be asked for again",
    "SQLITE_FULL": "make room on the disk and run again: committed answers are kept",
}


class Answers:
    """The answers in the file ``path``, made if missing. Every thread may call every method.

    Every method raises `SetupError` once the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending = Lock()
        self._answers: dict[str, Reply] = {}
        self._outcomes: dict[tuple[str, str], Failure | None] = {}
        self._in_commit: dict[str, Reply] = {}
        self._forgotten: set[str] = set()
        self._again: set[str] = set()
        self._published: set[str] = set()
        self._broken: SetupError | None = None
        self._some = Event()
        self._closing = Event()
        self._reading = Lock()
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer_db = _prepared(path)
            self._reader_db = _connected(path)
        self._writer = Thread(target=self._write, name="evalkit-answers", daemon=True)
        self._writer.start()

    def put(self, key: str, reply: Reply) -> None:
        """Keep an answer; returns at once, committed within 100 ms."""
        self._raise_if_broken()
        with self._pending:
            self._answers[key] = reply
        self._some.set()

    def forget(self, keys: Iterable[str]) -> None:
        """Take answers away that turned out not to be the model's; committed as others are."""
        self._raise_if_broken()
        with self._pending:
            self._forgotten.update(keys)
            for key in self._forgotten:
                self._answers.pop(key, None)
        self._some.set()

    def get_many(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Return the stored answers among ``keys``, those not yet committed included."""
        self._raise_if_broken()
        with self._pending:
            recent = {**self._in_commit, **self._answers}
        found = {key: recent[key] for key in keys if key in recent}
        missing = [key for key in keys if key not in found]
        for key, reply in self._select(GET_ANSWERS, missing):
            found[key] = decode(Reply, reply)
        return found

    def note_again(self, identity: str) -> None:
        """Note that a model is asked a second time; committed as answers are."""
        self._raise_if_broken()
        with self._pending:
            self._again.add(identity)
        self._some.set()

    def asked_again(self, identities: Sequence[str]) -> bool:
        """Return whether any of the models was ever asked a second time."""
        self._raise_if_broken()
        return any(True for _ in self._select(GET_AGAIN, identities))

    def put_outcome(self, run_id: str, key: str, outcome: Outcome) -> None:
        """Publish the outcome of ``key`` to other processes of the run, for as long as it lasts.

        An answer must have been put before: only that it counts is published here.
        """
        self._raise_if_broken()
        with self._pending:
            self._published.add(run_id)
            self._outcomes[run_id, key] = outcome if isinstance(outcome, Failure) else None
        self._some.set()

    def outcomes(self, run_id: str, keys: Sequence[str]) -> dict[str, Outcome]:
        """Return the outcomes among ``keys`` that the run's asking process has committed."""
        self._raise_if_broken()
        found: dict[str, Outcome] = {}
        for key, failure, reply in self._select(GET_OUTCOMES, keys, run_id):
            if failure is not None:
                found[key] = decode(Failure, failure)
            elif reply is not None:
                found[key] = decode(Reply, reply)
        return found

    def close(self) -> None:
        """Commit what is open and end the runs published here. Safe to call twice."""
        self._closing.set()
        self._some.set()
        self._writer.join()
        self._reader_db.close()
        self._raise_if_broken()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, trace: TracebackType | None
    ) -> None:
        self.close()

    def _raise_if_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _select(self, query: str, keys: Sequence[str], *arguments: str) -> Iterator[Any]:
        for start in range(0, len(keys), CHUNK):
            chunk = json.dumps(keys[start : start + CHUNK])
            with _explained(self._path), self._reading:
                rows = self._reader_db.execute(query, (chunk, *arguments)).fetchall()
            yield from rows

    def _write(self) -> None:
        closing = False
        try:
            while not closing:
                self._some.wait()
                closing = self._closing.wait(COMMIT_S)
                with _explained(self._path):
                    self._commit(closing=closing)
        except SetupError as error:
            self._broken = error
        except Exception as error:  # noqa: BLE001  (whatever it is, answers must not vanish unseen)
            self._broken = SetupError(
                "answers that JSON can hold",
                got=repr(error),
                instead="mend the client that gave one of another kind",
            )
        finally:
            self._writer_db.close()

    def _commit(self, *, closing: bool) -> None:
        with self._pending:
            self._some.clear()
            answers, self._answers, self._in_commit = self._answers, {}, self._answers
            forgotten, self._forgotten = self._forgotten, set()
            again, self._again = self._again, set()
            outcomes, self._outcomes = self._outcomes, {}
        db = self._writer_db
        with _transaction(db):
            db.executemany(DROP_ANSWERS, ((key,) for key in forgotten))
            db.executemany(PUT_AGAIN, ((identity,) for identity in again))
            db.executemany(PUT_ANSWERS, ((key, encode(reply)) for key, reply in answers.items()))
            db.executemany(
                PUT_OUTCOMES,
                ((*at, failure and encode(failure)) for at, failure in outcomes.items()),
            )
            if closing:
                db.executemany(DROP_OUTCOMES, ((run_id,) for run_id in self._published))
        with self._pending:
            self._in_commit = {}


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def _prepared(path: Path) -> sqlite3.Connection:
    """Return a connection to a file that has the tables and can be written."""
    db = _connected(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        with _transaction(db):
            _check_version(path, db.execute("PRAGMA user_version").fetchone()[0])
            for statement in TABLES:
                db.execute(statement)
    except BaseException:
        db.close()
        raise
    return db


def _check_version(path: Path, found: int) -> None:
    if found not in (0, VERSION):
        raise SetupError(
            f"stored answers of format {VERSION}",
            got=f"{path} of format {found}",
            instead="use the evalkit that wrote the file, or move it away",
        )


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the system says into what the user can do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        name = getattr(error, "sqlite_errorname", None) or ""
        advice = next((text for code, text in ADVICE.items() if name.startswith(code)), None)
        raise SetupError(
            f"a file for the stored answers that can be read and written: {path}",
            got=str(error),
            instead=advice or "free the path for evalkit or choose another folder",
        ) from error
