"""All graders of a suite and its score formula, made once and used for every reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalkit.errors import Fault, FileFaults
from evalkit.graders.base import Grader
from evalkit.graders.facts import priced
from evalkit.graders.formula import check_score, parse_formula
from evalkit.graders.registry import Asking, make
from evalkit.model import Case, Graded, Price, Reply, Suite, Ungraded

NOT_JUDGED: Mapping[str, Graded] = {}


class SuiteGrader:
    """Grades the replies to one suite's cases.

    Raises `FileFaults` for graders or a score that make no sense, and for code that
    ``allow_code`` does not allow.
    """

    def __init__(self, suite: Suite, *, allow_code: bool = False) -> None:
        made = {spec.name: make(spec, allow_code=allow_code) for spec in suite.graders}
        faults = [grader for grader in made.values() if isinstance(grader, Fault)]
        faults += check_score(suite.score, list(made), suite.source)
        if faults:
            raise FileFaults(faults)
        self._graders = {n: grader for n, grader in made.items() if not isinstance(grader, Fault)}
        self._formula = parse_formula(suite.score)

    @property
    def judges(self) -> dict[str, Asking]:
        """The graders that ask another model, by name."""
        return {n: g for n, g in self._graders.items() if isinstance(g, Asking)}

    def grade(
        self,
        case: Case,
        reply: Reply,
        judged: Mapping[str, Graded] = NOT_JUDGED,
        *,
        price: Price | None = None,
    ) -> tuple[Mapping[str, Graded], float | None]:
        """Return the grades by grader and the suite's score in [0, 1].

        ``judged`` holds what the judges came to; ``price`` is that of the model. The score is
        ``None`` if a grade that the formula needs is `Ungraded`.
        """
        reply = priced(reply, price)
        grades = {
            name: judged.get(name, Ungraded("the judge was not asked"))
            if isinstance(grader, Asking)
            else _graded(name, grader, case, reply)
            for name, grader in self._graders.items()
        }
        return grades, self._formula.score(grades)

    def lacks(self, case: Case) -> Iterator[tuple[str, str]]:
        """Yield each grader that cannot grade ``case`` whatever the reply, and why."""
        for name, grader in self._graders.items():
            why = grader.lacks(case)
            if why:
                yield name, why


def _graded(name: str, grader: Grader, case: Case, reply: Reply) -> Graded:
    """Return a grade, or that there is none: nothing that a model wrote ends a run."""
    try:
        return grader.grade(case, reply)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  (a stored answer would end each later run too)
        return Ungraded(f"{name}: {type(error).__name__}: a fault of evalkit: please report")
