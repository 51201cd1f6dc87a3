"""Every exception that evalkit raises on purpose.

::

    EvalkitError
    ├── UserError            something the user can mend: shells exit as on a usage error
    │   ├── FileFaults       faults in suite, project, policy or data files, all of them at once
    │   ├── SetupError       a missing package, key, weights file or writable folder
    │   └── RunError         a run folder that is missing, unfinished or of another format version
    └── ProviderError        the model's server: carries a kind, is recorded as a row, never a score

A message has three parts: what was needed, what came, and what to write or do instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ErrorKind = Literal[
    "rate_limited",
    "timeout",
    "refused_connection",
    "bad_response",
    "bad_request",
    "content_filter",
    "context_length",
    "auth",
    "not_found",
    "server",
    "offline",
    "cancelled",
]
"""Why a model gave no answer. ``offline``: nothing stored and no call allowed."""


class EvalkitError(Exception):
    """Root of all errors raised by evalkit on purpose."""


class UserError(EvalkitError):
    """Something the user can mend: needed, got, instead."""

    def __init__(self, needed: str, *, got: str, instead: str) -> None:
        self.needed = needed
        self.got = got
        self.instead = instead
        super().__init__(f"needed: {needed}\n   got: {got}\n    do: {instead}")


class SetupError(UserError):
    """The environment lacks something: a package, a key, weights, a writable folder."""


class RunError(UserError):
    """A run folder that cannot be used as asked."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of one file.

    ``line`` counts from 1; 0 means the file as a whole.
    """

    path: str
    line: int
    needed: str
    got: str
    instead: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}\n  needed: {self.needed}\n     got: {self.got}\n   write: {self.instead}"


class FileFaults(UserError):
    """All faults found in the user's files, sorted by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        count = f"{len(self.faults)} fault" + ("s" if len(self.faults) != 1 else "")
        EvalkitError.__init__(self, "\n\n".join([f"{count} found", *map(str, self.faults)]))


class ProviderError(EvalkitError):
    """The model's server gave no usable answer.

    ``stops_endpoint`` is true when asking again cannot help any request of this model
    (wrong key, unknown model, nothing listening). ``tries`` counts the requests sent.
    """

    def __init__(
        self, kind: ErrorKind, message: str, *, stops_endpoint: bool = False, tries: int = 1
    ) -> None:
        self.kind: ErrorKind = kind
        self.message = message
        self.stops_endpoint = stops_endpoint
        self.tries = tries
        super().__init__(f"{kind}: {message}")
