"""What signals mean to a run on disk."""

import signal
import sys
from typing import Any

from bigconst.units import format_seconds


class Stopper:
    """Says, when called, whether to stop after the unit at hand.

    While it is entered, the first SIGINT, SIGTERM or SIGHUP asks for that and a second one stops at once; SIGUSR1
    prints how far the run is.
    """

    def __init__(self, space: Any):
        self._space, self._asked = space, False
        self._before: dict = {}

    def __call__(self) -> bool:
        return self._asked

    def _stop(self, number: int, frame) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        print("finishing the unit at hand; once more stops at once", file=sys.stderr, flush=True)

    def _tell(self, number: int, frame) -> None:
        fields = self._space.status.fields()
        print(f"{fields['stage']}, {100 * fields['share']:.1f} %, {format_seconds(fields['elapsed_s'])}",
              file=sys.stderr, flush=True)

    def __enter__(self) -> "Stopper":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._stop)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._tell)
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
