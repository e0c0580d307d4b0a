"""Shows a run's events on stderr: a bar on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from bigconst.events import Event, Fault, StageDone, StageStarted
from bigconst.units import format_seconds

QUIET_S = 2.0
"""Nothing is shown of stages before this much time has passed: short runs stay silent."""

TICK_S = 1.0
"""The bar is drawn again after this time: a stage may take hours."""

_BY_STAGES = "{desc} |{bar}| {elapsed}"
"""The time left is not shown: stages grow threefold, so that an average says nothing."""
_BY_SHARE = "{desc} |{bar}| {percentage:.0f} % in {elapsed}, {remaining} left"


class Progress:
    """Listener for `emit`; call `close` (or leave the `with` block) before printing anything else.

    `share` says how much of the work is done, from 0 to 1, where that can be told better than by counting stages.
    """

    def __init__(self, stream: TextIO | None = None, quiet_s: float = QUIET_S,
                 share: Callable[[], float] | None = None):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._start = time.perf_counter()
        self._quiet_s = quiet_s
        self._share = share
        self._bar = None
        self._stage: tuple[str, int, int, int] | None = None
        """name, index, stages done, stages"""
        self._drawing = threading.Lock()
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="bigconst-progress", daemon=True)
        if self._terminal:
            self._ticker.start()

    def __call__(self, event: Event) -> None:
        match event:
            case Fault(kind, where, message):
                self._line(f"fault ({kind}) in {where}: {message}")
            case StageStarted(name, index, count) if self._terminal:
                self._show(name, index, index - 1, count)
            case StageDone(name, index, count, _) if self._terminal:
                self._show(name, index, index, count)
            case StageDone(name, index, count, seconds) if self._late():
                self._line(f"{index}/{count} {name}: {format_seconds(seconds)}")

    def _late(self) -> bool:
        return time.perf_counter() - self._start >= self._quiet_s

    def _line(self, text: str) -> None:
        with self._drawing:
            if self._bar is None:
                print(text, file=self._stream, flush=True)
            else:
                self._bar.write(text, file=self._stream)

    def _show(self, *stage) -> None:
        with self._drawing:
            self._stage = stage
            self._draw()

    def _tick(self) -> None:
        while not self._closed.wait(TICK_S):
            with self._drawing:
                self._draw()

    def _draw(self) -> None:
        if self._stage is None or not self._late():
            return
        name, index, done, count = self._stage
        if self._bar is None:
            from tqdm import tqdm

            layout = _BY_STAGES if self._share is None else _BY_SHARE
            self._bar = tqdm(total=1.0, file=self._stream, leave=False, bar_format=layout)
            # Elapsed counts from the start of the run, not of the bar.
            self._bar.start_t -= time.perf_counter() - self._start
        self._bar.set_description_str(f"{index}/{count} {name}", refresh=False)
        # Repeats may move more than planned.
        self._bar.n = done / count if self._share is None else min(1.0, self._share())
        self._bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        self._closed.set()
        if self._ticker.is_alive():
            self._ticker.join()
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self):
        return self

    def __exit__(self, *_exception) -> None:
        self.close()
