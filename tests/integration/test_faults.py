"""What an endpoint can do wrong, over both wires: kind of error, number of requests, words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalkit.model import Failure, Reply
from tests.integration.asking import LIMITS, ask
from tests.integration.endpoint import (
    Asked,
    Endpoint,
    Reaction,
    answer,
    completion,
    refusing,
    response,
)

BAD = "3 + 6"
React = Callable[[Asked], Reaction | None]


def body(content: bytes) -> React:
    """React with these bytes as the body of what should be an answer."""
    return lambda _: Reaction(response(200, content))


def altered(**choice: Any) -> React:
    """React with a right answer whose choice is altered."""
    return lambda asked: Reaction(answer(asked, **choice))


def page(paragraphs: int) -> React:
    """React with a page of HTML, as gateways do."""
    html = b"<html>\n<h1>bad gateway</h1>" + b"\n<p>sorry</p>" * paragraphs
    return lambda _: Reaction(response(502, html, {"content-type": "text/html"}))


def half(asked: Asked) -> Reaction:
    """Send less than was promised, and hang up."""
    return Reaction(answer(asked)[:-30], end="close")


def drip(asked: Asked) -> Reaction:
    """Send the right answer a few bytes at a time."""
    return Reaction(answer(asked), drip_s=0.1)


def renamed(asked: Asked) -> Reaction:
    """Answer under another name."""
    return Reaction(response(200, completion("other", asked.text)))


FAULTS: dict[str, tuple[React, str, int, str]] = {
    "429": (refusing(429, "slow down"), "rate_limited", 3, "answered 429: slow down .after 3"),
    "500": (refusing(500, "oops"), "server", 3, "answered 500: oops"),
    "503": (refusing(503, "busy"), "server", 3, "answered 503: busy"),
    "page": (page(1), "server", 3, "answered 502: <html> <h1>bad gateway</h1> <p>sorry"),
    "long page": (page(200_000), "server", 3, "answered 502: <html> .*[.][.][.] .after 3 tries"),
    "reset": (lambda _: Reaction(b"", end="reset"), "refused_connection", 3, "disconnected"),
    "hung up": (lambda _: Reaction(b"", end="close"), "refused_connection", 3, "disconnected"),
    "half": (half, "refused_connection", 3, "(?i)not enough data|without sending complete"),
    "no http": (lambda _: Reaction(b"SSH-2.0\r\n\r\n"), "refused_connection", 3, "(?i)status line"),
    "hang": (lambda _: Reaction(b"", wait_s=9), "timeout", 3, "(within|after) 0.3 s"),
    "drip": (drip, "timeout", 3, "(within|after) 0.3 s"),
    "not json": (body(b'{"choices": [{"mess'), "bad_response", 1, "no chat completion but .{.choi"),
    "no end": (body(b"[" * 100_000), "bad_response", 1, "no chat completion but .* *.{9}"),
    "no choice": (body(b'{"choices": []}'), "bad_response", 1, "no chat completion but"),
    "too long": (refusing(400, "maximum context length: 5"), "context_length", 1, "length: 5"),
    "bad request": (refusing(400, "no such field"), "bad_request", 1, "400: no such field"),
    "filtered": (altered(finish_reason="content_filter"), "content_filter", 1, "filter withheld"),
}  # fmt: skip


@pytest.mark.usefixtures("wire", "soon")
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_one_request_is_its_row(endpoint: Endpoint, name: str) -> None:
    """Only that request fails: as the kind it is, after as many tries as the rules allow."""
    react, kind, tries, told = FAULTS[name]
    endpoint.react = lambda asked: react(asked) if asked.text == BAD else None
    limits = replace(LIMITS, timeout_s=0.3) if kind == "timeout" else LIMITS
    found = ask(endpoint.url, limits=limits)
    failure = found.outcomes[BAD]
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.tries) == (kind, tries)
    assert re.search(told, failure.message)
    assert (endpoint.url in failure.message) == (kind != "content_filter")
    assert "\n" not in failure.message
    assert len(failure.message) < 450
    assert [kind for text, kind in found.kinds.items() if kind and text != BAD] == []
    assert found.fatal is None
    counted = {text: len(times) for (_, text), times in endpoint.asked.items()}
    assert counted.pop(BAD) == tries
    assert kind == "timeout" or set(counted.values()) == {1}
    assert found.seconds < 6


LONG = "x" * 10_000_000
ODD = "\ud800 \x00 \u202e"
ANSWERS: dict[str, tuple[React, Reply]] = {
    "cut off": (altered(finish_reason="length"), Reply("9", "length", "m")),
    "no content": (altered(message={"content": None}), Reply("", "stop", "m")),
    "other name": (renamed, Reply(BAD, "stop", "other")),
    "huge": (altered(message={"content": LONG}), Reply(LONG, "stop", "m")),
    "odd": (altered(message={"content": ODD}), Reply(ODD, "stop", "m")),
}


@pytest.mark.usefixtures("wire", "soon")
@pytest.mark.parametrize("name", ANSWERS)
def test_an_odd_answer_is_an_answer(endpoint: Endpoint, name: str) -> None:
    """It is asked for once, and judging it is the graders' and the decision's business."""
    react, expected = ANSWERS[name]
    endpoint.react = lambda asked: react(asked) if asked.text == BAD else None
    reply = ask(endpoint.url).outcomes[BAD]
    assert isinstance(reply, Reply)
    said = replace(expected, text=reply.text, finish_reason=reply.finish_reason, model=reply.model)
    assert said == expected
    assert len(endpoint.asked["m", BAD]) == 1


# The date is by a clock that stopped long ago: only the server's own dates are compared.
STOPPED = {"date": "Thu, 01 Jan 2015 00:00:00 GMT", "retry_after": "Thu, 01 Jan 2015 00:00:01 GMT"}
RETRY_AFTER: dict[str, tuple[int, dict[str, str], float]] = {
    "seconds": (503, {"retry_after": "1"}, 1.0),
    "milliseconds": (429, {"retry_after_ms": "300", "retry_after": "9"}, 0.3),
    "date": (429, STOPPED, 1.0),
}


@pytest.mark.usefixtures("wire", "soon")
@pytest.mark.parametrize("form", RETRY_AFTER)
def test_a_server_is_left_alone_for_as_long_as_it_asks(endpoint: Endpoint, form: str) -> None:
    """In whatever form it asks: until then nothing is sent, and then the request is answered."""
    status, headers, wait_s = RETRY_AFTER[form]
    refuse = refusing(status, "slow down", **headers)
    endpoint.react = lambda asked: (
        refuse(asked) if asked.text == BAD and asked.number == 1 else None
    )
    found = ask(endpoint.url, limits=replace(LIMITS, concurrency=1))
    assert set(found.kinds.values()) == {""}
    assert endpoint.calls == 9
    refused, again = endpoint.asked["m", BAD]
    assert wait_s <= again - refused < wait_s + 1
    times = sorted(time for times in endpoint.asked.values() for time in times)
    assert [time for time in times if refused < time < refused + wait_s] == []


@pytest.mark.usefixtures("wire", "soon")
def test_a_server_that_wants_to_be_left_alone_for_long_ends_its_model(endpoint: Endpoint) -> None:
    """Nobody waits an hour without a word: what is left fails at once, and can be asked later."""
    refuse = refusing(429, "come back later", retry_after="3600")
    endpoint.react = lambda asked: refuse(asked) if asked.text == BAD else None
    found = ask(endpoint.url, limits=replace(LIMITS, concurrency=1))
    assert list(found.kinds.values()) == ["", "", "", *["rate_limited"] * 5]
    [words] = found.words
    assert "come back later" in words
    assert "left alone for 3600 s" in words
    assert endpoint.calls == 4
    assert found.seconds < 5
