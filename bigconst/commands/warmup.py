"""`bigconst warmup`: compile (or load) the kernels and test them on this machine."""

import argparse
import time

from bigconst.base.errors import VerificationError
from bigconst.base.screen import write
from bigconst.base.units import format_seconds

_EPILOG = """\
example:
  bigconst warmup        after an installation or update, so that the first computation starts at once
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    commands.add_parser(
        "warmup",
        help="compile and self-test the kernels",
        description="Compile the kernels for this machine (once, a minute or two; later only load them), test them.",
        epilog=_EPILOG,
    )


def run(arguments: argparse.Namespace) -> int:
    """Load all kernels, run the self-test, print a line per test.  Raises VerificationError when one fails."""
    from bigconst.runs.kernels import FAMILIES, load
    from bigconst.runs.selftest import self_test

    load(*FAMILIES)
    write(f"kernels ready: {format_seconds(time.perf_counter() - arguments.started_s)}")
    results = self_test()
    for name, ok in results:
        write(f"{'ok' if ok else 'FAILED':<6}  {name}")
    failed = [name for name, ok in results if not ok]
    if failed:
        raise VerificationError(
            f"{len(failed)} of {len(results)} self-tests failed ({failed[0]})",
            "do not trust this machine: test its memory, reinstall numba, or report it",
        )
    return 0
