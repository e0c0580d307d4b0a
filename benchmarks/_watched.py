"""The bigconst command in a process that tells what it computes, and that may kill itself at a counted moment.

    python _watched.py LOG MOMENT COMMAND...

LOG gets a line for each thing that was computed, "seconds TAB name TAB number": a unit of a pass on disk, a level
in memory, a piece of a file.  "began" is the first line, when all is loaded; "ended MOMENTS SECONDS" the last one, the
seconds being those since it began.

A *moment* is a transfer or sync of the volume, a record or sync of the journal, a unit, a write, rename, removal or
sync of a file; the process ends by SIGKILL before the one of number MOMENT (-1: never).
"""

import itertools
import os
import signal
import sys
import time


class Watch:
    """The log and the count."""

    def __init__(self, path: str, moment: int):
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._moment, self._moments = moment, itertools.count()
        self._before_s = self._began_s = time.perf_counter()

    def line(self, text: str) -> None:
        """One system call, so that a kill leaves whole lines."""
        os.write(self._fd, f"{text}\n".encode())

    def computed(self, name: str, number: int) -> None:
        """Something is done; it took the time since the last thing was."""
        now = time.perf_counter()
        self.line(f"{now - self._before_s:.6f}\t{name}\t{number}")
        self._before_s = now

    def begin(self) -> None:
        """All is loaded."""
        self._before_s = self._began_s = time.perf_counter()
        self.line("began")

    def end(self) -> None:
        """How many moments there were, and seconds."""
        self.line(f"ended {next(self._moments)} {time.perf_counter() - self._began_s:.6f}")

    def count(self, owner, name: str) -> None:
        """Make every call of owner.name a moment."""
        original = getattr(owner, name)

        def counted(*arguments, **named):
            self.moment()
            return original(*arguments, **named)

        setattr(owner, name, counted)

    def moment(self) -> None:
        """End here if it is time."""
        if next(self._moments) == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, owner, name: str, what) -> None:
        """owner.name computes something, what(*arguments) -> (name, number)."""
        original = getattr(owner, name)

        def told(*arguments, **named):
            result = original(*arguments, **named)
            self.computed(*what(*arguments))
            return result

        setattr(owner, name, told)


def watch(log: Watch) -> None:
    """Put the log into the program."""
    from bigconst.base.events import StageDone
    from bigconst.constants import engine
    from bigconst.constants.diskrun import DiskRun
    from bigconst.runtime.pipeline import Pipeline
    from bigconst.storage.atomicfile import AtomicFile
    from bigconst.storage.journal import Journal
    from bigconst.storage.volume import Volume

    log.after(DiskRun, "_in_memory", lambda run: ("levels in memory", 0))
    log.after(AtomicFile, "write_at", lambda file, offset, data: (os.path.basename(file.path), offset))
    for owner, names in ((Volume, ("read", "write", "sync")), (Journal, ("append", "sync")),
                         (AtomicFile, ("write_at",)), (os, ("replace", "rename", "unlink", "fsync"))):
        for name in names:
            log.count(owner, name)
    _watch_units(log, Pipeline)
    run = engine.run

    def begun(plan, text, emit, *arguments, **named):
        def told(event) -> None:
            # On disk a stage is a sum of units, which are told one by one.
            if plan.disk is None and isinstance(event, StageDone):
                log.computed(event.name, event.index)
            emit(event)

        log.begin()
        return run(plan, text, told, *arguments, **named)

    engine.run = begun


def _watch_units(log: Watch, pipeline) -> None:
    """Every unit of every pass, by the name of its step."""
    run = pipeline.run

    def watched(self, count, read, compute, write, step=None, *rest, **named):
        def computed(i: int) -> None:
            log.moment()
            compute(i)
            log.computed(step._name if step is not None else "", i)

        return run(self, count, read, computed, write, step, *rest, **named)

    pipeline.run = watched


def main() -> int:
    """The command's exit code."""
    from bigconst import cli

    log = Watch(sys.argv[1], int(sys.argv[2]))
    watch(log)
    code = cli.main(sys.argv[3:])
    log.end()
    return code


if __name__ == "__main__":
    sys.exit(main())
