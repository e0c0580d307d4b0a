"""A run of a constant: what it opens, computes, commits and reports."""

import contextlib
import os
import time
from collections.abc import Callable
from datetime import datetime

from bigconst.base.errors import InputOutputError, Interrupted, UsageError
from bigconst.base.events import CheckpointMade, Event, Fault, together
from bigconst.base.hardware import peak_memory_bytes
from bigconst.base.screen import note
from bigconst.constants.outcome import RunOutcome
from bigconst.plans.certificate import certificate_path
from bigconst.plans.plan import Plan
from bigconst.runs import interrupted, kernels
from bigconst.runs.eventsfile import EventsFile
from bigconst.runs.levels import LevelDirectory
from bigconst.runs.progress import Progress
from bigconst.runs.report import Measured, make_report, report_json
from bigconst.runs.request import RunRequest
from bigconst.runs.scratch import RunScratch
from bigconst.runs.signals import Stopper
from bigconst.runs.start import RunStart
from bigconst.storage.atomicfile import AtomicFile, StdoutText


def compute(begun: RunStart, listener: Callable[[Event], None] | None = None,
            show: Callable[[dict], None] = lambda report: None) -> dict:
    """Compute and write the digits, and return the report, which `show` receives before its file is written.

    With a `listener`, which receives the events, nothing is shown on the terminal.  Raises the errors of
    bigconst.base.errors.
    """
    start = datetime.now().astimezone()
    cpu_start_s = time.process_time()
    request, plan = begun.request, begun.plan
    import_s = time.perf_counter() - request.started_s
    with contextlib.ExitStack() as stack:
        # Everything is opened before the work: a file that cannot be written must not cost a computation.
        before, force = begun.interrupted, request.force
        if before is not None:
            interrupted.check_idle(before["directory"])     # a living process still needs its parts
            interrupted.remove_parts(before)
            # It may have been killed after the digits were committed and before their certificate was.
            force = force or before.get("committing", False)
        text, certificate = _open_text(request, plan, force, stack), None
        if request.is_certified:
            certificate = stack.enter_context(
                AtomicFile(certificate_path(request.output_path), plan.certificate_bytes, force))
        outputs = [file for file in (None if request.source else text, certificate) if file is not None]
        files = [file for output in outputs for file in output.files]
        taken = {request.output_path, certificate_path(request.output_path), *(file.path for file in files)}
        report_file = stack.enter_context(_open_report(request, force, taken)) if request.report else None
        events = stack.enter_context(_open_events(request, taken)) if request.events is not None else None
        parts = [file.part for file in (*files, report_file) if file is not None]
        stores = _Stores(begun, begun.manifest | {"parts": parts}, stack)
        screen = stack.enter_context(Progress(space=stores.scratch)) if listener is None else None
        # Digits from elsewhere that are wrong have a remainder that is too long: no fault of this machine.
        shown = without_residues(screen) if request.source is not None and screen is not None else screen
        listeners = [each for each in (shown, listener, events) if each is not None]
        if events is not None and screen is not None:
            events.say = screen.say

        load_start_s = time.perf_counter()
        kernels.load(kernels.DIGITS, *([] if plan.disk is None else [kernels.DISK]))
        kernels_ready_s = import_s + time.perf_counter() - load_start_s
        outcome = stores.compute(text, certificate, together(*listeners), screen)

        commit_start_s = time.perf_counter()
        stores.record_committing()
        for output in outputs:
            output.commit()
        stores.finish()
        end_s = time.perf_counter()
        measured = Measured(
            command=request.command,
            start=start,
            end=datetime.now().astimezone(),
            kernels_ready_s=kernels_ready_s,
            commit_s=end_s - commit_start_s,
            total_s=end_s - request.started_s,
            cpu_s=time.process_time() - cpu_start_s,
            peak_memory_bytes=peak_memory_bytes(),
            files=tuple((file.path, os.path.getsize(file.path)) for file in files),
            certificate=certificate.path if certificate is not None else None,
            scratch=None if stores.scratch is None else stores.scratch.measured(),
            usd_per_hour=begun.manifest["request"]["usd_per_hour"],
            earlier_s=stores.earlier_s,
        )
        report = make_report(plan, outcome, measured)
        try:
            show(report)
        finally:        # neither a full disk nor a closed pipe takes both
            if report_file is not None:
                report_file.write_at(0, report_json(report).encode())
                report_file.commit()
    return report


def without_residues(listener: Callable[[Event], None]) -> Callable[[Event], None]:
    """A listener that does not hear of wrong residues."""
    def receive(event: Event) -> None:
        if not (isinstance(event, Fault) and event.kind == "residue"):
            listener(event)

    return receive


class _Stores:
    """What a run stores on the way: the scratch of a run on disk, and a directory for levels where there is one."""

    def __init__(self, begun: RunStart, manifest: dict, stack: contextlib.ExitStack):
        """Open both; `stack` closes them."""
        self._begun = begun
        self._levels: LevelDirectory | None = None
        self.scratch: RunScratch | None = None
        if begun.levels is not None:
            self._levels = stack.enter_context(LevelDirectory(
                begun.levels.directory, begun.levels.is_checkpoint, manifest, begun.levels.is_resumed))
        if begun.scratch is not None:
            self.scratch = stack.enter_context(RunScratch(
                begun.scratch.disks, begun.plan.disk, manifest, begun.plan.peak_memory_bytes,
                begun.scratch.interrupted, self._levels))
            self._stop = stack.enter_context(Stopper(self.scratch.status.fields))
        if begun.warning is not None:
            note(begun.warning)

    @property
    def earlier_s(self) -> float | None:
        """Seconds that earlier processes of the run took; None where that is unknown, since levels do not record it."""
        if self.scratch is not None:
            return self.scratch.earlier_s
        return 0.0 if self._begun.interrupted is None else None

    def compute(self, text, certificate: AtomicFile | None, emit: Callable[[Event], None],
                screen: Progress | None) -> RunOutcome:
        """Run the engine and return its outcome; an interruption says how to resume."""
        from bigconst.constants import engine

        scratch, levels, plan = self.scratch, self._levels, self._begun.plan
        try:
            if scratch is not None:
                self._stop.say = note if screen is None else screen.say
                watched = scratch.watched(emit)
                outcome = engine.run(plan, text, watched, certificate, scratch.volume, scratch.recorder(watched),
                                     self._stop, scratch.store)
                outcome.faults = scratch.with_faults_before(outcome.faults)
                return outcome
            if levels is not None:
                levels.on_saved = lambda: emit(CheckpointMade(1))
                return engine.run(plan, text, emit, certificate, store=levels)
            return engine.run(plan, text, emit, certificate)
        except (KeyboardInterrupt, Interrupted):
            if scratch is None and (levels is None or not levels.is_used):
                raise
            directory = scratch.directory if scratch is not None else levels.directory
            raise Interrupted("interrupted", f"go on with `bigconst resume {directory}`", resumable=True) from None
        finally:
            if screen is not None:
                screen.close()

    def record_committing(self) -> None:
        """Record that the output files are being committed: from now on, files with their names are of this run."""
        for each in (self._levels, self.scratch):
            if each is not None:
                with contextlib.suppress(InputOutputError):     # the files are finished, whatever that disk says
                    each.update(committing=True)

    def finish(self) -> None:
        """Remove everything that was stored."""
        for each in (self._levels, self.scratch):
            if each is not None:
                each.finish()


def _open_text(request: RunRequest, plan: Plan, force: bool, stack: contextlib.ExitStack):
    """Where the digits go, or the DigitSource where they come from; closed by `stack`."""
    if request.source is not None:
        from bigconst.constants.digitsource import DigitSource
        from bigconst.storage.digitfile import open_digits

        text = stack.enter_context(open_digits(request.source, request.lenient))
        text.locate(plan.integer_part, plan.base, plan.digits)
        return DigitSource(text, plan.constant.floor, plan.base)
    if request.to_stdout:
        return stack.enter_context(StdoutText(plan.text_bytes))
    if request.is_ycd:
        from bigconst.storage.ycdfile import YcdText

        return stack.enter_context(YcdText(request.text_path, plan.integer_part, plan.digits, plan.base,
                                           request.block_digits, force))
    if not request.is_zst:
        return stack.enter_context(AtomicFile(request.text_path, plan.text_bytes, force))
    from bigconst.storage.zstfile import ZstText

    return stack.enter_context(ZstText(request.text_path, plan.text_bytes, plan.base, force))


def _open_report(request: RunRequest, force: bool, taken: set[str]) -> AtomicFile:
    if request.report == "-":
        #: `-` is no file name here: standard output has digits or tables on it.
        raise UsageError("--json needs a file", "name it, like --json report.json")
    if os.path.realpath(request.report) in taken:
        #: One would replace the other: name two. Links to one file are one file.
        raise UsageError("--json and --output name the same file", "give the report another name")
    return AtomicFile(request.report, force=force)


def _open_events(request: RunRequest, taken: set[str]) -> EventsFile:
    if os.path.realpath(request.events) in taken | {request.report and os.path.realpath(request.report)}:
        #: As for "--json and --output name the same file".
        raise UsageError("--events and another option name the same file", "give the events another name")
    return EventsFile(request.events)
