"""`bigconst work [DIR]`: the queue of a distributed search, from worktodo.txt to results.json.txt."""

import argparse
import os
import signal
import sys
import time
from dataclasses import dataclass

from bigconst.base.errors import BigconstError, InputOutputError, Interrupted, UsageError
from bigconst.base.hardware import default_threads
from bigconst.base.units import parse_count
from bigconst.commands.mersenne import add_running_options
from bigconst.commands.options import argument
from bigconst.runs import testrun
from bigconst.runs.kernels import load_test_kernels
from bigconst.runs.priority import lower_priority
from bigconst.runs.signals import Stopper
from bigconst.runs.testscreen import Screen

_EPILOG = """\
worktodo.txt holds lines like these, with or without an assignment id:
  Test=57885161,74,1
  DoubleCheck=0123456789ABCDEF0123456789ABCDEF,57885161,74,1
  PRP=N/A,1,2,57885161,-1,76,0,3,1

examples:
  bigconst work                       the queue of this directory
  bigconst work /data/gimps --workers 2 --nice 19
"""
MAX_WORKERS = 256


def add(commands) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "work",
        help="run the tests of a worktodo.txt",
        description="Run the tests of DIR/worktodo.txt in turn; results go to DIR/results.json.txt, "
                    "save files beside it.",
        epilog=_EPILOG,
    )
    parser.add_argument("dir", metavar="DIR", nargs="?", default=".", help="default: this directory")
    parser.add_argument("--workers", metavar="K", type=argument(parse_count, 1, MAX_WORKERS), default=1,
                        help="tests side by side (default 1); any of them takes any line")
    parser.add_argument("--nice", metavar="N", type=int, choices=range(20), default=0,
                        help="lower the priority, 0 to 19; with 19 disks serve all others first, too")
    add_running_options(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Options:
    directory: str
    threads: int
    save_every_s: float
    usd_per_hour: float | None
    """price of the machine, where it was told"""
    workers: int
    """which share it"""

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)


def run(arguments: argparse.Namespace) -> int:
    """Work until no line is left that can be worked on; 2 where lines were not understood."""
    if arguments.nice:
        lower_priority(arguments.nice)
    threads = arguments.threads or max(1, default_threads() // arguments.workers)
    options = _Options(arguments.dir, threads, arguments.save_every, arguments.usd_per_hour, arguments.workers)
    queue = _Queue(options)
    screen = Screen()
    with Stopper(screen) as stop:
        stop.say = screen.say
        if arguments.workers == 1:
            while (assignment := queue.take()) is not None:
                try:
                    _test(options, assignment, stop, screen)
                except UsageError as error:
                    queue.refuse(assignment, str(error))
        else:
            _side_by_side(options, queue, arguments.workers, stop)
    screen.clear()
    return 2 if queue.refused else 0


class _Queue:
    """The lines of the work file, which is read again each time: others may add to it."""

    def __init__(self, options: _Options):
        from bigconst.mersenne import worktodo

        self._path = options.path(worktodo.NAME)
        self._taken: list[str] = []
        self.refused = 0
        # At once, not when their turn comes: that may be in a month.
        for line in worktodo.read(self._path):
            if not isinstance(line, worktodo.Assignment):
                self._taken.append(line.text)
                self.refuse(line, line.why)

    def take(self):
        """The next line that nobody has, None where there is none."""
        from bigconst.mersenne.worktodo import Assignment, read

        busy = list(self._taken)
        for line in read(self._path):
            if line.text in busy:
                busy.remove(line.text)
                continue
            self._taken.append(line.text)
            if isinstance(line, Assignment):
                return line
            self.refuse(line, line.why)
        return None

    def refuse(self, line, why: str) -> None:
        """It stays in the file."""
        self.refused += 1
        text = line.text.strip().encode("ascii", "backslashreplace").decode()
        print(f"{self._path}:{line.number}: {why}; kept: {text[:200]}", file=sys.stderr, flush=True)


def _test(options: _Options, assignment, stop, screen) -> None:
    """Run a test, note its result, take its line out: in this order, so that no result is lost."""
    from bigconst.mersenne import results, worktodo

    request = testrun.Request(assignment.kind, assignment.exponent, options.threads, look_for_factors=False,
                              save_every_s=options.save_every_s, directory=options.directory)
    testrun.check(request)
    began_s = time.perf_counter()

    def note(outcome) -> None:
        line = results.result_line(outcome, assignment.aid, assignment.factors)
        screen.clear()
        said = results.sentence(outcome, assignment.factors)
        if options.usd_per_hour is not None:
            said += "\n" + results.cost_line(options.usd_per_hour, time.perf_counter() - began_s, options.workers)
        print(said, flush=True)
        try:
            results.append(options.path(results.NAME), line)
        except InputOutputError:
            print(line, flush=True)
            raise
        worktodo.remove(options.path(worktodo.NAME), assignment)

    testrun.carry_out(request, stop, screen, note)


# Several workers


def _side_by_side(options: _Options, queue: _Queue, workers: int, stop) -> None:
    """A process per test.  The first failure ends all, as soon as they have saved."""
    import multiprocessing.connection

    load_test_kernels()     # compiled once, not by every worker
    context = multiprocessing.get_context("spawn")
    running: dict = {}
    failed = 0
    told = False
    try:
        while True:
            while not failed and not stop() and len(running) < workers and (line := queue.take()) is not None:
                process = context.Process(target=_child, args=(options, line, os.getpid()))
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
        error = BigconstError("a worker failed", "its message stands above")
        error.exit_code = failed if failed > 0 else BigconstError.exit_code
        raise error


def _child(options: _Options, assignment, parent: int) -> None:
    """A worker process: one test."""
    asked = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # the parent tells
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        _test(options, assignment, lambda: bool(asked) or os.getppid() != parent, Screen())
    except BigconstError as error:
        print("bigconst:", *str(error).split(), file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
