"""Runs that are ended at a level that was saved, in a fork of this process: it has compiled kernels at once."""

import os
import shutil
import signal
import sys

from bigconst.arithmetic import newton
from bigconst.cli import main
from bigconst.runtime.levelstore import LEVEL_NAME, LevelStore

ON_DISK = "phi --digits 1e6 --workspace 1MiB --disk ssd --swap ../a --checkpoint ../c"
IN_MEMORY = "phi --digits 1e6"


def stop(command, level, count=1, number=signal.SIGKILL, spoil=False):
    """Exit status and stderr of a command that gets a signal when `count` levels of a name were saved.

    `spoil` has the last of them be wrong.
    """
    log = os.path.join(os.path.dirname(os.getcwd()), "log")
    pid = os.fork()
    if pid == 0:
        left, save = count, LevelStore.save

        def saved(self, name, fields, *rest):
            nonlocal left
            left -= name == level
            end = name == level and left == 0
            if end and spoil:
                fields["residue"] ^= 1
            save(self, name, fields, *rest)
            if end:
                os.kill(os.getpid(), number)

        newton.SAVE_S, LevelStore.save = 0, saved
        try:
            with open(log, "w") as sys.stderr, open(os.devnull, "w") as sys.stdout:
                code = main(command.split())
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    with open(log) as file:
        return os.waitstatus_to_exitcode(status), file.read()


def killed(command, level, count=1, spoil=False):
    assert stop(command, level, count, spoil=spoil)[0] == -signal.SIGKILL


def bigconst(command):
    return main(command.split())


def empty(directory):
    """What happens to a RAID0 whose disk fails."""
    shutil.rmtree(directory)
    directory.mkdir()


def contents(*directories):
    return {str(path): path.read_bytes() for directory in directories for path in directory.iterdir()}


def check_finished(place, expected):
    """The files are right, and nothing else is left."""
    assert sorted(set(os.listdir(place / "files")) - {"swap"}) == ["phi.txt", "phi.txt.cert"]
    for name in ("phi.txt", "phi.txt.cert"):
        assert (place / "files" / name).read_bytes() == (expected / name).read_bytes()
    assert os.listdir(place / "a") == os.listdir(place / "b") == os.listdir(place / "c") == []


def levels(directory):
    return sorted(path.name for path in directory.glob(f"{LEVEL_NAME}.*"))
