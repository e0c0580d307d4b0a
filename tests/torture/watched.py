"""The bigconst command in a process that logs what it computes, and that can kill itself after a number of moments.

    python tests/torture/watched.py LOG MOMENT COMMAND...

LOG receives a line "seconds TAB name TAB number" for each unit of work: a unit of a pass on disk, a level in memory,
a piece of a file.  The first line is "began", when kernels are loaded; the last one is "ended MOMENTS SECONDS", with
the number of moments and the seconds since it began.

A *moment* is a transfer or sync of the volume, a record or sync of the journal, a unit of a pass, or a write, rename,
removal or sync of a file.  The process ends by SIGKILL just before moment number MOMENT (-1: never).
"""

import itertools
import os
import signal
import sys
import time


class Watch:
    """The log, and the count of moments."""

    def __init__(self, path: str, moment: int):
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._moment, self._moments = moment, itertools.count()
        self._before_s = self._began_s = time.perf_counter()

    def line(self, text: str) -> None:
        """Write a line with one system call, so that a kill leaves whole lines."""
        os.write(self._fd, f"{text}\n".encode())

    def computed(self, name: str, number: int) -> None:
        """Log a unit of work that has ended; its time is that since the last one."""
        now = time.perf_counter()
        self.line(f"{now - self._before_s:.6f}\t{name}\t{number}")
        self._before_s = now

    def begin(self) -> None:
        """Log that kernels are loaded, and start the clock."""
        self._before_s = self._began_s = time.perf_counter()
        self.line("began")

    def end(self) -> None:
        """Log the number of moments, and the seconds."""
        self.line(f"ended {next(self._moments)} {time.perf_counter() - self._began_s:.6f}")

    def count(self, owner, name: str) -> None:
        """Make every call of owner.name a moment."""
        original = getattr(owner, name)

        def counted(*arguments, **named):
            self.moment()
            return original(*arguments, **named)

        setattr(owner, name, counted)

    def moment(self) -> None:
        """Count a moment, and end the process before it if it is the one."""
        if next(self._moments) == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, owner, name: str, what) -> None:
        """Log every call of owner.name as a unit of work; what(*arguments) returns its name and number."""
        original = getattr(owner, name)

        def told(*arguments, **named):
            result = original(*arguments, **named)
            self.computed(*what(*arguments))
            return result

        setattr(owner, name, told)


def watch(log: Watch) -> None:
    """Hook the log into the program."""
    from bigconst.arithmetic.disk.machine import DiskMachine
    from bigconst.base.events import StageDone
    from bigconst.constants import engine
    from bigconst.runtime.pipeline import Pipeline
    from bigconst.storage.atomicfile import AtomicFile
    from bigconst.storage.journal import Journal
    from bigconst.storage.volume import Volume

    log.after(DiskMachine, "_in_memory", lambda *_: ("levels in memory", 0))
    log.after(AtomicFile, "write_at", lambda file, offset, data: (os.path.basename(file.path), offset))
    for owner, names in ((Volume, ("read", "write", "sync")), (Journal, ("append", "sync")),
                         (AtomicFile, ("write_at",)), (os, ("replace", "rename", "unlink", "fsync"))):
        for name in names:
            log.count(owner, name)
    _watch_units(log, Pipeline)
    run = engine.run

    def begun(plan, text, emit, *arguments, **named):
        def told(event) -> None:
            # On disk a stage consists of units, which are logged one by one.
            if plan.disk is None and isinstance(event, StageDone):
                log.computed(event.name, event.index)
            emit(event)

        log.begin()
        return run(plan, text, told, *arguments, **named)

    engine.run = begun


def _watch_units(log: Watch, pipeline) -> None:
    """Log every unit of every pass, by the name of its step."""
    run = pipeline.run

    def watched(self, count, read, compute, write, step=None, *rest, **named):
        def computed(i: int) -> None:
            log.moment()
            compute(i)
            log.computed(step._name if step is not None else "", i)

        return run(self, count, read, computed, write, step, *rest, **named)

    pipeline.run = watched


def main() -> int:
    """Run the command, and return its exit code."""
    from bigconst import cli

    log = Watch(sys.argv[1], int(sys.argv[2]))
    watch(log)
    code = cli.main(sys.argv[3:])
    log.end()
    return code


if __name__ == "__main__":
    sys.exit(main())
