"""`bigconst phi` and `bigconst sqrt D`: digits of a square root into a file."""

import argparse
import contextlib
import os
import shlex
import sys
import time
from datetime import datetime

from bigconst.commands.warmup import load_engine
from bigconst.errors import UsageError
from bigconst.machine import available_memory_bytes, default_threads, peak_memory_bytes
from bigconst.progress import Progress
from bigconst.report import Measured, format_report, make_report, report_json
from bigconst.storage.atomicfile import AtomicFile, StdoutText
from bigconst.units import parse_count, parse_size

MAX_D = 2**31 - 1
MAX_THREADS = 1024

_PHI_EPILOG = """\
examples:
  bigconst phi --digits 1e8                      100 million digits into phi.txt
  bigconst phi --digits 1e8 --base 16            the same precision in hexadecimal, into phi.hex.txt
  bigconst phi --digits 1000 --output -          digits on the screen
  bigconst phi --digits 2e9 --plan               memory and transforms, without computing
"""
_SQRT_EPILOG = """\
examples:
  bigconst sqrt 2 --digits 1e8                   100 million digits into sqrt2.txt
  bigconst sqrt 3 --digits 1M --output root.txt --json root.json
"""


def argument(parse, low: int, high: int | None = None):
    """An argparse type that keeps the sentence of `parse` and checks low <= value <= high."""

    def convert(text: str) -> int:
        try:
            value = parse(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if value < low or (high is not None and value > high):
            wanted = f"at least {low}" if high is None else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"{text!r} is out of range; it must be {wanted}")
        return value

    return convert


def add(commands) -> None:
    """Declare both commands on an argparse subparsers object."""
    common = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    phi = commands.add_parser(
        "phi",
        help="digits of the golden ratio",
        description="Compute the golden ratio (1 + sqrt 5)/2 = 1.618... to N digits after the point.",
        epilog=_PHI_EPILOG,
        **common,
    )
    phi.set_defaults(kind="phi", d=5)
    sqrt = commands.add_parser(
        "sqrt",
        help="digits of the square root of an integer",
        description="Compute the square root of the integer D to N digits after the point.",
        epilog=_SQRT_EPILOG,
        **common,
    )
    sqrt.add_argument("d", metavar="D", type=argument(parse_count, 1, MAX_D), help="integer, 1 <= D < 2^31")
    sqrt.set_defaults(kind="sqrt")
    for parser in (phi, sqrt):
        _add_options(parser)
        parser.set_defaults(run=run)


def _add_options(parser: argparse.ArgumentParser) -> None:
    digits = "decimal digits after the point: 100000000, 1e8, 100_000_000 or 100M"
    base = "16 writes as many hexadecimal digits as N decimal ones are worth (default 10)"
    memory = "most memory to use, like 512MiB or 8GB (default: 75 %% of what is available)"
    output = "default phi.txt, sqrt2.txt, ... (.hex.txt in base 16); - is standard output"
    parser.add_argument("--digits", metavar="N", required=True, type=argument(parse_count, 1), help=digits)
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help=base)
    threads = argument(parse_count, 1, MAX_THREADS)
    parser.add_argument("--threads", metavar="N", type=threads, help="default: all processors")
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1), help=memory)
    parser.add_argument("--output", metavar="FILE", help=output)
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--no-certificate", action="store_true", help="do not write FILE.cert, the proof of the digits")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, too")
    parser.add_argument("--plan", action="store_true", help="print what would be done and stop")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run(arguments: argparse.Namespace) -> int:
    """Plan, compute, write, report.  Raises the errors of bigconst.errors."""
    start = datetime.now().astimezone()
    cpu_start_s = time.process_time()
    from bigconst.constant import Constant
    from bigconst.plan import make_plan

    import_s = time.perf_counter() - arguments.started_s
    plan = make_plan(
        Constant(arguments.kind, arguments.d),
        arguments.digits,
        arguments.base,
        arguments.threads or default_threads(),
        arguments.memory or available_memory_bytes() * 3 // 4,
    )
    if arguments.plan:
        if arguments.json:
            raise UsageError("--plan writes no report", "leave out --json")
        print("\n".join(f"{name + ':':<24}{value}" for name, value in plan.describe()))
        return 0

    with contextlib.ExitStack() as stack:
        # Both are opened before the work, so that a name that cannot be written costs no computation.
        text = stack.enter_context(_open_text(arguments, plan))
        certificate = stack.enter_context(_open_certificate(text, plan)) if _certified(arguments) else None
        report_file = stack.enter_context(_open_report(arguments, text)) if arguments.json else None
        progress = stack.enter_context(Progress())

        load_start_s = time.perf_counter()
        engine = load_engine()
        kernels_ready_s = import_s + time.perf_counter() - load_start_s
        outcome = engine.run(plan, text, progress, certificate)
        progress.close()

        commit_start_s = time.perf_counter()
        outputs = [file for file in (text, certificate) if file is not None]
        for file in outputs:
            file.commit()
        end_s = time.perf_counter()
        measured = Measured(
            command=shlex.join(["bigconst", *arguments.argv]),
            start=start,
            end=datetime.now().astimezone(),
            kernels_ready_s=kernels_ready_s,
            commit_s=end_s - commit_start_s,
            total_s=end_s - arguments.started_s,
            cpu_s=time.process_time() - cpu_start_s,
            peak_memory_bytes=peak_memory_bytes(),
            files=tuple((file.path, file.size_bytes) for file in outputs if isinstance(file, AtomicFile)),
            certificate=certificate.path if certificate is not None else None,
        )
        report = make_report(plan, outcome, measured)
        if report_file is not None:
            report_file.write_at(0, report_json(report).encode())
            report_file.commit()
    # With the digits on stdout the report goes to stderr.  A path may hold bytes that are no text.
    stream = sys.stderr if isinstance(text, StdoutText) else sys.stdout
    print(format_report(report).encode(errors="backslashreplace").decode(), end="", file=stream)
    return 0


def _open_text(arguments: argparse.Namespace, plan) -> AtomicFile | StdoutText:
    if arguments.output == "-":
        return StdoutText(plan.text_bytes)
    suffix = ".txt" if plan.base == 10 else ".hex.txt"
    return AtomicFile(arguments.output or plan.constant.file_stem + suffix, plan.text_bytes, arguments.force)


def _certified(arguments: argparse.Namespace) -> bool:
    return not arguments.no_certificate and arguments.output != "-"


def _open_certificate(text: AtomicFile, plan) -> AtomicFile:
    return AtomicFile(text.path + ".cert", plan.certificate_bytes, text.force)


def _open_report(arguments: argparse.Namespace, text: AtomicFile | StdoutText) -> AtomicFile:
    if arguments.json == "-":
        raise UsageError("--json needs a file", "name it, like --json report.json")
    if os.path.realpath(arguments.json) in (text.path, f"{text.path}.cert"):
        raise UsageError("--json and --output name the same file", "give the report another name")
    return AtomicFile(arguments.json, force=arguments.force)
