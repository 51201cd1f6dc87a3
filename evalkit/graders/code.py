"""The grader `python`: a function of the user's, called with the case and the reply.

The one grader that imports something: it is made only where the project allows code.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

from evalkit.graders.base import OptionError, clip
from evalkit.model import Case, Grade, Graded, GraderSpec, Reply, Ungraded

PASS_FROM = 0.5
_INSTEAD = "package.module:function, or file.py:function relative to the suite file"


@dataclass(frozen=True, slots=True)
class CodeGrader:
    """Calls ``function``; whatever goes wrong in it makes the answer ungraded, never wrong."""

    function: Callable[[Case, Reply], Any]

    def grade(self, case: Case, reply: Reply) -> Graded:
        """Return what the function returned, as a grade."""
        try:
            result = self.function(case, reply)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (the user's code, whatever it does)
            return Ungraded(clip(f"{type(error).__name__}: {error}"))
        return _graded(result)

    def lacks(self, _case: Case) -> str:
        """Return nothing: only the function knows what it needs."""
        return ""


def python_grader(spec: GraderSpec) -> CodeGrader:
    """Call ``function`` with (case, reply).

    It returns a `Grade` or `Ungraded`, a bool, or a score in [0, 1] that passes from 0.5.
    """
    target, _, name = spec.options["function"].rpartition(":")
    try:
        module = _module(target, Path(spec.source.path).parent)
    except (Exception, SystemExit) as error:
        got = clip(f"{target}: {type(error).__name__}: {error}")
        raise OptionError("a module that can be imported", got=got, instead=_INSTEAD) from error
    function = getattr(module, name, None)
    if not callable(function) or inspect.iscoroutinefunction(function):
        got = f"no plain function '{name}' in {target}"
        raise OptionError("a function of (case, reply), not async", got=got, instead=_INSTEAD)
    return CodeGrader(function)


def _module(target: str, folder: Path) -> ModuleType:
    if not target.endswith(".py"):
        return importlib.import_module(target)
    path = folder / target
    loader = SourceFileLoader(f"evalkit_grader_{path.stem}", str(path))
    module = ModuleType(loader.name)
    module.__file__ = str(path)
    loader.exec_module(module)
    return module


def _graded(result: Any) -> Graded:  # noqa: ANN401  (whatever the function returned)
    if isinstance(result, Ungraded):
        return result
    if isinstance(result, bool | int | float):
        result = Grade(float(result), result >= PASS_FROM)
    if not isinstance(result, Grade):
        return Ungraded(f"the function returned {type(result).__name__}, not a grade")
    score: Any = result.score  # the user's code need not keep to the annotation
    if not isinstance(score, Real):
        return Ungraded(f"the function returned the score {score!r}, which is no number")
    if not 0 <= float(score) <= 1:
        return Ungraded(f"the function returned the score {score}, outside 0 to 1")
    return result
