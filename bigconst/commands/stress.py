"""`bigconst stress`: load processors, memory and disks, and check every result."""

from __future__ import annotations

import argparse
import contextlib
import os
from typing import TYPE_CHECKING

from bigconst.base.errors import DoesNotFit, Interrupted, OutputLost
from bigconst.base.hardware import MAX_THREADS, available_memory_bytes, default_threads
from bigconst.base.screen import note, result
from bigconst.base.units import format_bytes, format_count, format_seconds, parse_count, parse_size
from bigconst.commands.options import argument
from bigconst.runs.statusline import StatusLine

if TYPE_CHECKING:
    from bigconst.stress.burnin import BurnIn

MOST_MINUTES = 1e6

_EPILOG = """\
examples:
  bigconst stress                                     a quarter of an hour on all processors and most of the memory
  bigconst stress --minutes 1440 --swap /mnt/a --swap /mnt/b
                                                      a day, with two disks: before a long computation
  bigconst stress --minutes 0.5 --memory 2GiB         half a minute, gently
  bigconst stress --minutes 60 > log && echo sound    the summary into a file; exit code 0 means that all was right

What is done, all of it at the same time:
  processors   squarings modulo 2^P - 1 in lengths that live in each core's cache, then in the shared one, then with all
               threads in memory; about half are compared with published residues, the others computed again with
               another shift and another length.  Each is tied to a processor, which is named when it is wrong.
  memory       what --memory leaves beside them is filled with random patterns and their complements, left alone for
               half a minute, and compared: address, wrong bits and, for root, the physical address.
  disks        in each directory of --swap a file, at most 4 GiB and a quarter of what is free, is written past the
               page cache, read back in another order and compared: file, offset, wrong bits.  It is removed at the end.

The first wrong result ends the test: exit code 1, and one line that says what was wrong and where.  A disk that reports
an error itself ends it with exit code 3, Ctrl-C with 130.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "stress",
        help="burn in processors, memory and disks",
        description="Load processors, memory and disks, and check every result.",
        epilog=_EPILOG,
    )
    parser.add_argument("--minutes", metavar="M", type=_minutes, default=15.0, help="how long, like 0.5 (default: 15)")
    parser.add_argument("--threads", metavar="N", type=argument(parse_count, 1, MAX_THREADS),
                        help="threads that square (default: all processors)")
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1),
                        help="most memory to use (default: three quarters of what is available)")
    parser.add_argument("--swap", metavar="DIR", action="append", default=[],
                        help="directory on a disk to test, too; repeat it for more disks")


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= MOST_MINUTES:
        #: Write it like `15` or `0.5`, without a unit.
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not a number of minutes; write it like 15 or 0.5")
    return minutes


def run(arguments: argparse.Namespace) -> int:
    """Burn in and print the summary.  Raises the error of the first wrong result, DoesNotFit, Interrupted."""
    available = available_memory_bytes()
    memory_bytes = arguments.memory or available * 3 // 4
    if memory_bytes > available:
        #: A stress test fills what it is given: ask for less, take fewer `--threads`, or stop other programs.
        raise DoesNotFit(f"--memory asks for {format_bytes(memory_bytes)}, {format_bytes(available)} are available",
                         "ask for less, or stop other programs")
    from bigconst.runs.kernels import SQUARINGS, load

    load(SQUARINGS)
    from bigconst.arithmetic.memory.squarer import Squarer
    from bigconst.stress.burnin import BurnIn
    from bigconst.stress.scratch import ScratchTest

    seed = int.from_bytes(os.urandom(8))
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(ScratchTest(arguments.swap, seed, note)) if arguments.swap else None
        burn = BurnIn(Squarer, arguments.threads or default_threads(), memory_bytes, scratch, seed)
        seconds = 60 * arguments.minutes
        line = StatusLine()
        try:
            note(_plan(burn, seconds, arguments.swap))
            burn.run(seconds, lambda: line.show(_line(burn, seconds)))
        except KeyboardInterrupt:
            if burn.faults:
                raise burn.faults[0] from None
            raise Interrupted(f"interrupted after {format_seconds(burn.elapsed_s)}",
                              "all results were right until then") from None
        finally:
            line.clear()
            with contextlib.suppress(OutputLost):       # an error that was found matters more
                result(_summary(burn))
    result("all results were right")
    return 0


def _plan(burn: BurnIn, seconds: float, swap: list[str]) -> str:
    disks = f", {format_bytes(burn.scratch.size_bytes)} of scratch in {', '.join(swap)}" if burn.scratch else ""
    return f"{format_seconds(seconds)}: {burn.threads} threads, {format_bytes(burn.pattern_bytes)} of memory{disks}"


def _rate(burn: BurnIn) -> str:
    return f"{burn.totals.operations / max(burn.elapsed_s, 1e-3) / 1e9:.1f} GFLOP/s"


def _line(burn: BurnIn, seconds: float) -> str:
    """The line that says how far the test is."""
    totals = burn.totals
    disks = f", {format_bytes(burn.scratch.moved_bytes)} moved" if burn.scratch else ""
    return (f"{format_seconds(round(burn.elapsed_s))} of {format_seconds(seconds)}: {format_count(totals.iterations)} "
            f"iterations, {_rate(burn)}, {format_bytes(totals.memory_bytes)} compared{disks}, "
            f"{len(burn.faults)} errors")


def _summary(burn: BurnIn) -> str:
    totals = burn.totals
    lines = [f"Time        {format_seconds(burn.elapsed_s)}",
             f"Squarings   {format_count(totals.iterations)} in {format_count(totals.tests)} tests that were right, "
             f"{_rate(burn)}, largest round-off {totals.max_roundoff:.4f}",
             f"Memory      {format_bytes(burn.pattern_bytes)}, {format_bytes(totals.memory_bytes)} compared"]
    if burn.scratch:
        volume = burn.scratch.volume
        lines.append(f"Scratch     {format_bytes(burn.scratch.size_bytes)}, {format_bytes(volume.written_bytes)} "
                     f"written, {format_bytes(volume.read_bytes)} read and compared")
    return "\n".join([*lines, f"Errors      {len(burn.faults)}"])
