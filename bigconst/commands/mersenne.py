"""`bigconst ll P...` and `bigconst prp P...`: tests of Mersenne numbers."""

import argparse
import re

from bigconst.base.errors import UsageError
from bigconst.base.hardware import default_threads
from bigconst.base.units import parse_count, parse_size
from bigconst.commands.compute import command_line
from bigconst.commands.options import add_background_options, add_price_option, add_threads_option, argument
from bigconst.plans.mersenneplan import DEFAULT_SAVE_EVERY_S
from bigconst.plans.proofplan import MAX_POWER, default_power

_LL_EPILOG = """\
examples:
  bigconst ll 216091                          M216091 is prime
  bigconst ll 57885161 --save-every 300       the same command goes on after an interruption
  bigconst ll 57984131 --iterations 100       residue after 100 squarings, as published tables have it
  bigconst ll 57885161 --fft 3584K --shift 0  transform length and shift chosen by hand
  bigconst ll 1000000007 --swap /mnt/a --swap /mnt/b --memory 2500MiB
                                              transform on two disks; resume, status and discard as for digits
  bigconst ll 216091 --verify                 M216091 is prime, verified: by a second test that differs
"""
_PRP_EPILOG = """\
examples:
  bigconst prp 216091                         M216091 is a probable prime, base 3
  bigconst prp 57885161 --dir /data           save files on another disk
  bigconst prp 216091 --proof                 and 216091-5.proof, which `bigconst verify` checks in a small part of
                                              the time
"""


def parse_length(text: str) -> int:
    """A transform length, written as 3145728, 3072K or 3M, where K is 1024.  Raises UsageError."""
    match = re.fullmatch(r"(\d{1,12})([kKmM]?)", text, re.ASCII)
    if match is None:
        raise UsageError(f"{text[:80]!r} is not a transform length", "write it like 3072K or 3145728")
    return int(match[1]) << {"": 0, "k": 10, "m": 20}[match[2].lower()]


def parse_duration_s(text: str) -> float:
    """Seconds, more than 0 and at most 1e9.  Raises argparse.ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1e9:
        #: Write it like `600` or `0.5`, without a unit.
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds; write it like 600 or 0.5")
    return value


def add(commands: argparse._SubParsersAction) -> None:
    """Declare both commands on an argparse subparsers object."""
    for name, kind, what, text, epilog in (
            ("ll", "LL", "Lucas-Lehmer test of 2^P - 1",
             "Tell by the Lucas-Lehmer test whether 2^P - 1 is prime.", _LL_EPILOG),
            ("prp", "PRP-3", "probable prime test of 2^P - 1",
             "Tell whether 2^P - 1 is a probable prime to base 3, with Gerbicz-Li checking.", _PRP_EPILOG)):
        parser = commands.add_parser(name, help=what, description=text, epilog=epilog)
        parser.add_argument("exponents", metavar="P", nargs="+", type=argument(parse_count, 2), help="exponent")
        parser.add_argument("--iterations", metavar="N", type=argument(parse_count, 1),
                            help="stop after N squarings from the start and print the residue")
        parser.add_argument("--shift", metavar="S", type=argument(parse_count, 0),
                            help="shift of the residue in its transform (default: random)")
        parser.add_argument("--fft", metavar="LENGTH", type=argument(parse_length, 1),
                            help="transform length in doubles, like 3072K (default: the shortest safe one)")
        parser.add_argument("--verify", action="store_true",
                            help="test again, with another shift and length, and compare residues on the way")
        if name == "prp":
            parser.add_argument("--proof", metavar="POWER", nargs="?", const=0,
                                type=argument(parse_count, 1, MAX_POWER),
                                help="make a proof of the test, P-POWER.proof in --dir; POWER is 5 to 11 by default, "
                                     "as P is large")
        parser.add_argument("--no-factor", action="store_true", help="do not look for small factors first")
        add_running_options(parser)
        add_background_options(parser)
        parser.add_argument("--swap", metavar="DIR", action="append",
                            help="scratch directory for a transform that does not fit memory; name it again for every "
                                 "disk")
        parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1),
                            help="most that the process may take (default: three quarters of what is available)")
        parser.add_argument("--workspace", metavar="SIZE", type=argument(parse_size, 1),
                            help="most for transform and residues, or for the passes over a transform on disk")
        parser.add_argument("--discard", action="store_true",
                            help="remove an interrupted run from the scratch directories")
        parser.add_argument("--dir", metavar="DIR", default=".", help="directory of save files (default: this one)")
        parser.set_defaults(kind=kind)


def add_running_options(parser: argparse.ArgumentParser) -> None:
    """--threads, --save-every and --usd-per-hour, which `work` has, too."""
    add_threads_option(parser)
    parser.add_argument("--save-every", metavar="SECONDS", type=parse_duration_s, default=DEFAULT_SAVE_EVERY_S,
                        help="time between save files (default 600)")
    add_price_option(parser)


def _power(arguments: argparse.Namespace, p: int) -> int | None:
    """The power of the proof that is asked for."""
    asked = getattr(arguments, "proof", None)
    return default_power(p) if asked == 0 else asked


def run(arguments: argparse.Namespace) -> int:
    """Test one exponent after the other and print a line for each."""
    from bigconst.runs.mersenne import MersenneRequest
    from bigconst.runs.mersennequeue import run_tests
    from bigconst.runs.mersennescratch import Resources
    from bigconst.runs.priority import lower_priority

    if arguments.nice:
        lower_priority()
    resources = Resources(tuple(arguments.swap or ()), arguments.memory, arguments.workspace, arguments.discard,
                          command_line(arguments))
    threads = arguments.threads or default_threads()
    run_tests([
        MersenneRequest(arguments.kind, p, threads, arguments.iterations, arguments.shift, arguments.fft,
                        not arguments.no_factor, arguments.save_every, arguments.dir, arguments.verify, resources,
                        arguments.usd_per_hour, proof=_power(arguments, p))
        for p in arguments.exponents], arguments.events)
    return 0
