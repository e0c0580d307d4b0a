"""Mersenne tests one after the other or side by side: those of a command, and those of a worktodo.txt."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bigconst.base.errors import BigconstError, InputOutputError, Interrupted, OutputLost, UsageError
from bigconst.base.events import together
from bigconst.base.screen import note, result
from bigconst.base.starting import starting
from bigconst.mersenne import results, worktodo
from bigconst.mersenne.events import Concluded
from bigconst.mersenne.worktodo import Assignment, NotUnderstood
from bigconst.runs.eventsfile import EventsFile
from bigconst.runs.kernels import SQUARINGS, load
from bigconst.runs.mersenne import MersenneRequest, check, completed, known
from bigconst.runs.mersennescreen import MersenneScreen
from bigconst.runs.signals import Stopper

# -- the tests of a command --------------------------------------------------------------


def run_tests(requests: Sequence[MersenneRequest], events_path: str | None) -> None:
    """Run tests in turn and print a line for each.  Raises the errors of bigconst.base.errors.

    Where a line cannot be printed, the save files of the test stay, and the same command prints it.
    """
    for request in requests:
        check(request)
    with contextlib.ExitStack() as stack:
        events = None if events_path is None else stack.enter_context(EventsFile(events_path))
        for request in requests:
            with contextlib.suppress(OutputLost):       # its save files stay, and the command ends with that error
                _run_test(request, events)


def _run_test(request: MersenneRequest, events: EventsFile | None) -> None:
    began_s = time.perf_counter()
    screen = MersenneScreen()
    emit: Callable[[object], None] = screen
    if events is not None:
        emit, events.say = together(screen, events), screen.say
    line = known(request)
    if line is not None:
        _conclude(line, request, began_s, emit)
        return
    try:
        with Stopper(screen.fields) as stop:
            stop.say = screen.say
            with completed(request, stop, emit) as outcome:
                screen.clear()
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

    def path(self, name: str) -> str:
        """The path of a file in the directory."""
        return os.path.join(self.directory, name)


def run_queue(request: QueueRequest) -> int:
    """Run tests until no line is left that can be worked on; return the number of lines that were refused."""
    queue = _Queue(request)
    screen = MersenneScreen()
    with Stopper(screen.fields) as stop:
        stop.say = screen.say
        if request.workers == 1:
            while (assignment := queue.take()) is not None:
                try:
                    _run_assignment(request, assignment, stop, screen)
                except UsageError as error:
                    queue.refuse(assignment, str(error))
        else:
            _side_by_side(request, queue, stop)
    screen.clear()
    return queue.refused


class _Queue:
    """The lines of the work file, which is read again each time: others may add to it."""

    def __init__(self, request: QueueRequest):
        self._path = request.path(worktodo.NAME)
        self._taken: list[str] = []
        self.refused = 0
        # Bad lines are reported at once: their turn may come in a month.
        for line in worktodo.read(self._path):
            if not isinstance(line, Assignment):
                self._taken.append(line.text)
                self.refuse(line, line.why)

    def take(self) -> Assignment | None:
        """The next line that no worker has taken; None where there is none."""
        busy = list(self._taken)
        for line in worktodo.read(self._path):
            if line.text in busy:
                busy.remove(line.text)
                continue
            self._taken.append(line.text)
            if isinstance(line, Assignment):
                return line
            self.refuse(line, line.why)
        return None

    def refuse(self, line: Assignment | NotUnderstood, why: str) -> None:
        """Say why a line cannot be worked on; it stays in the file."""
        self.refused += 1
        text = line.text.strip().encode("ascii", "backslashreplace").decode()
        note(f"{self._path}:{line.number}: {why}; kept: {text[:200]}")


def _run_assignment(request: QueueRequest, assignment: Assignment, stop: Callable[[], bool],
                    screen: MersenneScreen) -> None:
    """Run a test, record its result, take its line out: in this order, so that no result is lost."""
    test = MersenneRequest(assignment.kind, assignment.exponent, request.threads, look_for_factors=False,
                           save_every_s=request.save_every_s, directory=request.directory)
    check(test)
    began_s = time.perf_counter()
    with completed(test, stop, screen) as outcome:
        line = results.result_line(outcome, assignment.aid, assignment.factors)
        said = results.sentence(outcome, assignment.factors)
        if request.usd_per_hour is not None:
            said += "\n" + results.cost_line(request.usd_per_hour, time.perf_counter() - began_s, request.workers)
        screen.clear()
        with contextlib.suppress(OutputLost):       # the queue goes on, and the command ends with that error
            try:
                results.append(request.path(results.NAME), line)
            except InputOutputError:
                result(f"{said}\n{line}")
                raise
            worktodo.remove(request.path(worktodo.NAME), assignment)
            result(said)


def _side_by_side(request: QueueRequest, queue: _Queue, stop: Callable[[], bool]) -> None:
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
                break
            multiprocessing.connection.wait([process.sentinel for process in running], timeout=0.5)
            for process in [each for each in running if not each.is_alive()]:
                line = running.pop(process)
                if process.exitcode == UsageError.exit_code:
                    queue.refuse(line, "see above")
                elif process.exitcode:
                    failed = failed or process.exitcode
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
        raise Interrupted("interrupted", "the same command goes on from the save files", resumable=True)
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
        _run_assignment(request, assignment, lambda: bool(asked) or os.getppid() != parent, MersenneScreen())
    except BigconstError as error:
        note(error.line)
        sys.exit(error.exit_code)
