"""Dataclasses as JSON and back."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from evalkit.model import (
    Case,
    Failure,
    Grade,
    Manifest,
    ModelSpec,
    Pair,
    Price,
    Project,
    Record,
    Reply,
    Ungraded,
    Usage,
)
from evalkit.model.codec import decode, encode, from_tree, to_tree
from evalkit.model.manifest import ModelFacts, TrainingPoint

REPLY = Reply("ja \ud800 \u2028", "stop", "m", Usage(1, 2, 3), 0.5, 2, "fp", {"logprobs": [1]})
CASE = Case(
    "s",
    "c",
    messages=({"role": "user", "content": "q"},),
    expected={"label": ["a"]},
    tags={"language": "en"},
    trained=frozenset({"b", "a"}),
)


@pytest.mark.parametrize(
    "value",
    [
        REPLY,
        Failure("timeout", "late", 3),
        CASE,
        Record("s", "c", "m", 0, REPLY, {"g": Grade(0.5, True), "h": Ungraded("why")}, 0.5),
        Record("s", "c", "m", 1, Failure("server", "500")),
        Manifest(
            "id",
            "2026-11-24T03:15:00Z",
            1.5,
            versions={"evalkit": "1"},
            digests={},
            models=(ModelFacts("m", "base", "openai", "x", "y", cost=None),),
            training={"m": (TrainingPoint(1, 0.5), TrainingPoint(2))},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_written_is_read_back(value: object) -> None:
    """Every kind of row survives the way to disk and back, odd text and all."""
    assert decode(type(value), encode(value)) == value


def test_equal_values_give_equal_ascii_bytes() -> None:
    """The order in which fields and sets were filled does not show."""
    text = encode({"b": frozenset("zyx"), "a": MappingProxyType({"d": 1, "c": "é"})})
    assert text == '{"a":{"c":"\\u00e9","d":1},"b":["x","y","z"]}'


def test_pretty_is_the_same_value() -> None:
    """Files for people differ in white space only."""
    assert json.loads(encode(CASE, pretty=True)) == json.loads(encode(CASE))


def test_what_json_has_no_word_for_is_kept_as_text() -> None:
    """A date out of a YAML file does not break a run."""
    day = dt.date(2026, 11, 24)
    assert json.loads(encode({"day": day, "path": Path("a/b")})) == {
        "day": "2026-11-24",
        "path": "a/b",
    }


def test_missing_fields_take_their_defaults() -> None:
    """A row written before a field existed is still read."""
    assert decode(Reply, '{"text": "x"}') == Reply("x")


@dataclass(frozen=True)
class Holder:
    """One field of each shape that the model has, nested."""

    pairs: tuple[tuple[int, ...], ...]
    either: Reply | Failure | None
    plain: int | str | None = None


def test_nested_shapes() -> None:
    """Tuples of tuples and optional choices come back as what they were."""
    for value in (
        Holder(((1, 2), ()), None),
        Holder((), Failure("auth", "no"), "x"),
        Holder((), Reply("x"), 1),
    ):
        assert decode(Holder, encode(value)) == value


@pytest.mark.parametrize("text", ["", "{", '{"word": 1}', '{"text": "x", "usage": {"other": 1}}'])
def test_damage_raises(text: str) -> None:
    """What is no `Reply` is refused."""
    with pytest.raises((ValueError, TypeError)):
        decode(Reply, text)


def test_outcome_that_is_neither_raises() -> None:
    """A record whose outcome is neither an answer nor a failure is refused."""
    text = encode({"suite": "s", "case": "c", "model": "m", "sample": 0, "outcome": {"x": 1}})
    with pytest.raises(ValueError, match="kind"):
        decode(Record, text)


def test_a_tree_is_read_back() -> None:
    """Paths, optional fields and nested classes survive as plain values; the tree is left alone."""
    tuned = ModelSpec("tuned", "candidate", "local", "m", adapter=Path("/a"), price=Price(1.0, 2.0))
    project = Project(Path("/p"), {"tuned": tuned}, (Pair("base", "tuned"),))
    tree = to_tree(project)
    assert json.loads(json.dumps(tree)) == tree
    assert from_tree(Project, tree) == project
    assert tree == to_tree(project)


@dataclass(frozen=True)
class Branch:
    """A class that holds its own kind."""

    name: str
    inside: tuple[Branch, ...] = ()


def test_a_class_may_hold_its_own_kind() -> None:
    """A grader inside a grader is read back."""
    tree = Branch("a", (Branch("b"),))
    assert decode(Branch, encode(tree)) == tree
