"""A wrong model is found out by the first answers, before the rest is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.cli import main
from tests.integration.endpoint import Asked, Endpoint, Reaction, completion, response

Sums = Callable[[Endpoint, int], Path]
RUN = ("--evalkit", "suites")
FIRST = 16


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the endpoint its key."""
    monkeypatch.setenv("SUMS_KEY", "k")


def chatty(asked: Asked) -> str:
    """Return a whole sentence that holds the sum."""
    left, right = (int(part) for part in asked.text.split(" + "))
    return f"Added up, the two numbers that you have given me come to {left + right}"


def saying(text: Callable[[Asked], str], name: str = "") -> Callable[[Asked], Reaction]:
    """Return a reaction: both models say ``text``, under the name asked for or another."""
    return lambda asked: Reaction(response(200, completion(name or asked.model, text(asked))))


def outcome(project: Path) -> str:
    """Return what the newest run decided."""
    return str(json.loads((project / "reports/latest/decision.json").read_text())["outcome"])


def test_a_copy_of_the_base_is_not_asked_on(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """Each model is asked 16 cases; the error says what to look at, and nothing is decided."""
    project = sums(endpoint, 100)
    endpoint.react = saying(chatty)
    result = pytester.runpytest(*RUN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*needed: a model 'tuned' that is not 'base', before the other 168 requests are asked",
            "*got: word for word the same first 16 answers *'tuned' (tuned at http*) and 'base'",
            "*do: *adapter loaded? model: and base_url: right?*run again*",
        ]
    )
    assert endpoint.calls == 2 * FIRST
    assert not (project / "reports/latest").exists()


def test_once_mended_the_same_command_goes_on(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """What the wrong model said is not kept; the base's answers are."""
    project = sums(endpoint, 100)
    right = endpoint.react
    endpoint.react = saying(chatty)
    pytester.runpytest(*RUN)
    endpoint.react = lambda asked: saying(chatty)(asked) if asked.model == "base" else right(asked)
    endpoint.asked.clear()
    pytester.runpytest(*RUN)
    assert endpoint.calls == 200 - FIRST
    assert outcome(project) != "incomplete"


def test_another_name_ends_the_run(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """An endpoint that answers as another model is told at once, with both names."""
    sums(endpoint, 100)
    endpoint.react = saying(lambda asked: f"{asked.text} {asked.model}", "other-model")
    result = pytester.runpytest(*RUN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*needed: answers of the model 'base' (base), before the other 168 requests are asked",
            "*got: other-model answered at http*",
            "*do: correct model: or base_url: of 'base' *not promote*",
        ]
    )
    assert endpoint.calls <= 2 * FIRST


def test_the_option_asks_on(pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums) -> None:
    """Then the decision says at the end what the first answers said before."""
    project = sums(endpoint, 40)
    endpoint.react = saying(chatty)
    assert pytester.runpytest(*RUN, "--evalkit-no-identity-check").ret == 1
    assert endpoint.calls == 80
    assert outcome(project) == "do_not_promote"


@pytest.mark.parametrize("args", [(), ("-n", "2")])
def test_alike_by_right(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums, args: tuple[str, ...]
) -> None:
    """Two models that both know the sums give the same short answers: nothing is shown by that."""
    sums(endpoint, 40)
    endpoint.react = saying(lambda asked: str(eval(asked.text)))  # noqa: S307  (a sum of ours)
    result = pytester.runpytest_subprocess(*RUN, *args, timeout=300)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert endpoint.calls == 80


def test_a_guard_may_be_answered_alike(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """Where nothing has to improve, equal answers are what one hopes for."""
    project = sums(endpoint, 40)
    suite = project / "suites/sums/sums.yaml"
    suite.write_text(suite.read_text().replace("purpose: target", "purpose: guard"))
    endpoint.react = saying(chatty)
    pytester.runpytest(*RUN)
    assert endpoint.calls == 80


def test_a_model_against_itself(pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums) -> None:
    """Both names for one model of one endpoint: that is on purpose, and each case is asked once."""
    project = sums(endpoint, 40)
    file = project / "suites/evalkit.yaml"
    file.write_text(file.read_text().replace("model: tuned", "model: base"))
    endpoint.react = saying(chatty)
    assert pytester.runpytest(*RUN).ret == pytest.ExitCode.TESTS_FAILED
    assert endpoint.calls == 40


def test_stored_answers_are_asked_anew_on_demand(
    endpoint: Endpoint,
    sums: Sums,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the equal answers were stored before, the error says how to replace them."""
    monkeypatch.chdir(sums(endpoint, 40))
    endpoint.react = saying(chatty)
    assert main(["run", "suites", "--limit", str(FIRST)]) == 4
    assert main(["run", "suites"]) == 2
    assert "evalkit run --rerun" in capsys.readouterr().err
    assert endpoint.calls == 2 * FIRST
