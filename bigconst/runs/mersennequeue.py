"""Mersenne tests one after the other or side by side: those of a command, and those of a worktodo.txt."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bigconst.base.errors import BigconstError, InputOutputError, Interrupted, InUse, OutputLost
from bigconst.base.events import together
from bigconst.base.screen import note, result
from bigconst.base.starting import starting
from bigconst.mersenne import results, savefile, worktodo
from bigconst.mersenne.events import Concluded
from bigconst.mersenne.test import ChainOutcome
from bigconst.mersenne.worktodo import Assignment, NotUnderstood
from bigconst.plans.proofplan import LEAST_EXPONENT, default_power
from bigconst.runs.kernels import SQUARINGS, load
from bigconst.runs.mersenne import MersenneRequest, check, completed, known, start_of
from bigconst.runs.mersennescreen import MersenneScreen, listening
from bigconst.runs.progressfile import ENDING, ProgressFile
from bigconst.runs.signals import Stopper
from bigconst.storage.lock import FileLock

POLL_S = 0.5
"""seconds between looks at lines that other processes work on"""
_STEM = re.compile(r"(?:ll|prp|cert)[0-9]+(?:-[a-z0-9]+)*")
"""What `MersenneRequest.stem` is for some test."""

# -- the tests of a command --------------------------------------------------------------


def run_tests(requests: Sequence[MersenneRequest], events_path: str | None) -> None:
    """Run tests in turn and print a line for each.  Raises the errors of bigconst.base.errors.

    Where a line cannot be printed, the save files of the test stay, and the same command prints it.
    """
    for request in requests:
        check(request)
    with listening(events_path) as (screen, emit):
        for request in requests:
            with contextlib.suppress(OutputLost):       # its save files stay, and the command ends with that error
                _run_test(request, screen, emit)


def _run_test(request: MersenneRequest, screen: MersenneScreen, emit: Callable[[object], None]) -> None:
    began_s = time.perf_counter()
    line = known(request)
    if line is not None:
        _conclude(line, request, began_s, emit)
        return
    try:
        with Stopper(screen.fields) as stop:
            stop.say = screen.say
            with completed(request, stop, emit) as outcome:
                _conclude(results.sentence(outcome), request, began_s, emit)
    finally:
        screen.clear()


def _conclude(line: str, request: MersenneRequest, began_s: float, emit: Callable[[object], None]) -> None:
    """Print a result, and below it what it cost, where the price of the machine is known."""
    emit(Concluded(request.exponent, line))
    if request.usd_per_hour is not None:
        line += "\n" + results.cost_line(request.usd_per_hour, time.perf_counter() - began_s)
    result(line)


# -- the queue of a distributed search ---------------------------------------------------


@dataclass(frozen=True)
class QueueRequest:
    """The tests of a worktodo.txt."""

    directory: str
    """directory of worktodo.txt, of the results and of the save files"""
    threads: int
    """threads of each test"""
    save_every_s: float
    usd_per_hour: float | None
    """price of this machine, which the workers share"""
    workers: int
    proofs: bool = True
    """whether probable prime tests make proofs"""
    events: str | None = None
    """file for events"""
    elsewhere: bool = False
    """whether other machines run the tests, of whose memory nothing is known here"""

    def path(self, name: str) -> str:
        """The path of a file in the directory."""
        return os.path.join(self.directory, name)

    def test(self, assignment: Assignment) -> MersenneRequest:
        """The test that a line asks for."""
        # With known factors a proof would be of the cofactor, which is another format.
        proves = (self.proofs and assignment.kind == "PRP-3" and not assignment.factors
                  and assignment.exponent >= LEAST_EXPONENT)
        return MersenneRequest(assignment.kind, assignment.exponent, self.threads, assignment.squarings or None,
                               look_for_factors=False, save_every_s=self.save_every_s, directory=self.directory,
                               double_check=assignment.double_check,
                               proof=default_power(assignment.exponent) if proves else None)


def run_queue(request: QueueRequest) -> int:
    """Run tests until no line is left that can be worked on; return the number of lines that were refused."""
    with (listening(request.events) as (screen, emit), Stopper(screen.fields) as stop,
          WorkQueue(request, stop) as queue):
        stop.say = screen.say
        queue.look()
        if request.workers == 1:
            while (assignment := queue.next()) is not None:
                _run_assignment(request, assignment, stop, emit)
                queue.finished(assignment)
        else:
            _side_by_side(request, queue, stop)
        screen.clear()
    return queue.refused


class WorkQueue:
    """The lines of the work file, which is read again each time: others may add to it, or work on it, too.

    Who works on a line has the lock of its save files.  A `with` block gives back those of this process.
    """

    def __init__(self, request: QueueRequest, stop: Stopper):
        self._request, self._path, self._stop = request, request.path(worktodo.NAME), stop
        self._locks: dict[str, FileLock] = {}
        """Locks of the lines that this process works on, by the names of their save files."""
        self._on_disk = ""
        """The names of the save files of the one whose transform is on disk."""
        self._refused: list[str] = []
        self._elsewhere: dict[tuple[str, str], str] = {}
        """Lines that other processes work on, in words, by process and names of save files."""
        self._said: set[tuple[str, str]] = set()

    def __enter__(self) -> WorkQueue:
        return self

    def __exit__(self, *_exception) -> None:
        for lock in self._locks.values():
            lock.release(delete=True)

    @property
    def refused(self) -> int:
        """Number of lines that cannot be worked on."""
        return len(self._refused)

    def look(self) -> None:
        """Refuse at once all lines that are not understood, since their turn may come in a month."""
        lines = worktodo.read(self._path)
        if not lines:
            self._stop.say(f"{self._path} has no work; write it there, a line each, like Test=57885161")
        for line in lines:
            if isinstance(line, NotUnderstood):
                self.refuse(line, line.why)
        self._remove_left({self._request.test(line).stem for line in lines if isinstance(line, Assignment)})

    def _remove_left(self, stems: set[str]) -> None:
        """Remove what killed processes have noted of tests whose lines they had taken out."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._request.directory):
                stem, ending = os.path.splitext(name)
                if ending in (results.NOTED, ENDING) and stem not in stems and _STEM.fullmatch(stem):
                    with contextlib.suppress(InUse), savefile.lock(self._request.directory, stem):
                        os.unlink(self._request.path(name))

    def take(self) -> Assignment | None:
        """The next line that nobody works on, which is now this process's; None where there is none."""
        refused, self._elsewhere = list(self._refused), {}
        for line in worktodo.read(self._path):
            if line.text in refused:
                refused.remove(line.text)
            elif isinstance(line, NotUnderstood):
                self.refuse(line, line.why)
            elif self._begin(line):
                return line
        return None

    def _begin(self, line: Assignment) -> bool:
        """Whether the line is now this process's; others are passed over, or refused."""
        test = self._request.test(line)
        if test.stem in self._locks:        # one like it comes first
            return False
        try:
            lock = savefile.lock(test.directory, test.stem)
        except InUse as error:
            self._elsewhere[error.process, test.stem] = (
                f"{self._path}:{line.number}: process {error.process} works on {worktodo.shown(line.text.strip(), 80)}")
            return False
        if self._is_left(line):     # else another process had its lock, and has finished it
            start = start_of(test, self._request.elsewhere)
            if start.hindrance is None and not (start.on_disk and self._on_disk):
                self._locks[test.stem] = lock
                self._on_disk = test.stem if start.on_disk else self._on_disk
                return True
            if not self._locks:     # else there may be more room when the tests of this process have ended
                self.refuse(line, start.hindrance)
        lock.release(delete=True)
        return False

    def _is_left(self, line: Assignment) -> bool:
        return any(isinstance(each, Assignment) and each.work == line.work for each in worktodo.read(self._path))

    def finished(self, assignment: Assignment) -> None:
        """Give back the lock of a line that is done."""
        stem = self._request.test(assignment).stem
        ProgressFile(self._request.directory, stem).remove()
        self._locks.pop(stem).release(delete=True)
        if stem == self._on_disk:
            self._on_disk = ""

    def next(self) -> Assignment | None:
        """The next line, for which it waits while others work on all that are left; None where none is left.

        Raises Interrupted.
        """
        while (line := self.take()) is None and self.waits():
            pass
        if line is not None and self._stop():
            raise interrupted()
        return line

    def waits(self) -> bool:
        """Whether others work on lines that are left; then some time has passed, and the user knows of it.

        Raises Interrupted.
        """
        if not self._elsewhere:
            return False
        for each, text in self._elsewhere.items():
            if each not in self._said:
                self._said.add(each)
                self._stop.say(f"{text}; waiting for its end")
        time.sleep(POLL_S)
        if self._stop():
            raise interrupted()
        return True

    def refuse(self, line: Assignment | NotUnderstood, why: str) -> None:
        """Say why a line cannot be worked on; it stays in the file."""
        self._refused.append(line.text)
        note(f"{self._path}:{line.number}: {why}; kept: {worktodo.shown(line.text.strip(), 200)}")


def interrupted() -> Interrupted:
    """The error of a queue that was asked to stop."""
    return Interrupted("interrupted", "the same command goes on from the save files", resumable=True)


def _run_assignment(request: QueueRequest, assignment: Assignment, stop: Callable[[], bool],
                    emit: Callable[[object], None]) -> None:
    """Run a test and record its result."""
    began_s, test = time.perf_counter(), request.test(assignment)
    progress = ProgressFile(request.directory, test.stem)
    with completed(test, stop, together(emit, progress), locked=True) as outcome:
        record(request, assignment, outcome, time.perf_counter() - began_s, emit)


def record(request: QueueRequest, assignment: Assignment, outcome: ChainOutcome, seconds: float,
           emit: Callable[[object], None]) -> None:
    """Record and print a result, then take the line out: in this order, so that no result is lost.

    A file beside the save files has a process that comes after a killed one not record it twice.
    """
    line = results.result_line(outcome, assignment.aid, assignment.factors)
    said = results.sentence(outcome, assignment.factors)
    emit(Concluded(outcome.exponent, said))
    if request.usd_per_hour is not None:
        said += "\n" + results.cost_line(request.usd_per_hour, seconds, request.workers)
    with contextlib.suppress(OutputLost):       # the queue goes on, and the command ends with that error
        noted = request.path(request.test(assignment).stem + results.NOTED)
        try:
            results.append(request.path(results.NAME), line, noted)
        except InputOutputError:
            result(f"{said}\n{line}")
            raise
        worktodo.remove(request.path(worktodo.NAME), assignment)
        with contextlib.suppress(OSError):
            os.unlink(noted)
        result(said)


def _side_by_side(request: QueueRequest, queue: WorkQueue, stop: Callable[[], bool]) -> None:
    """A process for each test.  The first failure ends all, as soon as they have saved."""
    load(SQUARINGS)     # compiled once, not by every worker
    context = multiprocessing.get_context("spawn")
    running: dict[multiprocessing.process.BaseProcess, Assignment] = {}
    failed = 0
    told = False
    try:
        while True:
            while (not failed and not stop() and len(running) < request.workers
                   and (line := queue.take()) is not None):
                process = context.Process(target=_worker, args=(request, line, os.getpid()))
                with starting():
                    process.start()
                running[process] = line
            if not running:
                if failed or stop() or not queue.waits():
                    break
                continue
            multiprocessing.connection.wait([process.sentinel for process in running], timeout=0.5)
            for process in [each for each in running if not each.is_alive()]:
                line = running.pop(process)
                if process.exitcode:
                    failed = failed or process.exitcode
                else:
                    queue.finished(line)
            if (failed or stop()) and not told:
                told = True
                for process in running:
                    process.terminate()
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.join()
    if stop():
        raise interrupted()
    if failed:
        #: Its own message stands above; the others have saved and ended. Mend that, then the same command goes on.
        error = BigconstError("a worker failed", "its message stands above")
        error.exit_code = failed if failed > 0 else BigconstError.exit_code
        raise error


def _worker(request: QueueRequest, assignment: Assignment, parent: int) -> None:
    """A worker process: one test."""
    asked = []
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):       # the parent says when to stop
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        with listening(request.events) as (_, emit):
            _run_assignment(request, assignment, lambda: bool(asked) or os.getppid() != parent, emit)
    except BigconstError as error:
        note(error.line)
        sys.exit(error.exit_code)
