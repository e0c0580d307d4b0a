"""Which worker of a cluster takes which test.

A worker has a number of threads, those of `dask worker --nthreads`.  Small tests run side by side on it, a thread each;
a large one takes all of them, since several transforms would not fit into its caches together.  Who gives the worker
a label (`--resources test=K`), or the coordinator `--threads`, decides otherwise.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

from bigconst.plans.dwtshape import dwt_shape
from bigconst.runs.cluster import ClusterWorker

SMALL_WORDS = 1 << 18
"""Words of the longest transform of a small test: 2 MiB, which most processors have of caches for each core."""


def is_large(p: int) -> bool:
    """Whether the test of 2^p - 1 takes all threads of a worker."""
    return dwt_shape(p).words > SMALL_WORDS


@dataclass(frozen=True)
class Place:
    """Room for a test on a worker."""

    worker: ClusterWorker
    threads: int
    """threads of the test"""
    share: Fraction
    """part of the worker that it takes"""


class Places:
    """The workers, and the part of each that is taken."""

    def __init__(self, threads: int | None):
        """`threads` are those of every test; None to choose them by its size."""
        self._threads = threads
        self._workers: dict[str, ClusterWorker] = {}
        self._taken: dict[str, Place] = {}
        self._loads: dict[str, Fraction] = {}
        """part of each worker that is taken, by address; none where nothing is"""
        self._held: set[str] = set()

    def look(self, workers: Iterable[ClusterWorker]) -> None:
        """See which workers there are now, before places are sought in the order in which they are deserved."""
        self._workers = {each.address: each for each in workers}
        self._held = set()

    @property
    def has_room(self) -> bool:
        """Whether some worker could do more than it does, and is not waited for by a test that needs all of it."""
        return any(self._loads.get(address, 0) < 1 for address in self._workers if address not in self._held)

    def find(self, large: bool, avoided: Collection[str] = ()) -> Place | None:
        """The place of a test, not on a worker whose address is in `avoided` unless all are.

        Where there is none for a large test, the worker that is the least busy gets no other tests until the next
        `look`, so that it has room some day.
        """
        asked = [address for address in self._workers if address not in avoided] or self._workers
        loads = {each: self._loads.get(each, Fraction()) for each in asked if each not in self._held}
        for address in sorted(loads, key=loads.__getitem__):
            place = self._place(self._workers[address], large)
            if loads[address] + place.share <= 1:
                return place
        if large and loads:
            self._held.add(min(loads, key=loads.__getitem__))
        return None

    def _place(self, worker: ClusterWorker, large: bool) -> Place:
        if worker.tests is not None:
            count = min(worker.tests, worker.threads)
            return Place(worker, worker.threads // count, Fraction(1, count))
        if self._threads is not None:
            return Place(worker, self._threads, Fraction(1, max(1, worker.threads // self._threads)))
        return Place(worker, worker.threads, Fraction(1)) if large else Place(worker, 1, Fraction(1, worker.threads))

    def take(self, key: str, place: Place) -> None:
        """Have a place taken until it is given back under this key."""
        self._taken[key] = place
        self._loads[place.worker.address] = self._loads.get(place.worker.address, 0) + place.share

    def give_back(self, key: str) -> Place:
        """Have a place free again."""
        place = self._taken.pop(key)
        self._loads[place.worker.address] -= place.share
        if not self._loads[place.worker.address]:
            del self._loads[place.worker.address]
        return place

    def lost(self) -> list[str]:
        """The keys of places whose worker is no longer there."""
        return [key for key, place in self._taken.items() if place.worker.address not in self._workers]
