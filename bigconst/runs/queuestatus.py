"""How far the tests of a worktodo.txt are, seen from another process.

That is read from its lines, and from the locks, the save files and the progress files of its tests.
"""

import heapq
import time
from math import log2

from bigconst.mersenne import results, worktodo
from bigconst.mersenne.factor import PLAIN_BELOW
from bigconst.mersenne.savefile import lock_path, saved_iterations
from bigconst.mersenne.worktodo import Assignment
from bigconst.plans.dwtshape import dwt_shape
from bigconst.runs.mersennequeue import QueueRequest
from bigconst.runs.progressfile import ProgressFile
from bigconst.storage.lock import holder

RUNNING, STOPPED, WAITING = "running", "stopped", "waiting"
"""States of a test: a process has it, none has it but there are save files, it has not begun."""


def queue_status(directory: str) -> dict:
    """The fields of `bigconst status --json` for a queue.  Raises InputOutputError."""
    request = QueueRequest(directory, 1, 0.0, None, 1)
    path = request.path(worktodo.NAME)
    lines, saved = worktodo.read(path), saved_iterations(directory)
    tests = [_test(request, each, saved) for each in lines if isinstance(each, Assignment)]
    _set_rates(tests)
    _set_ends(tests)
    running = [each for each in tests if each["state"] == RUNNING]
    left = [each["remaining_s"] for each in tests]
    return {"queue": path, "running": bool(running), "tests_running": len(running), "finished": _finished(request),
            "remaining_s": None if None in left else max(left, default=0.0), "tests": tests,
            "refused": [{"line": each.number, "text": each.text.strip(), "why": each.why}
                        for each in lines if not isinstance(each, Assignment)]}


def _finished(request: QueueRequest) -> int:
    try:
        with open(request.path(results.NAME), "rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0


def _test(request: QueueRequest, line: Assignment, saved: dict[str, int]) -> dict:
    """The fields of a line, "ms_per_iteration" and "remaining_s" as far as they are known from its own files."""
    test = request.test(line)
    process = holder(lock_path(request.directory, test.stem))
    progress = ProgressFile(request.directory, test.stem).read()
    iteration = max(saved.get(test.stem, 0), progress.get("iteration", 0) if process is not None else 0)
    worker = progress.get("worker") or f"process {process}" + (", proof" if iteration == test.total else "")
    return {"line": line.number, "kind": line.kind, "exponent": line.exponent,
            "state": RUNNING if process is not None else STOPPED if iteration else WAITING,
            "iteration": iteration, "iterations": test.total, "share": iteration / max(1, test.total),
            "worker": None if process is None else worker, "ms_per_iteration": progress.get("ms_per_iteration"),
            "seen": progress.get("time") if process is not None else None, "remaining_s": None}


def _squaring(test: dict) -> float:
    """The work of a squaring, in one unit."""
    if test["exponent"] < PLAIN_BELOW:
        return 0.0
    words = dwt_shape(test["exponent"]).words
    return words * log2(words)


def _set_rates(tests: list[dict]) -> None:
    """Where a rate is not known, take the median of those that are, in proportion to the work."""
    known = sorted(each["ms_per_iteration"] / work for each in tests
                   if each["ms_per_iteration"] is not None and (work := _squaring(each)))
    for each in tests if known else ():
        if each["ms_per_iteration"] is None:
            each["ms_per_iteration"] = known[len(known) // 2] * _squaring(each)


def _set_ends(tests: list[dict]) -> None:
    """Set the seconds after which each test ends, if as many run at once as do now, in the order of the lines."""
    now, ends = time.time(), []
    ordered = sorted(tests, key=lambda each: (each["state"] != RUNNING, each["line"]))
    for each in ordered:
        if each["ms_per_iteration"] is None:
            return
        left_s = (each["iterations"] - each["iteration"]) * each["ms_per_iteration"] / 1000
        if each["state"] == RUNNING:
            each["remaining_s"] = max(0.0, left_s - (now - (each["seen"] or now)))
            heapq.heappush(ends, each["remaining_s"])
        elif ends:
            each["remaining_s"] = left_s + heapq.heappop(ends)
            heapq.heappush(ends, each["remaining_s"])
