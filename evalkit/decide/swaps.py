"""Scores by template and term of both models: what is told of fairness is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.decide.pairs import Pairs
from evalkit.decide.tabulate import heldout
from evalkit.model import Fairness, Suite
from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.fairness import swap_table
from evalkit.stats.template_units import template_units
from evalkit.suite.document import field_value


@dataclass(frozen=True, slots=True)
class Swaps:
    """Mean scores, templates x ``terms``, of the templates that are complete for both models.

    ``clusters`` numbers the independent unit of each template: those that share a cluster of the
    suite are one, also by way of others; ``None`` if each is one of its own. ``left_out`` counts
    the templates that lack a term, or a score of either model for a case.
    """

    asked: Fairness
    terms: tuple[str, ...]
    base: FloatArray
    candidate: FloatArray
    clusters: IntArray | None
    left_out: int


def swaps_of(suite: Suite, pairs: Pairs) -> Swaps | None:
    """Return the tables of the held-out cases of ``suite``; ``None`` where it asks for none.

    A template is left out with any case of it: the others would weigh its terms unequally.
    """
    asked = suite.fairness
    if asked is None:
        return None
    place = {case: at for at, case in enumerate(pairs.ids)}
    rows: list[tuple[str, str, float, float, int]] = []
    for case in heldout(suite.cases):
        term, template = (
            field_value(name, tags=case.tags, variables=case.vars)
            for name in (asked.term, asked.template)
        )
        if term is not None and template is not None:
            at = place.get(case.id)
            scores = (np.nan,) * 2 if at is None else (pairs.base[at], pairs.candidate[at])
            cluster = -1 if at is None or pairs.clusters is None else int(pairs.clusters[at])
            rows.append((template, term, *scores, cluster))
    templates, terms = ([row[i] for row in rows] for i in (0, 1))
    base, candidate = (swap_table([r[i] for r in rows], templates, terms=terms) for i in (2, 3))
    torn = {row[0] for row in rows if np.isnan(row[2])}
    whole = np.array([name not in torn for name in base.templates], dtype=np.bool_)
    whole &= np.isfinite(base.scores).all(axis=1)
    number = {name: at for at, name in enumerate(np.array(base.templates)[whole].tolist())}
    edges = [(number[row[0]], row[4]) for row in rows if row[0] in number]
    return Swaps(
        asked,
        terms=tuple(map(str, base.terms)),
        base=base.scores[whole],
        candidate=candidate.scores[whole],
        clusters=None if pairs.clusters is None else _clusters(edges),
        left_out=int(np.count_nonzero(~whole)),
    )


def _clusters(edges: list[tuple[int, int]]) -> IntArray | None:
    """Return the unit of each template from every case's template and cluster."""
    template, cluster = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    unit = template_units(template, cluster)
    return unit if len(np.unique(unit)) < len(unit) else None
