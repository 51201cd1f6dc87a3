"""What a rule claims of a suite, followed case by case until it is settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.decide.decision import StopAnswer, StopCause
from evalkit.decide.rules import AppliedRule
from evalkit.stats.arrays import FloatArray
from evalkit.stats.paired import is_binary
from evalkit.stats.stopping import Plan, Stop, Watch, begin_watch, settle, watch

_LARGEST_LIMIT = 0.999
"""The sequential test needs room beyond its limit; a margin of 1 is never exceeded anyway."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The scores of both models, case by case in the order of asking."""

    base: FloatArray
    candidate: FloatArray


def gate_plan(rule: AppliedRule, *, planned: int, alpha: float) -> Plan:
    """Return the claim that the gate interval (1 - 2 alpha) decides.

    For a rule of another kind, under which a run is judged again, that on the margin: its interval
    holds at any limit.
    """
    if rule.rule == "superior":
        return Plan("superior", min(rule.min_gain, _LARGEST_LIMIT), planned, alpha)
    return Plan("non_inferior", min(rule.margin, _LARGEST_LIMIT), planned, alpha)


def gain_plan(*, planned: int, alpha: float) -> Plan:
    """Return the claim of any gain: at two-sided alpha, as where the number of cases is fixed."""
    return Plan("superior", 0.0, planned, alpha / 2)


def claims(rule: AppliedRule, *, planned: int, alpha: float) -> tuple[Plan, ...]:
    """Return all that must be proven for a rule to pass, the gate's claim first."""
    gate = gate_plan(rule, planned=planned, alpha=alpha)
    return (gate, gain_plan(planned=planned, alpha=alpha)) if rule.rule == "superior" else (gate,)


@dataclass(frozen=True, slots=True)
class Track:
    """Some claims about one set of scores, as far as the cases have come."""

    watches: tuple[Watch, ...]
    binary: bool = True

    @classmethod
    def begin(cls, plans: Sequence[Plan]) -> Track:
        """Return the state before the first case."""
        # Whether scores are 0 or 1 shows only by and by: the plan allows for others until then.
        return cls(tuple(begin_watch(replace(plan, binary=False)) for plan in plans))

    def after(self, sides: Sides) -> Track:
        """Return the state after the next cases of the order."""
        differences = sides.candidate - sides.base
        return Track(
            tuple(watch(state, differences) for state in self.watches),
            self.binary and is_binary(sides.base, sides.candidate),
        )

    def stops(self) -> tuple[Stop, ...]:
        """Return what each claim has come to."""
        return tuple(settle(self._as_seen(state)) for state in self.watches)

    def may_be_settled(self) -> bool:
        """Return whether it is worth while to ask for `stops`, which takes 20 ms a claim.

        Before half of the cases are in, only the betting settles anything.
        """
        return any(
            s.betting.above or s.betting.below or s.unseen <= s.betting.n for s in self.watches
        )

    def _as_seen(self, state: Watch) -> Watch:
        return replace(state, plan=replace(state.plan, binary=self.binary))


def combined(stops: Sequence[Stop]) -> tuple[StopAnswer, StopCause]:
    """Return the answer for all claims of a rule: each must be proven, one that fails is enough."""
    for answer in ("refuted", "futile", "go_on"):
        for stop in stops:
            if stop.answer == answer:
                return stop.answer, stop.by
    causes = {stop.by for stop in stops}
    return "proven", "betting" if causes == {"betting"} else "all cases"


def agreed(answers: Sequence[StopAnswer]) -> StopAnswer:
    """Return what several readings of one suite answer alike: that it passes, or that it cannot."""
    found = set(answers)
    if "go_on" in found or ("proven" in found and len(found) > 1):
        return "go_on"
    return "futile" if "futile" in found else answers[0]
