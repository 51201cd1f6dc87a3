"""A chat completion's body written for each kind of request, and each kind of answer read.

Field names are held against the types of the `openai` package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from openai.types import (
    Completion,
    CreateEmbeddingResponse,
    completion_create_params,
    embedding_create_params,
)
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.responses import Response, response_create_params
from pydantic import TypeAdapter

from evalkit.clients import make_client
from evalkit.clients.endpoints import ENDPOINTS, UNREADABLE
from evalkit.clients.wire import Answer
from evalkit.errors import ProviderError, SetupError
from evalkit.model import ModelSpec, Reply, Usage
from evalkit.model.codec import decode, encode

PARAMETERS: Mapping[str, Any] = {
    "chat": chat_create_params.CompletionCreateParamsNonStreaming,
    "responses": response_create_params.ResponseCreateParamsNonStreaming,
    "completions": completion_create_params.CompletionCreateParamsNonStreaming,
    "embeddings": embedding_create_params.EmbeddingCreateParams,
}
HELLO = [{"role": "user", "content": "hello"}]
SUITE = {"model": "m", "messages": HELLO, "temperature": 0.0, "max_tokens": 256, "seed": 7}
FUNCTION = {"name": "f", "description": "adds", "parameters": {"type": "object"}}
CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
]
GRAMMAR = {"definition": "start: /a/", "syntax": "lark"}


def sent(endpoint: str, **fields: Any) -> dict[str, Any]:
    """Return the body that is sent; its fields are fields of the package's types."""
    body = dict(ENDPOINTS[endpoint].encode({**SUITE, **fields}))
    kind = PARAMETERS[endpoint]
    assert set(body) <= kind.__required_keys__ | kind.__optional_keys__
    TypeAdapter(kind).validate_python(body)
    return body


def read(endpoint: str, body: object) -> Reply:
    """Return the reply that an answer is read to."""
    return ENDPOINTS[endpoint].decode(Answer(200, {}, json.dumps(body).encode(), 0.5))


def test_an_unknown_kind_of_requests_is_told() -> None:
    """A model made in Python has not gone through the schema: the kinds there are are named."""
    spec = ModelSpec("m", "base", "openai", "m", options={"endpoint": "chats"})
    with pytest.raises(SetupError, match="one of chat, responses, completions"):
        make_client(spec, environ={})


def test_chat_is_sent_as_a_suite_writes_it() -> None:
    """Nothing is altered: answers stored before there were other endpoints stay valid."""
    assert sent("chat") == SUITE


def test_a_response_has_names_of_its_own() -> None:
    """Length, input and storing are said otherwise; a seed has no place."""
    assert sent("responses") == {
        "model": "m",
        "input": HELLO,
        "temperature": 0.0,
        "max_output_tokens": 256,
        "store": False,
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_completion_tokens": 9, "max_tokens": 8}, {"max_output_tokens": 9}),
        ({"store": True, "top_p": 0.5}, {"store": True, "top_p": 0.5}),
        (
            {"response_format": {"type": "json_object"}},
            {"text": {"format": {"type": "json_object"}}},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
                },
                "verbosity": "low",
            },
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": {"type": "object"},
                        "strict": True,
                    },
                    "verbosity": "low",
                }
            },
        ),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        (
            {"reasoning_effort": "low", "reasoning": {"summary": "auto"}},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        (
            {"logprobs": True, "top_logprobs": 3},
            {"include": ["message.output_text.logprobs"], "top_logprobs": 3},
        ),
        ({"logprobs": False}, {}),
        (
            {"tools": [{"type": "function", "function": FUNCTION}]},
            {"tools": [{"type": "function", "strict": False, **FUNCTION}]},
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]},
            {"tools": [{"type": "function", "name": "f", "strict": True, "parameters": None}]},
        ),
        (
            {
                "tools": [
                    {
                        "type": "custom",
                        "custom": {"name": "g", "format": {"type": "grammar", "grammar": GRAMMAR}},
                    }
                ]
            },
            {"tools": [{"type": "custom", "name": "g", "format": {"type": "grammar", **GRAMMAR}}]},
        ),
        ({"tools": [{"type": "web_search"}]}, {"tools": [{"type": "web_search"}]}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "function", "name": "f"}},
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "f"}}],
                    },
                }
            },
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "f"}],
                }
            },
        ),
    ],
)
def test_fields_of_a_response(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Formats, tools and log probabilities stand where responses have them."""
    plain = sent("responses")
    found = sent("responses", **fields)
    assert {name: value for name, value in found.items() if plain.get(name) != value} == {
        name: value for name, value in expected.items() if plain.get(name) != value
    }


@pytest.mark.parametrize(
    ("messages", "instructions", "items"),
    [
        ([{"role": "system", "content": "Be brief."}, *HELLO], "Be brief.", HELLO),
        (
            [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, *HELLO],
            "a",
            [{"role": "developer", "content": "b"}, *HELLO],
        ),
        ([{"role": "system", "content": "a"}], None, [{"role": "system", "content": "a"}]),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
                        {"type": "image_url", "image_url": {"url": "data:y"}},
                        {"type": "file", "file": {"file_id": "f"}},
                    ],
                }
            ],
            None,
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "What?"},
                        {"type": "input_image", "image_url": "data:x", "detail": "low"},
                        {"type": "input_image", "image_url": "data:y", "detail": "auto"},
                        {"type": "input_file", "file_id": "f"},
                    ],
                }
            ],
        ),
        (
            [
                *HELLO,
                {"role": "assistant", "content": None, "tool_calls": CALLS},
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "Well, "},
                        {"type": "refusal", "refusal": "no"},
                    ],
                },
                *HELLO,
            ],
            None,
            [
                *HELLO,
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
                {"type": "function_call_output", "call_id": "c1", "output": "42"},
                {"role": "assistant", "content": "Well, no"},
                *HELLO,
            ],
        ),
    ],
)
def test_messages_become_items(
    messages: list[Any], instructions: str | None, items: list[Any]
) -> None:
    """The first system message is the instructions; calls and what tools say are items."""
    found = sent("responses", messages=messages)
    assert found.get("instructions") == instructions
    assert found["input"] == items


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"logprobs": True}, {"logprobs": 1}),
        ({"logprobs": True, "top_logprobs": 5}, {"logprobs": 5}),
        ({"logprobs": False, "top_logprobs": 5}, {}),
        ({"logprobs": 3, "echo": True, "stop": ["\n"]}, {"logprobs": 3, "echo": True}),
    ],
)
def test_a_completion_is_asked_with_the_text_alone(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    """The only message goes as it is, and what a suite adds goes along."""
    found = sent("completions", **fields)
    assert found == {
        "model": "m",
        "prompt": "hello",
        "temperature": 0.0,
        "max_tokens": 256,
        "seed": 7,
        **{name: fields[name] for name in ("stop",) if name in fields},
        **expected,
    }


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "a"}, *HELLO],
        [{"role": "system", "content": "a"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}],
    ],
)
def test_a_conversation_cannot_be_continued(messages: list[Any]) -> None:
    """No template is made up for it: that would measure the template."""
    with pytest.raises(ProviderError, match="takes one text") as caught:
        ENDPOINTS["completions"].encode({"messages": messages})
    assert (caught.value.kind, caught.value.transient) == ("bad_request", False)


def test_text_in_parts_is_one_text() -> None:
    """A message of text parts alone is continued as their sum."""
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    assert sent("completions", messages=[{"role": "user", "content": parts}])["prompt"] == "hello"


TOKEN = {
    "token": "hel",
    "logprob": -0.1,
    "bytes": [104, 101, 108],
    "top_logprobs": [{"token": "hel", "logprob": -0.1, "bytes": [104, 101, 108]}],
}


def response(*output: Any, **fields: Any) -> dict[str, Any]:
    """Return a response as the package's types have it."""
    whole = {
        "id": "r",
        "object": "response",
        "created_at": 0,
        "model": "m-2026",
        "status": "completed",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 7,
            "output_tokens": 3,
            "total_tokens": 10,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 1},
        },
        **fields,
    }
    Response.model_validate(whole)
    return whole


def message(*parts: Any) -> dict[str, Any]:
    """Return an item of a response that is a message."""
    content = list(parts)
    return {
        "type": "message",
        "id": "i",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


def said(text: str, **fields: Any) -> dict[str, Any]:
    """Return a part of a message that is text."""
    return {"type": "output_text", "text": text, "annotations": [], **fields}


def test_a_response_is_read_whole() -> None:
    """Texts are joined over all messages; reasoning between them is no part of the answer."""
    thought = {"type": "reasoning", "id": "x", "summary": []}
    whole = response(thought, message(said("hel"), said("lo")), message(said("!")))
    reply = read("responses", whole)
    assert reply == Reply("hello!", "stop", "m-2026", Usage(7, 3, 4), 0.5)


def test_calls_of_a_response_have_the_shape_of_chats() -> None:
    """A grader of tool calls does not see by which endpoint they came."""
    items = [
        {"type": "function_call", "id": "x", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "id": "y", "call_id": "c2", "name": "g", "input": "x"},
    ]
    reply = read("responses", response(*items))
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")
    assert reply.extra == {"tool_calls": CALLS}


def test_a_refusal_of_a_response_is_what_the_model_said() -> None:
    """As in chat, where there is no other text."""
    reply = read("responses", response(message({"type": "refusal", "refusal": "no"})))
    assert (reply.text, reply.extra) == ("no", {"refusal": "no"})


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_output_tokens"}, "length"),
        ({"reason": "content_filter"}, "content_filter"),
        ({"reason": "max_messages"}, "length"),
        ({}, "length"),
        (None, "length"),
    ],
)
def test_an_incomplete_response_was_cut_off_or_filtered(details: Any, reason: str) -> None:
    """Whatever stopped it but the filter left it unfinished."""
    whole = response(message(said("he")), status="incomplete", incomplete_details=details)
    assert read("responses", whole).finish_reason == reason


@pytest.mark.parametrize(
    ("code", "kind", "transient"),
    [
        ("server_error", "server", True),
        ("rate_limit_exceeded", "rate_limited", True),
        ("invalid_prompt", "bad_request", False),
        ("image_content_policy_violation", "content_filter", False),
    ],
)
def test_a_failed_response_is_an_error(code: str, kind: str, *, transient: bool) -> None:
    """Its status was 200; its code says what it is, and whether it may pass."""
    whole = response(status="failed", error={"code": code, "message": "sorry"})
    with pytest.raises(ProviderError, match=f"{code}: sorry") as caught:
        read("responses", whole)
    assert (caught.value.kind, caught.value.transient) == (kind, transient)


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_an_unfinished_response_is_no_answer(status: str) -> None:
    """Nobody waits for what is made in the background."""
    with pytest.raises(UNREADABLE):
        read("responses", response(status=status))


def completion(text: str, **choice: Any) -> dict[str, Any]:
    """Return a completion as the package's types have it."""
    whole = {
        "id": "c",
        "object": "text_completion",
        "created": 0,
        "model": "m-2026",
        "system_fingerprint": "fp",
        "choices": [{"text": text, "index": 0, "finish_reason": "length", **choice}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    }
    Completion.model_validate(whole)
    return whole


def test_a_completion_is_read_whole() -> None:
    """Its spaces stay: they are the model's."""
    reply = read("completions", completion(" hello\n"))
    assert reply == Reply(" hello\n", "length", "m-2026", Usage(7, 2, 0), 0.5, fingerprint="fp")


def test_log_probabilities_have_one_shape() -> None:
    """Chat's: a grader of likelihoods does not see by which endpoint they came."""
    token = {**TOKEN, "bytes": None}
    legacy = {
        "tokens": ["hel", "lo"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"x": -3.0, "hel": -0.1}, None],
        "text_offset": [5, 8],
    }
    chat = {"choices": [{"message": {"content": "hel"}, "logprobs": {"content": [TOKEN]}}]}
    by_response = response(message(said("hel", logprobs=[TOKEN])))
    by_completion = {"choices": [{"text": "hello", "logprobs": legacy}]}
    first, second = read("completions", by_completion).extra["logprobs"]["content"]
    assert read("chat", chat).extra["logprobs"]["content"] == [TOKEN]
    assert read("responses", by_response).extra["logprobs"]["content"] == [TOKEN]
    assert first == {
        **token,
        "top_logprobs": [
            {"token": "hel", "logprob": -0.1, "bytes": None},
            {"token": "x", "logprob": -3.0, "bytes": None},
        ],
    }
    assert second == {"token": "lo", "logprob": -0.2, "bytes": None, "top_logprobs": []}


def test_an_echoed_prompt_has_its_log_probabilities() -> None:
    """The first token has none; the offsets tell where the answer begins."""
    legacy = {"tokens": ["a", "b"], "token_logprobs": [None, -1.0], "text_offset": [0, 1]}
    found = read("completions", {"choices": [{"text": "ab", "logprobs": legacy}]}).extra["logprobs"]
    assert [token["logprob"] for token in found["content"]] == [None, -1.0]
    assert found["text_offset"] == [0, 1]


def test_log_probabilities_that_have_chats_shape_are_kept() -> None:
    """Some servers answer a completion so."""
    whole = {"choices": [{"text": "hel", "logprobs": {"content": [TOKEN]}}]}
    assert read("completions", whole).extra["logprobs"] == {"content": [TOKEN]}


@pytest.mark.parametrize("endpoint", [name for name in ENDPOINTS if name != "embeddings"])
def test_log_probabilities_are_stored_whole(endpoint: str) -> None:
    """A reply with them is read back from the store as it was."""
    bodies: dict[str, Any] = {
        "chat": {"choices": [{"message": {"content": "x"}, "logprobs": {"content": [TOKEN]}}]},
        "responses": response(message(said("x", logprobs=[TOKEN]))),
        "completions": {"choices": [{"text": "x", "logprobs": {"content": [TOKEN]}}]},
    }
    reply = read(endpoint, bodies[endpoint])
    assert reply.extra["logprobs"] == {"content": [TOKEN]}
    assert decode(Reply, encode(reply)) == reply


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"choices": []},
        {"choices": [{"text": 7}]},
        {"choices": [{"text": "x", "logprobs": {"tokens": ["x"], "token_logprobs": []}}]},
        {"output": [{"type": "message"}]},
        {"output": None},
    ],
)
def test_what_is_no_answer_of_its_kind_is_unreadable(endpoint: str, body: Any) -> None:
    """The client tells that with the server's words."""
    with pytest.raises(UNREADABLE):
        read(endpoint, body)


def test_an_embedding_is_of_the_last_text() -> None:
    """Nothing is written or drawn there: such fields are left out, others go as they are."""
    more = {"max_completion_tokens": 9, "response_format": {"type": "text"}, "dimensions": 256}
    chat = [{"role": "system", "content": "be kind"}, *HELLO]
    assert sent("embeddings", messages=chat, **more) == {
        "model": "m",
        "input": "hello",
        "dimensions": 256,
    }


def test_an_embedding_of_parts_is_refused() -> None:
    """Before it is sent."""
    parts = [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]
    with pytest.raises(ProviderError, match="takes one text"):
        sent("embeddings", messages=parts)


def test_an_embedding_is_read_and_stored_whole() -> None:
    """A reply without text: whose it is, what it took, and the vector."""
    body = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [1, -0.25]}],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    CreateEmbeddingResponse.model_validate(body)
    reply = read("embeddings", body)
    assert (reply.text, reply.model, reply.usage) == ("", "text-embedding-3-small", Usage(5))
    assert reply.extra == {"embedding": [1.0, -0.25]}
    assert decode(Reply, encode(reply)) == reply


@pytest.mark.parametrize("vector", [None, "AACAPwAAgL4=", [[1.0]], [None], {"0": 1}])
def test_what_is_no_embedding_is_unreadable(vector: Any) -> None:
    """Lists of numbers only."""
    with pytest.raises(UNREADABLE):
        read("embeddings", {"data": [{"embedding": vector}]})
