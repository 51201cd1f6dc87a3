"""The command line: reads arguments, calls one command, turns errors into exit codes."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from evalkit import __version__
from evalkit.cli.commands import COMMANDS, INTERRUPTED, drop_output
from evalkit.cli.parser import USAGE, Parser
from evalkit.errors import EvalkitError

BROKEN = 70
PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; 2 when the user has something to mend."""
    words = sys.argv[1:] if argv is None else argv
    parser = build_parser()
    if not words:
        parser.print_help(sys.stderr)
        return USAGE
    arguments = parser.parse_args(words, argparse.Namespace(words=words))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # An arrow that the terminal's encoding lacks must not cost the decision.
        sys.stdout.reconfigure(errors="replace")
    try:
        code: int = arguments.run(arguments)
    except BrokenPipeError:
        drop_output()  # whoever read it has seen enough
        return PIPE_CLOSED
    except EvalkitError as error:
        from evalkit.report.safe import visible

        print(f"evalkit: {visible(str(error))}", file=sys.stderr)
        return USAGE
    except Exception:  # noqa: BLE001  (1 means "do not promote": a fault of ours must not say that)
        import traceback

        traceback.print_exc()
        print("evalkit: this is a fault of evalkit; it says nothing of the models", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        print("\nevalkit: stopped; answers are kept, the same command goes on", file=sys.stderr)
        return INTERRUPTED
    return code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with a sub-parser for each command."""
    parser = Parser(
        prog="evalkit", description="May this fine-tuned model replace the one it came from?"
    )
    parser.add_argument("--version", action="version", version=f"evalkit {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return parser
