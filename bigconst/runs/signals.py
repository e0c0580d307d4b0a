"""The signals that stop a run so that it can be resumed, and the one that asks how far it is."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

from bigconst.base.screen import note
from bigconst.base.units import format_seconds

SAME_S = 1.0
"""seconds within which a second signal belongs to the first: `timeout` sends two"""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""signals that ask a program to end"""


@contextlib.contextmanager
def handled(handlers: Mapping[int, Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    """A context in which signals have these handlers.

    Signals that are ignored stay ignored: nohup, and shells that start a program in the background, ask for that.
    Outside the main thread, which alone receives signals, nothing changes.
    """
    with contextlib.ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if signal.getsignal(number) != signal.SIG_IGN:
                    stack.callback(signal.signal, number, signal.signal(number, handler))
        yield


class Stopper:
    """A callable that says whether to stop after the current unit.

    Inside its `with` block the first SIGINT, SIGTERM or SIGHUP requests that; a second SIGINT or SIGTERM, SAME_S later
    or more, stops at once by KeyboardInterrupt.  SIGUSR1 prints how far the run is, from the fields "stage", "share"
    and "elapsed_s" of status().
    """

    def __init__(self, status: Callable[[], dict]):
        self._status = status
        self.say: Callable[[str], None] = note
        """prints a line; a run with a display sets its method here, since other output would spoil the display"""
        self._asked_s: float | None = None
        self._handled = handled({number: self._stop for number in STOPPING} | {signal.SIGUSR1: self._tell})

    def __call__(self) -> bool:
        return self._asked_s is not None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if self._asked_s is None:
            self._asked_s = now_s
            self.say("finishing the unit at hand; once more stops at once")
        elif number != signal.SIGHUP and now_s - self._asked_s >= SAME_S:
            raise KeyboardInterrupt

    def _tell(self, number: int, frame: FrameType | None) -> None:
        fields = self._status()
        self.say(f"{fields['stage']}, {100 * fields['share']:.1f} %, {format_seconds(fields['elapsed_s'])}")

    def __enter__(self) -> "Stopper":
        self._handled.__enter__()
        return self

    def __exit__(self, *exception) -> None:
        self._handled.__exit__(*exception)
