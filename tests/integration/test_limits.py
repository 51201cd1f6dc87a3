"""Budget, deadline and estimate as their users meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from tests.integration.endpoint import Endpoint, Reaction

Sums = Callable[[Endpoint, int], Path]
RUN = ("--evalkit", "suites")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the endpoint its key."""
    monkeypatch.setenv("SUMS_KEY", "k")


def latest(project: Path, name: str) -> Any:
    """Return a JSON file of the newest run."""
    return json.loads((project / "reports/latest" / name).read_text())


def priced(project: Path, more: str = "") -> None:
    """Give both models a price, and the project ``more`` lines."""
    file = project / "suites/evalkit.yaml"
    text = file.read_text().replace(
        "client: openai", "client: openai, price: {input: 1, output: 2}"
    )
    file.write_text(text + more)


def test_a_run_that_hits_its_budget_goes_on_later(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """It keeps every answer, decides nothing, says why and how to go on."""
    project = sums(endpoint, 50)
    args = (*RUN, "--evalkit-budget", "requests=60")
    result = pytester.runpytest(*args)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    sentence = "topped by the budget (requests: 60): 40 of 100 requests were not asked"
    result.stdout.fnmatch_lines(
        [f"*S{sentence}*", "report *", "go on   pytest * --evalkit-budget requests=60*"]
    )
    assert endpoint.calls == 60
    assert latest(project, "manifest.json")["stopped"] == f"s{sentence}"
    assert latest(project, "decision.json")["outcome"] == "incomplete"
    assert main(["gate", str(project / "reports/latest")]) == 4
    assert pytester.runpytest(*args).ret == pytest.ExitCode.OK
    assert endpoint.calls == 100
    assert latest(project, "manifest.json")["stopped"] == ""


def test_few_missing_answers_do_not_let_it_through(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """One request too many for the budget is within the error rate, and still it never promotes."""
    project = sums(endpoint, 150)
    assert pytester.runpytest(*RUN, "--evalkit-budget", "requests=299").ret == 1
    reasons = latest(project, "decision.json")["comparisons"][0]["reasons"]
    assert reasons == ["Stopped by the budget (requests: 299): 1 of 300 requests was not asked."]
    assert main(["decide", str(project / "reports/latest")]) == 0
    assert latest(project, "decision.json")["comparisons"][0]["reasons"] == reasons


def test_the_command_line_says_the_same(
    endpoint: Endpoint,
    sums: Sums,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit code 4, the decision on stdout, the way on beside it; money counts by the prices."""
    project = sums(endpoint, 50)
    monkeypatch.chdir(project)
    priced(project, "budget: {money: 1, requests: 1000}\n")
    # An answer costs 3 x 1 + 1 x 2 millionths; 300 of them are reserved at first.
    budget = f"money={70 * 5e-6 + 600e-6}"
    assert main(["run", "suites", "--json", "--budget", budget, "--rerun"]) == 4
    out, err = capsys.readouterr()
    assert json.loads(out)["outcome"] == "incomplete"
    assert "evalkit: stopped by the budget (money: 0.00095): " in err
    assert err.splitlines()[-1] == f"go on   evalkit run suites --json --budget {budget}"
    assert 0 < endpoint.calls < 100


def test_a_deadline_ends_a_run(
    endpoint: Endpoint,
    sums: Sums,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is not answered by then is missing; what came is kept."""
    monkeypatch.chdir(sums(endpoint, 100))
    hang = Reaction(b"", wait_s=60.0)
    endpoint.react = lambda asked: hang if int(asked.text.split()[0]) >= 60 else None
    assert main(["run", "suites", "--deadline", "6s"]) == 4
    err = capsys.readouterr().err
    assert "stopped by the deadline (6 s): 80 of 200 requests were not answered" in err
    endpoint.react = lambda _: None
    endpoint.asked.clear()
    assert main(["run", "suites", "--deadline", "1h", "-q"]) == 0
    assert capsys.readouterr().err == ""
    assert endpoint.calls == 80


def test_a_limit_of_money_needs_prices(
    endpoint: Endpoint, sums: Sums, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """Without one it would never be reached: an error before any call."""
    monkeypatch.chdir(sums(endpoint, 5))
    assert main(["run", "suites", "--budget", "money=5"]) == 2
    assert "got: none of base, tuned" in capsys.readouterr().err
    assert endpoint.calls == 0


@pytest.mark.parametrize("args", [("--evalkit-budget", "euro=5"), ("--evalkit-deadline", "30")])
def test_a_limit_that_is_none(pytester: pytest.Pytester, args: tuple[str, str]) -> None:
    """A usage error in three parts that names the option."""
    result = pytester.runpytest_subprocess(*RUN, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"*argument {args[0]}:*", "*needed: *", f"*got: {args[1]}", "*write: such as *"]
    )


def test_what_a_run_will_take_is_told_at_collection(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """A bound at first, later what is likely; nothing with -q, and nothing if all is stored."""
    project = sums(endpoint, 40)
    priced(project)
    result = pytester.runpytest(*RUN, "--evalkit-limit", "30")
    result.stdout.re_match_lines(
        [
            r"collected \d+ items",
            r"60 requests to 2 models, at most [\d,]+ tokens, cost at most 0\.03",
        ]
    )
    assert "requests to" not in pytester.runpytest(*RUN, "--evalkit-limit", "30").stdout.str()
    assert "requests to" not in pytester.runpytest(*RUN, "--evalkit-limit", "35", "-q").stdout.str()
    result = pytester.runpytest(*RUN)
    result.stdout.re_match_lines(
        [r"10 requests to 2 models, about 40 tokens, cost 0\.0001 \(at most 0\.0\d+\), 1 s"]
    )


def test_workers_leave_it_to_the_controller(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums
) -> None:
    """With -n the line stands there once."""
    sums(endpoint, 40)
    result = pytester.runpytest_subprocess(*RUN, "-n", "2", timeout=300)
    assert result.ret == 0
    assert result.stdout.str().count("80 requests to 2 models, at most ") == 1


def test_the_plan_says_it_too(
    endpoint: Endpoint,
    sums: Sums,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stored answers are subtracted and tell the rest; nothing is asked."""
    project = sums(endpoint, 50)
    monkeypatch.chdir(project)
    priced(project)
    assert main(["run", "suites", "--limit", "40", "-q"]) == 4
    capsys.readouterr()
    assert main(["plan", "suites"]) == 0
    out = capsys.readouterr().out
    assert "base: estimated from 40 stored answers" in out
    assert out.splitlines()[-1].startswith("20 requests to 2 models, about 80 tokens, cost 0.0001")
    assert max(map(len, out.splitlines())) <= 80
    assert main(["plan", "suites", "--json"]) == 0
    base, _ = json.loads(capsys.readouterr().out)["estimate"]["models"]
    assert (base["requests"], base["stored"], base["basis"]["source"]) == (10, 40, "stored")
    assert base["input_tokens"]["likely"] == 30
    assert endpoint.calls == 80
