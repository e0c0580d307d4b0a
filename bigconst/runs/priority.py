"""`--nice`: a run that leaves processors and disks to everything else."""

import ctypes
import os
import sys

LOWEST = 19
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "ppc64le": 273, "s390x": 282, "riscv64": 30}
"""Number of the system call, for which the C library has no name."""
_PROCESS = 1
_IDLE_CLASS = 3 << 13


def lower_priority(nice: int = LOWEST) -> None:
    """Lower the priority for processors, and with the lowest for disks, too; a note on stderr where that is refused.

    Call it before there are other threads: they inherit it.
    """
    os.nice(nice)
    if nice < LOWEST:
        return
    why = _idle_disks()
    if why is not None:
        print(f"disks are not told that this run can wait: {why}", file=sys.stderr, flush=True)


def _idle_disks() -> str | None:
    """Have the disks serve this thread when nobody else wants them; why not, where that is refused."""
    machine = os.uname().machine
    number = _IOPRIO_SET.get(machine)
    if number is None:
        return f"unknown on {machine}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, _PROCESS, 0, _IDLE_CLASS) != 0:
        return os.strerror(ctypes.get_errno())
    return None
