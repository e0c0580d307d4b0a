"""`bigconst phi` and `bigconst sqrt D`: digits of a square root into a file."""

import argparse
import contextlib
import os
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from bigconst.commands import scratch
from bigconst.commands.warmup import load_engine
from bigconst.errors import UsageError
from bigconst.machine import available_memory_bytes, default_threads, peak_memory_bytes
from bigconst.progress import Progress
from bigconst.report import DISK_KINDS, Measured, format_report, make_report, report_json
from bigconst.storage.atomicfile import AtomicFile, StdoutText
from bigconst.units import format_bytes, parse_count, parse_size

MAX_D = 2**31 - 1
MAX_THREADS = 1024
MIN_WORKSPACE_BYTES = 1 << 20

_PHI_EPILOG = """\
examples:
  bigconst phi --digits 1e8                      100 million digits into phi.txt
  bigconst phi --digits 1e8 --base 16            the same precision in hexadecimal, into phi.hex.txt
  bigconst phi --digits 1000 --output -          digits on the screen
  bigconst phi --digits 2e9 --plan               memory and transforms, without computing
  bigconst phi --digits 2e12 --swap /mnt         with a scratch directory for what memory does not hold
"""
_SQRT_EPILOG = """\
examples:
  bigconst sqrt 2 --digits 1e8                   100 million digits into sqrt2.txt
  bigconst sqrt 3 --digits 1M --output root.txt --json root.json
"""


def argument(parse, low: int, high: int | None = None, show=str):
    """An argparse type that keeps the sentence of `parse` and checks low <= value <= high, printed by `show`."""

    def convert(text: str) -> int:
        try:
            value = parse(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if value < low or (high is not None and value > high):
            wanted = f"at least {show(low)}" if high is None else f"from {show(low)} to {show(high)}"
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
    workspace = "most memory for the working arrays alone, from 1MiB: what it does not hold goes to the disk"
    swap = "scratch directory for what memory does not hold; repeat it for more disks (default: swap/, if it is there)"
    disk = "kind of the scratch disks (default: ask the system; --plan assumes hdd)"
    output = "default phi.txt, sqrt2.txt, ... (.hex.txt in base 16); - is standard output"
    parser.add_argument("--digits", metavar="N", required=True, type=argument(parse_count, 1), help=digits)
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help=base)
    threads = argument(parse_count, 1, MAX_THREADS)
    parser.add_argument("--threads", metavar="N", type=threads, help="default: all processors")
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1), help=memory)
    workspace_size = argument(parse_size, MIN_WORKSPACE_BYTES, show=format_bytes)
    parser.add_argument("--workspace", metavar="SIZE", type=workspace_size, help=workspace)
    parser.add_argument("--swap", metavar="DIR", action="append", help=swap)
    parser.add_argument("--disk", choices=tuple(DISK_KINDS), help=disk)
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
    import bigconst.plan  # noqa: F401

    import_s = time.perf_counter() - arguments.started_s
    named = scratch.directories(arguments.swap)
    if arguments.plan:
        return _print_plan(arguments, named)
    plan, disks = _make_plan(arguments, named)
    with contextlib.ExitStack() as stack:
        # All is opened before the work, so that what cannot be written costs no computation.
        if disks is not None:
            _check_room(arguments, plan, disks)
        text = stack.enter_context(_open_text(arguments, plan))
        certificate = stack.enter_context(_open_certificate(text, plan)) if _certified(arguments) else None
        report_file = stack.enter_context(_open_report(arguments, text)) if arguments.json else None
        space = stack.enter_context(scratch.Scratch(disks, plan.disk)) if disks is not None else None
        progress = stack.enter_context(Progress(share=space.share_done if space is not None else None))

        load_start_s = time.perf_counter()
        engine = load_engine()
        kernels_ready_s = import_s + time.perf_counter() - load_start_s
        if space is None:
            outcome = engine.run(plan, text, progress, certificate)
        else:
            outcome = engine.run(plan, text, space.watched(progress), certificate, space.volume)
        progress.close()

        commit_start_s = time.perf_counter()
        if space is not None:
            space.close()
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
            scratch=space.measured() if space is not None else None,
        )
        report = make_report(plan, outcome, measured)
        if report_file is not None:
            report_file.write_at(0, report_json(report).encode())
            report_file.commit()
    # With the digits on stdout the report goes to stderr.
    _print(format_report(report), sys.stderr if isinstance(text, StdoutText) else sys.stdout)
    return 0


def _print(text: str, stream) -> None:
    """A path may hold bytes that are no text."""
    print(text.encode(errors="backslashreplace").decode(), end="", file=stream)


def _planner(arguments: argparse.Namespace):
    """The plan of the request as a function of the kind of its disks, None where there are none."""
    from bigconst.constant import Constant
    from bigconst.plan import make_plan

    memory_bytes = arguments.memory or available_memory_bytes() * 3 // 4

    def make(kind: str | None):
        return make_plan(
            Constant(arguments.kind, arguments.d),
            arguments.digits,
            arguments.base,
            arguments.threads or default_threads(),
            memory_bytes,
            workspace_bytes=arguments.workspace,
            disk=kind,
            certified=_certified(arguments),
        )

    return make


def _make_plan(arguments: argparse.Namespace, named: Sequence[str]):
    """The plan, and the disks it takes; None for a plan in memory, which leaves all disks alone."""
    make = _planner(arguments)
    if not named:
        return make(None), None
    plan = make(arguments.disk or scratch.DEFAULT_KIND)
    if plan.disk is None:
        return plan, None
    disks = scratch.examine(named, arguments.disk)
    return plan if disks.kind == plan.disk.kind else make(disks.kind), disks


def _print_plan(arguments: argparse.Namespace, named: Sequence[str]) -> int:
    """Touches no disk: directories need not be there, and hard disks are assumed."""
    if arguments.json:
        raise UsageError("--plan writes no report", "leave out --json")
    plan = _planner(arguments)(arguments.disk or scratch.DEFAULT_KIND)
    rows = plan.describe()
    if plan.disk is not None:
        rows.append(("Scratch directories", ", ".join(named) or "none yet, name them with --swap DIR"))
        if arguments.output != "-":
            files = format_bytes(_files_bytes(arguments, plan))
            rows.append(("Room for files", f"{files} on their own file system, or beside the scratch"))
    _print("".join(f"{name + ':':<24}{value}\n" for name, value in rows), sys.stdout)
    return 0


def _check_room(arguments: argparse.Namespace, plan, disks: scratch.Disks) -> None:
    directory = os.path.dirname(os.path.realpath(_text_path(arguments, plan)))
    if arguments.output == "-" or not os.path.isdir(directory):     # opening the file says what is wrong with it
        directory = disks.directories[0]
    scratch.check_room(plan.disk.scratch_bytes, disks.directories, _files_bytes(arguments, plan), directory)


def _files_bytes(arguments: argparse.Namespace, plan) -> int:
    """Of digits and certificate where they become files."""
    if arguments.output == "-":
        return 0
    return plan.text_bytes + (plan.certificate_bytes if _certified(arguments) else 0)


def _text_path(arguments: argparse.Namespace, plan) -> str:
    suffix = ".txt" if plan.base == 10 else ".hex.txt"
    return arguments.output or plan.constant.file_stem + suffix


def _open_text(arguments: argparse.Namespace, plan) -> AtomicFile | StdoutText:
    if arguments.output == "-":
        return StdoutText(plan.text_bytes)
    return AtomicFile(_text_path(arguments, plan), plan.text_bytes, arguments.force)


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
