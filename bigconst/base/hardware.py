"""Processors and memory of this machine, and the memory that this process has taken (Linux)."""

import os
import resource
from pathlib import Path

from bigconst.base import limits

DISK_KINDS = {"hdd": "hard disks", "ssd": "solid state"}
"""Kinds of scratch disk, as options name them, and their names for people."""

MAX_THREADS = 1024
"""Most threads that can be asked for."""


def default_threads() -> int:
    """Number of processors that this process may use all the time."""
    usable = len(os.sched_getaffinity(0))
    return min(usable, limits.processors_allowed() or usable)


def available_memory_bytes() -> int:
    """Memory that can be had without swapping, and that no limit of this process refuses."""
    available, left = _meminfo_bytes("MemAvailable"), limits.memory_left_bytes()
    return available if left is None else min(available, left)


def total_memory_bytes() -> int:
    """Memory of the machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def processor() -> dict:
    """The processor as {"cpu": name, "vector_bits", "clock_ghz", "threads_per_core"}, with None for what the system
    does not tell."""
    facts: dict[str, str] = {}
    for line in _read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags", "").split()
    bits = 512 if "avx512f" in flags else 256 if "avx2" in flags else None
    megahertz = facts.get("cpu MHz", "")
    clock = round(float(megahertz) / 1000, 2) if megahertz.replace(".", "", 1).isdigit() else None
    siblings, cores = (facts.get(name, "") for name in ("siblings", "cpu cores"))
    shared = int(siblings) // int(cores) if siblings.isdigit() and cores.isdigit() and int(cores) else None
    return {"cpu": facts.get("model name") or None, "vector_bits": bits, "clock_ghz": clock,
            "threads_per_core": shared or None}


def caches() -> dict[int, int]:
    """Bytes of the data caches of the first processor by their levels, as far as the system tells them."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, size, kind = (_read(folder / name).strip() for name in ("level", "size", "type"))
        if kind != "Instruction" and level.isdigit() and size[-1:] == "K" and size[:-1].isdigit():
            found[int(level)] = int(size[:-1]) << 10
    return found


def peak_memory_bytes() -> int:
    """Largest resident memory of this process so far."""
    # VmHWM belongs to this program; ru_maxrss would still show a large parent that started it.
    for line in _read("/proc/self/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _meminfo_bytes(name: str) -> int:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
