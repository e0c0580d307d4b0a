"""Timing in turns: every figure is the median of several, and those of all operations of a size follow each other, so
that a slow moment of the machine hits all alike."""

import statistics
import time
from collections.abc import Callable, Mapping

from bigconst.estimates.speeds import Rate

TURNS = 5
LEAST_S = 0.01
"""Of the calls of a turn together."""
LONG_S = 0.5
"""What takes so long is measured in two turns."""


class NotCounted(float):
    """Seconds of a call that are not what is measured; the call returns them."""


def timed(call: Callable[[], object]) -> float:
    """Seconds of a call that count."""
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began - (result if isinstance(result, NotCounted) else 0.0)


def overlap_loss(one_s: float, other_s: float, both_s: float) -> float:
    """The share of the shorter time that two things lose when they are done at once, from 0 to 1 (one after the
    other)."""
    return min(1.0, max(0.0, (both_s - max(one_s, other_s)) / min(one_s, other_s)))


class Turns:
    """What was measured so far: rates by operation, and how much turns of the same differ."""

    def __init__(self, threads: int, note: Callable[[str], None]):
        """`note` hears what is measured next."""
        self.threads, self.note = threads, note
        self.rates: dict[str, list[Rate]] = {}
        self._spreads: list[float] = []

    @property
    def counts(self) -> list[int]:
        """Numbers of threads to measure with."""
        return sorted({1, self.threads})

    def seconds(self, calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
        """Of each call, after one that is not counted."""
        first = {name: timed(call) for name, call in calls.items()}
        repeats = {name: max(1, round(LEAST_S / max(took, 1e-6))) for name, took in first.items()}
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(2 if sum(first.values()) > LONG_S else TURNS):
            for name, call in calls.items():
                times[name].append(sum(timed(call) for _ in range(repeats[name])) / repeats[name])
        return {name: self._median(values) for name, values in times.items()}

    def measure(self, words: int, threads: int, calls: Mapping[str, Callable[[], object]],
                counted: Mapping[str, int] | None = None) -> None:
        """Keep the rates of calls on numbers of so many words; of some a call takes only `counted` words."""
        for name, seconds in self.seconds(calls).items():
            self.keep(name, words, threads, seconds / (counted or {}).get(name, words))

    def keep(self, name: str, words: int, threads: int, seconds_per_word: float) -> None:
        """Keep a rate that was measured otherwise."""
        self.rates.setdefault(name, []).append(Rate(words, threads, seconds_per_word))

    def _median(self, times: list[float]) -> float:
        middle = statistics.median(times)
        self._spreads.append(statistics.median(abs(t - middle) for t in times) / middle)
        return middle

    @property
    def spread(self) -> float:
        """Typical difference of a turn from the median, relative."""
        return statistics.median(self._spreads)
