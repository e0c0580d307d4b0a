"""`--nice`: a run that leaves processors and disks to everything else."""

import ctypes
import os

from bigconst.base.screen import note

LOWEST = 19
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "ppc64le": 273, "s390x": 282, "riscv64": 30}
"""number of the system call ioprio_set, for which the C library has no function, by machine"""
_PROCESS = 1
_IDLE_CLASS = 3 << 13


def lower_priority() -> None:
    """Take the lowest priority for processors and disks; a message on stderr says where the disks refuse it.

    To be called before there are other threads: they inherit it.
    """
    os.nice(LOWEST)
    why = _idle_disks()
    if why is not None:
        note(f"disks are not told that this run can wait: {why}")


def _idle_disks() -> str | None:
    """Let the disks serve this thread only when they are idle; return the reason where that is refused."""
    machine = os.uname().machine
    number = _IOPRIO_SET.get(machine)
    if number is None:
        return f"unknown on {machine}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, _PROCESS, 0, _IDLE_CLASS) != 0:
        return os.strerror(ctypes.get_errno())
    return None
