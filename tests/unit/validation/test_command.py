"""`python -m evalkit.validation` on a made-up study, its table, and when a rate is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.validation import studies
from evalkit.validation.__main__ import main
from evalkit.validation.rates import Rate, Study
from evalkit.validation.studies import Named, named_studies, run_study
from evalkit.validation.table import as_markdown

PAGE = Path(__file__).parents[3] / "docs" / "validation.md"
COIN = Rate("coin", "fair", "false alarms", 0.5, 0.5, 10_000, (0.5, 0.5))

shares = st.floats(0, 1)


def coin(rng: np.random.Generator) -> Iterator[Rate]:
    """A fair coin, thrown."""
    yield replace(COIN, measured=float((rng.random(10_000) < 0.5).mean()))


def die(rng: np.random.Generator) -> Iterator[Rate]:
    """A loaded die, and a setting with more words than fit beside the numbers."""
    long = "said to be fair, thrown on a table of oak | or of pine by one who has thrown many"
    measured = float((rng.random(10_000) < 0.5).mean())
    yield Rate("die", long, "power", 1 / 6, measured, 10_000, (0.1, 0.2))
    yield replace(
        COIN, setting="another", nominal=0.12345, runs=1_000_000, allowed=(0.1234, 0.5678)
    )


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a family "made_up" of the given studies in the place of all others."""

    def place(*listed: Study) -> None:
        module = ModuleType("evalkit.validation.made_up")
        vars(module)["STUDIES"] = listed
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(studies, "FAMILIES", ("made_up",))

    return place


def test_all_is_well(family: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """A rate that is kept: its row, and exit code 0."""
    family(coin)
    assert main(["--jobs", "1"]) == 0
    head, method, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["made_up", "nominal", "measured", "allowed", "runs", "ok"]
    assert method == "  coin: false alarms"
    measured = run_study(Named("made_up", "coin"))[0].measured
    assert row.split() == ["fair", "0.5", f"{measured:.4f}", "0.5", "10,000", "yes"]


def test_a_rate_is_off(family: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """One that is not: NO in its row, a word about it, and exit code 1."""
    family(coin, die)
    assert main(["--jobs", "1"]) == 1
    out, err = capsys.readouterr()
    assert out.count("NO") == 1
    assert "0.1-0.2" in out
    assert err == "1 rates are not what they are said to be\n"


def test_the_table_fits_a_terminal(
    family: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """80 columns, whatever the setting and the numbers, and rates of one method together."""
    family(coin, die)
    main(["--jobs", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line == "  coin: false alarms" for line in lines) == 1
    assert any(line.strip() == "said to be fair, thrown on a" for line in lines)


@pytest.mark.parametrize(
    ("allowed", "words"),
    [((0, 0.05), "<= 0.05"), ((0.95, 1), ">= 0.95"), ((0, 1), "any"), ((0, 0), "0"), ((1, 1), "1")],
)
def test_what_is_allowed_in_words(allowed: tuple[float, float], words: str) -> None:
    """A limit from one side, a rate that must be met, or a rate that is only shown."""
    rows = as_markdown("made_up", [replace(COIN, allowed=allowed)]).splitlines()
    assert rows[-1].split(" | ")[5] == words


def test_markdown(family: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """A heading and a row for each rate; a bar in the words stays a word."""
    family(coin, die)
    assert main(["--markdown", "--jobs", "1"]) == 1
    heading, _, names, rule, *rows = capsys.readouterr().out.splitlines()
    assert heading == "### made_up"
    assert names.count("|") == rule.count("|") == 9
    assert [row.replace("\\|", "").count("|") for row in rows] == [9, 9, 9]
    assert "| 0.1667 |" in rows[1]
    assert rows[1].endswith("| NO |")


def test_a_family_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is listed and not there is no reason to go on without it."""
    monkeypatch.setattr(studies, "FAMILIES", ("nowhere",))
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        main([])


def test_a_family_that_is_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is none is a mistake of use."""
    with pytest.raises(SystemExit) as stopped:
        main(["--family", "nowhere"])
    assert stopped.value.code == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("listed", [(), (coin, coin)])
def test_studies_have_names_of_their_own(
    family: Callable[..., None], listed: tuple[Study, ...]
) -> None:
    """None at all, or two that would share their random numbers, are refused."""
    family(*listed)
    with pytest.raises(ValueError, match="made_up"):
        named_studies("made_up")


def test_a_seed_of_its_own(family: Callable[..., None]) -> None:
    """The same study gives the same numbers, under another name others."""

    def throw(rng: np.random.Generator) -> Iterator[Rate]:
        return coin(rng)

    family(coin, throw)
    once, again, other = (run_study(Named("made_up", name)) for name in ("coin", "coin", "throw"))
    assert once == again
    assert once != other


@given(nominal=shares, runs=st.integers(1, 10**6), low=shares, high=shares)
def test_what_is_allowed_is_kept(nominal: float, runs: int, low: float, high: float) -> None:
    """Any rate between the two ends, both included."""
    low, high = sorted((low, high))
    for measured in (low, high, (low + high) / 2):
        assert Rate("", "", "power", nominal, measured, runs, (low, high)).kept


@pytest.mark.parametrize(
    ("measured", "runs", "kept"),
    [
        (0.05 + 0.0087, 10_000, True),  # four standard errors are .00872
        (0.05 + 0.0088, 10_000, False),
        (0.0, 10_000, True),
        (0.0502, 10**8, False),
    ],
)
def test_a_rate_above_what_is_allowed(measured: float, runs: int, *, kept: bool) -> None:
    """Four standard errors of the simulation are chance, more are not."""
    assert Rate("", "", "false alarms", 0.05, measured, runs, (0, 0.05)).kept == kept


@pytest.mark.parametrize(("measured", "kept"), [(0.95, True), (0.9413, True), (0.9412, False)])
def test_a_coverage_below_what_is_allowed(measured: float, *, kept: bool) -> None:
    """The same below."""
    assert Rate("", "", "coverage", 0.95, measured, 10_000, (0.95, 1)).kept == kept


@pytest.mark.parametrize(("hits", "kept"), [(4, True), (5, False)])
def test_what_should_never_happen(hits: int, *, kept: bool) -> None:
    """Where 0 is allowed, a handful of events is still rounding of the allowed rate, no more."""
    assert Rate("", "", "power", 0.0, hits / 10_000, 10_000, (0, 0)).kept == kept


def test_the_page_names_every_family() -> None:
    """`docs/validation.md` describes each module of studies, and has a place for their table."""
    text = PAGE.read_text()
    prose, table = text.split("<!-- rates -->")
    assert [name for name in studies.FAMILIES if f"`{name}`" not in prose] == []
    assert table.rstrip().endswith("<!-- /rates -->")


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_a_study_needs_a_process(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Fewer than one is a usage error, not a traceback."""
    with pytest.raises(SystemExit, match="2"):
        main(["--jobs", jobs])
    assert "a whole number from 1" in capsys.readouterr().err
