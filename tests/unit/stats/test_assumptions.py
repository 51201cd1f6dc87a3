"""What a result takes for granted: every name of a method is known, and says the right things."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import pytest

import evalkit.decide
import evalkit.stats
from evalkit.stats import assumptions as said
from evalkit.stats.assumptions import CASES, CLUSTERS, UNITS, UNWRITTEN, assumptions_of
from evalkit.stats.clusters import CR2
from evalkit.stats.paired import ON_SUMS
from evalkit.stats.values import Interval, PValue

from .method_names import Names, Source

BY_HAND: dict[str, tuple[str, ...]] = {
    "by_group.scores_by_group": (ON_SUMS, "inverted sign-flip", "paired t", CR2),
    "pairwise.length_controlled": ("length-controlled, HC3", "length-controlled, CR1"),
    "studentised.studentised_sign_flip": ("studentised sign-flip, exact on the score grid",),
    "second_opinions._of_procedure": ("BCa, 999 resamples", "bootstrap-t, 999 resamples"),
    "fairness._of_more": (
        "terms permuted in template, 9,999 times",
        "max-T, 9,999 random sign flips",
    ),
    "metrics._of_change": ("jackknife, Wilson limits", "paired jackknife, Wilson limits"),
    "policy.": (),
}
"""Names at places whose source does not tell them; of the policy, names of another kind."""

BEYOND_PLACES = (
    "ECE, 10 equal-width bins",
    "Krippendorff's alpha, nominal",
    "Krippendorff's alpha, ordinal",
    "percentile, 999 resamples",
    "score, Cohen's kappa, quadratic weights",
    "sign-flip, all flips",
    "sign-flip, exact on the score grid",
)
"""Names with parts that are read as a number."""

DESIGNS = {"Bins", "Signs", "ScoreDesign", "Procedure"}
"""What has a ``method`` and is no result."""


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Yield the modules of a package."""
    for info in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{info.name}")


@cache
def places() -> tuple[tuple[str, Names], ...]:
    """Return where the package names a method, and the names there."""
    found: list[tuple[str, Names]] = []
    for package in (evalkit.stats, evalkit.decide):
        for module in modules(package):
            found += Source(module, inspect.getsource(module)).names()
    return tuple((where, set(BY_HAND.get(where, names or ()))) for where, names in found)


def names() -> set[str]:
    """Return the names of all methods."""
    return {name for _, found in places() for name in found or ()} | {*BEYOND_PLACES}


def named_in(text: str) -> list[Names]:
    """Return the names of methods in a made-up module."""
    module = ModuleType("made_up")
    exec(text, module.__dict__)  # noqa: S102  (a few lines of this file)
    return [found for _, found in Source(module, text).names()]


def test_every_name_is_known() -> None:
    """No method of the package lacks its assumptions: add them where this fails."""
    assert len(names()) > 120
    unknown = {(where, n) for where, found in places() for n in found or ()}
    assert {place for place in unknown if UNWRITTEN in assumptions_of(place[1])} == set()
    assert [name for name in BEYOND_PLACES if UNWRITTEN in assumptions_of(name)] == []


def test_every_place_can_be_read() -> None:
    """A name that cannot be told from the source has to be given by hand."""
    for package in (evalkit.stats, evalkit.decide):
        for module in modules(package):
            found = Source(module, inspect.getsource(module)).names()
            assert {where for where, read in found if read is None} <= BY_HAND.keys()


def test_no_row_is_dead() -> None:
    """Every part of a name that is looked for occurs in the name of a method."""
    left, dead = names(), []
    for pattern, _ in said.METHODS:
        rest = {re.sub(pattern, "", name) for name in left}
        dead += [pattern] * (rest == left)
        left = rest
    assert dead == []


HEAD = "from evalkit.stats.values import Interval, PValue\nfrom dataclasses import replace\n"


@pytest.mark.parametrize(
    "text",
    [
        "def f(p): return PValue(p, 'brand new')",
        "def f(p): return PValue(value=p, method='brand new')",
        "NAME = 'brand new'\ndef f(p): return Interval(p, p, .9, NAME)",
        "def f(p, n):\n  name = f'brand new, {n:,} draws'\n  return PValue(p, name)",
        "def f(found): return replace(found, method=f'{found.method}, brand new')",
        "def f(p):\n  name = 'Tango score'\n  name += ', brand new'\n  return PValue(p, name)",
        "def f(p): return g(p, 'brand new')\ndef g(p, name): return PValue(p, name)",
        "def f(p):\n  p, name = p, 'brand new'\n  return PValue(p, name)",
        "def f(p, few): return PValue(p, 'paired t' if few else 'brand new')",
        "TABLE = {1: 'Holm', 2: 'brand new'}\ndef f(p, k): return PValue(p, TABLE[k])",
        "class A:\n  @property\n  def method(self): return 'brand new'",
        "class A:\n  method: str = 'brand new'",
    ],
)
def test_a_new_name_is_caught(text: str) -> None:
    """However a method is named in a module, its name is found, and not known."""
    (found,) = named_in(HEAD + text)
    assert found is not None
    assert any(UNWRITTEN in assumptions_of(name) for name in found)


@pytest.mark.parametrize(
    "text",
    [
        "def f(p): return PValue(p, g())\ndef g(): return 'brand new'",
        "def f(both): return PValue(*both)",
    ],
)
def test_a_name_that_cannot_be_read_is_told(text: str) -> None:
    """It is not passed over."""
    assert named_in(HEAD + text) == [None]


def test_every_result_with_a_method_has_them() -> None:
    """No class is left out but those that are no results."""
    found = {
        name
        for module in modules(evalkit.stats)
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and not name.startswith("_")
        if "method" in getattr(kind, "__dataclass_fields__", {}) or hasattr(kind, "method")
        if not hasattr(kind, "assumptions")
    }
    assert found == DESIGNS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tango score; exact McNemar", (CASES, said._SCORE, said._COIN)),
        (f"{ON_SUMS}; sign-flip, all flips", (UNITS, said._SCORE, said._SIGNS)),
        ("inverted sign-flip; sign-flip, all flips", (UNITS, said._SIGNS, said._SYMMETRIC)),
        ("paired t; sign-flip, 9,999 random flips", (said._SIGNS, CASES, said._NORMAL)),
        (f"{CR2}; sign-flip, saddlepoint", (said._SIGNS, CLUSTERS, said._NORMAL)),
        (
            "betting and curtailed Tango score",
            (CASES, said._SCORE, said._ORDER, said._PLANNED),
        ),
        ("square-and-add of Tango scores", (UNITS, said._SIDES, said._SCORE)),
        ("paired t, paired twins", (CASES, said._NORMAL, assumptions_of("paired twins")[0])),
        (
            "prediction-powered t on clusters (CR1)",
            (CLUSTERS, said._EVEN, said._NORMAL, said._LABELLED),
        ),
        ("prediction-powered t", (said._LABELLED, UNITS, said._NORMAL)),
        ("two one-sided tests, Welch", (UNITS, said._SIDES, said._NORMAL)),
        ("score, Cohen's kappa", (said._ITEMS, said._CHANCE, said._SCORE)),
        ("pass@5", (said._SAMPLES,)),
        ("step-down max-T, all sign flips", (UNITS, said._JOINT)),
        ("Benjamini-Hochberg", (said._POSITIVE,)),
        ("Tarone-Holm", ()),
        ("not estimable", ()),
        ("Tango score, and something else", (CASES, said._SCORE, UNWRITTEN)),
    ],
)
def test_what_a_name_stands_for(name: str, expected: tuple[str, ...]) -> None:
    """A composed name takes for granted what its parts do; a word too many makes it unknown."""
    assert assumptions_of(name) == expected


def test_cases_or_clusters() -> None:
    """Where the name does not tell which are independent, the caller may; else both are named."""
    name = "sign-flip, all flips"
    assert assumptions_of(name)[0] == UNITS
    assert assumptions_of(name, clustered=True)[0] == CLUSTERS
    assert assumptions_of(name, clustered=False)[0] == CASES
    assert UNITS not in assumptions_of(name, CR2)


@pytest.mark.parametrize("found", [Interval(0.0, 0.1, 0.95, "paired t"), PValue(0.2, "paired t")])
def test_a_result_says_it_by_itself(found: Interval | PValue) -> None:
    """The property follows from the method, cannot be set and is no part of the value."""
    assert found.assumptions == (CASES, said._NORMAL)
    assert "assumptions" not in {field.name for field in dataclasses.fields(found)}
    assert not hasattr(found, "__dict__")
    with pytest.raises((AttributeError, TypeError)):
        found.assumptions = ()  # type: ignore[misc]


def test_sentences_are_sentences() -> None:
    """Each starts with a capital, ends with a full stop and fits on a line of the report."""
    sentences = {s for _, says in said.METHODS for s in says}
    assert [s for s in sentences if not (s[0].isupper() and s[-1] == "." and len(s) <= 110)] == []
