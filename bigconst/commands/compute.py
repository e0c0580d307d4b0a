"""`bigconst phi` and `bigconst sqrt D`: digits of a square root into a file."""

import argparse
import contextlib
import os
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bigconst.commands import held, lanes, request
from bigconst.commands.continuing import continued
from bigconst.commands.places import Places
from bigconst.commands.signals import Stopper
from bigconst.commands.warmup import load_engine
from bigconst.errors import InputOutputError, Interrupted, UsageError
from bigconst.machine import peak_memory_bytes
from bigconst.progress import Progress
from bigconst.report import DISK_KINDS, Measured, format_report, make_report, report_json
from bigconst.storage.atomicfile import AtomicFile, StdoutText
from bigconst.units import format_bytes, parse_count, parse_price, parse_size

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
  bigconst phi --digits 2e12 --swap /mnt --checkpoint /data
                                                 with copies of finished levels on a disk that is safer
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


def add_price_option(parser: argparse.ArgumentParser, remembered: str = "") -> None:
    """--usd-per-hour; `remembered` is what its help says of a run that goes on."""
    parser.add_argument("--usd-per-hour", metavar="X", type=argument(parse_price, 0),
                        help=f"price of this machine: dollars go into the report{remembered}")


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
    checkpoint = "directory on another disk for copies of finished levels, from which a run goes on without its scratch"
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
    parser.add_argument("--checkpoint", metavar="DIR", help=checkpoint)
    parser.add_argument("--discard", action="store_true", help="remove an interrupted run from these directories")
    parser.add_argument("--output", metavar="FILE", help=output)
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--no-certificate", action="store_true", help="do not write FILE.cert, the proof of the digits")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, too")
    add_price_option(parser)
    parser.add_argument("--plan", action="store_true", help="print what would be done and stop")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run(arguments: argparse.Namespace) -> int:
    """Plan, compute, write, report.  Raises the errors of bigconst.errors."""
    import bigconst.plan  # noqa: F401

    named = lanes.directories(arguments.swap)
    if arguments.plan:
        return _print_plan(arguments, named)
    note = lanes.check_checkpoint(arguments.checkpoint, named) if arguments.checkpoint is not None else None
    if arguments.discard:
        held.discard([*named, *_checkpoint(arguments)])
    found, copy = held.interrupted(named), held.interrupted(_checkpoint(arguments))
    going_on = _going_on(arguments, found, copy)
    if going_on is not None:
        return carry_out(arguments, *continued(arguments, going_on, named if arguments.swap else None))
    plan, disks = request.new_plan(arguments, named)
    fields = request.manifest(arguments, plan, disks)
    depot = fields["checkpoint"]
    if disks is not None:
        if found is not None:
            raise _held(found)
        request.check_room(arguments, plan, disks)
    elif depot is None and named and found is None and os.path.isdir(named[0]):
        depot = os.path.abspath(named[0])
    outside = arguments.checkpoint is not None
    return carry_out(arguments, plan, Places(fields, disks, depot, outside, note=note if disks is not None else None))


def _checkpoint(arguments: argparse.Namespace) -> list[str]:
    return [] if arguments.checkpoint is None else [arguments.checkpoint]


def _going_on(arguments: argparse.Namespace, found: dict | None, copy: dict | None) -> dict | None:
    """Which manifest this command goes on from: that of the scratch, or that of the checkpoint where it is gone.

    Raises UsageError where a directory is taken by a run that this one would destroy.
    """
    same = found is not None and request.is_same_run(arguments, found)
    if copy is None:
        return found if same else None
    if not request.is_same_run(arguments, copy):
        raise _held(copy)
    if found is None:
        return copy
    if not same or found.get("run_id") != copy.get("run_id"):
        raise _held(found)
    return found


def _held(found: dict) -> UsageError:
    return UsageError(f"{found['directory']} holds the interrupted run `{found['command']}`",
                      f"resume it with `bigconst resume {found['directory']}`, or add --discard")


def carry_out(arguments: argparse.Namespace, plan: Any, places: Places) -> int:
    """Compute, write, report."""
    start = datetime.now().astimezone()
    cpu_start_s = time.process_time()
    import_s = time.perf_counter() - arguments.started_s
    with contextlib.ExitStack() as stack:
        # All is opened before the work, so that what cannot be written costs no computation.
        if places.before is not None:
            held.check_idle(places.before["directory"])     # its parts are those of a process that is gone
            held.remove_parts(places.before)
            # It may have come between the digits and their certificate.
            arguments.force = arguments.force or places.before.get("committing", False)
        text = stack.enter_context(_open_text(arguments, plan))
        certificate = stack.enter_context(_open_certificate(text, plan)) if plan.certified else None
        report_file = stack.enter_context(_open_report(arguments, text)) if arguments.json else None
        outputs = [file for file in (text, certificate) if file is not None]
        parts = [file.part for file in (*outputs, report_file) if isinstance(file, AtomicFile)]
        run_ = _Run(plan, places, places.fields | {"parts": parts}, stack)
        progress = stack.enter_context(Progress(share=run_.share_done))

        load_start_s = time.perf_counter()
        engine = load_engine()
        kernels_ready_s = import_s + time.perf_counter() - load_start_s
        outcome = run_.compute(engine, text, progress, certificate)
        progress.close()

        commit_start_s = time.perf_counter()
        run_.note_committing()
        for file in outputs:
            file.commit()
        run_.finish()
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
            scratch=run_.measured(),
            usd_per_hour=places.fields["request"]["usd_per_hour"],
            earlier_s=run_.earlier_s,
        )
        report = make_report(plan, outcome, measured)
        if report_file is not None:
            report_file.write_at(0, report_json(report).encode())
            report_file.commit()
    # With the digits on stdout the report goes to stderr.
    _print(format_report(report), sys.stderr if isinstance(text, StdoutText) else sys.stdout)
    return 0


class _Run:
    """The computation with what it keeps: on disk a scratch, and a directory for levels where there is one."""

    def __init__(self, plan: Any, places: Places, fields: dict, stack: contextlib.ExitStack):
        """Opens all, and leaves the closing to `stack`."""
        self._plan, self._depot, self._space = plan, None, None
        self._is_first = places.before is None
        if places.depot is not None:
            from bigconst.commands.depot import Depot

            self._depot = stack.enter_context(Depot(places.depot, places.outside, fields, places.depot_kept))
        if places.disks is not None:
            from bigconst.commands.scratch import Scratch

            self._space = stack.enter_context(Scratch(places.disks, plan.disk, fields,
                                                      places.before if places.scratch_kept else None, self._depot))
            self._stop = stack.enter_context(Stopper(self._space))
        if places.note is not None:
            print(places.note, file=sys.stderr, flush=True)

    @property
    def share_done(self):
        """How to tell how much is done; None where stages tell it."""
        return None if self._space is None else self._space.share_done

    @property
    def earlier_s(self) -> float | None:
        """What the processes before this one took; None where nobody knows: levels do not tell."""
        if self._space is not None:
            return self._space.earlier_s
        return 0.0 if self._is_first else None

    def compute(self, engine, text, progress: Progress, certificate):
        """The engine's run; an interruption says how to resume."""
        space, depot = self._space, self._depot
        try:
            if space is not None:
                outcome = engine.run(self._plan, text, space.watched(progress), certificate, space.volume,
                                     space.recorder(), self._stop, space.store)
                outcome.faults = space.with_faults_before(outcome.faults)
                return outcome
            if depot is not None:
                return engine.run(self._plan, text, progress, certificate, store=depot)
            return engine.run(self._plan, text, progress, certificate)
        except (KeyboardInterrupt, Interrupted):
            progress.close()
            if space is None and (depot is None or not depot.kept):
                raise
            directory = space.directory if space is not None else depot.directory
            raise Interrupted("interrupted", f"go on with `bigconst resume {directory}`", resumable=True) from None

    def measured(self):
        """What the report says of the scratch."""
        return None if self._space is None else self._space.measured()

    def note_committing(self) -> None:
        """From here on the files with these names are those of this run."""
        for each in (self._depot, self._space):
            if each is not None:
                with contextlib.suppress(InputOutputError):     # the files are finished, whatever that disk says
                    each.update(committing=True)

    def finish(self) -> None:
        """Remove everything that was kept."""
        for each in (self._depot, self._space):
            if each is not None:
                each.finish()


def _print(text: str, stream) -> None:
    """A path may hold bytes that are no text."""
    print(text.encode(errors="backslashreplace").decode(), end="", file=stream)


def _print_plan(arguments: argparse.Namespace, named: Sequence[str]) -> int:
    """Touches no disk: directories need not be there, and hard disks are assumed."""
    if arguments.json:
        raise UsageError("--plan writes no report", "leave out --json")
    plan = request.planner(arguments)(arguments.disk or lanes.DEFAULT_KIND)
    rows = plan.describe()
    if plan.disk is not None:
        rows.append(("Scratch directories", ", ".join(named) or "none yet, name them with --swap DIR"))
        if arguments.output != "-":
            files = format_bytes(request.files_bytes(arguments, plan))
            rows.append(("Room for files", f"{files} on their own file system, or beside the scratch"))
    _print("".join(f"{name + ':':<24}{value}\n" for name, value in rows), sys.stdout)
    return 0


def _open_text(arguments: argparse.Namespace, plan) -> AtomicFile | StdoutText:
    if arguments.output == "-":
        return StdoutText(plan.text_bytes)
    return AtomicFile(request.text_path(arguments, plan), plan.text_bytes, arguments.force)


def _open_certificate(text: AtomicFile, plan) -> AtomicFile:
    return AtomicFile(text.path + ".cert", plan.certificate_bytes, text.force)


def _open_report(arguments: argparse.Namespace, text: AtomicFile | StdoutText) -> AtomicFile:
    if arguments.json == "-":
        raise UsageError("--json needs a file", "name it, like --json report.json")
    if os.path.realpath(arguments.json) in (text.path, f"{text.path}.cert"):
        raise UsageError("--json and --output name the same file", "give the report another name")
    return AtomicFile(arguments.json, force=arguments.force)
