"""The grader `unit_tests`: the code of an answer, run with tests in a confined process.

What runs it, and what keeps it apart, is `evalkit.sandbox`; here the code and the tests are found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalkit.graders.base import (
    OptionError,
    TextGrader,
    UngradableError,
    against_reference,
    bounded,
    clip,
)
from evalkit.graders.text import as_texts
from evalkit.model import Grade, GraderSpec
from evalkit.sandbox import Isolation, Limits, Result, SandboxError, UnitTest, isolation, run_tests

MOST_CODE = 100_000
MOST_TESTS = 1000

_NOT_APART = "no namespaces to keep code apart: require_isolation: false runs it as your user"

_FENCE = re.compile(r"^[ \t]*```[ \t]*([A-Za-z0-9+.-]*)[^\n`]*$", re.MULTILINE)
_PYTHON = ("python", "py", "python3")
_RUNS = (ast.Expr, ast.Assert, ast.For, ast.While, ast.With, ast.If, ast.Try)

Run = Callable[[str, tuple[UnitTest, ...]], list[Result]]


def unit_tests(spec: GraderSpec) -> TextGrader:
    """Run the code of the reply with tests: ``tests``, a ``file``, or the case's ``expected``.

    The code is the first Python code fence, else the first fence, else the whole reply. Tests are
    Python text; each function test_... of it is a test, or all of it if there is none, and a list
    holds several. They see the code's names, and it is also the module ``answer``. The reply
    passes, with score 1, if all tests pass; with ``partial`` the score is the share that does.
    ``detail`` says how many did, and whether there was a network: namespace (none could be
    reached) or none (nothing kept it off). Without namespaces replies are ungraded, and no code is
    run, unless ``require_isolation`` is false.
    """
    options = spec.options
    chosen = ("timeout_s", "memory_mb", "processes")
    limits = Limits(**{name: options[name] for name in chosen if name in options})
    required, partial = options.get("require_isolation", True), options.get("partial", False)

    def compare(text: str, tests: tuple[UnitTest, ...]) -> Grade:
        code = bounded(find_code(text), MOST_CODE, use="unit_tests")
        found = isolation()
        if required and found == "none":
            raise UngradableError(_NOT_APART)
        try:
            return _grade(run_tests(code, tests, limits), found, partial=partial)
        except SandboxError as error:
            raise UngradableError(clip(str(error))) from error

    return against_reference(_reference(spec), prepare=read_tests, compare=compare)


def find_code(text: str) -> str:
    """Return the first Python code fence of a reply, else its first fence, else the reply."""
    fences = list(_FENCE.finditer(text))
    opening = fences[::2]
    python = (n for n, fence in enumerate(opening) if fence[1].lower() in _PYTHON)
    chosen = next(python, 0)
    if not opening:
        return text
    closing = fences[2 * chosen + 1].start() if 2 * chosen + 1 < len(fences) else len(text)
    return text[opening[chosen].end() : closing]


def read_tests(raw: Any) -> tuple[UnitTest, ...]:  # noqa: ANN401  (as the user wrote it)
    """Return the tests in a text or in each of several.

    Raises:
        UngradableError: a text is not Python, or runs nothing.
    """
    tests = tuple(test for source in as_texts(raw) for test in _tests_of(source))
    if len(tests) > MOST_TESTS:
        raise UngradableError(f"{len(tests)} tests, unit_tests runs at most {MOST_TESTS}")
    return tests


def _tests_of(source: str) -> list[UnitTest]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UngradableError(clip(f"the tests are not Python: {error}")) from error
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    named = [UnitTest(source, name) for name in functions if name.startswith("test_")]
    if not named and not any(isinstance(node, _RUNS) for node in body):
        raise UngradableError("the tests run nothing: no function test_..., no statement")
    return named or [UnitTest(source)]


def _reference(spec: GraderSpec) -> dict[str, Any]:
    """Return where the tests are, as options of `against_reference`."""
    options = spec.options
    if "tests" in options:
        return {"value": options["tests"]}
    if "file" not in options:
        return {key: options[key] for key in ("path",) if key in options}
    path = Path(spec.source.path).parent / options["file"]
    try:
        return {"value": path.read_text(encoding="utf-8")}
    except (OSError, UnicodeDecodeError) as error:
        instead = "the path of a Python file, relative to the suite file"
        raise OptionError("a file with tests", got=clip(str(error)), instead=instead) from error


def _grade(results: list[Result], network: Isolation, *, partial: bool) -> Grade:
    failed = [(number, result.why) for number, result in enumerate(results, 1) if not result.passed]
    right = len(results) - len(failed)
    score = right / len(results) if partial else float(not failed)
    reason = f"test {failed[0][0]} of {len(results)}: {failed[0][1]}" if failed else ""
    detail = {"passed": right, "tests": len(results), "network": network}
    return Grade(score, not failed, clip(reason), detail)
