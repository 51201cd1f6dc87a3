"""The embedded model's server, in a process of its own: the one module that knows `xllamacpp`.

Started by `evalkit.clients.local` with its settings as one JSON argument. Writes one JSON line,
``{"base_url": ...}`` or ``{"error": ...}``, and ends when its standard input closes, which the
system does for it when the parent dies. What the runtime has to say goes to standard error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

ERRORS_ONLY = 1


def main() -> None:
    """Serve one model until standard input closes."""
    settings = json.loads(sys.argv[1])
    try:
        server = _server(settings)
    except (ImportError, RuntimeError) as error:
        _say({"error": str(error)})
        return
    _say({"base_url": f"{server.listening_address}/v1"})
    sys.stdin.read()
    del server


def _server(settings: dict[str, Any]) -> Any:  # noqa: ANN401 - xllamacpp has no annotations
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["weights"]
    params.model_alias = {settings["alias"]}
    if settings["adapter"]:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(settings["adapter"], 1.0)]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.verbosity = ERRORS_ONLY
    # One slot and no cache: answers do not depend on what was asked before or beside them.
    params.n_parallel = 1
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.n_ctx = settings["context"]
    # More threads wait for each other at barriers, which collapses on a machine with other work.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    return xllamacpp.Server(params)


def _say(line: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
