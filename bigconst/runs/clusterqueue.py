"""The tests of a worktodo.txt on the workers of a cluster.

This process owns all files.  A test goes from worker to worker in parts of some minutes: a worker gets a save file and
gives back a later one.  After the death of anything, the same command goes on from the files.
"""

import os
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from gmpy2 import mpz

from bigconst.base.errors import BigconstError, DoesNotFit, FaultError, InputOutputError, Interrupted, UsageError
from bigconst.base.events import together
from bigconst.mersenne.events import PartBegun, PartDone, PartFailed, Resumed
from bigconst.mersenne.factor import PLAIN_BELOW
from bigconst.mersenne.prooffile import ProofFacts
from bigconst.mersenne.savefile import Damaged, Saved, SaveFiles, encode
from bigconst.mersenne.test import ChainOutcome
from bigconst.mersenne.worktodo import Assignment
from bigconst.plans.dwtshape import dwt_shape
from bigconst.runs.cluster import LOST_S, Cluster, ClusterRequest, ClusterWorker, LostWithScheduler, connected
from bigconst.runs.clusterpart import PartOfTest, PartReturned, finished_outcome, is_right, leave, resaved, run_part
from bigconst.runs.clusterplaces import Places, is_large
from bigconst.runs.kernels import SQUARINGS, load
from bigconst.runs.mersenne import MersenneRequest, completed, prover_of
from bigconst.runs.mersenneproof import Prover
from bigconst.runs.mersennequeue import QueueRequest, WorkQueue, interrupted, record
from bigconst.runs.mersennescratch import in_memory
from bigconst.runs.mersennescreen import MersenneScreen, listening
from bigconst.runs.progressfile import ProgressFile
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
FIRST_S = 60.0
"""Most seconds of the first part of a test, after which its rate is known."""
CHECKED_HERE = 1_000_000
"""Exponent from which workers compute the Jacobi symbols of each other's residues: here it would take 0.1 s."""


def run_on_cluster(request: QueueRequest, cluster: ClusterRequest, minutes: float) -> int:
    """Run tests until no line is left that can be worked on; return the number of lines that were refused.

    A part of a test takes `minutes`.  Raises the errors of `connected`, Interrupted, InputOutputError; UsageError where
    all workers have other versions of the program.
    """
    cluster.check()
    load(SQUARINGS)     # compiled once, not by every worker of this machine
    with (listening(request.events) as (screen, emit), Stopper(screen.fields) as stop,
          WorkQueue(request, stop) as work, connected(cluster) as workers):
        stop.say = screen.say
        work.look()
        coordinator = _Coordinator(request, work, workers, cluster.threads, 60 * minutes, stop, screen, emit)
        try:
            coordinator.run()
        finally:
            screen.clear()
            coordinator.close()
    return work.refused


class _Garbage(Exception):
    """What a worker gave back cannot be used, in words that follow its name."""


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
    is_large: bool
    tell: Callable[[object], None]
    """receives events of the test"""
    returned: PartReturned | None = None
    """what a worker has given back, while another one checks it"""
    worker: ClusterWorker | None = None
    """the one that gave that back"""
    sent_s: float = 0.0
    tries: int = 0
    failures: int = 0
    avoided: set[str] = field(default_factory=set)
    """addresses of workers that failed since the last good part, or gave back what has to be checked"""
    seconds: float = 0.0
    """seconds of workers so far"""

    @property
    def iteration(self) -> int:
        """How far it is."""
        return 0 if self.saved is None else self.saved.iteration


def _said(error: Exception) -> str:
    """What a worker raised, in words that follow its name."""
    text = " ".join(str(error).split())
    if isinstance(error, BigconstError):
        return text.partition("; ")[0]      # its remedy is about other commands
    return text if isinstance(error, _Garbage) else f"{type(error).__name__}: {text[:200]}"


class _Coordinator:
    """What is running, and what becomes of it."""

    def __init__(self, request: QueueRequest, work: WorkQueue, cluster: Cluster, threads: int | None, seconds: float,
                 stop: Callable[[], bool], screen: MersenneScreen, emit: Callable[[object], None]):
        self._request, self._work, self._cluster, self._seconds = request, work, cluster, seconds
        self._stop, self._screen, self._emit = stop, screen, emit
        self._places = Places(threads)
        self._waiting: list[_Running] = []
        self._placed: dict[str, _Running] = {}
        self._proofs: dict[Future, tuple[_Running, ChainOutcome]] = {}
        self._own = ThreadPoolExecutor(1, "bigconst-proof")
        self._told: queue.SimpleQueue = queue.SimpleQueue()
        """events of that thread"""
        self._unfit: set[str] = set()
        """addresses of workers that have another version of the program"""
        self._closing = False
        self._lost_s: float | None = None
        self._name = f"{os.getpid()} {time.time()}"
        self._alone_s = time.monotonic()

    def run(self) -> None:
        """Until nothing is left to do.  Raises Interrupted, InputOutputError, UsageError."""
        while True:
            if self._stop():
                self._leave()
                raise interrupted()
            if self._is_connected():
                self._fill()
                if not (self._waiting or self._placed or self._proofs or self._work.waits()):
                    return
            self._collect()
            self._reclaim()

    def _collect(self) -> None:
        """Take up what has ended meanwhile."""
        for key, found in self._cluster.collect(POLL_S):
            self._ended(key, found)
        ended = [each for each in self._proofs if each.done()]
        while not self._told.empty():
            self._emit(self._told.get())
        for future in ended:
            running, outcome = self._proofs.pop(future)
            try:
                self._conclude(running, replace(outcome, proof=future.result()))
            except Interrupted:
                running.saves.__exit__()
            except (DoesNotFit, FaultError) as error:
                self._drop(running, str(error))

    def _leave(self) -> None:
        """Take back what the workers have, for LEAVE_S seconds at most."""
        until_s = time.monotonic() + LEAVE_S
        self._cluster.on_workers(leave, self._name)
        while time.monotonic() < until_s and self._placed:
            self._collect()
            self._reclaim()
        for running in self._waiting:
            if running.returned is not None:        # the next process checks it
                running.saves.write(replace(resaved(running.returned), verified=False))

    def close(self) -> None:
        """Give up all that runs; its save files stay."""
        self._closing = True
        for key in self._placed:
            self._cluster.give_up(key)
        self._own.shutdown(cancel_futures=True)
        for running in (*self._waiting, *self._placed.values(), *(running for running, _ in self._proofs.values())):
            running.saves.__exit__()

    # -- to the workers ------------------------------------------------------------------

    def _fill(self) -> None:
        """Give the workers what they have room for, lines that come first before others."""
        self._places.look(self._fit())
        waiting, self._waiting = sorted(self._waiting, key=lambda each: each.line.number), []
        for running in waiting:
            self._send(running)
        # One test is begun even without workers: they may come.
        while ((self._places.has_room or not (self._waiting or self._placed))
               and (line := self._work.take()) is not None):
            self._begin(line)

    def _begin(self, line: Assignment) -> None:
        test = self._request.test(line)
        if test.exponent < PLAIN_BELOW:
            began_s = time.perf_counter()
            with completed(test, self._stop, self._emit, locked=True) as outcome:
                record(self._request, line, outcome, time.perf_counter() - began_s, self._emit)
            self._work.finished(line)
            return
        part = PartOfTest(test.kind, test.exponent, test.start, test.iterations, b"", self._seconds, 1, (), self._name)
        saves = SaveFiles(test.directory, test.stem, test.kind, test.exponent, locked=True)
        saves.__enter__()
        saved, bad = saves.read(lambda each: each.verified or is_right(replace(part, save=encode(each))))
        prover = None if test.proof is None else prover_of(test, self._told.put)
        if prover is not None:
            prover.begin()
        if saved is not None or bad:
            self._emit(Resumed(test.exponent, 0 if saved is None else saved.iteration, tuple(bad)))
        tell = together(self._emit, ProgressFile(test.directory, test.stem))
        self._send(_Running(line, test, saves, saved, prover, part, is_large(test.exponent), tell))

    def _send(self, running: _Running) -> None:
        """Have the next part of a test done, or what was given back checked; it waits where no worker has room."""
        checks = running.returned is not None
        place = self._places.find(running.is_large and not checks, running.avoided)
        if place is None and checks:        # another worker would be better, but it would have to be waited for
            place = self._places.find(False)
        if place is None:
            self._waiting.append(running)
            return
        running.tries += 1
        running.sent_s = time.monotonic()
        key = f"bigconst {running.test.stem} from {running.iteration}, {running.tries}"
        self._placed[key] = running
        self._places.take(key, place)
        if checks:
            self._cluster.submit(key, is_right, replace(running.part, save=running.returned.save), worker=place.worker)
            return
        kept = ()
        if running.prover is not None:
            kept = tuple(each for each in running.prover.landmarks if each > running.iteration)
        part = replace(running.part, kept=kept, threads=place.threads)
        if running.saved is None:
            part = replace(part, seconds=min(FIRST_S, self._seconds))
        else:
            part = replace(part, save=encode(running.saved))
        test = running.test
        running.tell(PartBegun(test.kind, test.exponent, running.iteration, test.total, place.worker.name))
        self._cluster.submit(key, run_part, part, worker=place.worker)

    # -- from the workers ----------------------------------------------------------------

    def _ended(self, key: str, found: PartReturned | bool | Exception) -> None:
        running, worker = self._placed.pop(key), self._places.give_back(key).worker
        try:
            if isinstance(found, Exception):
                raise found
            if running.returned is None:
                self._check(running, found)
                running.returned, running.worker = found, worker
                if running.part.kind == "LL" and running.test.exponent >= CHECKED_HERE:
                    running.avoided.add(worker.address)
                    self._waiting.append(running)
                    return
                found = is_right(replace(running.part, save=found.save))
            if not found:
                wrong, running.returned, worker = resaved(running.returned).iteration, None, running.worker
                raise _Garbage(f"its residue at iteration {wrong} is wrong")
        except LostWithScheduler:       # which says nothing of the worker
            self._again(running, worker, "was lost with the scheduler")
        except UsageError as error:
            self._exclude(worker, _said(error))
            self._waiting.append(running)
        except Exception as error:
            if isinstance(error, FaultError):       # the point that it began with may be wrong, too
                running.saves.drop_after(running.iteration - 1)
                running.saved = running.saves.newest_verified(lambda saved: True)
            self._failed(running, worker, f"failed ({_said(error)})")
        else:
            self._take(running)

    def _check(self, running: _Running, done: PartReturned) -> None:
        """Raise _Garbage where what a worker gives back is not what it should be, whatever the residue."""
        test = running.test
        try:
            saved = resaved(done)
        except (Damaged, ValueError, KeyError, TypeError) as error:
            raise _Garbage("what it gave back has a wrong checksum") from error
        # A test that had come to its end before this process began does so once more.
        least = running.iteration + (running.iteration < test.total)
        if ((saved.kind, saved.exponent) != (test.kind, test.exponent)
                or not least <= saved.iteration <= test.total or done.finished != (saved.iteration == test.total)):
            raise _Garbage(f"it gave back {saved.kind} M{saved.exponent}, iteration {saved.iteration}")
        if not all(running.iteration < iteration <= saved.iteration for iteration in done.kept):
            raise _Garbage("it gave back residues that were not asked for")

    def _take(self, running: _Running) -> None:
        """Save a point that is right, and go on from there."""
        done, saved = running.returned, resaved(running.returned)
        seconds, squarings = done.seconds, saved.iteration - running.iteration
        running.saved, running.returned, running.failures = saved, None, 0
        running.avoided.clear()
        running.seconds += seconds
        for iteration, data in done.kept.items() if running.prover is not None else ():
            running.prover.keep(Saved(saved.kind, saved.exponent, iteration, mpz(int.from_bytes(data, "little"))))
        running.saves.write(saved)
        running.tell(PartDone(saved.kind, saved.exponent, saved.iteration, running.test.total, running.worker.name,
                              seconds, 1000 * seconds / max(1, squarings)))
        if not done.finished:
            self._waiting.append(running)
            return
        outcome = finished_outcome(running.part, done, saved)
        if running.prover is None:
            self._conclude(running, outcome)
            return
        # By a thread of its own, so that the workers get their next parts meanwhile.
        self._proofs[self._own.submit(self._prove, running)] = running, outcome

    def _prove(self, running: _Running) -> ProofFacts | None:
        test = running.test
        make_squarer = in_memory(test.exponent, test.total, self._request.threads)
        return running.prover.prove(running.saved.residue, make_squarer, dwt_shape(test.exponent),
                                    lambda: self._closing or self._stop())

    def _fit(self) -> list[ClusterWorker]:
        """The workers that may be used."""
        return [each for each in self._cluster.workers() if each.address not in self._unfit]

    def _exclude(self, worker: ClusterWorker, why: str) -> None:
        """Use a worker no more.  Raises UsageError where no other is left."""
        if worker.address not in self._unfit:
            self._unfit.add(worker.address)
            self._screen.say(f"{worker.name} is not used: {why}")
        if not self._fit():
            #: What is saved and compared may differ between versions.
            raise UsageError("no worker has this version of bigconst", "install one version everywhere")

    def _failed(self, running: _Running, worker: ClusterWorker, why: str) -> None:
        running.failures += 1
        running.avoided.add(worker.address)
        if running.failures > FAILURES:
            self._drop(running, f"{running.failures} parts of it failed in turn; {worker.name} {why}")
            return
        self._again(running, worker, why)

    def _again(self, running: _Running, worker: ClusterWorker, why: str) -> None:
        """Have a part done once more."""
        running.tell(PartFailed(running.test.kind, running.test.exponent, running.iteration, worker.name, why))
        self._waiting.append(running)

    def _conclude(self, running: _Running, outcome: ChainOutcome) -> None:
        record(self._request, running.line, outcome, running.seconds, self._emit)
        running.saves.finish()
        if running.prover is not None:
            running.prover.remove()
        running.saves.__exit__()
        self._work.finished(running.line)

    def _drop(self, running: _Running, why: str) -> None:
        """Leave a line in the file; its save files stay."""
        running.saves.__exit__()
        self._work.refuse(running.line, why)
        self._work.finished(running.line)

    # -- the cluster ---------------------------------------------------------------------

    def _is_connected(self) -> bool:
        """Whether the scheduler answers.  Raises InputOutputError where it has gone."""
        now_s = time.monotonic()
        if self._cluster.is_connected():
            self._lost_s = None
        elif self._lost_s is None:
            self._lost_s = now_s
            self._screen.say("the scheduler does not answer; waiting for it")
        elif now_s - self._lost_s > LOST_S:
            #: What the workers had not given back is computed again.
            raise InputOutputError("the scheduler has gone",
                                   "begin it again; the same command goes on from the save files")
        return self._lost_s is None

    def _reclaim(self) -> None:
        """Have parts done again that are lost or take too long."""
        now_s = time.monotonic()
        if self._fit() or not (self._waiting or self._placed):
            self._alone_s = now_s
        elif now_s - self._alone_s > ALONE_S:
            self._alone_s = float("inf")
            self._screen.say("the cluster has no workers; begin them with `dask worker` and its address")
        self._places.look(self._cluster.workers())
        lost = dict.fromkeys(self._places.lost(), "has gone")
        late_s = now_s - PATIENCE * self._seconds - PATIENCE_S
        lost |= {key: "does not answer" for key, each in self._placed.items() if each.sent_s < late_s}
        for key, why in lost.items():
            self._cluster.give_up(key)
            self._failed(self._placed.pop(key), self._places.give_back(key).worker, why)
