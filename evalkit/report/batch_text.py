"""What the batch lane says on a terminal: what was sent, how far it is, what it came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from evalkit.model.batch import Batch, BatchState, Gathered
from evalkit.report.numerals import ABSENT, count, many, roughly
from evalkit.report.safe import one_line
from evalkit.report.tables import plain_rows

MOST_ODD = 10
"""Lines of no request that are told one by one."""

_HEAD = ("batch", "model", "state", "done", "failed", "of", "age")


def made_line(batch: Batch) -> str:
    """Return what was made of one file of requests."""
    where = batch.exported or f"sent as {batch.id}"
    return f"{one_line(where)}: {many(len(batch.keys), 'request')} to {one_line(batch.model, 60)}"


def outgoing_line(made: Sequence[Batch], done: str, stored: int, on_the_way: int) -> str:
    """Return what was sent or written in one line, and what was left out."""
    requests = many(sum(len(batch.keys) for batch in made), "request")
    files = f" in {many(len(made), 'file')}" if made else ""
    left_out = f"{many(stored, 'answer')} stored before, {count(on_the_way)} on the way"
    return f"{done}: {requests}{files}; {left_out}"


def open_line(open_: Sequence[tuple[Batch, BatchState]], *, nothing: bool) -> str:
    """Return what is still open; that there is nothing, if there was ``nothing`` to collect."""
    if open_:
        done = sum(state.done for _, state in open_)
        total = sum(state.total or len(batch.keys) for batch, state in open_)
        return f"{many(len(open_), 'batch', 'batches')} open: {count(done)} of {count(total)} done"
    return "no batch is open" if nothing else ""


def status_table(found: Sequence[tuple[Batch, BatchState]], now: datetime) -> str:
    """Return a table of the batches that are not collected yet."""
    if not found:
        return "no batch is open\n"
    rows = [_HEAD, *(_row(batch, state, now) for batch, state in found)]
    return "\n".join(plain_rows(rows)) + "\n"


def status_rows(
    found: Sequence[tuple[Batch, BatchState]], now: datetime
) -> list[dict[str, str | int | float]]:
    """Return the same as plain values; the age is in seconds."""
    return [
        {
            "batch": _name(batch),
            "model": batch.model,
            "state": state.state,
            "done": state.done,
            "failed": state.failed,
            "total": state.total or len(batch.keys),
            "age_s": round(_age_s(batch, now)),
        }
        for batch, state in found
    ]


def gathered_lines(found: Gathered) -> Iterator[str]:
    """Yield what the files of one batch came to: answers, failures by kind, odd lines."""
    again = f", {count(found.again)} stored before" if found.again else ""
    yield f"{one_line(found.source)}: {many(found.answers, 'answer')} stored{again}"
    for kind, times in sorted(found.lost.items()):
        yield f"  {count(times)} {one_line(kind, 40)}, to be asked again: {_first(found, kind)}"
    for odd in found.odd[:MOST_ODD]:
        yield f"  left out: {one_line(odd, 300)}"
    if len(found.odd) > MOST_ODD:
        yield f"  and {many(len(found.odd) - MOST_ODD, 'line')} more of no request"


def _first(found: Gathered, kind: str) -> str:
    return one_line(found.first[kind], 300)


def _row(batch: Batch, state: BatchState, now: datetime) -> tuple[str, ...]:
    return (
        one_line(_name(batch), 60),
        one_line(batch.model, 20),
        one_line(state.state, 20),
        count(state.done),
        count(state.failed) if not batch.exported else ABSENT,
        count(state.total or len(batch.keys)),
        roughly(_age_s(batch, now)),
    )


def _name(batch: Batch) -> str:
    return batch.exported or batch.id


def _age_s(batch: Batch, now: datetime) -> float:
    return max((now - datetime.fromisoformat(batch.created).astimezone(UTC)).total_seconds(), 0.0)
