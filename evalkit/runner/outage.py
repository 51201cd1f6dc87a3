"""When an endpoint answers nobody: all requests wait, longer each time, until it is given up.

A request has a few tries only. Were they spent while the endpoint is down or wants no more, a
minute of that would cost a whole run its answers.
"""

from __future__ import annotations

from evalkit.errors import ProviderError
from evalkit.model import Limits
from evalkit.runner import retries

IN_A_ROW = 5
"""Refusals without an answer between them that are no chance any more."""


class Outage:
    """The failures since the last answer. Times are the event loop's."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._answered = False
        self._since: float | None = None
        self._refusals = 0
        self.pauses = 0

    def answered(self) -> None:
        """Take in an answer, which ends every outage."""
        self._answered = True
        self._since = None
        self._refusals = self.pauses = 0

    def failed(self, error: ProviderError, *, now: float) -> float | None:
        """Take in a failure; return how long nothing should be sent, if it should not.

        Where nothing listens (``stops_endpoint``) nobody waits: the user should soon be told. An
        endpoint that refuses one request for what is in it is there.
        """
        if not error.transient:
            self._since = None
        elif self._since is None:
            self._since = now
        if error.retry_after_s is not None or not error.endpoint_wide or error.stops_endpoint:
            return error.retry_after_s
        self._refusals += 1
        if self._refusals < IN_A_ROW:
            return None
        self.pauses += 1
        return min(retries.FIRST_S * 2.0 ** (self.pauses - 1), retries.LONGEST_S)

    def hopeless(self, error: ProviderError, *, now: float) -> str:
        """Return in words why nothing more should be sent after ``error``; "" if it may pass.

        Before its first answer an endpoint that refuses has one timeout to get ready.
        """
        pause = error.retry_after_s or 0.0
        if pause > self._limits.patience_s:
            return f"it is to be left alone for {pause:g} s"
        early = error.endpoint_wide and not self._answered
        patience = self._limits.timeout_s if early else self._limits.patience_s
        lasted = 0.0 if self._since is None else now - self._since
        return f"nothing but failures for {lasted:.3g} s" if lasted > patience else ""
