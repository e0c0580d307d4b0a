"""Shows a run's events on stderr: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from typing import TextIO

from bigconst.events import Event, Fault, StageDone, StageStarted
from bigconst.units import format_seconds

QUIET_S = 2.0
"""Nothing is shown of stages before this much time has passed: short runs stay silent."""


class Progress:
    """Listener for `emit`; call `close` (or leave the `with` block) before printing anything else."""

    def __init__(self, stream: TextIO | None = None, quiet_s: float = QUIET_S):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._start = time.perf_counter()
        self._quiet_s = quiet_s
        self._bar = None

    def __call__(self, event: Event) -> None:
        match event:
            case Fault(kind, where, message):
                self._line(f"fault ({kind}) in {where}: {message}")
            case StageStarted(name, index, count) if self._terminal and self._late():
                self._show(name, index - 1, count)
            case StageDone(name, index, count, _) if self._terminal and self._late():
                self._show(name, index, count)
            case StageDone(name, index, count, seconds) if self._late():
                self._line(f"{index}/{count} {name}: {format_seconds(seconds)}")

    def _late(self) -> bool:
        return time.perf_counter() - self._start >= self._quiet_s

    def _line(self, text: str) -> None:
        if self._bar is None:
            print(text, file=self._stream, flush=True)
        else:
            self._bar.write(text, file=self._stream)

    def _show(self, name: str, done: int, count: int) -> None:
        if self._bar is None:
            from tqdm import tqdm

            # The time left is not shown: stages grow threefold, so that an average says nothing.
            layout = "{desc} {n_fmt}/{total_fmt} |{bar}| {elapsed}"
            self._bar = tqdm(total=count, file=self._stream, leave=False, bar_format=layout)
            # Elapsed counts from the start of the run, not of the bar.
            self._bar.start_t -= time.perf_counter() - self._start
        self._bar.set_description_str(name, refresh=False)
        self._bar.n = done
        self._bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self):
        return self

    def __exit__(self, *_exception) -> None:
        self.close()
