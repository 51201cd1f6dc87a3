"""The program that serves the embedded model, with another runtime in place of the real one."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.clients import local_server


def test_server_program_reports_what_it_cannot_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its runtime the program writes one line and ends."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr(sys, "argv", ["local_server", "{}"])
    local_server.main()
    assert "xllamacpp" in json.loads(capsys.readouterr().out)["error"]


def test_server_program_serves_with_the_settings_that_repeat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One slot, one thread, no cache, any free port of this machine only; until stdin closes."""
    made: list[Any] = []

    def serve(params: Any) -> SimpleNamespace:
        made.append(params)
        return SimpleNamespace(listening_address="http://127.0.0.1:5")

    runtime = SimpleNamespace(
        CommonParams=lambda: SimpleNamespace(
            model=SimpleNamespace(),
            cpuparams=SimpleNamespace(),
            cpuparams_batch=SimpleNamespace(),
            lora_adapters=[],
        ),
        CommonAdapterLoraInfo=lambda *info: info,
        Server=serve,
    )
    settings = {"weights": "w.gguf", "adapter": "", "alias": "m", "context": 99}
    monkeypatch.setitem(sys.modules, "xllamacpp", runtime)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for adapter in ("", "a.gguf"):
        settings["adapter"] = adapter
        monkeypatch.setattr(sys, "argv", ["local_server", json.dumps(settings)])
        local_server.main()
        assert json.loads(capsys.readouterr().out) == {"base_url": "http://127.0.0.1:5/v1"}
    plain, adapted = made
    assert (plain.model.path, plain.model_alias, plain.n_ctx) == ("w.gguf", {"m"}, 99)
    assert (plain.hostnames, plain.port) == (["127.0.0.1"], 0)
    assert (plain.n_parallel, plain.cache_prompt, plain.cache_ram_mib) == (1, False, 0)
    assert plain.cpuparams.n_threads == plain.cpuparams_batch.n_threads == 1
    assert plain.lora_adapters == []
    assert adapted.lora_adapters == [("a.gguf", 1.0)]
