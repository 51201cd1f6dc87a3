"""Scores by template and term of both models: what is told of fairness is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.decide.pairs import Pairs
from evalkit.decide.tabulate import heldout
from evalkit.model import Fairness, Suite
from evalkit.stats.arrays import FloatArray
from evalkit.stats.fairness import swap_table
from evalkit.suite.document import field_value


@dataclass(frozen=True, slots=True)
class Swaps:
    """Mean scores, templates x ``terms``, of the templates that are complete for both models.

    ``left_out`` counts the templates that lack a term, or a score of either model for a case.
    """

    asked: Fairness
    terms: tuple[str, ...]
    base: FloatArray
    candidate: FloatArray
    left_out: int


def swaps_of(suite: Suite, pairs: Pairs) -> Swaps | None:
    """Return the tables of the held-out cases of ``suite``; ``None`` where it asks for none.

    A template is left out with any case of it: the others would weigh its terms unequally.
    """
    asked = suite.fairness
    if asked is None:
        return None
    place = {case: at for at, case in enumerate(pairs.ids)}
    rows: list[tuple[str, str, float, float]] = []
    for case in heldout(suite.cases):
        term, template = (
            field_value(name, tags=case.tags, variables=case.vars)
            for name in (asked.term, asked.template)
        )
        if term is not None and template is not None:
            at = place.get(case.id)
            scores = (np.nan,) * 2 if at is None else (pairs.base[at], pairs.candidate[at])
            rows.append((template, term, *scores))
    templates, terms = ([row[i] for row in rows] for i in (0, 1))
    base, candidate = (swap_table([r[i] for r in rows], templates, terms=terms) for i in (2, 3))
    torn = {row[0] for row in rows if np.isnan(row[2])}
    whole = np.array([name not in torn for name in base.templates], dtype=np.bool_)
    whole &= np.isfinite(base.scores).all(axis=1)
    return Swaps(
        asked,
        terms=tuple(map(str, base.terms)),
        base=base.scores[whole],
        candidate=candidate.scores[whole],
        left_out=int(np.count_nonzero(~whole)),
    )
