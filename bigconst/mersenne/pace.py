"""The number of squarings in a batch.  Signals, saves and progress wait for the end of a batch."""

BATCH_S = 1.0
"""Longest time, in seconds, that a batch should take."""
GROWTH = 8
"""A batch is at most this many times as long as the one before."""


class Pace:
    """Lengths of batches, which approach BATCH_S or the time between saves; the first batch is one squaring."""

    def __init__(self, save_every_s: float):
        self._wanted_s = min(BATCH_S, max(save_every_s, 0.01))
        self.count = 1
        self.ms_per_iteration = 0.0
        """Running mean of the milliseconds of a squaring; 0 before the first batch."""

    def took(self, count: int, seconds: float) -> None:
        """Record that a batch of `count` squarings took `seconds`."""
        ms = 1000 * seconds / count
        self.ms_per_iteration = 0.8 * self.ms_per_iteration + 0.2 * ms if self.ms_per_iteration else ms
        if count == self.count:     # a batch that a boundary cut short says less
            self.count = max(1, min(GROWTH * count, int(count * self._wanted_s / max(seconds, 1e-6))))
