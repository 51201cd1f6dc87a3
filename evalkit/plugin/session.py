"""The working half of the plugin: reads the project, then registers what fits this process.

One process asks the models: the plain pytest process, or the controller when pytest-xdist
distributes the items. Workers only wait for the controller's outcomes and report their items.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.errors import SetupError
from evalkit.model import Budget
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.prepare import prepare
from evalkit.plugin.collection import Collection
from evalkit.plugin.usage import usage_errors
from evalkit.store import forget_latest


def register(config: pytest.Config) -> None:
    """Read the project and register the plugin objects of this process."""
    with usage_errors():
        options = options_of(config)
        if not (config.option.collectonly or hasattr(config, "workerinput")):
            # Before anything is read: a run that is refused must not leave the one before it.
            forget_latest(options.reports)
        plan = prepare(paths_of(config), options, root=config.rootpath, environ=os.environ)
        driver = _driver(config, plan, options)
    config.pluginmanager.register(Collection(plan), "evalkit-collection")
    config.pluginmanager.register(driver, "evalkit-session")


def _driver(config: pytest.Config, plan: Plan, options: Options) -> object:
    if hasattr(config, "workerinput"):
        from evalkit.plugin.distributed import AA, AGAIN, RUN_ID, Worker

        again = frozenset((suite, case) for suite, case in config.workerinput[AGAIN])
        plan = replace(plan, aa=config.workerinput[AA], again=again)
        return Worker(plan, options, run_id=config.workerinput[RUN_ID])
    if config.getoption("dist", "no") != "no" and config.getoption("tx", None):
        if options.stop_early:
            raise SetupError(
                "one process where suites stop early, as their cases count in one order",
                got="--evalkit-stop-early together with -n",
                instead="leave -n out: answers are asked for side by side without it",
            )
        from evalkit.plugin.distributed import Controller

        return Controller(config, plan, options)
    from evalkit.plugin.local import Local

    return Local(config, plan, options)


def options_of(config: pytest.Config) -> Options:
    """Return the command line's wishes as one value."""
    get = config.getoption
    policy = get("evalkit_policy")
    here = config.invocation_params.dir
    return Options(
        reports=here / get("evalkit_report"),
        models=tuple(name.strip() for name in get("evalkit_models").split(",") if name.strip()),
        samples=get("evalkit_samples"),
        limit=get("evalkit_limit"),
        offline=get("evalkit_offline"),
        rerun=get("evalkit_rerun"),
        aa=get("evalkit_aa"),
        stop_early=get("evalkit_stop_early"),
        policy=here / policy if policy else None,
        budget=get("evalkit_budget") or Budget(),
        deadline_s=get("evalkit_deadline"),
        check_identity=not get("evalkit_no_identity_check"),
    )


def paths_of(config: pytest.Config) -> list[Path]:
    """Return the files and folders that pytest was given, node ids cut off."""
    here = config.invocation_params.dir
    return [here / str(arg).split("::", maxsplit=1)[0] for arg in config.args]
