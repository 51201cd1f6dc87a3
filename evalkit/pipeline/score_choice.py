"""Which two models are compared: as the user said, or as there is only one way to understand it."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.errors import SetupError
from evalkit.model import Pair

_OPTIONS = ("--base", "--candidate")


def choose_pair(wanted: Pair, models: Sequence[str], *, pairs: Sequence[Pair], where: str) -> Pair:
    """Return the two models of one source to compare.

    ``wanted`` holds what the user named, empty where nothing; ``pairs`` are the comparisons that
    the source names itself. Raises `SetupError` where that leaves a choice, or none.
    """
    for option, name in zip(_OPTIONS, (wanted.base, wanted.candidate), strict=True):
        if name and name not in models:
            raise _unknown(option, name, models, where)
    if len(models) < 2:
        raise SetupError(
            f"scores of two models in {where}",
            got=f"those of {', '.join(models) or 'none'}",
            instead="a second file, a column 'model', or --base COLUMN --candidate COLUMN",
        )
    if wanted.base and wanted.candidate and wanted.base != wanted.candidate:
        return wanted
    named = [pair for pair in pairs if _fits(pair, wanted)]
    if not named and len(models) == 2 and (wanted.base or wanted.candidate):
        first, second = models
        named = [pair for pair in (Pair(first, second), Pair(second, first)) if _fits(pair, wanted)]
    if len(named) != 1:
        raise SetupError(
            f"which two models of {where} to compare",
            got=f"the models {', '.join(models)}",
            instead="--base NAME --candidate NAME with two of them",
        )
    return named[0]


def choose_model(name: str, models: Sequence[str], *, candidate: bool, where: str) -> str:
    """Return the model of one of two sources; ``name`` is what the user named, or empty."""
    option = _OPTIONS[candidate]
    if name and name not in models:
        raise _unknown(option, name, models, where)
    if name or len(models) == 1:
        return name or models[0]
    raise SetupError(
        f"which model of {where} to compare",
        got=f"the models {', '.join(models) or 'of no row'}",
        instead=f"{option} NAME with one of them",
    )


def distinct(names: tuple[str, str], places: tuple[str, str]) -> Pair:
    """Return the names of two models; equal ones are told apart as A and B.

    The place itself would make a decision depend on where its files lie.
    """
    base, candidate = names
    if base != candidate:
        return Pair(base, candidate)
    if places[0] != places[1]:
        return Pair(f"{base} (A)", f"{candidate} (B)")
    raise SetupError(
        "two models, or one in two files",
        got=f"{base} of {places[0]} twice",
        instead="another file, or --candidate NAME",
    )


def _fits(pair: Pair, wanted: Pair) -> bool:
    return wanted.base in ("", pair.base) and wanted.candidate in ("", pair.candidate)


def _unknown(option: str, name: str, models: Sequence[str], where: str) -> SetupError:
    return SetupError(
        f"{option} with a model of {where}",
        got=f"'{name}'",
        instead="one of: " + ", ".join(models),
    )
