"""What every grader is, and the usual kind: one that compares a text with a reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from evalkit.graders.jsontext import parse_path, parse_reference, pick
from evalkit.model import Case, Grade, Graded, Reply, Ungraded

Options = Mapping[str, Any]
_LONGEST_REASON = 160


class UngradableError(Exception):
    """An answer cannot be graded; the text says why. Becomes `Ungraded`."""


class OptionError(Exception):
    """A grader's options make no grader: needed, got, instead. Becomes a fault of the suite."""

    def __init__(self, needed: str, *, got: str, instead: str) -> None:
        self.needed = needed
        self.got = got
        self.instead = instead
        super().__init__(f"needed {needed}, got {got}")


class Grader(Protocol):
    """Grades replies; holds no state of its own, so one grader serves many cases at once."""

    def grade(self, case: Case, reply: Reply) -> Graded:
        """Return the grade of ``reply``, or why there is none."""

    def lacks(self, case: Case) -> str:
        """Return why no reply to ``case`` can be graded, empty if one can."""


def the_text(reply: Reply) -> str:
    """Return what most graders read of a reply."""
    return reply.text


def whole(reply: Reply) -> Reply:
    """Return the whole reply, for graders that read more than its text."""
    return reply


@dataclass(frozen=True, slots=True)
class TextGrader:
    """Reads a reference from the case and compares the reply's text with it.

    ``read`` may take something else of the reply. All functions may raise `UngradableError`.
    """

    reference: Callable[[Case], Any]
    compare: Callable[[Any, Any], Graded]
    read: Callable[[Reply], Any] = the_text

    def grade(self, case: Case, reply: Reply) -> Graded:
        """Return what ``compare`` says, or why it cannot."""
        try:
            return self.compare(self.read(reply), self.reference(case))
        except UngradableError as error:
            return Ungraded(str(error))

    def lacks(self, case: Case) -> str:
        """Return what is wrong with the case's reference, empty if nothing."""
        try:
            self.reference(case)
        except UngradableError as error:
            return str(error)
        return ""


def against_reference(
    options: Options,
    *,
    prepare: Callable[[Any], Any],
    compare: Callable[[Any, Any], Graded],
    read: Callable[[Reply], Any] = the_text,
) -> TextGrader:
    """Return a grader that compares with the reference that `reference_of` reads."""
    return TextGrader(reference_of(options, prepare=prepare), compare, read)


def reference_of(options: Options, *, prepare: Callable[[Any], Any]) -> Callable[[Case], Any]:
    """Return what reads a case's reference: ``value``, ``expected`` at ``path``, or ``expected``.

    ``prepare`` turns the raw reference into what is compared with, or raises `UngradableError`.
    Raises `OptionError` for a ``value`` that ``prepare`` refuses.
    """
    if "value" not in options:
        steps = path_option(options["path"]) if "path" in options else ()
        return lambda case: prepare(_expected(case, steps))
    try:
        fixed = prepare(options["value"])
    except UngradableError as error:
        raise OptionError(
            "a value to compare with", got=str(error), instead="another value"
        ) from error
    return lambda _case: fixed


def alone(compare: Callable[[str], Graded]) -> TextGrader:
    """Return a grader that looks at the reply only."""
    return TextGrader(lambda _case: None, lambda text, _reference: compare(text))


def alone_with(judge: Callable[[Reply], Graded]) -> TextGrader:
    """Return a grader that looks at the whole reply, its text and its facts, and at no case."""
    return TextGrader(lambda _case: None, lambda reply, _nothing: judge(reply), whole)


def missing_package(name: str, *, extra: str, use: str) -> OptionError:
    """Return the error of a grader whose package is not installed."""
    instead = f"pip install 'pytest-evalkit[{extra}]'"
    return OptionError(f"the package {name} for {use}", got="it is not installed", instead=instead)


def bounded(text: str, longest: int, *, use: str) -> str:
    """Return ``text``; raise `UngradableError` if it is too long to be looked at in a second."""
    if len(text) > longest:
        raise UngradableError(f"{len(text)} characters, {use} reads at most {longest}")
    return text


def path_option(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path in options; raise `OptionError` if it is none."""
    try:
        return parse_path(path)
    except ValueError as error:
        instead = "$.queue or $.items[0].id"
        raise OptionError("a path that starts with $", got=f"'{path}'", instead=instead) from error


def verdict(*, passed: bool, reason: str = "", **detail: Any) -> Grade:  # noqa: ANN401  (JSON)
    """Return an all-or-nothing grade; ``detail`` holds plain JSON values."""
    return Grade(float(passed), passed, clip(reason), detail)


def wrong(reason: str) -> Grade:
    """Return the grade of an answer that is wrong as a whole."""
    return Grade(0.0, passed=False, reason=clip(reason))


def clip(text: str) -> str:
    """Return ``text`` cut to the length of a reason."""
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"


def _expected(case: Case, steps: tuple[str | int, ...]) -> Any:  # noqa: ANN401  (as the user wrote it)
    if case.expected is None:
        raise UngradableError("the case has no expected answer")
    if not steps:
        return case.expected
    try:
        return pick(parse_reference(case.expected), steps)
    except (LookupError, ValueError) as error:
        raise UngradableError(f"expected has no such part: {error}") from error
