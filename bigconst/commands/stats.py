"""`bigconst stats FILE`: how the digits of a file are distributed."""

from __future__ import annotations

import argparse
import contextlib
from typing import TYPE_CHECKING

from bigconst.base.hardware import default_threads
from bigconst.base.screen import result
from bigconst.base.units import format_count
from bigconst.commands.reading import PassLine, add_common
from bigconst.runs.kernels import READING, load

if TYPE_CHECKING:
    from bigconst.reading.statistics import Statistics

SCHEMA = "bigconst-statistics/1"

_EPILOG = """\
examples:
  bigconst stats phi.txt
  bigconst stats phi.txt --json phi.json

The integer part is not counted.  What the tests are stands in docs/digit-files.md.
"""
_NAMES = {1: "digits", 2: "pairs", 3: "triples"}


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "stats",
        help="frequencies, tests and runs of the digits of a file",
        description="Count digits, pairs, triples and runs of FILE in one pass, and test them for randomness.",
        epilog=_EPILOG,
    )
    add_common(parser, "FILE")
    parser.add_argument("--json", metavar="FILE", help="write all of it as JSON, too")


def run(arguments: argparse.Namespace) -> int:
    """Count the digits and print the statistics.  Raises InputOutputError."""
    from bigconst.reading.source import DigitText
    from bigconst.storage.atomicfile import AtomicFile

    with contextlib.ExitStack() as stack:
        text = stack.enter_context(DigitText(arguments.file))
        file = stack.enter_context(AtomicFile(arguments.json, force=True)) if arguments.json else None
        load(READING)
        from bigconst.reading.statistics import measure

        with PassLine(text.digits) as done:
            statistics = measure(text, arguments.threads or default_threads(), done)
        try:
            if file:
                import json

                content = json.dumps(_plain(arguments.file, statistics), indent=2) + "\n"
                file.write_at(0, memoryview(content.encode()))
                file.commit()
        finally:
            result("\n".join(_lines(arguments.file, statistics)))
    return 0


def _lines(path: str, statistics: Statistics) -> list[str]:
    runs = statistics.runs
    lines = [f"{path}: {format_count(statistics.digits)} digits after the point, base {statistics.base}", "",
             f"{'digit':<8}{'count':>20}{'frequency':>14}{'deviation':>14}"]
    for digit, count in enumerate(statistics.counts):
        lines.append(f"{digit:<8x}{format_count(count):>20}{count / statistics.digits:>14.8f}"
                     f"{statistics.sigmas(digit):>+8.2f} sigma")
    lines += ["", f"{'test':<8}{'psi^2':>20}{'chi^2':>14}{'degrees':>14}{'p':>10}"]
    for test in statistics.tests:
        p = "too few" if test.p is None else f"{test.p:.4f}"
        lines.append(f"{_NAMES[test.length]:<8}{test.psi2:>20.3f}{test.chi_square:>14.3f}{test.degrees:>14}{p:>10}")
    return [*lines, "",
            f"{'Runs:':<24}{format_count(runs.count)}, {runs.sigmas:+.2f} sigma",
            f"{'Longest run:':<24}{format_count(runs.longest)} times {runs.digit} at position "
            f"{format_count(runs.position)}"]


def _plain(path: str, statistics: Statistics) -> dict:
    from dataclasses import asdict

    from bigconst.base.version import __version__

    plain = asdict(statistics)
    return {"schema": SCHEMA, "version": __version__, "file": path, **plain, "counts": list(plain["counts"]),
            "sigmas": [statistics.sigmas(digit) for digit in range(statistics.base)], "tests": list(plain["tests"])}
