"""Runs that end before they are done, in a fork of this process, which has compiled kernels at once; what they leave.

The fixtures `place` and `in_memory` of conftest.py are what they work in and what their files have to be.
"""

import functools
import itertools
import os
import shlex
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from certificates import proves

from bigconst.arithmetic.memory import machine
from bigconst.base import failpoints
from bigconst.cli import main
from bigconst.runtime import recorder
from bigconst.runtime.levelstore import LEVEL_NAME, LevelStore
from bigconst.storage.journal import Journal
from bigconst.storage.volume import Volume

DIGITS = "7e4"
"""Few that have a level on disk in a workspace of 280 KiB, which the fixture `place` allows: as many slabs and units as
5e5 digits have in 1 MiB, with chunks of 256 words and tiles of a page."""
ON_DISK = f"phi --digits {DIGITS} --workspace 280KiB --disk ssd --swap ../a"
COPIED = f"{ON_DISK} --checkpoint ../c"
IN_MEMORY = f"phi --digits {DIGITS}"

LARGE = "7e5"
"""As few as have two levels on disk in the smallest workspace that the program allows."""
LARGE_ON_DISK = f"phi --digits {LARGE} --workspace 1MiB --disk ssd --swap ../a"
LARGE_COPIED = f"{LARGE_ON_DISK} --checkpoint ../c"

HANGS_S = 300
"""A process that takes longer is ended by SIGALRM."""


class Process:
    """A command in a fork of this process, which calls `prepare` first; leaving `with` ends it."""

    def __init__(self, command: str, prepare: Callable[[], object]):
        self._log, self._out = os.memfd_create("stderr"), os.memfd_create("stdout")
        self.pid = os.fork()
        if self.pid == 0:
            code = 99
            try:
                code = self._run(command, prepare)
            finally:
                os._exit(code)

    def _run(self, command, prepare):
        signal.alarm(HANGS_S)
        with open(self._log, "w", buffering=1) as sys.stderr, open(self._out, "w") as sys.stdout:
            try:
                prepare()
                return main(shlex.split(command))
            except BaseException:
                traceback.print_exc()
                raise

    def said(self) -> str:
        """What is on stderr by now."""
        return os.pread(self._log, os.fstat(self._log).st_size, 0).decode()

    def printed(self) -> str:
        """What is on stdout by now."""
        return os.pread(self._out, os.fstat(self._out).st_size, 0).decode()

    def end(self) -> tuple[int, str]:
        """Wait; exit status and stderr."""
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status), self.said()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._log)
        os.close(self._out)


def end(command: str, prepare: Callable[[], object]) -> tuple[int, str]:
    """Exit status and stderr of a command that ends, or is ended by what `prepare` has prepared."""
    with Process(command, prepare) as process:
        return process.end()


# --- what may be prepared: the same arguments give the same function -------------------

@functools.cache
def at_moment(moment: int, number: int = signal.SIGKILL):
    """A signal before the read, write, sync or rename of this number; records are made safe at once."""
    def prepare():
        moments = itertools.count()

        def count(owner, name):
            original = getattr(owner, name)

            def counted(*args, **named):
                if next(moments) == moment:
                    os.kill(os.getpid(), number)
                return original(*args, **named)

            setattr(owner, name, counted)

        recorder.FLUSH_S = 0
        for owner, names in ((Volume, "read write sync"), (Journal, "append sync"), (os, "replace unlink")):
            for name in names.split():
                count(owner, name)

    return prepare


@functools.cache
def at_level(level: str, count: int = 1, number: int = signal.SIGKILL, spoil: bool = False):
    """A signal when `count` levels of a name were saved; `spoil` has the last of them be wrong."""
    def prepare():
        left, save = count, LevelStore.save

        def saved(self, name, fields, *rest):
            nonlocal left
            left -= name == level
            ends = name == level and left == 0
            if ends and spoil:
                fields["numbers"][0][2] ^= 1
            save(self, name, fields, *rest)
            if ends:
                os.kill(os.getpid(), number)

        machine.SAVE_S, LevelStore.save = 0, saved

    return prepare


@functools.cache
def at_failpoints(failures: str):
    """As by the variable of the environment."""
    def prepare():
        failpoints.ACTIVE = failpoints.parse(failures)

    return prepare


def kill(command: str, prepare: Callable[[], object]) -> None:
    """It has to end by SIGKILL, and to have said nothing of an error."""
    code, err = end(command, prepare)
    assert code == -signal.SIGKILL and "bigconst: " not in err, err


_LEFT: dict[tuple, Path] = {}
"""Copies of what runs have left, by place, command and what was prepared."""


def kill_once(place: Path, command: str, prepare: Callable[[], object]) -> None:
    """`kill` in a place where nothing is; when it is asked for again, what the first run left there is copied."""
    key = place, command, prepare
    assert contents(*(place / name for name in ("files", "a", "b", "c"))) == {} and not failpoints.ACTIVE
    if key in _LEFT:
        shutil.copytree(_LEFT[key], place, dirs_exist_ok=True)
    else:
        kill(command, prepare)
        _LEFT[key] = shutil.copytree(place, place.with_name(f"{place.name} left {len(_LEFT)}"))


# --- what is left --------------------------------------------------------------------

def bigconst(command: str) -> int:
    """Exit code of a command in this process."""
    return main(command.split())


def contents(*directories) -> dict:
    """What is in all their files, by path."""
    return {str(path): path.read_bytes() for directory in directories for path in directory.iterdir()}


def levels(directory) -> list[str]:
    """The names of the levels saved there."""
    return sorted(path.name for path in directory.glob(f"{LEVEL_NAME}.*"))


def empty(directory) -> None:
    """What happens to a RAID0 whose disk fails."""
    shutil.rmtree(directory)
    directory.mkdir()


def same(a, b) -> bool:
    """Equality without pytest's attempt to explain a difference of a million characters."""
    return a == b


def check_finished(place, in_memory, digits: str = DIGITS, names=("phi.txt", "phi.txt.cert")) -> None:
    """The files have these names, their digits are those of the run in memory, and proved; nothing else is left."""
    files = place / "files"
    assert sorted(path.name for path in files.iterdir() if path.is_file()) == sorted(names)
    text, certificate = ((files / name).read_bytes() for name in names)
    assert same(text, in_memory(digits)["phi.txt"]) and proves(text, certificate)
    for directory in (path for path in [*place.iterdir(), *files.iterdir()] if path.is_dir() and path != files):
        assert os.listdir(directory) == [], directory
