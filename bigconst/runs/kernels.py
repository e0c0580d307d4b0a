"""Loading of kernels by family.

A family that was never compiled on this machine is compiled first: in child processes, since the compiler takes memory
that this one could not give back, and in several at a time, since one takes a minute.
"""

import contextlib
import importlib
import itertools
import queue
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bigconst.base.errors import DoesNotFit
from bigconst.base.hardware import default_threads
from bigconst.base.screen import note
from bigconst.base.starting import start_thread
from bigconst.runs.statusline import StatusLine

_CHILD = "import importlib, sys; sys.path[:] = {path!r}\nfor line in sys.stdin:\n" \
         "    importlib.import_module(line.strip()); print(flush=True)"
"""A process that imports the modules whose names it reads, and answers each with a line."""

SHOW_EVERY_S = 0.2
MOST_CHILDREN = 8


@dataclass(frozen=True)
class Family:
    """Kernels that are needed together."""

    name: str
    """what they are for"""
    steps: tuple[tuple[str, ...], ...]
    """modules of bigconst.kernels; those of a step import none of each other, and the longest comes first"""
    users: tuple[str, ...] = ()
    """modules of bigconst that are imported with them, so that the clock of a run does not count their import"""


DIGITS = Family("digits", (("columns", "linear", "rows", "residue", "pack", "newton"),),
                ("constants.digits", "constants.remainder"))
DISK = Family("digits on disk", (("middle",),), ("constants.diskrun",))
SQUARINGS = Family("squarings", (("realcolumns", "rows", "carries", "wordbits"), ("dwt",)),
                   ("arithmetic.memory.squarer",))
READING = Family("reading digits", (("search",),))
CHECKING = Family("checking digits", (("residue", "pack"),))
FAMILIES = (DIGITS, DISK, SQUARINGS, READING, CHECKING)


def load(*families: Family) -> None:
    """Load the kernels of these families; those never compiled are compiled first, with progress on stderr."""
    from bigconst.kernels import jit

    steps = [list(dict.fromkeys(module for step in together for module in step))
             for together in itertools.zip_longest(*(family.steps for family in families), fillvalue=())]
    cold = [[module for module in step if jit.is_cold(module)] for step in steps]
    if any(cold):
        names = [family.name for family in families if any(map(jit.is_cold, itertools.chain(*family.steps)))]
        _compile_elsewhere(f"kernels for {', '.join(names)}", cold)
    for module in itertools.chain(*steps):
        importlib.import_module(f"bigconst.kernels.{module}")
        jit.mark_compiled(module)
    for user in itertools.chain(*(family.users for family in families)):
        importlib.import_module(f"bigconst.{user}")


def _compile_elsewhere(title: str, steps: Sequence[Sequence[str]]) -> None:
    """Compile modules in child processes, step by step.

    Where a child fails, the import that follows compiles here, or says what is wrong.
    """
    note(f"compiling {title} for this machine (once, up to a minute)")
    began_s, done, count = time.monotonic(), 0, sum(map(len, steps))
    with _line() as line:
        for step in steps:
            waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
            finished: queue.SimpleQueue[str] = queue.SimpleQueue()
            for module in step:
                waiting.put(f"bigconst.kernels.{module}")
            children = []
            with contextlib.suppress(DoesNotFit):
                for _ in range(min(default_threads(), len(step), MOST_CHILDREN)):
                    children.append(start_thread(_child, waiting, finished, name="bigconst-compile"))
            while any(child.is_alive() for child in children) or not finished.empty():
                with contextlib.suppress(queue.Empty):
                    finished.get(timeout=SHOW_EVERY_S)
                    done += 1
                line.show(f"compiling {title}: {done} of {count} modules, {time.monotonic() - began_s:.0f} s")


@contextlib.contextmanager
def _line() -> Iterator[StatusLine]:
    line = StatusLine()
    try:
        yield line
    finally:
        line.clear()


def _child(waiting: "queue.SimpleQueue[str]", finished: "queue.SimpleQueue[str]") -> None:
    """Compile waiting modules in a child process until none is left or one fails."""
    with contextlib.suppress(OSError, queue.Empty):
        with subprocess.Popen([sys.executable, "-c", _CHILD.format(path=sys.path)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            while True:
                module = waiting.get_nowait()
                process.stdin.write(f"{module}\n")
                process.stdin.flush()
                if not process.stdout.readline():
                    return
                finished.put(module)
