"""The signals that stop a run so that it can be resumed, and the one that asks how far it is."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from bigconst.base.units import format_seconds
from bigconst.runs.statusline import print_line

SAME_S = 1.0
"""seconds within which a second signal belongs to the first: `timeout` sends two"""


class Stopper:
    """A callable that says whether to stop after the current unit.

    Inside its `with` block the first SIGINT, SIGTERM or SIGHUP requests that; a second one, SAME_S later or more, stops
    at once by KeyboardInterrupt.  SIGUSR1 prints how far the run is, from the fields "stage", "share" and "elapsed_s"
    of status().
    """

    def __init__(self, status: Callable[[], dict]):
        self._status = status
        self.say: Callable[[str], None] = print_line
        """prints a line; a run with a display sets its method here, since other output would spoil the display"""
        self._asked_s: float | None = None
        self._before: dict = {}

    def __call__(self) -> bool:
        return self._asked_s is not None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if self._asked_s is None:
            self._asked_s = now_s
            self.say("finishing the unit at hand; once more stops at once")
        elif now_s - self._asked_s >= SAME_S:
            raise KeyboardInterrupt

    def _tell(self, number: int, frame: FrameType | None) -> None:
        fields = self._status()
        self.say(f"{fields['stage']}, {100 * fields['share']:.1f} %, {format_seconds(fields['elapsed_s'])}")

    def __enter__(self) -> "Stopper":
        if threading.current_thread() is not threading.main_thread():
            return self     # signals reach the main thread alone
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._stop)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._tell)
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
