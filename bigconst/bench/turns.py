"""Timing in turns: every figure is the median of several turns, and each turn times all operations of a size, so that a
slow moment of the machine affects them all."""

import statistics
import time
from collections.abc import Callable, Mapping

from bigconst.estimates.speeds import Rate

TURNS = 5
LEAST_S = 0.01
"""Approximate least seconds of an operation in a turn; shorter calls are repeated."""
LONG_S = 0.5
"""Seconds of a turn above which there are only two turns."""


class NotCounted(float):
    """Seconds of a call that are not to be counted; the call returns them."""


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes, less those that it returns as NotCounted."""
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began - (result if isinstance(result, NotCounted) else 0.0)


def overlap_loss(one_s: float, other_s: float, both_s: float) -> float:
    """The share of the shorter time that is lost when two activities run at once: 0 if none is, 1 if they take as long
    as one after the other."""
    return min(1.0, max(0.0, (both_s - max(one_s, other_s)) / min(one_s, other_s)))


class Turns:
    """The measurements so far: rates by operation, and the spread of turns."""

    def __init__(self, threads: int, note: Callable[[str], None]):
        """`note` receives a line on what is measured next."""
        self.threads, self.note = threads, note
        self.rates: dict[str, list[Rate]] = {}
        self._spreads: list[float] = []

    @property
    def counts(self) -> list[int]:
        """Numbers of threads to measure with."""
        return sorted({1, self.threads})

    def seconds(self, calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
        """Median seconds of each call, after a first one that is not counted."""
        first = {name: timed(call) for name, call in calls.items()}
        repeats = {name: max(1, round(LEAST_S / max(took, 1e-6))) for name, took in first.items()}
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(2 if sum(first.values()) > LONG_S else TURNS):
            for name, call in calls.items():
                times[name].append(sum(timed(call) for _ in range(repeats[name])) / repeats[name])
        return {name: self._median(values) for name, values in times.items()}

    def measure(self, words: int, threads: int, calls: Mapping[str, Callable[[], object]],
                counted: Mapping[str, int] | None = None) -> None:
        """Measure calls on numbers of `words` words and store their rates per word.

        `counted` names the calls that work on another number of words, and that number.
        """
        for name, seconds in self.seconds(calls).items():
            self.keep(name, words, threads, seconds / (counted or {}).get(name, words))

    def keep(self, name: str, words: int, threads: int, seconds_per_word: float) -> None:
        """Store a rate that was measured otherwise."""
        self.rates.setdefault(name, []).append(Rate(words, threads, seconds_per_word))

    def _median(self, times: list[float]) -> float:
        middle = statistics.median(times)
        self._spreads.append(statistics.median(abs(t - middle) for t in times) / middle)
        return middle

    @property
    def spread(self) -> float:
        """Typical relative difference of a turn from the median."""
        return statistics.median(self._spreads)
