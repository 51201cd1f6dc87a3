"""Guard packs in a project: included by name, changed where it says so, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.loader.case_stream import load_streams
from evalkit.loader.guards import packs

from .projects import PROJECT, SUITE, fault, faults, ids, loaded, where, write

PACK = "evalkit/guards/arithmetic"
POLICY = "version: 1\nsuites: {arithmetic: {margin: 0.05}}\n"


def including(*entries: str) -> str:
    """Return a project that includes ``entries``, each on a line of its own."""
    return PROJECT + "include:\n" + "".join(f"  - {entry}\n" for entry in entries)


def test_a_pack_is_a_suite_of_the_project(tmp_path: Path) -> None:
    """It follows the project's own suites, knows how it was included, and has a digest."""
    found = loaded(tmp_path, {"evalkit.yaml": including(PACK), "sums/sums.yaml": SUITE})
    own, pack = found.suites
    assert (own.name, own.pack) == ("sums", "")
    assert (pack.name, pack.pack, pack.purpose) == ("arithmetic", PACK, "guard")
    assert found.digests["suite:arithmetic"] == pack.digest
    assert all(case.cluster for case in pack.cases)


def test_a_project_may_have_packs_only(tmp_path: Path) -> None:
    """No suite of its own is needed, and the policy may name packs."""
    files = {
        "evalkit.yaml": including(PACK) + "policy: policy.yaml\n",
        "policy.yaml": POLICY,
    }
    assert [suite.name for suite in loaded(tmp_path, files).suites] == ["arithmetic"]


def test_the_project_may_say_otherwise(tmp_path: Path) -> None:
    """A sample by its seed, a margin and a purpose take the place of the pack's."""
    (tmp_path / "whole").mkdir()
    [whole] = loaded(tmp_path / "whole", {"evalkit.yaml": including(PACK)}).suites
    drawn = [
        loaded(write(tmp_path, {}), {"evalkit.yaml": including(entry)}).suites[-1]
        for entry in (
            f"{{pack: {PACK}, sample: 20, seed: 1, margin: 0.3, purpose: report}}",
            f"{{pack: {PACK}, sample: 20, seed: 1}}",
            f"{{pack: {PACK}, sample: 20, seed: 2}}",
        )
    ]
    changed, alike, other = drawn
    assert (changed.margin, changed.purpose) == (0.3, "report")
    assert (alike.margin, alike.purpose) == (whole.margin, "guard")
    assert len(changed.cases) == 20
    assert ids(changed.cases) == ids(alike.cases) != ids(other.cases)
    assert set(ids(changed.cases)) < set(ids(whole.cases))


def test_packs_are_streamed_too(tmp_path: Path) -> None:
    """A project whose cases are read as they are asked has the same ones."""
    files = {"evalkit.yaml": including(f"{{pack: {PACK}, sample: 20}}")}
    [pack] = loaded(tmp_path, files).suites
    found, [stream] = load_streams(tmp_path / "evalkit.yaml", policy_file=None, environ={})
    assert ids(stream.cases()) == ids(pack.cases)
    assert [suite.pack for suite in found.suites] == [PACK]


def test_an_unknown_pack_is_told_with_the_nearest(tmp_path: Path) -> None:
    """The fault is in the line of the project file and lists every pack."""
    files = {"evalkit.yaml": including(PACK, "evalkit/guards/formats"), "sums/sums.yaml": SUITE}
    told = fault(tmp_path, files)
    assert where(tmp_path, told) == "evalkit.yaml:7"
    assert all(name in told.needed for name in packs())
    assert told.got == "'evalkit/guards/formats'"
    assert told.instead == "evalkit/guards/format (did you mean it?)"


@pytest.mark.parametrize(
    ("entry", "got"),
    [
        ("{pack: evalkit/guards/bias, samples: 3}", "unknown field 'samples'"),
        ("{sample: 3}", "nothing"),
        ("{pack: evalkit/guards/bias, margin: 0}", "0"),
        ("7", "7"),
    ],
)
def test_a_malformed_entry_is_told(tmp_path: Path, entry: str, got: str) -> None:
    """What the schema does not know is a fault at its line."""
    told = fault(tmp_path, {"evalkit.yaml": including(entry), "sums/sums.yaml": SUITE})
    assert (where(tmp_path, told), told.got) == ("evalkit.yaml:6", got)


def test_a_suite_of_the_same_name_is_told(tmp_path: Path) -> None:
    """The project's own suite has to take another name; a pack twice is one too many."""
    own = {
        "evalkit.yaml": including(PACK),
        "sums/sums.yaml": SUITE.replace("suite: sums", "suite: arithmetic"),
    }
    told = fault(tmp_path, own)
    assert where(tmp_path, told) == "evalkit.yaml:6"
    assert (PACK in told.got, "sums/sums.yaml" in told.got) == (True, True)
    assert "another name" in told.instead
    (tmp_path / "twice").mkdir()
    [twice] = faults(tmp_path / "twice", {"evalkit.yaml": including(PACK, PACK)})
    assert where(tmp_path / "twice", twice) == "evalkit.yaml:7"
    assert twice.instead == "one of the two"


def test_an_environment_in_the_project_brings_no_suites(tmp_path: Path) -> None:
    """A copy of the package below the project's folder is no part of the project."""
    inside = "venv/lib/evalkit/guards/sums/sums.yaml"
    files = {inside: SUITE.replace("sums", "other"), "sums/sums.yaml": SUITE}
    assert [suite.name for suite in loaded(tmp_path, files).suites] == ["sums"]
