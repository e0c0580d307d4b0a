"""`bigconst phi` and `bigconst sqrt D`: digits of a square root into a file."""

import argparse
import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from bigconst import __version__
from bigconst.commands import scratch
from bigconst.commands.warmup import load_engine
from bigconst.errors import DoesNotFit, Interrupted, UsageError
from bigconst.machine import available_memory_bytes, default_threads, peak_memory_bytes
from bigconst.progress import Progress
from bigconst.report import DISK_KINDS, Measured, format_report, make_report, report_json
from bigconst.storage.atomicfile import AtomicFile, StdoutText
from bigconst.units import format_bytes, format_seconds, parse_count, parse_size

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
    parser.add_argument("--discard", action="store_true", help="remove an interrupted run from the scratch directory")
    parser.add_argument("--output", metavar="FILE", help=output)
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--no-certificate", action="store_true", help="do not write FILE.cert, the proof of the digits")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, too")
    parser.add_argument("--plan", action="store_true", help="print what would be done and stop")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run(arguments: argparse.Namespace) -> int:
    """Plan, compute, write, report.  Raises the errors of bigconst.errors."""
    import bigconst.plan  # noqa: F401

    named = scratch.directories(arguments.swap)
    if arguments.plan:
        return _print_plan(arguments, named)
    if arguments.discard:
        scratch.discard(named)
    found = scratch.interrupted(named)
    if found is not None and _is_same_run(arguments, found):
        plan, disks = resumed_plan(found, arguments.threads, arguments.memory)
        return carry_out(arguments, plan, disks, found)
    plan, disks = _make_plan(arguments, named)
    if disks is not None:
        if found is not None:
            raise UsageError(f"{found['directory']} holds the interrupted run `{found['command']}`",
                             f"resume it with `bigconst resume {found['directory']}`, or add --discard")
        _check_room(arguments, plan, disks)
    return carry_out(arguments, plan, disks)


def _request(arguments: argparse.Namespace, plan, disks: scratch.Disks) -> dict:
    """What the manifest says of a run: enough to make its plan again, and to know the same command."""
    return {
        "version": __version__,
        "request": {"kind": plan.constant.kind, "d": plan.constant.d, "digits": plan.decimal_digits, "base": plan.base,
                    "threads": plan.disk.threads, "memory_bytes": plan.memory_bytes,
                    "workspace_bytes": arguments.workspace, "disk": plan.disk.kind, "certified": plan.certified},
        "output": _output(arguments, plan),
        "reason": disks.reason,
        "lanes": [os.path.abspath(directory) for directory in disks.directories],
        "command": shlex.join(["bigconst", *arguments.argv]),
    }


def _output(arguments: argparse.Namespace, plan) -> str:
    return "-" if arguments.output == "-" else os.path.realpath(_text_path(arguments, plan))


def _is_same_run(arguments: argparse.Namespace, found: dict) -> bool:
    """Whether a manifest is of the run that is asked for: constant, digits, base, certificate and output."""
    asked = (arguments.kind, arguments.d, arguments.digits, arguments.base, _certified(arguments))
    held = tuple(found["request"][name] for name in ("kind", "d", "digits", "base", "certified"))
    return asked == held and _output(arguments, resumed_plan(found, None, None)[0]) == found["output"]


def resumed_plan(fields: dict, threads: int | None, memory_bytes: int | None):
    """The plan of an interrupted run, which does not change, and its disks.

    Raises DoesNotFit when `memory_bytes` is less than it needs, UsageError when another version began it.
    """
    from dataclasses import replace

    from bigconst.constant import Constant
    from bigconst.plan import make_plan

    request = fields["request"]
    if fields["version"] != __version__:
        raise UsageError(f"{fields['directory']} holds a run of bigconst {fields['version']}, this is {__version__}",
                         "resume it with that version, or add --discard")
    plan = make_plan(Constant(request["kind"], request["d"]), request["digits"], request["base"], request["threads"],
                     request["memory_bytes"], workspace_bytes=request["workspace_bytes"], disk=request["disk"],
                     certified=request["certified"])
    if memory_bytes is not None and memory_bytes < plan.peak_memory_bytes:
        raise DoesNotFit(f"the run in {fields['directory']} needs {format_bytes(plan.peak_memory_bytes)} of memory, "
                         f"{format_bytes(memory_bytes)} are allowed", "allow more with --memory")
    disks = scratch.Disks(tuple(fields["lanes"]), request["disk"], fields["reason"])
    return replace(plan, threads=threads or plan.threads), disks


def carry_out(arguments: argparse.Namespace, plan, disks: scratch.Disks | None, resumed: dict | None = None) -> int:
    """Compute, write, report; `resumed` is the manifest of a run that goes on."""
    start = datetime.now().astimezone()
    cpu_start_s = time.process_time()
    import_s = time.perf_counter() - arguments.started_s
    with contextlib.ExitStack() as stack:
        # All is opened before the work, so that what cannot be written costs no computation.
        if resumed is not None:
            scratch.check_idle(disks.directories[0])     # its parts are those of a process that is gone
            scratch.remove_parts(resumed)
        text = stack.enter_context(_open_text(arguments, plan))
        certificate = stack.enter_context(_open_certificate(text, plan)) if plan.certified else None
        report_file = stack.enter_context(_open_report(arguments, text)) if arguments.json else None
        outputs = [file for file in (text, certificate) if file is not None]
        space = None
        if disks is not None:
            parts = [file.part for file in (*outputs, report_file) if isinstance(file, AtomicFile)]
            run_ = {"parts": parts} if resumed is not None else _request(arguments, plan, disks) | {"parts": parts}
            space = stack.enter_context(scratch.Scratch(disks, plan.disk, run_, resumed))
            stop = stack.enter_context(Stopper(space))
        progress = stack.enter_context(Progress(share=space.share_done if space is not None else None))

        load_start_s = time.perf_counter()
        engine = load_engine()
        kernels_ready_s = import_s + time.perf_counter() - load_start_s
        if space is None:
            outcome = engine.run(plan, text, progress, certificate)
        else:
            outcome = _run_on_disk(engine, plan, text, progress, certificate, space, stop)
        progress.close()

        commit_start_s = time.perf_counter()
        for file in outputs:
            file.commit()
        if space is not None:
            space.finish()
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


def _run_on_disk(engine, plan, text, progress: Progress, certificate, space: scratch.Scratch, stop: "Stopper"):
    """The engine's run; an interruption says how to resume."""
    try:
        return engine.run(plan, text, space.watched(progress), certificate, space.volume, space.recorder(), stop)
    except (KeyboardInterrupt, Interrupted):
        progress.close()
        raise Interrupted("interrupted", f"go on with `bigconst resume {space.directory}`", resumable=True) from None


class Stopper:
    """Says, when called, whether to stop after the unit at hand.

    While it is entered, the first SIGINT, SIGTERM or SIGHUP asks for that and a second one stops at once; SIGUSR1
    prints how far the run is.
    """

    def __init__(self, space: scratch.Scratch):
        self._space, self._asked = space, False
        self._before: dict = {}

    def __call__(self) -> bool:
        return self._asked

    def _stop(self, number: int, frame) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        print("finishing the unit at hand; once more stops at once", file=sys.stderr, flush=True)

    def _tell(self, number: int, frame) -> None:
        fields = self._space.status.fields()
        print(f"{fields['stage']}, {100 * fields['share']:.1f} %, {format_seconds(fields['elapsed_s'])}",
              file=sys.stderr, flush=True)

    def __enter__(self) -> "Stopper":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._stop)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._tell)
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


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
