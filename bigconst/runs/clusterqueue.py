"""The tests of a worktodo.txt on the workers of a cluster.

This process owns all files.  A test goes from worker to worker in parts of some minutes: a worker gets a save file and
gives back a later one.  After the death of anything, the same command goes on from the files.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from gmpy2 import mpz

from bigconst.base.errors import BigconstError, FaultError, InputOutputError, UsageError
from bigconst.base.units import format_count
from bigconst.mersenne.factor import PLAIN_BELOW
from bigconst.mersenne.savefile import Damaged, Saved, SaveFiles, encode
from bigconst.mersenne.test import chain_of
from bigconst.mersenne.worktodo import Assignment
from bigconst.plans.dwtshape import dwt_shape, longer
from bigconst.runs.cluster import LOST_S, Cluster, ClusterRequest, connected
from bigconst.runs.clusterpart import PartOfTest, PartReturned, finished_outcome, leave, resaved, run_part
from bigconst.runs.kernels import SQUARINGS, load
from bigconst.runs.mersenne import MersenneRequest, completed, prover_of
from bigconst.runs.mersenneproof import Prover
from bigconst.runs.mersennequeue import QueueRequest, WorkQueue, interrupted, record
from bigconst.runs.mersennescratch import in_memory
from bigconst.runs.mersennescreen import MersenneScreen
from bigconst.runs.signals import Stopper

POLL_S = 0.2
ALONE_S = 10.0
"""Seconds without a worker after which the user is told so."""
FAILURES = 5
"""Parts of one test that may fail one after the other."""
LEAVE_S = 60
"""Seconds that workers have to give back what they have, when the coordinator stops."""
PATIENCE, PATIENCE_S = 3, 60.0
"""Times the length of a part, and seconds besides, after which it is given to another worker."""


def run_on_cluster(request: QueueRequest, cluster: ClusterRequest, minutes: float) -> int:
    """Run tests until no line is left that can be worked on; return the number of lines that were refused.

    A part of a test takes `minutes`.  Raises the errors of `connected`, Interrupted, InputOutputError.
    """
    cluster.check()
    screen = MersenneScreen()
    load(SQUARINGS)     # compiled once, not by every worker of this machine
    with Stopper(screen.fields) as stop, WorkQueue(request, stop) as queue, connected(cluster) as workers:
        stop.say = screen.say
        queue.look()
        coordinator = _Coordinator(request, queue, workers, 60 * minutes, stop, screen)
        try:
            coordinator.run()
        finally:
            screen.clear()
            coordinator.close()
    return queue.refused


@dataclass
class _Running:
    """A test that is on a worker, or waits for one."""

    line: Assignment
    test: MersenneRequest
    saves: SaveFiles
    saved: Saved | None
    """the point that the next part begins with, None for the beginning"""
    prover: Prover | None
    part: PartOfTest
    sent_s: float = 0.0
    tries: int = 0
    failures: int = 0
    seconds: float = 0.0
    """seconds of workers so far"""

    @property
    def iteration(self) -> int:
        """How far it is."""
        return 0 if self.saved is None else self.saved.iteration


class _Coordinator:
    """What is running, and what becomes of it."""

    def __init__(self, request: QueueRequest, queue: WorkQueue, cluster: Cluster, seconds: float,
                 stop: Callable[[], bool], screen: MersenneScreen):
        self._request, self._queue, self._cluster, self._seconds = request, queue, cluster, seconds
        self._stop, self._screen = stop, screen
        self._running: dict[str, _Running] = {}
        self._lost_s: float | None = None
        self._name = f"{os.getpid()} {time.time()}"
        self._leaving = False
        self._alone_s = time.monotonic()

    def run(self) -> None:
        """Until nothing is left to do.  Raises Interrupted, InputOutputError."""
        while True:
            if self._stop():
                self._leave()
                raise interrupted()
            # One more than there are places, so that no worker waits for this process.
            while len(self._running) <= self._cluster.places and (line := self._queue.take()) is not None:
                self._begin(line)
            if not self._running and not self._queue.waits():
                return
            for key, found in self._cluster.collect(POLL_S):
                self._ended(key, found)
            self._look_at_cluster()

    def _leave(self) -> None:
        """Take back what the workers have, for LEAVE_S seconds at most."""
        until_s = time.monotonic() + LEAVE_S
        self._leaving = True
        self._cluster.on_workers(leave, self._name)
        while time.monotonic() < until_s and any(map(self._cluster.has_begun, self._running)):
            for key, found in self._cluster.collect(POLL_S):
                self._ended(key, found)

    def close(self) -> None:
        """Give up all that runs; its save files stay."""
        for key, running in self._running.items():
            self._cluster.give_up(key)
            running.saves.__exit__()
        self._running.clear()

    def _begin(self, line: Assignment) -> None:
        test = self._request.test(line)
        if test.exponent < PLAIN_BELOW:
            began_s = time.perf_counter()
            with completed(test, self._stop, self._screen, locked=True) as outcome:
                record(self._request, line, outcome, time.perf_counter() - began_s, self._screen)
            self._queue.finished(line)
            return
        saves = SaveFiles(test.directory, test.stem, test.kind, test.exponent, locked=True)
        saves.__enter__()
        saved, bad = saves.read()
        for path in bad:
            self._screen.say(f"{path} is damaged, kept as {path}.bad")
        prover = None if test.proof is None else prover_of(test, self._screen)
        if prover is not None:
            prover.begin()
        part = PartOfTest(test.kind, test.exponent, test.start, test.iterations, b"", self._seconds,
                          self._request.threads, (), self._name)
        running = _Running(line, test, saves, saved, prover, part)
        if saved is not None:
            self._screen.say(f"M{test.exponent}: going on from iteration {format_count(saved.iteration)}")
        self._send(running)

    def _send(self, running: _Running) -> None:
        """Have the next part of a test done."""
        if self._leaving:
            running.saves.__exit__()
            return
        kept = ()
        if running.prover is not None:
            kept = tuple(each for each in running.prover.landmarks if each > running.iteration)
        running.tries += 1
        key = f"bigconst {running.test.stem} from {running.iteration}, {running.tries}"
        part = replace(running.part, save=b"" if running.saved is None else encode(running.saved), kept=kept)
        self._running[key], running.sent_s = running, time.monotonic()
        self._cluster.submit(key, run_part, part, priority=-running.line.number)

    def _ended(self, key: str, found: PartReturned | Exception) -> None:
        running = self._running.pop(key)
        try:
            if isinstance(found, Exception):
                raise found
            saved = self._checked(running, found)
        except UsageError:
            running.saves.__exit__()
            raise
        except FaultError as error:     # the point that it began with may be wrong, too
            running.saves.drop_after(running.iteration - 1)
            running.saved = running.saves.newest_verified(lambda saved: True)
            self._failed(running, str(error).partition(";")[0])
            return
        except BigconstError as error:      # it says itself what is wrong
            self._drop(running, str(error))
            return
        except Exception as error:
            self._failed(running, " ".join(f"{type(error).__name__}: {error}".split())[:200])
            return
        running.saved, running.failures, running.seconds = saved, 0, running.seconds + found.seconds
        for iteration, data in found.kept.items() if running.prover is not None else ():
            running.prover.keep(Saved(saved.kind, saved.exponent, iteration, mpz(int.from_bytes(data, "little"))))
        running.saves.write(saved)
        if found.finished:
            self._finish(running, found)
            return
        self._screen.say(f"M{saved.exponent}: iteration {format_count(saved.iteration)} of "
                         f"{format_count(running.test.total)}, after {found.seconds:.0f} s of a worker")
        self._send(running)

    def _checked(self, running: _Running, done: PartReturned) -> Saved:
        """The point that a worker gives back.  Raises ValueError where it is not what it should be."""
        test = running.test
        try:
            saved = resaved(done)
        except (Damaged, ValueError, KeyError, TypeError) as error:
            raise ValueError("what it gave back has a wrong checksum") from error
        # A test that had come to its end before this process began does so once more.
        least = running.iteration + (running.iteration < test.total)
        if ((saved.kind, saved.exponent) != (test.kind, test.exponent)
                or not least <= saved.iteration <= test.total or done.finished != (saved.iteration == test.total)):
            raise ValueError(f"it gave back {saved.kind} M{saved.exponent}, iteration {saved.iteration}")
        chain = chain_of(test.kind, test.exponent, running.part.start, test.iterations, shape=dwt_shape(test.exponent),
                         longer=longer, make_squarer=None)
        if not chain.is_right(saved):
            raise ValueError(f"its residue at iteration {saved.iteration} is wrong")
        return saved

    def _failed(self, running: _Running, why: str) -> None:
        running.failures += 1
        if running.failures > FAILURES:
            self._drop(running, f"{running.failures} parts of it failed in turn, the last with {why}")
            return
        self._screen.say(f"M{running.test.exponent}: a worker failed ({why}); its part is done again")
        self._send(running)

    def _finish(self, running: _Running, done: PartReturned) -> None:
        test = running.test
        outcome = finished_outcome(running.part, done, running.saved)
        if running.prover is not None:
            squarer = in_memory(test.exponent, test.total, self._request.threads)
            proof = running.prover.prove(running.saved.residue, squarer, dwt_shape(test.exponent), self._stop)
            outcome = replace(outcome, proof=proof)
        record(self._request, running.line, outcome, running.seconds, self._screen)
        running.saves.finish()
        if running.prover is not None:
            running.prover.remove()
        running.saves.__exit__()
        self._queue.finished(running.line)

    def _drop(self, running: _Running, why: str) -> None:
        """Leave a line in the file; its save files stay."""
        running.saves.__exit__()
        self._queue.refuse(running.line, why)
        self._queue.finished(running.line)

    def _look_at_cluster(self) -> None:
        """Give parts that take too long to others.  Raises InputOutputError where the scheduler has gone."""
        now_s = time.monotonic()
        if self._cluster.is_connected:
            self._lost_s = None
        elif self._lost_s is None:
            self._lost_s = now_s
            self._screen.say("the scheduler does not answer; waiting for it")
        elif now_s - self._lost_s > LOST_S:
            #: What the workers had not given back is computed again.
            raise InputOutputError("the scheduler has gone",
                                   "begin it again; the same command goes on from the save files")
        if self._cluster.places or not self._running:
            self._alone_s = now_s
        elif now_s - self._alone_s > ALONE_S:
            self._alone_s = float("inf")
            self._screen.say("the cluster has no workers; begin them with `dask worker` and its address")
        for key, running in list(self._running.items()):
            if now_s - running.sent_s > PATIENCE * self._seconds + PATIENCE_S and self._cluster.has_begun(key):
                del self._running[key]
                self._cluster.give_up(key)
                self._screen.say(f"M{running.test.exponent}: a worker does not answer; its part goes to another")
                self._send(running)
