"""What to do about a model that cannot be asked at all."""

from __future__ import annotations

from evalkit.errors import ErrorKind, ProviderError, SetupError
from evalkit.model import ModelSpec

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
