"""The bridge between the engine's thread and those who wait."""

from __future__ import annotations

import threading

import pytest

from evalkit.errors import SetupError
from evalkit.model import Failure, Outcome, Reply
from evalkit.runner.board import Board


def test_first_outcome_wins() -> None:
    """An outcome once put up is never replaced."""
    board = Board()
    assert board.expect("a")
    assert not board.expect("a")
    assert board.settle("a", Reply("1"))
    assert not board.settle("a", Reply("2"))
    assert board.settle_all(["a"], Failure("cancelled", "")) == 0
    assert board.wait("a") == Reply("1")


def test_waiter_wakes_for_its_own_key_only() -> None:
    """Somebody else's outcome leaves a waiting thread asleep."""
    board = Board()
    board.expect("mine")
    board.expect("other")
    got: list[Outcome] = []
    thread = threading.Thread(target=lambda: got.append(board.wait("mine", 10)))
    thread.start()
    board.settle("other", Reply("other"))
    assert got == []
    board.settle("mine", Reply("mine"))
    thread.join(10)
    assert got == [Reply("mine")]


def test_two_waiters_of_one_key_both_wake() -> None:
    """The pair's two tests may wait for the same answer."""
    board = Board()
    board.expect("a")
    got: list[Outcome] = []
    threads = [threading.Thread(target=lambda: got.append(board.wait("a", 10))) for _ in range(2)]
    for thread in threads:
        thread.start()
    board.settle("a", Reply("x"))
    for thread in threads:
        thread.join(10)
    assert got == [Reply("x")] * 2


def test_waiting_has_an_end() -> None:
    """A wait with a timeout raises; a key nobody announced raises at once."""
    board = Board()
    board.expect("a")
    with pytest.raises(TimeoutError):
        board.wait("a", 0.01)
    with pytest.raises(KeyError):
        board.wait("b")


def test_listener_hears_every_outcome_once() -> None:
    """The listener gets each key with the outcome that counts."""
    heard: list[tuple[str, Outcome]] = []
    board = Board(lambda key, outcome: heard.append((key, outcome)))
    board.expect("a")
    board.settle("a", Reply("1"))
    board.settle("a", Reply("2"))
    assert heard == [("a", Reply("1"))]


def test_listener_that_fails_keeps_nobody_waiting() -> None:
    """Outcomes still arrive when publishing them fails, and the error is kept."""
    error = SetupError("a disk", got="a full one", instead="make room")
    calls: list[str] = []

    def listener(key: str, _: Outcome) -> None:
        calls.append(key)
        raise error

    board = Board(listener)
    for key in "ab":
        board.expect(key)
        board.settle(key, Reply(key))
    assert board.wait("b") == Reply("b")
    assert board.broken is error
    assert calls == ["a"]
