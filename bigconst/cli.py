"""The command line: it parses, runs the command, and turns errors into one line and an exit code."""

import argparse
import errno
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from typing import NoReturn, TextIO

from bigconst.base import screen
from bigconst.base.errors import BigconstError, DoesNotFit, InputOutputError, Interrupted, UsageError
from bigconst.base.version import __version__
from bigconst.constants.registry import CONSTANTS
from bigconst.runs.signals import STOPPING, handled

# The linear algebra library of numpy would start a thread for each processor, and none of them has anything to do.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

_EPILOG = """\
examples:
  bigconst phi --digits 1e8             100 million digits of the golden ratio into phi.txt
  bigconst sqrt 2 --digits 1M           a million digits of the square root of 2 into sqrt2.txt
  bigconst verify phi.txt               check every digit against the certificate phi.txt.cert
  bigconst digits phi.txt --from 1e6    some of them
  bigconst plot phi.txt --output a.png  a picture of them
  bigconst ll 216091                    is 2^216091 - 1 prime?
  bigconst estimate phi --digits 1e12 --cloud all
                                        hours and dollars on machines for hire
  bigconst warmup                       compile and self-test the kernels
  bigconst phi --help                   all options of a command
"""


_MODULES = {
    "constants": "constants", "resume": "resume", "status": "status", "verify": "verify", "certify": "certify",
    "digits": "digits", "find": "find", "stats": "stats", "hash": "hash", "compare": "compare", "plot": "plot",
    "ll": "mersenne", "prp": "mersenne", "work": "work", "selftest": "selftest", "stress": "stress", "bench": "bench",
    "estimate": "estimate", "warmup": "warmup", "byobu-install": "byobu", "byobu-remove": "byobu",
    "completion": "completion",
}
"""module of bigconst.commands for each command but those of constants, in the order in which --help shows them"""


class _Parser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError, prints examples as they are, and takes no abbreviated options."""

    def __init__(self, **settings):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"{self.prog} --help shows examples")

    def _print_message(self, message: str, file: TextIO | None = None) -> None:
        # argparse would ignore that --help cannot be written.
        screen.write(message, end="")


class _Command(_Parser):
    """The parser of a command or subcommand, with the option that all of them have."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line; each command sets `run` to its function of the parsed arguments.

    Where `command` names a command, the parser has this one alone, and the modules of the others are not imported;
    only `completion`, which describes all commands, needs all of them.
    """
    parser = _Parser(
        prog="bigconst",
        description="Mathematical constants to billions of digits, and primality tests of Mersenne numbers.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"bigconst {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Command)
    modules = dict.fromkeys(CONSTANTS, "compute") | _MODULES
    alone = command in modules and command != "completion"
    for module in dict.fromkeys([modules[command]] if alone else modules.values()):
        found = importlib.import_module(f"bigconst.commands.{module}")
        found.add(commands)
        for each in commands.choices.values():
            if each.get_default("run") is None:
                each.set_defaults(run=found.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        # Requests to end clean up like Ctrl-C.
        with screen.streams(), handled({number: signal.default_int_handler for number in STOPPING}):
            arguments = _parsed(argv)
            return 0 if arguments is None else arguments.run(arguments)
    except BaseException as error:
        if "--debug" in argv:
            screen.note(traceback.format_exc())
        known = _as_known(error)
        screen.note(known.line)
        return known.exit_code


def _parsed(argv: Sequence[str]) -> argparse.Namespace | None:
    """The arguments; None where they asked for --help or --version, which is printed."""
    try:
        arguments = build_parser(argv[0] if argv else None).parse_args(argv)
    except SystemExit:
        return None
    arguments.argv, arguments.started_s = argv, time.perf_counter()
    return arguments


def _as_known(error: BaseException) -> BigconstError:
    """The error as a BigconstError, which has a remedy and an exit code."""
    match error:
        case BigconstError():
            return error
        case KeyboardInterrupt():
            #: The rest of the line is the command that goes on, or says that nothing was kept.
            return Interrupted()
        case _ if _is_lack_of_memory(error):
            #: A limit of the session (`ulimit -v`), of the container or of the machine is lower than what was planned.
            #: Ask for fewer digits, or say the limit with `--memory`.
            return DoesNotFit("the system refused memory")
        case OSError():
            #: Nobody foresaw that the system would refuse this here. It says why: *Too many open files* is `ulimit -n`,
            #: the others are as for `cannot write`.
            return InputOutputError(f"the system says {error}",
                                    "mend that, or choose another place; --debug shows where")
        case _:
            what = f"internal error, {type(error).__name__}: {error}"
            #: A mistake in the program. Please report it, with what `--debug` adds.
            return BigconstError(what, "--debug shows where; please report it")


def _is_lack_of_memory(error: BaseException) -> bool:
    match error:
        case MemoryError() | OSError(errno=errno.ENOMEM):
            return True
        case ImportError():         # as the dynamic linker says it, of a library
            return "failed to map segment" in str(error)
    return False
