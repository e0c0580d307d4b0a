"""The progress of a run on stderr: two bars on a terminal, plain lines elsewhere.

One thread draws and prints; the engine's threads only record what has happened.
"""

from __future__ import annotations

import os
import queue
import shutil
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

from bigconst.base.events import Event, Fault, PlanMade, StageDone, StageStarted, UnitDone
from bigconst.base.screen import Notes, printable
from bigconst.base.starting import start_thread
from bigconst.base.units import format_rate, format_seconds
from bigconst.runs.workdone import MemoryWork, StageTraffic

if TYPE_CHECKING:
    from tqdm import tqdm

    from bigconst.runs.scratch import RunScratch

QUIET_S = 2.0
"""seconds before stages are shown: short runs stay silent"""

TICK_S = 0.25
"""seconds between two drawings of the bars"""
LINE_EVERY_S = 60.0
"""seconds between lines that say how far the run is, where there is no terminal"""
WINDOW_S = 10.0
"""seconds that rates on a terminal are averaged over; a rate in a plain line is that since the line before"""
SPARE_COLUMNS = 3
"""columns left free beside the bars: a line that fills the terminal wraps on some, and ^C at the keyboard takes two"""
BAR_COLUMNS = 4
"""columns of the shortest bar; text that would leave fewer for it is not shown"""


def terminal_columns(stream: TextIO) -> int:
    """The columns of the stream's terminal; where it has none, COLUMNS of the environment, or 80."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or shutil.get_terminal_size().columns
    except (AttributeError, OSError, ValueError):
        return shutil.get_terminal_size().columns


def layout(head: str, parts: list[str], columns: int) -> str:
    """The format of a line for tqdm: `head`, the bar, and as many of the `parts` as fit, at least the first one."""
    tail = parts[0]
    for part in parts[1:]:
        if len(head) + len(tail) + len(part) + len(" || , ") + BAR_COLUMNS > columns:
            break
        tail += ", " + part
    head, tail = (text.replace("{", "{{").replace("}", "}}") for text in (head, tail))
    return f"{head} |{{bar}}| {tail}"


class _Rates:
    """Rates of processor time, scratch traffic and units over the last `window_s`; traffic begins at `moved_bytes`."""

    def __init__(self, window_s: float, moved_bytes: int | None):
        self._window_s = window_s
        self._samples = deque([self._sample(moved_bytes, 0)])

    @staticmethod
    def _sample(moved_bytes: int | None, units: int) -> tuple[float, float, int, int]:
        return time.perf_counter(), time.process_time(), moved_bytes or 0, units

    def parts(self, moved_bytes: int | None, units: int) -> list[str]:
        """MB/s, CPU % and units/s now; CPU % alone where there is no scratch."""
        now = self._sample(moved_bytes, units)
        self._samples.append(now)
        while len(self._samples) > 2 and now[0] - self._samples[1][0] >= self._window_s:
            self._samples.popleft()
        seconds, cpu_s, moved, done = (b - a for a, b in zip(self._samples[0], now, strict=True))
        if seconds <= 0:
            return []
        cpu = f"CPU {100 * cpu_s / seconds:.0f} %"
        if moved_bytes is None:
            return [cpu]
        pace = done / seconds
        each = [f"{pace:.1f} units/s" if pace >= 1 else f"{format_seconds(1 / pace)} a unit"] if done > 0 else []
        return [format_rate(moved / seconds), cpu, *each]


class Progress:
    """A listener that shows events; `close` it, or leave the `with` block, before anything else is printed.

    `space` is the `bigconst.runs.scratch.RunScratch` of a run on disk, which knows the traffic and the time of all its
    processes; None for a run in memory.
    """

    def __init__(self, stream: TextIO | None = None, quiet_s: float = QUIET_S, space: RunScratch | None = None):
        self._stream = Notes(stream)
        self._terminal = self._stream.isatty()
        self._start_s = self._line_s = time.perf_counter()
        self._quiet_s = quiet_s
        self._space = space
        self._memory = MemoryWork()
        self._traffic = StageTraffic()
        self._rates = _Rates(WINDOW_S if self._terminal else LINE_EVERY_S, self._moved_bytes)
        self._name, self._certified, self._stage, self._units = "", False, "", 0
        self._bars: list[tqdm] = []
        # Signal handlers may put into a SimpleQueue, whatever they have interrupted.
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = start_thread(self._show, name="bigconst-progress")

    def __call__(self, event: Event) -> None:
        if isinstance(event, UnitDone):     # may come thousands of times a second
            self._units += 1
            return
        if self._space is None:
            self._memory.receive(event)
        else:
            self._traffic.receive(event, self._space.moved_bytes)
        match event:
            case PlanMade(plan):
                self._name, self._certified = plan.constant.name, plan.certified
            case Fault(kind, where, message):
                self.say(f"fault ({kind}) in {where}: {message}")
            case StageStarted(name, index, count):
                self._stage = f"{index}/{count} {name}"
            case StageDone(name, index, count, seconds):
                if self._space is None and index == count:
                    self._stage = "certificate and files" if self._certified else "files"
                if not self._terminal and self._late():
                    self.say(f"{index}/{count} {name}: {format_seconds(seconds)}")

    def say(self, text: str) -> None:
        """Print a line that stays; any thread and any signal handler may call this."""
        if self._thread.is_alive():
            self._texts.put(text)
        else:
            self._print(text)

    @property
    def _moved_bytes(self) -> int | None:
        return None if self._space is None else self._space.moved_bytes

    def _late(self) -> bool:
        return time.perf_counter() - self._start_s >= self._quiet_s

    # -- the thread ---------------------------------------------------------------------

    def _show(self) -> None:
        due_s = time.perf_counter() + TICK_S
        while True:
            try:
                text = self._texts.get(timeout=max(0.0, due_s - time.perf_counter()))
                if text is None:
                    break
                self._print(text)
            except queue.Empty:
                self._renew()
                due_s = time.perf_counter() + TICK_S

    def _print(self, text: str) -> None:
        if self._bars:
            self._bars[0].write(printable(text), file=self._stream)
        else:
            print(printable(text), file=self._stream, flush=True)

    def _renew(self) -> None:
        now_s = time.perf_counter()
        if not self._stage or not self._late() or not (self._terminal or now_s - self._line_s >= LINE_EVERY_S):
            return
        moved_bytes = self._moved_bytes
        work = self._memory if self._space is None else self._space
        share, elapsed_s, left_s = work.share_done(), work.elapsed_s, work.remaining_s
        left = [] if left_s is None else [f"{format_seconds(left_s)} left"]
        of_run = [f"{100 * share:.1f} %", *left, f"{format_seconds(elapsed_s)} elapsed"]
        rates = self._rates.parts(moved_bytes, self._units)
        if self._terminal:
            of_stage = self._memory.stage_share() if moved_bytes is None else self._traffic.share(moved_bytes)
            self._draw((self._name, share, of_run), (self._stage, of_stage, [f"{100 * of_stage:.0f} %", *rates]))
        else:
            self._line_s = now_s
            self._print(", ".join([*of_run, self._stage, *rates]))

    def _draw(self, *lines: tuple[str, float, list[str]]) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0       # no thread of its own
        columns = max(1, terminal_columns(self._stream) - SPARE_COLUMNS)
        for i, (head, share, parts) in enumerate(lines):
            line = layout(head, parts, columns)
            if i < len(self._bars):
                bar = self._bars[i]
                bar.bar_format, bar.ncols, bar.n = line, columns, share
                bar.refresh()
            else:
                self._bars.append(tqdm(total=1.0, initial=share, file=self._stream, leave=False, position=i,
                                       bar_format=line, ncols=columns))

    def close(self) -> None:
        """Print the lines that are waiting, and remove the bars."""
        self._texts.put(None)
        self._thread.join()
        for bar in reversed(self._bars):
            bar.close()
        self._bars = []

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()
