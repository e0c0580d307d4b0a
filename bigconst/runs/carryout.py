"""A run of a constant that has been planned: what it opens, computes, commits and reports."""

import argparse
import contextlib
import os
import shlex
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bigconst.base.errors import InputOutputError, Interrupted, UsageError
from bigconst.base.events import CheckpointMade, together
from bigconst.base.hardware import peak_memory_bytes
from bigconst.plans.certificate import certificate_path
from bigconst.runs import held, request
from bigconst.runs.eventsfile import EventsFile
from bigconst.runs.kernels import load_engine
from bigconst.runs.places import Places
from bigconst.runs.progress import Progress
from bigconst.runs.report import Measured, format_report, make_report, report_json
from bigconst.runs.signals import Stopper
from bigconst.runs.statusline import print_line, print_path
from bigconst.storage.atomicfile import AtomicFile, StdoutText


def carry_out(arguments: argparse.Namespace, plan: Any, places: Places,
              listener: Callable[[Any], None] | None = None) -> dict:
    """Compute, write, and return the report.

    `listener` hears the events in place of the screen.  Raises the errors of bigconst.base.errors.
    """
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
        events = None if arguments.events is None else stack.enter_context(_open_events(arguments, text))
        outputs = [file for file in (text, certificate) if file is not None]
        parts = [file.part for file in (*outputs, report_file) if isinstance(file, AtomicFile)]
        run_ = _Run(plan, places, places.fields | {"parts": parts}, stack)
        screen = stack.enter_context(Progress(space=run_.space)) if listener is None else None
        listeners = [each for each in (screen, listener, events) if each is not None]
        if events is not None and screen is not None:
            events.say = screen.say

        load_start_s = time.perf_counter()
        engine = load_engine()
        kernels_ready_s = import_s + time.perf_counter() - load_start_s
        outcome = run_.compute(engine, text, screen, together(*listeners), certificate)

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
    return report


def show_report(report: dict, arguments: argparse.Namespace) -> None:
    """On stdout; on stderr where the digits are on stdout."""
    print_path(format_report(report), sys.stderr if arguments.output == "-" else sys.stdout)


class _Run:
    """The computation with what it keeps: on disk a scratch, and a directory for levels where there is one."""

    def __init__(self, plan: Any, places: Places, fields: dict, stack: contextlib.ExitStack):
        """Opens all, and leaves the closing to `stack`."""
        self._plan, self._depot = plan, None
        self.space: Any = None
        """the RunScratch of a run on disk"""
        self._is_first = places.before is None
        if places.depot is not None:
            from bigconst.runs.depot import Depot

            self._depot = stack.enter_context(Depot(places.depot, places.outside, fields, places.depot_kept))
        if places.disks is not None:
            from bigconst.runs.scratch import RunScratch

            self.space = stack.enter_context(RunScratch(places.disks, plan.disk, fields,
                                                      places.before if places.scratch_kept else None, self._depot))
            self._stop = stack.enter_context(Stopper(self.space))
        if places.note is not None:
            print(places.note, file=sys.stderr, flush=True)

    @property
    def earlier_s(self) -> float | None:
        """What the processes before this one took; None where nobody knows: levels do not tell."""
        if self.space is not None:
            return self.space.earlier_s
        return 0.0 if self._is_first else None

    def compute(self, engine, text, screen: Progress | None, emit: Callable, certificate):
        """The engine's run; an interruption says how to resume."""
        space, depot = self.space, self._depot
        try:
            if space is not None:
                self._stop.say, watched = print_line if screen is None else screen.say, space.watched(emit)
                outcome = engine.run(self._plan, text, watched, certificate, space.volume, space.recorder(watched),
                                     self._stop, space.store)
                outcome.faults = space.with_faults_before(outcome.faults)
                return outcome
            if depot is not None:
                depot.on_saved = lambda: emit(CheckpointMade(1))
                return engine.run(self._plan, text, emit, certificate, store=depot)
            return engine.run(self._plan, text, emit, certificate)
        except (KeyboardInterrupt, Interrupted):
            if space is None and (depot is None or not depot.kept):
                raise
            directory = space.directory if space is not None else depot.directory
            raise Interrupted("interrupted", f"go on with `bigconst resume {directory}`", resumable=True) from None
        finally:
            if screen is not None:
                screen.close()

    def measured(self):
        """What the report says of the scratch."""
        return None if self.space is None else self.space.measured()

    def note_committing(self) -> None:
        """From here on the files with these names are those of this run."""
        for each in (self._depot, self.space):
            if each is not None:
                with contextlib.suppress(InputOutputError):     # the files are finished, whatever that disk says
                    each.update(committing=True)

    def finish(self) -> None:
        """Remove everything that was kept."""
        for each in (self._depot, self.space):
            if each is not None:
                each.finish()


def _open_text(arguments: argparse.Namespace, plan) -> AtomicFile | StdoutText:
    if arguments.output == "-":
        return StdoutText(plan.text_bytes)
    path = request.text_path(arguments, plan)
    if not request.is_zst(arguments, plan):
        return AtomicFile(path, plan.text_bytes, arguments.force)
    from bigconst.storage.zstfile import ZstText

    return ZstText(path, plan.text_bytes, plan.base, arguments.force)


def _open_certificate(text: AtomicFile, plan) -> AtomicFile:
    return AtomicFile(certificate_path(text.path), plan.certificate_bytes, text.force)


def _open_report(arguments: argparse.Namespace, text: AtomicFile | StdoutText) -> AtomicFile:
    if arguments.json == "-":
        raise UsageError("--json needs a file", "name it, like --json report.json")
    if os.path.realpath(arguments.json) in (text.path, certificate_path(text.path)):
        raise UsageError("--json and --output name the same file", "give the report another name")
    return AtomicFile(arguments.json, force=arguments.force)


def _open_events(arguments: argparse.Namespace, text: AtomicFile | StdoutText) -> EventsFile:
    files = [getattr(text, "path", None), arguments.json and os.path.realpath(arguments.json)]
    if os.path.realpath(arguments.events) in (*files, certificate_path(text.path)):
        raise UsageError("--events and another option name the same file", "give the events another name")
    return EventsFile(arguments.events)
