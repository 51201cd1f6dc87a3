"""Requests that are answered as a file, hours later: what is noted of them until they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from evalkit.model.exchange import Reply

FINISHED = frozenset({"completed", "failed", "expired", "cancelled"})
"""States after which nothing more of a batch comes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of requests to one model whose answers are not in yet.

    ``digest`` is the sha256 of the file, ``identity`` the model's own, ``endpoint`` the kind of its
    requests, ``created`` ISO 8601 in UTC, ``keys`` those of the answers. ``input_file`` and ``id``
    are the names that the endpoint gave to the file and the batch: without ``id`` it is not certain
    that the batch was made, with neither the file was only written, as ``exported`` says.
    """

    digest: str
    model: str
    identity: str
    endpoint: str
    created: str
    keys: tuple[str, ...]
    exported: str = ""
    input_file: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is, by the endpoint's account; counts are of its requests.

    ``output_file`` and ``error_file`` are empty as long as there are none. ``errors`` says why a
    batch was not taken at all.
    """

    id: str
    state: str
    total: int = 0
    done: int = 0
    failed: int = 0
    output_file: str = ""
    error_file: str = ""
    errors: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.state in FINISHED


@dataclass(frozen=True, slots=True)
class Lost:
    """A line of a batch's files that is no answer: which kind of failure, and in words.

    Beside the kinds of `evalkit.errors` there are ``expired``, ``cancelled``, ``not_taken`` (the
    whole batch was refused), ``missing`` (in none of the files), ``unknown`` (nothing was asked
    under this id), ``malformed`` and ``stored`` (answered before).
    """

    kind: str
    message: str


@dataclass(slots=True)
class Gathered:
    """What the files of a batch held: answers, and by kind what is to be asked again.

    ``source`` says whose files they were. ``again`` counts answers that were stored before,
    ``first`` is the first message of each kind, and ``odd`` tells lines that are of no request by
    file and line.
    """

    source: str
    answers: int = 0
    again: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    def lose(self, lost: Lost, *, times: int = 1) -> None:
        """Count what is to be asked again."""
        self.lost[lost.kind] += times
        self.first.setdefault(lost.kind, lost.message)


def batched(reply: Reply) -> Reply:
    """Return an answer marked as one out of a batch, which has a price of its own."""
    return replace(reply, extra={**reply.extra, "batch": True})


def is_batched(reply: Reply) -> bool:
    """Tell whether an answer came out of a batch."""
    return bool(reply.extra.get("batch"))
