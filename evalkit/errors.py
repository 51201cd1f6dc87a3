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
    """All faults found in the user's files, sorted by file and line.

    ``untold`` is how many more there are than the faults given, which say so themselves.
    """

    def __init__(self, faults: Iterable[Fault], *, untold: int = 0) -> None:
        self.faults = tuple(sorted(set(faults)))
        found = len(self.faults) + untold
        count = f"{found:,} fault" + ("s" if found != 1 else "")
        EvalkitError.__init__(self, "\n\n".join([f"{count} found", *map(str, self.faults)]))


TRANSIENT: frozenset[ErrorKind] = frozenset(
    ["rate_limited", "timeout", "refused_connection", "server"]
)
"""What may be gone when the same request is sent again."""


class ProviderError(EvalkitError):
    """The model's server gave no usable answer to one request that was sent.

    ``stops_endpoint`` is true when no request of this model can do better (wrong key, unknown
    model, nothing listening). ``transient`` is true when the same request may succeed later; it
    follows from ``kind`` unless given. ``retry_after_s`` is how long the server asked to be left
    alone. ``endpoint_wide`` is true when any request would have fared alike just now, whatever was
    asked: too many requests unless given.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        stops_endpoint: bool = False,
        transient: bool | None = None,
        retry_after_s: float | None = None,
        endpoint_wide: bool | None = None,
    ) -> None:
        self.kind: ErrorKind = kind
        self.message = message
        self.stops_endpoint = stops_endpoint
        self.transient = kind in TRANSIENT if transient is None else transient
        self.retry_after_s = retry_after_s
        self.endpoint_wide = kind == "rate_limited" if endpoint_wide is None else endpoint_wide
        super().__init__(f"{kind}: {message}")
