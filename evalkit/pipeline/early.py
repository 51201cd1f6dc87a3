"""Early stopping: suites are watched while they are asked, each until its rule is settled.

Cases count in the order in which they are asked, however their answers come, so a run from stored
answers stops where the first one did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evalkit.decide.asking import asked_beyond, asking_order, gap_cases, watchable
from evalkit.decide.claims import Track, agreed, claims, combined
from evalkit.decide.evidence import learner
from evalkit.decide.gates import run_gate
from evalkit.decide.rules import rule_for
from evalkit.decide.tabulate import NO_ANSWERS, Answers, Table, pair_up, tabulate, trained_on
from evalkit.decide.watched import views
from evalkit.model import Case, Pair, Record, Suite
from evalkit.pipeline.plan import Plan

LOOK_CASES = 8
LOOK_SHARE = 16
"""A suite is looked at after every 8 cases; once there are many, after each 16th part more."""

Records = Mapping[tuple[str, str], Sequence[Record]]
"""Records by (suite, case id)."""


class Early:
    """Which suites of a run are settled, and which of their cases need not be asked any more."""

    def __init__(self, plan: Plan) -> None:
        found = ((suite, rule_for(suite, plan.policy)) for suite in plan.suites)
        self._watches = {s.name: SuiteWatch(plan, s) for s, rule in found if watchable(s, rule)}

    def note(self, suite: Suite, records: Records) -> bool:
        """Look at a suite after more of its cases were graded; tell whether that settled it."""
        watch = self._watches.get(suite.name)
        return watch is not None and watch.note(records)

    def skips(self, case: Case) -> bool:
        """Return whether a case need not be asked, as its suite is settled without it."""
        watch = self._watches.get(case.suite)
        return watch is not None and watch.skips(case)

    @property
    def watched(self) -> dict[str, int]:
        """How many held-out cases of each watched suite count so far."""
        return {name: watch.asked for name, watch in self._watches.items()}


class SuiteWatch:
    """One suite under all comparisons; it is settled when each of them is.

    ``asked`` is the number of held-out cases that count: all of them until the suite is settled.
    """

    def __init__(self, plan: Plan, suite: Suite) -> None:
        self._suite = suite
        self._policy = plan.policy
        self._rule = rule_for(suite, plan.policy)
        self._order = asking_order(suite)
        self._places = {case.id: place for place, case in enumerate(self._order)}
        plans = claims(self._rule, planned=len(self._order), alpha=plan.policy.alpha)
        self._tracks: dict[Pair, tuple[Track, ...]] = {
            pair: (Track.begin(plans),) for pair in plan.project.comparisons
        }
        learners = [learner(plan.project, pair.candidate) for pair in plan.project.comparisons]
        trained = max((len(trained_on(suite.cases, name)) for name in learners), default=0)
        self._fewest = max(LOOK_CASES, gap_cases(trained))
        self._seen = 0
        self.asked = len(self._order)

    def note(self, records: Records) -> bool:
        """Take in all cases that are graded without a gap; tell whether that settled the suite."""
        before = self.asked
        while self._complete(self._next_look, records):
            self._look(records)
        return self.asked < before

    def skips(self, case: Case) -> bool:
        """Return whether ``case`` need not be asked any more."""
        late = self._places.get(case.id, 0) >= self.asked
        return late and not asked_beyond(case, self._rule)

    @property
    def _next_look(self) -> int:
        return self._seen + max(LOOK_CASES, self._seen // LOOK_SHARE)

    def _complete(self, number: int, records: Records) -> bool:
        """Return whether the first ``number`` cases are graded and do not end the suite anyway."""
        added = self._order[self._seen : number]
        return number < self.asked and all((c.suite, c.id) in records for c in added)

    def _look(self, records: Records) -> None:
        added = self._order[self._seen : self._next_look]
        self._seen += len(added)
        table = tabulate(_records_of(added, records))
        for pair, tracks in self._tracks.items():
            block = views(added, *_answers(table, self._suite, pair))
            # Without a missing answer all views are alike, and one is kept.
            size = max(len(block), len(tracks))
            both = zip(tracks * (size // len(tracks)), block * (size // len(block)), strict=True)
            self._tracks[pair] = tuple(track.after(sides) for track, sides in both)
        if self._seen >= self._fewest and self._may_end(records):
            self.asked = self._seen

    def _may_end(self, records: Records) -> bool:
        answered = all(self._answered(tracks) for tracks in self._tracks.values())
        return answered and self._within_limits(records)

    def _answered(self, tracks: tuple[Track, ...]) -> bool:
        if not all(track.may_be_settled() for track in tracks):
            return False
        answer = agreed([combined(track.stops())[0] for track in tracks])
        compared = tracks[0].watches[0].betting.n
        return answer != "go_on" and (answer != "proven" or compared >= self._rule.min_cases)

    def _within_limits(self, records: Records) -> bool:
        """Return whether too much is missing of the first cases: more cases can make up for it."""
        first = self._order[: self._seen]
        table = tabulate(_records_of(first, records))
        parts = [
            (self._suite.name, pair_up(first, *_answers(table, self._suite, pair)))
            for pair in self._tracks
        ]
        return run_gate(parts, self._policy, faults=()).status == "passed"


def in_order(plan: Plan, suite: Suite) -> tuple[Case, ...]:
    """Return all cases of a suite in the order of asking: trained ones first, as they stand."""
    if not watchable(suite, rule_for(suite, plan.policy)):
        return suite.cases
    trained = tuple(case for case in suite.cases if case.split == "train")
    return (*trained, *asking_order(suite))


def _records_of(cases: Iterable[Case], records: Records) -> Iterable[Record]:
    return (record for case in cases for record in records[case.suite, case.id])


def _answers(table: Table, suite: Suite, pair: Pair) -> tuple[Answers, Answers]:
    base, candidate = (
        table.get((suite.name, model, False), NO_ANSWERS) for model in (pair.base, pair.candidate)
    )
    return base, candidate
