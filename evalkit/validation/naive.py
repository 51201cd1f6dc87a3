"""How often other tools' rules promote a model that is exactly as bad as the margin allows.

The methods of `evalkit.stats.naive` state no such rate; what they do is shown beside Tango's score
interval, which does. Power, the share of models without any change that are promoted, shows what
the rates that look safe are paid with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.naive import (
    agresti_min_interval,
    mcnemar_corrected_p,
    unpaired_interval,
    unpaired_z_p,
    wald_interval,
    wilson_corrected_interval,
)
from evalkit.stats.paired_binary import PairedTable, mcnemar_exact, tango_interval
from evalkit.validation.rates import Kind, Rate, Study

_RUNS = 40_000
_ANY = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Law:
    """Chances of the four outcomes of a pair; the candidate loses lost - gained."""

    n: int
    both: float
    gained: float
    lost: float

    @property
    def margin(self) -> float:
        return self.lost - self.gained

    @property
    def words(self) -> str:
        cells = f"{self.gained:.0%} gained, {self.lost:.0%} lost"
        return f"n = {self.n}, {cells}, {self.both:.0%} both right"

    def draw(self, rng: np.random.Generator) -> PairedTable:
        rest = 1 - self.both - self.gained - self.lost
        counts = rng.multinomial(self.n, [self.both, self.gained, self.lost, rest], size=_RUNS)
        return PairedTable(*counts.T)


_Rule = Callable[[PairedTable, _Law, float], NDArray[np.bool_]]


def _counts(table: PairedTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.asarray(table.gained), np.asarray(table.lost)


def _tango(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    return tango_interval(*_counts(table), law.n, level=0.9).low > -margin


def _wald(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    return wald_interval(*_counts(table), law.n, level=0.9).low > -margin


def _agresti_min(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    return agresti_min_interval(*_counts(table), law.n, level=0.9).low > -margin


def _unpaired(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    del law
    return unpaired_interval(table, level=0.9).low > -margin


def _no_loss_by_z(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    del law, margin
    gained, lost = _counts(table)
    return np.asarray((unpaired_z_p(table) > 0.05) | (gained >= lost))


def _no_loss_by_mcnemar(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    del law, margin
    gained, lost = _counts(table)
    return np.asarray((mcnemar_corrected_p(gained, lost) > 0.05) | (gained >= lost))


def _flat(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    """The threshold is what the base is known to reach, less the margin."""
    right = np.asarray(table.both) + np.asarray(table.gained)
    return np.asarray(right / law.n >= law.both + law.lost - margin - 1e-9)


def _flat_wilson(table: PairedTable, law: _Law, margin: float) -> NDArray[np.bool_]:
    right = np.asarray(table.both) + np.asarray(table.gained)
    low = wilson_corrected_interval(right, law.n, level=0.9).low
    return np.asarray(low >= law.both + law.lost - margin)


_RULES: dict[str, _Rule] = {
    "Tango score": _tango,
    "Wald": _wald,
    "Agresti-Min": _agresti_min,
    "unpaired Wald": _unpaired,
    "unpaired z, no significant loss": _no_loss_by_z,
    "McNemar with continuity correction, no significant loss": _no_loss_by_mcnemar,
    "flat pass rate": _flat,
    "flat pass rate, Wilson with continuity correction": _flat_wilson,
}


def _rates(rng: np.random.Generator, law: _Law, *, margin: float, kind: Kind) -> Iterator[Rate]:
    table = law.draw(rng)
    at_margin = kind == "promotions at the margin"
    for method, rule in _RULES.items():
        measured = float(rule(table, law, margin).mean())
        setting = law.words if at_margin else f"{law.words}, margin {margin:.0%}"
        stated = method == "Tango score" and at_margin
        allowed = (0.0, 0.056) if stated else _ANY
        yield Rate(method, setting, kind, 0.05 if at_margin else 0.8, measured, _RUNS, allowed)


def at_the_margin(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the promotions of a candidate that is worse by exactly the margin; nominal is 5 %."""
    laws = (
        _Law(50, 0.8, 0.0, 0.04),
        _Law(200, 0.6, 0.02, 0.04),
        _Law(500, 0.7, 0.05, 0.08),
        _Law(200, 0.1, 0.40, 0.43),
    )
    for law in laws:
        yield from _rates(rng, law, margin=law.margin, kind="promotions at the margin")


def without_change(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the promotions of a candidate that is as good as its base; 80 % is a usual aim."""
    for law in (_Law(200, 0.6, 0.04, 0.04), _Law(687, 0.6, 0.05, 0.05)):
        yield from _rates(rng, law, margin=0.03, kind="power")


def false_alarms(rng: np.random.Generator) -> Iterator[Rate]:
    """Give how often the tests call equally good models different; below 5 % they waste cases."""
    for law in (_Law(100, 0.6, 0.05, 0.05), _Law(1000, 0.6, 0.05, 0.05), _Law(200, 0.1, 0.4, 0.4)):
        table = law.draw(rng)
        found = {
            "exact McNemar": mcnemar_exact(*_counts(table)),
            "McNemar with continuity correction": mcnemar_corrected_p(*_counts(table)),
            "unpaired z": unpaired_z_p(table),
        }
        for method, p in found.items():
            allowed = (0.0, 0.05) if method == "exact McNemar" else _ANY
            measured = float((p <= 0.05).mean())
            yield Rate(method, law.words, "false alarms", 0.05, measured, _RUNS, allowed)


STUDIES: tuple[Study, ...] = (at_the_margin, without_change, false_alarms)
