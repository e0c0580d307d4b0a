"""The burn-in: squarings on all processors, patterns in memory and on disks, all at the same time, until time is up."""

import itertools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from bigconst.base.errors import DoesNotFit
from bigconst.base.starting import executor, start_thread
from bigconst.base.units import format_bytes
from bigconst.mersenne.selftest import MakeSquarer
from bigconst.stress import memory, squarings
from bigconst.stress.scratch import BUFFERS_BYTES, ScratchTest

PHASE_S = 10.0
"""Seconds of squarings on one tier of lengths before the next tier has its turn."""

REST_S = 30.0
"""Seconds from the beginning of filling memory to the beginning of comparing it."""

TICK_S, LAST_TICK_S = 1.0, 0.1
"""Seconds between calls of `show`: until time is up, and while the last results are awaited."""

PROCESS_BYTES = 256 << 20
"""Memory of the program itself, besides what is tested."""

LEAST_PATTERN_BYTES = 64 << 20
"""Least memory that is filled with patterns."""


class Stopped(Exception):
    """Ends a part of the burn-in because another part found a fault, or because of an interrupt."""


class Totals:
    """The work done so far by all threads."""

    def __init__(self):
        self.tests = self.iterations = self.memory_bytes = 0
        self.operations = self.max_roundoff = 0.0
        self._lock = threading.Lock()

    def squared(self, words: int, iterations: int) -> None:
        """Count a finished batch of squarings with a transform of `words` words."""
        with self._lock:
            self.iterations += iterations
            self.operations += iterations * squarings.operations(words)

    def tested(self, roundoff: float) -> None:
        """Count a right result and its largest round-off error."""
        with self._lock:
            self.tests += 1
            self.max_roundoff = max(self.max_roundoff, roundoff)

    def compared(self, size_bytes: int) -> None:
        """Count memory that was right."""
        with self._lock:
            self.memory_bytes += size_bytes


class BurnIn:
    """`threads` threads that square, an eighth as many, but at least one, for memory, and one for `scratch`.

    `memory_bytes` is the most memory that the program may use.  Raises DoesNotFit when transforms leave too little of
    it for patterns.
    """

    def __init__(self, squarer: MakeSquarer, threads: int, memory_bytes: int, scratch: ScratchTest | None, seed: int):
        self._squarer, self.threads, self.scratch = squarer, threads, scratch
        self._tiers = squarings.tiers(threads, memory_bytes)
        taken = PROCESS_BYTES + (BUFFERS_BYTES if scratch else 0) + max(
            tier.bytes_per_thread * (1 if tier.together else threads) for tier in self._tiers)
        if memory_bytes < taken + LEAST_PATTERN_BYTES:
            #: As for "--memory asks for …, … are available".
            raise DoesNotFit(f"{threads} threads need {format_bytes(taken + LEAST_PATTERN_BYTES)} of memory, "
                             f"{format_bytes(memory_bytes)} may be used",
                             "allow more with --memory, or take fewer --threads")
        self.pattern_bytes = memory_bytes - taken
        self._memory = memory.Memory(self.pattern_bytes, seed)
        self.totals = Totals()
        self.faults: list[BaseException] = []
        self._enough, self._abort = threading.Event(), threading.Event()
        self._phase_s, self._rest_s = PHASE_S, REST_S
        self._began_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since `run` began."""
        return time.monotonic() - self._began_s

    def run(self, seconds: float, show: Callable[[], None] = lambda: None) -> None:
        """Run until `seconds` have passed and everything written has been compared.

        `show` is called every second.  Raises the first fault that is found.
        """
        self._began_s = time.monotonic()
        # Each tier has its turn, also in a short run.
        self._phase_s, self._rest_s = min(PHASE_S, seconds / 6), min(REST_S, seconds / 3)
        with executor(self.threads) as pool:
            self._run(pool, seconds, show)

    def _run(self, pool: Executor, seconds: float, show: Callable[[], None]) -> None:
        parts = [partial(self._square, pool), *(partial(self._remember, numbers) for numbers in self._shares())]
        if self.scratch is not None:
            parts.append(self._move)
        threads: list[threading.Thread] = []
        try:
            for part in parts:
                threads.append(start_thread(self._guard, part, name="bigconst-stress"))
            while any(thread.is_alive() for thread in threads):
                left_s = seconds - self.elapsed_s
                if left_s <= 0:
                    self._enough.set()
                if self._abort.wait(min(TICK_S, left_s) if left_s > 0 else LAST_TICK_S):
                    break
                show()
        finally:
            if any(thread.is_alive() for thread in threads):
                self._stop()
            for thread in threads:
                thread.join()
        if self.faults:
            raise self.faults[0]

    def _stop(self) -> None:
        self._enough.set()
        self._abort.set()

    def _guard(self, part: Callable[..., None], *arguments: object) -> None:
        """Carry out a part on its own thread; an error in it ends all other parts."""
        try:
            part(*arguments)
        except Stopped:
            pass
        except BaseException as error:      # raised again by run
            self.faults.append(error)
            self._stop()

    # -- processors ---------------------------------------------------------------------

    def _square(self, pool: Executor) -> None:
        processors = sorted(os.sched_getaffinity(0))
        for tier in itertools.cycle(self._tiers):
            if self._enough.is_set():
                return
            until_s = time.monotonic() + self._phase_s
            if tier.together:
                self._burst(tier, self.threads, f"{self.threads} threads together", until_s)
            else:
                own = (processors[thread % len(processors)] for thread in range(self.threads))
                list(pool.map(partial(self._guard, self._alone, tier, until_s), own))

    def _alone(self, tier: squarings.Tier, until_s: float, processor: int) -> None:
        """Square on one processor, so that a fault can be attributed to it."""
        os.sched_setaffinity(0, {processor})
        self._burst(tier, 1, f"on processor {processor}", until_s)

    def _burst(self, tier: squarings.Tier, threads: int, where: str, until_s: float) -> None:
        while time.monotonic() < until_s and not self._enough.is_set():
            case = squarings.choose(tier, threads)
            self.totals.tested(squarings.check(case, self._squarer, where, self._between))

    def _between(self, words: int, iterations: int) -> None:
        self.totals.squared(words, iterations)
        if self._abort.is_set():
            raise Stopped

    # -- memory -------------------------------------------------------------------------

    def _shares(self) -> list[range]:
        """Numbers of the memory blocks of each thread."""
        count = max(1, self.threads // 8)
        ends = [self._memory.blocks * i // count for i in range(count + 1)]
        return [range(*pair) for pair in itertools.pairwise(ends)]

    def _remember(self, numbers: range) -> None:
        for turn in itertools.count():
            began_s = time.monotonic()
            memory.fill(self._memory, numbers, turn, self._enough.is_set)
            self._enough.wait(max(0.0, began_s + self._rest_s - time.monotonic()))
            memory.compare(self._memory, numbers, self._abort.is_set, self.totals.compared)
            if self._enough.is_set():
                return

    # -- disks --------------------------------------------------------------------------

    def _move(self) -> None:
        for turn in itertools.count():
            self.scratch.turn(turn, self._enough.is_set, self._abort.is_set)
            if self._enough.is_set():
                return
