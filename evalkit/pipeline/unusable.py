"""What to do about a model that cannot be asked at all."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.decide.identity import expected_name
from evalkit.errors import ErrorKind, ProviderError, SetupError
from evalkit.model import ModelSpec, Pair
from evalkit.pipeline.plan import Plan

ADVICE: dict[ErrorKind, str] = {
    "auth": "a valid key for this endpoint in the environment variable {key}",
    "not_found": "a name that this endpoint serves, as model: of '{name}' in the project file",
    "refused_connection": "start the endpoint, or correct base_url: of '{name}' in the project",
}
OTHERWISE = "see what the endpoint says, mend it and run again: answers so far are kept"


def unusable(model: ModelSpec, error: ProviderError | SetupError) -> SetupError:
    """Return ``error`` as what the user can do about it, naming the model as the project does."""
    if isinstance(error, SetupError):
        return error
    advice = ADVICE.get(error.kind, OTHERWISE)
    key = model.api_key_env or "OPENAI_API_KEY"
    return SetupError(
        f"an endpoint that answers for model '{model.name}' ({model.model})",
        got=f"{error.kind}: {error.message}",
        instead=advice.format(key=key, name=model.name),
    )


def stranger_answered(model: ModelSpec, name: str, *, left: int, stored: bool) -> SetupError:
    """Return the error for an endpoint that answered under another model's name."""
    return SetupError(
        f"answers of the model '{model.name}' ({expected_name(model)}), before {_rest(left)} asked",
        got=f"{name} answered{_where(model)}",
        instead=f"correct model: or base_url: of '{model.name}' in the project file, or add "
        f"answers_as: [{name}] if this is its name, and {_again(stored)}; {GO_ON}, but the "
        "decision will not promote it",
    )


def base_answered(
    pair: Pair, model: ModelSpec, *, cases: int, left: int, stored: bool
) -> SetupError:
    """Return the error for a candidate whose answers are its base's, word for word."""
    return SetupError(
        f"a model '{pair.candidate}' that is not '{pair.base}', before {_rest(left)} asked",
        got=f"word for word the same first {cases} answers to cases that must improve, from "
        f"'{pair.candidate}' ({model.model}{_where(model)}) and '{pair.base}'",
        instead="see whether the endpoint serves the tuned weights (adapter loaded? model: and "
        f"base_url: right?), and {_again(stored)}; {GO_ON}",
    )


GO_ON = "--evalkit-no-identity-check (evalkit run --no-identity-check) asks on all the same"


def _rest(left: int) -> str:
    return f"the other {left:,} requests are" if left > 1 else "the last request is"


def _where(model: ModelSpec) -> str:
    url = model.public().base_url
    return f" at {url}" if url else ""


def _again(stored: bool) -> str:  # noqa: FBT001  (a word for a fact)
    if stored:
        return "run with --evalkit-rerun (evalkit run --rerun), as these answers are stored ones"
    return "run again: these answers are not kept"


def refuse_self_judging(plan: Plan, identities: Mapping[str, str]) -> None:
    """Raise `SetupError` if a model under test is to judge itself, unless its judge allows that."""
    tested = {identities[model.name]: model.name for model in plan.models}
    for name, judge in plan.judges.items():
        model = tested.get(identities[judge.model.name])
        if model and not judge.itself:
            raise SetupError(
                f"a judge '{name}' that is none of the models under test, as models favour their "
                "own answers",
                got=f"'{model}' ({judge.model.model}), which it would judge",
                instead=f"another model for the judge '{name}', or itself: true there",
            )
