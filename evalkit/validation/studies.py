"""Which studies there are, and how they are run: each with a generator of its own, side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context

import numpy as np

from evalkit.validation.rates import Rate, Study

FAMILIES = (
    "gate",
    "binary",
    "paired",
    "scores",
    "clusters",
    "naive",
    "gap",
    "slices",
    "families",
    "selection",
    "sequential",
    "drift",
    "judges",
    "calibration",
    "classification",
    "fairness",
    "power",
)
"""The modules of this package that hold studies, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Named:
    """A study by its place: the module and the function."""

    family: str
    name: str


def named_studies(family: str) -> tuple[Named, ...]:
    """Return the studies of one module; ModuleNotFoundError or AttributeError if it has none.

    ValueError if it lists none, or two of one name, which would share their random numbers.
    """
    names = [study.__name__ for study in _studies(family)]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"evalkit.validation.{family} lists no study, or two of one name: {names}")
    return tuple(Named(family, name) for name in names)


def run_study(named: Named) -> tuple[Rate, ...]:
    """Return the rates of one study: the same ones every time, whatever else is run."""
    (study,) = (s for s in _studies(named.family) if s.__name__ == named.name)
    return tuple(study(_generator(named)))


def run_all(studies: Iterable[Named], *, jobs: int = 1) -> Iterator[tuple[Named, tuple[Rate, ...]]]:
    """Yield the rates of each study in the order given, ``jobs`` of them running at a time."""
    listed = tuple(studies)
    if jobs <= 1:
        yield from ((named, run_study(named)) for named in listed)
        return
    # A forked process would share the locks of whatever threads numpy has started.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from zip(listed, pool.map(run_study, listed), strict=True)


def _studies(family: str) -> tuple[Study, ...]:
    found: tuple[Study, ...] = import_module(f"evalkit.validation.{family}").STUDIES
    return found


def _generator(named: Named) -> np.random.Generator:
    digest = hashlib.sha256(f"{named.family}.{named.name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
