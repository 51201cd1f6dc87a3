"""What each method takes for granted, found by its name: the one place that says so.

What is checked on the way is left out (scores within their bounds, outcomes of 0 and 1): data that
are not so get another method or an error.
"""

from __future__ import annotations

import re
from typing import Protocol

CASES = "Cases are independent of each other: how one comes out says nothing about another."
CLUSTERS = "Clusters are independent of each other; cases inside one may depend on each other."
UNITS = "Cases are independent of each other, or, where they come in clusters, the clusters are."
"""Of methods whose name does not tell which of the two they were given."""

UNWRITTEN = "What this method takes for granted is not written down."

_SHARES = "In a share of cases each counts as independent of the others, in a cluster or not."
_ITEMS = "Items are independent of each other, and so are the raters."
_TEMPLATES = "Templates are independent of each other."
_TEMPLATE_CLUSTERS = "Templates of different clusters are independent; those of one may depend."
_RUNS = "Without a change runs are independent of each other, and how much they scatter is known."
_SAMPLES = "The samples of a case are independent draws from one model that does not change."
_SIDES = "The two groups compared, such as trained and held-out cases, are independent samples."
_SAME_CASES = "The two models' scores are independent samples, though they are of the same cases."
_ORDER = "Cases were asked in a random order fixed by a seed, and count in that order."
_LABELLED = "The labelled cases are a random sample of the suite."
_SUPPOSED = "The cases to come flip, or vary, as much as supposed."

_NORMAL = "The mean is near normal: enough cases, or clusters, carry it."
_NORMAL_VALUES = "The values are near normal themselves."
_SCORE = "The score statistic is near normal; with few flips or cases its level is approximate."
_LARGE = "There are enough cases for a normal approximation."
_LOOKS = "Looks follow the number of cases, never their results."
_EVEN = "Clusters are of about one size."
_SEEN = "The spread is the one that was seen, even where nothing differed."
_PADDED = "With the added pairs counted, the difference is near normal."
_RESAMPLED = "The cases seen stand for those not seen: there are enough of them, of every kind."

_COIN = "If nothing changed, each flip goes either way like a coin: exact, given their number."
_ODDS = "Given the flips, each is a gain with one and the same chance."
_MID_P = "The level holds nearly, not by proof: of what was seen half the probability is taken off."
_SIGNS = "If nothing changed, a gain of any size is as likely as a loss of that size."
_SYMMETRIC = "Differences lie alike above and below their mean."
_RANKS = "Ranks speak for the mean only where differences lie alike above and below it."
_JOINT = (
    "What chance adds to a case could have had the other sign, in all tests of a family at once."
)
_POSITIVE = "The tests of a family are independent, or rise and fall together."
_PLANNED = "The test of all planned cases keeps its own level."
_WINNER = "The candidates' means are near normal, and how they vary together is known."
_TERMS = "If no term matters, the terms of a template are exchangeable."
_CLUSTER_TERMS = "If no term matters, terms are exchangeable in all templates of a cluster at once."
_SWAPPED = "If nothing changed, either model could have given what the other gave on a case."
_LOTS = "If no model is better, which of them get a case right is left to chance."
_HISTORY = "Without a change the runs are exchangeable: none remembers the one before."
_CHANCE = "By chance a rater keeps to its own share of each label, whatever the item."
_ANY_ITEM = "By chance any rating could be that of any item."
_STEPS = "The labels are in order, in even steps."
_LEFT_OUT = "Leaving out a case, or a cluster, at a time shows how much a figure of all varies."
_GAPS = "How far confidence lies from accuracy in a bin is near normal: enough cases are in it."
_BINS = "Within a bin confidences are near enough alike; only errors of the same bins compare."

METHODS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # One paired comparison.
    ("Tango score on sums of gains and losses", (UNITS, _SCORE)),
    ("square-and-add of Tango scores", (UNITS, _SIDES, _SCORE)),
    ("Tango score", (CASES, _SCORE)),
    ("exact McNemar", (CASES, _COIN)),
    ("mid-p McNemar", (CASES, _COIN, _MID_P)),
    ("asymptotic McNemar", (CASES, _SCORE)),
    ("conditional odds ratio, Clopper-Pearson", (CASES, _ODDS)),
    ("conditional odds ratio, mid-p", (CASES, _ODDS, _MID_P)),
    (
        "Newcombe method",
        (CASES, "The two rates are correlated as was seen, and their limits add up as squares."),
    ),
    ("Bonett-Price", (CASES, _PADDED)),
    ("inverted sign-flip", (UNITS, _SIGNS, _SYMMETRIC)),
    ("(studentised )?sign-flip", (UNITS, _SIGNS)),
    ("signed-rank, mid-p", (CASES, _SIGNS, _RANKS, _MID_P)),
    ("signed-rank, normal approximation", (CASES, _SIGNS, _RANKS, _LARGE)),
    ("signed-rank(, exact)?", (CASES, _SIGNS, _RANKS)),
    ("two one-sided tests", ()),
    # Means, clusters, resamples.
    (r"paired t\b", (CASES, _NORMAL)),
    (r"noncentral t on clusters \(CR1\)", (CLUSTERS, _EVEN, _NORMAL_VALUES, _SUPPOSED)),
    (r"t on clusters \(CR1\)", (CLUSTERS, _EVEN, _NORMAL)),
    (r"t on clusters \(CR2\)", (CLUSTERS, _NORMAL)),
    ("t on case means", (UNITS, _NORMAL)),
    (
        r"t on slice means \(random slices\)",
        ("Slices are a random sample of many, independent of each other.", _NORMAL),
    ),
    (
        r"t on strata \(fixed slices\)",
        (CASES, "The claim is about these slices and no others.", _NORMAL),
    ),
    ("analysis of variance, F", (CLUSTERS, _NORMAL_VALUES)),
    ("analysis of variance", (CLUSTERS,)),
    ("bootstrap over items, widened percentile", (_ITEMS, _RESAMPLED)),
    ("parametric bootstrap of equal errors", (UNITS, _GAPS)),
    ("bootstrap(-t)?|BCa|percentile", (UNITS, _RESAMPLED)),
    # Shares, and samples of a case.
    (
        "square-and-add of Wilson scores",
        (
            _SHARES,
            "The shares vary independently, or together, which only widens the limits.",
            _SCORE,
        ),
    ),
    ("Wilson score", (UNITS, _SCORE)),
    ("Clopper-Pearson, one-sided", (_SHARES, _SUPPOSED)),
    ("Clopper-Pearson", (_SHARES,)),
    (r"pass(@|\^)", (_SAMPLES,)),
    ("method of moments on case means", (UNITS, _SAMPLES)),
    ("Fisher's exact test per case", (CASES, _SAMPLES, _LOTS)),
    ("rerun variance by case", (CASES, _SAMPLES)),
    ("chi-squared of the reruns' totals", (CASES, _SAMPLES, _LARGE)),
    (
        "(of drawn suites|procedure of each drawn suite)",
        (UNITS, "Suites to come are like draws from these pairs, either run being the first."),
    ),
    # The gap between trained and held-out cases, and between slices.
    ("unpaired Welch t", (_SAME_CASES, _NORMAL)),
    ("Welch", (UNITS, _SIDES, _NORMAL)),
    (
        "studentised permutation",
        (UNITS, _SIDES, "If there is no gap, which cases were trained is arbitrary."),
    ),
    (
        "least squares on split and",
        ("Covariates act alike and in straight lines on both groups.",),
    ),
    (
        "exact matching in",
        (
            CASES,
            "Within a stratum, trained and held-out cases differ by the training alone.",
            _NORMAL,
        ),
    ),
    ("paired twins", ("A twin differs from its case only by what was changed on purpose.",)),
    ("CR2", (UNITS, _NORMAL)),
    (
        "max-T, slices shuffled",
        (UNITS, "If slices do not differ, which one a case is in is arbitrary."),
    ),
    # Many tests at once, and choosing.
    ("hybrid of conditional and simultaneous|conditional on winning", (UNITS, _WINNER)),
    ("terms permuted in template", (_TEMPLATES, _TERMS)),
    ("terms permuted in cluster", (_TEMPLATE_CLUSTERS, _CLUSTER_TERMS)),
    (
        "Friedman, chi-squared",
        ("Templates, or clusters of them, are independent of each other.", _TERMS, _LARGE),
    ),
    ("max-[tT]|min-p|(all )?sign flips|simultaneous", (UNITS, _JOINT)),
    ("Benjamini-Hochberg|Hochberg|Hommel", (_POSITIVE,)),
    ("Bonferroni|Tarone-Holm|Tarone|Holm|Benjamini-Yekutieli|e-BH", ()),
    ("Fisher,|Stouffer,", ("The tests combined are independent: of separate cases.",)),
    ("Cochran's Q, chi-squared", (CASES, _LOTS, _LARGE)),
    ("Cochran's Q", (CASES, _LOTS)),
    # Looking while cases come in.
    (
        "betting confidence sequence without replacement",
        (_ORDER, "The suite is all there is: its cases are drawn from it without return."),
    ),
    ("betting and curtailed|betting, curtailed", (CASES, _ORDER, _PLANNED)),
    ("betting confidence sequence|betting, 1 / highest capital", (CASES, _ORDER)),
    ("within what all cases can show", (_PLANNED,)),
    ("e-process of McNemar's test, 1 / max E", (CASES, _ORDER, _COIN)),
    ("beta-binomial confidence sequence", (CASES, _ORDER)),
    (
        "normal mixture, estimated variance",
        (CASES, _ORDER, "Enough values were seen for their variance to be known."),
    ),
    ("normal mixture", (CASES, _ORDER)),
    (
        "alpha spending|Wang-Tsiatis, shape|repeated confidence interval|stagewise ordering",
        (CASES, _ORDER, _LARGE, _LOOKS),
    ),
    # Judges and raters.
    ("prediction-powered", (_LABELLED,)),
    ("Rogan-Gladen", (_SHARES, "The judge errs as often on these cases as on the labelled ones.")),
    ("Cohen's kappa", (_ITEMS, _CHANCE)),
    ("Gwet's AC1", (_ITEMS, "By chance raters agree on the hard items alone, where they guess.")),
    ("Fleiss' kappa", (_ITEMS, _ANY_ITEM, _NORMAL)),
    ("Krippendorff's alpha,", (_ITEMS, _ANY_ITEM)),
    ("linear weights|quadratic weights|^ (ordinal|interval)", (_STEPS,)),
    (r"ICC\(2,1\)|F, McGraw & Wong", ("Items and runs are random samples of many, near normal.",)),
    (
        "exact sign test( on clusters)?",
        (UNITS, "Without a bias either place is preferred as often as the other."),
    ),
    (
        "length-controlled, (HC3|CR1)",
        (UNITS, "What length explains of a preference follows the fitted curve.", _NORMAL),
    ),
    # Calibration, fairness, drift.
    (r"ECE|root mean square calibration error|MCE|^\w+ in\b", (_BINS,)),
    ("names swapped within case", (UNITS, _SWAPPED)),
    ("(paired )?jackknife, Wilson limits", (UNITS, _LEFT_OUT, _SCORE)),
    ("risk-adjusted CUSUM", (CASES, "The chance of each flip without a change is known.")),
    ("CUSUM|EWMA", (_RUNS,)),
    ("optimal partitioning after a shuffle test", (_HISTORY, "Runs scatter alike at every level.")),
    ("permutation,|least squares|Pettitt", (_HISTORY,)),
    # Plans.
    ("normal approximation of the score test", (CASES, _SCORE, _SUPPOSED)),
    ("normal approximation|Connor's formula", (CASES, _LARGE, _SUPPOSED)),
    ("exact, by enumeration|exact power", (CASES, _SUPPOSED)),
    ("noncentral t|t interval of normal differences", (CASES, _NORMAL_VALUES, _SUPPOSED)),
    ("a guess: there is no earlier run", (_SUPPOSED,)),
    # What other tools do.
    ("unpaired z", (_SAME_CASES, _SCORE)),
    ("unpaired Wald", (_SAME_CASES, _SEEN)),
    ("paired Wald", (CASES, _SEEN)),
    ("Agresti-Min", (CASES, _PADDED)),
    ("(McNemar|Wilson) with continuity correction", (CASES, _SCORE)),
    ("flat pass rate", ("The rate seen is the true one, and the threshold suits these cases.",)),
    # What may stand before or after a name.
    ("^score,", (_SCORE,)),
    ("^Wald,", (_SEEN,)),
    (r"\bt\b", (UNITS, _NORMAL)),
    (r"not estimable|nominal( weights)?|Wilcoxon|with continuity correction|saddlepoint", ()),
    ("exact on the score grid", ()),
    (r"all shuffles within items|random shuffles within items|step-down|all flips|random", ()),
    (r"flips|shuffles|resamples|times|tests|strata|covariates?|equal-(width|mass) bins", ()),
)
"""Parts of names, long ones first, and what follows from each.

A part is taken out of the name before the next is looked for, so that "Tango score" is not found
again in "square-and-add of Tango scores"; a name is known if no word of it is left.
"""

_WORD = re.compile(r"[A-Za-z]{2,}")


def assumptions_of(*methods: str, clustered: bool | None = None) -> tuple[str, ...]:
    """Return in sentences what the methods of these names take for granted, each once.

    Empty where that is nothing, as for Holm's correction; `UNWRITTEN` for a name that is not known.
    ``clustered`` says whether the cases came in clusters where the name does not tell; ``None``
    leaves it open.
    """
    left = list(dict.fromkeys(part for method in methods for part in method.split("; ")))
    found: list[str] = []
    for pattern, says in METHODS:
        rest = [re.sub(pattern, "", name) for name in left]
        found += says if rest != left else ()
        left = rest
    if clustered is not None:
        found = [(CLUSTERS if clustered else CASES) if s == UNITS else s for s in found]
    elif CASES in found or CLUSTERS in found:
        found = [s for s in found if s != UNITS]
    return tuple(dict.fromkeys([*found, UNWRITTEN] if any(map(_WORD.search, left)) else found))


class _Named(Protocol):
    @property
    def method(self) -> str | tuple[str, ...]: ...


class Assuming:
    """A result of a named ``method``, or of several, that says what it takes for granted."""

    __slots__ = ()

    @property
    def assumptions(self: _Named) -> tuple[str, ...]:
        """What the result takes for granted, in sentences; it follows from the method's name."""
        return assumptions_of(*([self.method] if isinstance(self.method, str) else self.method))
