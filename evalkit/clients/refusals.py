"""An endpoint's refusal told as a kind of error, and what its headers say of its limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from evalkit.clients.wire import Answer
from evalkit.errors import ErrorKind, ProviderError
from evalkit.model import Allowance, Quota

BY_STATUS: Mapping[int, ErrorKind] = {
    401: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "server",
    429: "rate_limited",
}
# A 4xx of no kind above is told apart by its words, which differ from server to server.
BY_WORDS: Mapping[ErrorKind, re.Pattern[str]] = {
    "context_length": re.compile(r"context[_ ](length|size|window)|maximum context", re.IGNORECASE),
    "content_filter": re.compile(r"content[_ ](filter|policy|management)", re.IGNORECASE),
}
ENDPOINT_WIDE = frozenset([429, 502, 503, 529])
"""Too many requests, nobody behind the gateway, overload: not what was asked is the cause."""

HOPELESS = frozenset[ErrorKind](["auth", "not_found"])
NO_MONEY = re.compile(r"insufficient[_ ]quota", re.IGNORECASE)
SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def refusal(answer: Answer, address: str, *, shortened: Callable[[str], str]) -> ProviderError:
    """Return the error that a status of 400 or more stands for.

    ``shortened`` brings a server's words into a message, without secrets.
    """
    code, words = _words(answer)
    kind = _kind(answer.status, f"{code} {words}")
    broke = bool(NO_MONEY.search(f"{code} {words}"))
    return ProviderError(
        kind,
        f"{address} answered {answer.status}: {shortened(words)}",
        stops_endpoint=broke or kind in HOPELESS,
        transient=False if broke else None,
        retry_after_s=retry_after_s(answer.headers),
        endpoint_wide=answer.status in ENDPOINT_WIDE,
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asked to be left alone: seconds, or a date [RFC 9110, 10.2.3].

    ``retry-after-ms`` is OpenAI's own and finer. ``None`` without either, or if it makes no sense.
    """
    try:
        if "retry-after-ms" in headers:
            wait = float(headers["retry-after-ms"]) / 1000
        elif (said := headers.get("retry-after")) is None:
            return None
        elif said.strip().replace(".", "", 1).isdigit():
            wait = float(said)
        else:
            wait = (parsedate_to_datetime(said) - _now(headers)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(wait, 0.0) if isfinite(wait) else None


def _now(headers: Mapping[str, str]) -> datetime:
    """Return the time by the server's own clock: ours may be another."""
    return parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)


def quota(headers: Mapping[str, str]) -> Quota | None:
    """Return what an endpoint says of its limits, as OpenAI, Azure, vLLM's proxies and Groq do."""
    found = Quota(_allowance(headers, "requests"), _allowance(headers, "tokens"))
    return None if found == Quota() else found


def _allowance(headers: Mapping[str, str], unit: str) -> Allowance | None:
    left, limit, reset = (
        headers.get(f"x-ratelimit-{name}-{unit}") for name in ("remaining", "limit", "reset")
    )
    if left is None or limit is None or reset is None:
        return None
    try:
        return Allowance(float(left), float(limit), _span_s(reset))
    except ValueError:
        return None


def _span_s(text: str) -> float:
    """Return the seconds of ``6m0s``, ``120ms`` or ``1.5``."""
    if parts := SPAN.findall(text):
        return float(sum(float(number) * SECONDS[unit] for number, unit in parts))
    return float(text)


def _words(answer: Answer) -> tuple[str, str]:
    """Return the error's code and the server's own words."""
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return "", answer.text
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", str(error)
    said = error.get("message")
    return f"{error.get('code')} {error.get('type')}", said if isinstance(said, str) else str(error)


def _kind(status: int, words: str) -> ErrorKind:
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return "server"
    return next((k for k, pattern in BY_WORDS.items() if pattern.search(words)), "bad_request")
