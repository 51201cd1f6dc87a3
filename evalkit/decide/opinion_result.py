"""What another method says of a suite: plain frozen values that decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.stats.assumptions import Assuming
from evalkit.stats.values import Interval

Verdict = Literal[
    "improved",
    "non_inferior",
    "regressed_within_margin",
    "regressed",
    "regressed_beyond_margin",
    "inconclusive",
]
Estimand = Literal["difference", "odds ratio", "rank-biserial correlation"]


@dataclass(frozen=True, slots=True)
class SecondOpinion(Assuming):
    """One method beside the one that decides, on the same answers.

    ``estimate`` and ``interval`` (95 %, for reading) are of the ``estimand``: the difference of the
    means, the conditional odds ratio of fixed to broken cases (1 for no change), or the
    rank-biserial correlation (-1 to 1, 0 for no change). ``p_value`` is two-sided. ``None`` is not
    estimable, or not something that the method gives.

    ``verdict`` is what the suite's would be if this method's interval (1 - 2 alpha) decided, on the
    answers that came; ``None`` without an interval of the difference. ``agrees``: it is the one
    that the deciding interval gives, and both lie on the same side of what else the rule asks.
    Without a verdict it is ``False`` where ranks contradict a change that either of them shows,
    else ``None``.
    """

    method: str
    estimand: Estimand
    estimate: float | None
    interval: Interval | None
    p_value: float | None
    verdict: Verdict | None = None
    agrees: bool | None = None
    note: str = ""
