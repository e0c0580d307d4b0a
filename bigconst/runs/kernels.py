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
from bigconst.base.limits import addresses_left_bytes
from bigconst.base.screen import note
from bigconst.base.starting import start_thread
from bigconst.runs.statusline import StatusLine

_CHILD = "import importlib, sys; sys.path[:] = {path!r}\nfor line in sys.stdin:\n" \
         "    importlib.import_module(line.strip()); print(flush=True)"
"""A process that imports the modules whose names it reads, and answers each with a line."""

SHOW_EVERY_S = 0.2
MOST_CHILDREN = 8
LOADING_MIB = {"v": 384, "d": 160}
"""room in address space and private memory, by options of `ulimit`, for the compiler's library and all kernels"""
COMPILING_MIB = {"v": 384, "d": 384}
"""room that compiling takes beyond that"""


@dataclass(frozen=True)
class Family:
    """Kernels that are needed together."""

    name: str
    """what they are for"""
    steps: tuple[tuple[str, ...], ...]
    """modules of bigconst.kernels; those of a step import none of each other, and the longest comes first"""
    users: tuple[str, ...] = ()
    """modules of bigconst that are imported with them, so that the clock of a run does not count their import"""


DIGITS = Family("digits", (("checksum", "columns", "linear", "rows", "residue", "pack", "newton", "primes",
                            "propagate", "recurrence", "terms", "text", "digitwords"), ("nodes",)),
                ("constants.files", "arithmetic.memory.machine", "arithmetic.sieve"))
DISK = Family("digits on disk", (("middle", "chunk", "checksum", "residue", "pack", "text"),),
              ("arithmetic.disk.machine",))
SQUARINGS = Family("squarings", (("checksum", "realcolumns", "rows", "carries", "wordbits"), ("dwt",)),
                   ("arithmetic.memory.squarer",))
READING = Family("reading digits", (("search", "digitwords"),))
CHECKING = Family("checking digits", (("residue", "pack", "recurrence", "text", "digitwords"),))
FAMILIES = (DIGITS, DISK, SQUARINGS, READING, CHECKING)


def load(*families: Family) -> None:
    """Load the kernels of these families; those never compiled are compiled first, with progress on stderr.

    Where they cannot be stored, a line says so, and they are compiled in this process.  Raises UsageError where numba
    may not compile, DoesNotFit where a limit of the session leaves no room for it.
    """
    if "numba" not in sys.modules:
        _check_room(LOADING_MIB, "loading")
    from bigconst.kernels import cache

    steps = [list(dict.fromkeys(module for step in together for module in step))
             for together in itertools.zip_longest(*(family.steps for family in families), fillvalue=())]
    cold = [[module for module in step if cache.is_cold(module)] for step in steps]
    if any(cold):
        _check_room(COMPILING_MIB, "compiling")
        names = [family.name for family in families if any(map(cache.is_cold, itertools.chain(*family.steps)))]
        title = f"kernels for {', '.join(names)}"
        if cache.can_store():
            note(f"compiling {title} for this machine (once, up to a minute)")
            _compile_elsewhere(title, cold)
        else:
            note(f"compiling {title} in memory: {_not_stored(cache.refusal)}")
            _compile_here(title, cold)
    refusal = cache.refusal
    for module in itertools.chain(*steps):
        importlib.import_module(f"bigconst.kernels.{module}")
        cache.mark_compiled(module)
    if cache.refusal != refusal:
        note(f"kernels were compiled in memory: {_not_stored(cache.refusal)}")
    for user in itertools.chain(*(family.users for family in families)):
        importlib.import_module(f"bigconst.{user}")


def _check_room(needed_mib: dict[str, int], what: str) -> None:
    """Raise DoesNotFit where a limit leaves less: the compiler would abort the process when memory is refused."""
    for option, left_bytes in addresses_left_bytes().items():
        if left_bytes < needed_mib[option] << 20:
            #: The session limits the address space of a process (`ulimit -v`) or its private memory (`ulimit -d`). Both
            #: can be set in `/etc/security/limits.conf`, too, or by a batch system.
            raise DoesNotFit(f"{what} kernels takes {needed_mib[option]} MiB, ulimit -{option} leaves "
                             f"{left_bytes >> 20} MiB", f"allow more with ulimit -{option}")


def _not_stored(refusal: str) -> str:
    return f"they cannot be stored in {refusal}; set BIGCONST_CACHE to a directory that can be written"


def _compile_here(title: str, steps: Sequence[Sequence[str]]) -> None:
    """Compile modules by importing them, one after another."""
    began_s, modules = time.monotonic(), list(itertools.chain(*steps))
    with _line() as line:
        for done, module in enumerate(modules):
            line.show(_progress(title, done, len(modules), began_s))
            importlib.import_module(f"bigconst.kernels.{module}")


def _compile_elsewhere(title: str, steps: Sequence[Sequence[str]]) -> None:
    """Compile modules in child processes, step by step.

    Where a child fails, the import that follows compiles here, or says what is wrong.
    """
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
                line.show(_progress(title, done, count, began_s))


def _progress(title: str, done: int, count: int, began_s: float) -> str:
    return f"compiling {title}: {done} of {count} modules, {time.monotonic() - began_s:.0f} s"


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
