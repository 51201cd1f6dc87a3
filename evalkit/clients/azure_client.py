"""OpenAI's models at Azure: an address for each deployment, and a version in every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import SetupError

if TYPE_CHECKING:
    import httpx2
    import openai

ENDPOINT = "AZURE_OPENAI_ENDPOINT"
KEY = "AZURE_OPENAI_API_KEY"
TOKEN = "AZURE_OPENAI_AD_TOKEN"  # noqa: S105  (a variable's name)
VERSION = "OPENAI_API_VERSION"


class AzureClient(OpenAIClient):
    """One deployment of a resource; the variables are those that the `openai` package reads.

    ``spec.base_url`` is the resource's address, ``spec.options.api_version`` the version of its
    API. ``spec.options.deployment`` is the deployment's name, which is ``spec.model`` without it.
    Without ``spec.api_key_env`` a token of Entra ID goes before a key.
    """

    service = "azure"

    @property
    def identity(self) -> str:
        """Also the model's own name: a deployment may be given another model."""
        deployed = "" if self._model == self._spec.model else f" model {self._spec.model}"
        return f"{super().identity}{deployed}"

    async def start(self) -> None:
        """Find version and key and load the package; nothing is sent.

        Raises:
            SetupError: one of them is not there.
        """
        self._version = self._spec.options.get("api_version") or self._environ.get(VERSION)
        if not self._version:
            raise self._nowhere("the version of the API", "options: {api_version: ...}", VERSION)
        await super().start()

    @property
    def batch_url(self) -> str:
        """Chat and completions have no version in front here, responses have."""
        return super().batch_url if self.kind == "responses" else self._endpoint.path

    @property
    def _model(self) -> str:
        return str(self._spec.options.get("deployment", self._spec.model))

    @property
    def _variable(self) -> str:
        return self._spec.api_key_env or (TOKEN if self._environ.get(TOKEN) else KEY)

    def _find_base_url(self) -> str:
        found = self._spec.base_url or self._environ.get(ENDPOINT)
        if not found:
            raise self._nowhere("the address of the resource", "base_url: ...", ENDPOINT)
        return found

    def _find_key(self) -> str:
        key = self._environ.get(self._variable, "")
        if not key:
            raise self._no_key(self._variable)
        return key

    def _sdk(self, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
        import openai

        is_token = self._variable == TOKEN
        return openai.AsyncAzureOpenAI(
            azure_endpoint=self._base_url,
            api_version=self._version,
            api_key=None if is_token else self._key,
            azure_ad_token=self._key if is_token else None,
            **self._settings(http_client),
        )

    def _nowhere(self, what: str, field: str, variable: str) -> SetupError:
        return SetupError(
            f"{what} that the model '{self._spec.name}' is reached by",
            got=f"an environment without {variable}",
            instead=f"{field} at the model, or export {variable}=...",
        )
