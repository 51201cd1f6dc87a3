"""What the user can mend, told as pytest tells it: a message, no traceback, exit code 4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from evalkit.errors import EvalkitError
from evalkit.report.safe import visible


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn evalkit's errors into pytest's usage error."""
    try:
        yield
    except EvalkitError as error:
        raise pytest.UsageError(f"evalkit: {visible(str(error))}") from error
