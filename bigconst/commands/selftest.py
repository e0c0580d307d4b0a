"""`bigconst selftest`: squarings modulo Mersenne numbers against published residues."""

import argparse

from bigconst.commands.compute import MAX_THREADS, argument
from bigconst.commands.testrun import backend
from bigconst.errors import VerificationError
from bigconst.machine import default_threads
from bigconst.units import format_count, parse_count

_EPILOG = """\
examples:
  bigconst selftest              seconds
  bigconst selftest --long       every published residue and every transform length up to 4096K
"""


def add(commands) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "selftest",
        help="test the squarings of ll and prp",
        description="Compare squarings modulo 2^P - 1 with published residues, with one thread and with all.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--long", action="store_true", help="all rows and lengths: hours")
    parser.add_argument("--threads", metavar="N", type=argument(parse_count, 1, MAX_THREADS),
                        help="default: all processors")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line per case.  Raises VerificationError when one is wrong."""
    dwt_shape, longer, squarer = backend()
    from bigconst.mersenne import selftest

    threads = sorted({1, arguments.threads or default_threads()})
    cases = (selftest.long_cases(dwt_shape, longer, threads) if arguments.long
             else selftest.short_cases(dwt_shape, threads))
    failed = []
    for verdict in selftest.run(cases, squarer):
        row, case = verdict.case.row, verdict.case
        name = (f"{row.kind} M{row.exponent}, {format_count(row.iterations)} iterations, {case.shape} words, "
                f"{case.threads} thread{'s' if case.threads > 1 else ''}, shift {verdict.shift}")
        print(f"{'ok' if verdict.ok else 'FAILED':<6}  {name}, round-off {verdict.roundoff:.4f}", flush=True)
        if not verdict.ok:
            failed.append(name)
    if failed:
        raise VerificationError(f"{len(failed)} of {len(cases)} self-tests failed ({failed[0]})",
                                "do not trust this machine: test its memory, or report it")
    print(f"all {len(cases)} residues are right")
    return 0
