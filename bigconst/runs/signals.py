"""What signals mean to a run that can be stopped and resumed."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from bigconst.base.units import format_seconds
from bigconst.runs.statusline import print_line

SAME_S = 1.0
"""A second signal within this time of the first is the same request: `timeout` sends two."""


class Stopper:
    """Says, when called, whether to stop after the unit at hand.

    While it is entered, the first SIGINT, SIGTERM or SIGHUP asks for that and a second one, a second later or more,
    stops at once; SIGUSR1 prints how far the run is, as `space.status.fields()` tells.
    """

    def __init__(self, space: Any):
        self._space = space
        self.say: Callable[[str], None] = print_line
        """where lines go: a display would be spoiled by others"""
        self._asked_s: float | None = None
        self._before: dict = {}

    def __call__(self) -> bool:
        return self._asked_s is not None

    def _stop(self, number: int, frame) -> None:
        now_s = time.monotonic()
        if self._asked_s is None:
            self._asked_s = now_s
            self.say("finishing the unit at hand; once more stops at once")
        elif now_s - self._asked_s >= SAME_S:
            raise KeyboardInterrupt

    def _tell(self, number: int, frame) -> None:
        fields = self._space.status.fields()
        self.say(f"{fields['stage']}, {100 * fields['share']:.1f} %, {format_seconds(fields['elapsed_s'])}")

    def __enter__(self) -> "Stopper":
        if threading.current_thread() is not threading.main_thread():
            return self     # signals are heard there alone
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._stop)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._tell)
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
