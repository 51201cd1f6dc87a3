"""argparse, with messages in three parts and without the whole usage before them."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

USAGE = 2
"""The exit code where the user has something to mend."""

_CHOICE = re.compile(r"argument (.+?): invalid choice: '(.*?)' .choose from (.*).")


class Parser(argparse.ArgumentParser):
    """Tells what was wrong with the arguments, and what was meant."""

    def error(self, message: str) -> NoReturn:
        """Leave with `USAGE` and the message; for a wrong choice with the nearest right one."""
        choice = _CHOICE.fullmatch(message)
        told = _wrong_choice(*choice.groups()) if choice else message.replace(": \n", ":\n")
        self.exit(USAGE, f"evalkit: {told}\n{self.prog} --help says more\n")


def _wrong_choice(name: str, got: str, choices: str) -> str:
    from evalkit.suite.validate import did_you_mean

    known = [word.strip("' ") for word in choices.split(",")]
    instead = did_you_mean(got, known, otherwise=f"one of {', '.join(known)}")
    needed = f"a {name.lower()} that evalkit knows"
    return f"argument {name}:\n  needed: {needed}\n     got: {got}\n   write: {instead}"
