"""Every error rate that evalkit states, simulated (`pytest -m slow -s` prints them).

Each study has a seed of its own, so a measured rate is a fact about the code, not a draw.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from evalkit.validation.studies import FAMILIES, Named, named_studies, run_all, run_study
from evalkit.validation.table import as_text

pytestmark = pytest.mark.slow

PRESENT = [family for family in FAMILIES if find_spec(f"evalkit.validation.{family}")]
STUDIES = [named for family in PRESENT for named in named_studies(family)]


def test_every_family_is_there() -> None:
    """A module that is listed but missing is no reason to simulate less."""
    assert list(FAMILIES) == PRESENT


@pytest.mark.parametrize("named", STUDIES, ids=lambda named: f"{named.family}.{named.name}")
def test_every_rate_is_kept(named: Named) -> None:
    """What is measured is what is said, within what the documentation admits."""
    rates = run_study(named)
    sys.stdout.write(f"\n{as_text(named.family, rates)}\n")
    assert rates
    assert [rate for rate in rates if not rate.kept] == []


def test_processes_change_no_number() -> None:
    """Side by side or one after the other: the same studies in the same order, the same rates."""
    some = named_studies("slices")
    assert list(run_all(some, jobs=2)) == [(named, run_study(named)) for named in some]
