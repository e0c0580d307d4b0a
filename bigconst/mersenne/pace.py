"""How many squarings a batch takes: signals, saves and progress wait for its end."""

BATCH_S = 1.0
GROWTH = 8


class Pace:
    """Batches come to last about a second, or as long as saves are apart; the first is one squaring, however long."""

    def __init__(self, save_every_s: float):
        self._wanted_s = min(BATCH_S, max(save_every_s, 0.01))
        self.count = 1
        self.ms_per_iteration = 0.0
        """A running mean."""

    def took(self, count: int, seconds: float) -> None:
        """A batch of `count` squarings has ended."""
        ms = 1000 * seconds / count
        self.ms_per_iteration = 0.8 * self.ms_per_iteration + 0.2 * ms if self.ms_per_iteration else ms
        if count == self.count:     # a shorter one, cut off by a boundary, tells less
            self.count = max(1, min(GROWTH * count, int(count * self._wanted_s / max(seconds, 1e-6))))
