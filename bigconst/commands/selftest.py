"""`bigconst selftest`: squarings modulo Mersenne numbers against published residues."""

import argparse
import time

from bigconst.base.errors import Interrupted, VerificationError
from bigconst.base.hardware import default_threads
from bigconst.base.screen import note, write
from bigconst.base.units import format_count, format_seconds
from bigconst.commands.options import add_threads_option

_EPILOG = """\
examples:
  bigconst selftest              the smaller ones of the published residues: seconds
  bigconst selftest --long       all of them, and every transform length up to 4096K

--long computes what is published with 1, 2 and all threads, 100 to 10,000 iterations each.  Every length also computes
nearly the largest exponent that it holds, 100 iterations, which the next longer one has to confirm.  All lengths come
first, and are through after a quarter of the time.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "selftest",
        help="test the squarings of ll and prp",
        description="Compare squarings modulo 2^P - 1 with published residues, with one thread and with all.",
        epilog=_EPILOG,
    )
    parser.add_argument("--long", action="store_true", help="all rows and lengths: a quarter of an hour or more")
    add_threads_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each case.  Raises VerificationError when one is wrong, Interrupted."""
    from bigconst.runs.kernels import SQUARINGS, load

    load(SQUARINGS)
    from bigconst.arithmetic.memory.squarer import Squarer
    from bigconst.mersenne import selftest

    most = arguments.threads or default_threads()
    cases = (selftest.long_cases(sorted({1, min(2, most), most})) if arguments.long
             else selftest.short_cases(sorted({1, most})))
    if arguments.long:
        seconds = sum(case.cost * pace for case, pace in zip(cases, selftest.paces(cases, Squarer), strict=True))
        note(f"{len(cases)} cases, about {format_seconds(round(seconds))}")
    done, failed = 0, []
    try:
        began_s = time.perf_counter()
        for verdict in selftest.run(cases, Squarer):
            done += 1
            place = f"  [{done}/{len(cases)}, {format_seconds(time.perf_counter() - began_s)}]"
            write(f"{'ok' if verdict.ok else 'FAILED':<6}  {verdict.case}, shift {verdict.shift}, "
                  f"round-off {verdict.roundoff:.4f}{place if arguments.long else ''}")
            if not verdict.ok:
                failed.append(str(verdict.case))
    except KeyboardInterrupt:
        if not failed:
            raise Interrupted(f"interrupted, {format_count(done)} of {format_count(len(cases))} cases were right",
                              "nothing was kept, run the same command again") from None
    if failed:
        #: The name of the first one is in parentheses. If `bigconst stress` finds nothing, reinstall numba; if that
        #: does not help, please report it.
        raise VerificationError(f"{len(failed)} of {done} self-tests failed ({failed[0]})",
                                "do not trust this machine: test its memory with bigconst stress, or report it")
    write(f"all {len(cases)} residues are right")
    return 0
