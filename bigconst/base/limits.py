"""What a session, a container or a service may take of the machine: control groups and resource limits (Linux).

A group may hold no more than every group around it, so that each level counts by itself.  Both versions of control
groups are read, also side by side, at the places where they are mounted; a container may see its own group as the root.
All functions take the directory that /proc and /sys are in.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
_V1_UNLIMITED = 1 << 62
"""of this and more is what version 1 shows where there is no limit"""
_LIBRARY_BYTES = 384 << 20
"""addresses that the compiler's library and stacks of threads will take, most of them without memory"""


def memory_left_bytes(root: Path = ROOT) -> int | None:
    """Memory that this process can still have under the limits it is under; None without limits.

    Of a group it is the limit less what all its processes hold, where file cache does not count: the kernel drops that
    before it refuses anything.  Above `memory.high` it slows a group down until nothing moves, so this is a limit, too.
    Of the address space (`ulimit -v`, `ulimit -d`) it is what is not yet in use, or soon will be by libraries.
    """
    left = [*_left_of_groups(root)]
    for name, room in addresses_left_bytes(root).items():
        left.append(max(0, room - (_LIBRARY_BYTES if name == "v" else 0)))
    return min(left, default=None)


def addresses_left_bytes(root: Path = ROOT) -> dict[str, int]:
    """What this process can still have of its address space ("v") and of its private memory ("d"), by the option of
    `ulimit` that limits it; nothing for what has no limit."""
    limits, status = (_read(root / "proc/self" / name) for name in ("limits", "status"))
    left = {}
    for option, limit, used in (("v", "Max address space", "VmSize"), ("d", "Max data size", "VmData")):
        allowed = re.search(rf"^{limit} +(\d+) ", limits, re.MULTILINE)
        taken = re.search(rf"^{used}:\s+(\d+) kB", status, re.MULTILINE)
        if allowed and taken:
            left[option] = max(0, int(allowed[1]) - int(taken[1]) * 1024)
    return left


def processors_allowed(root: Path = ROOT) -> int | None:
    """Number of processors whose whole time this process may use, at least 1; None without a quota.

    Threads beyond that would be stopped for a part of every period, and the others would wait for them.
    """
    allowed = []
    for version, folder in _groups("cpu", root):
        text = _read(folder / "cpu.max" if version == 2 else folder / "cpu.cfs_quota_us")
        quota, period = (*text.split(), _read(folder / "cpu.cfs_period_us").strip(), "")[:2]
        if quota.isdecimal() and period.isdecimal() and int(period):
            allowed.append(max(1, int(quota) // int(period)))
    return min(allowed, default=None)


def _left_of_groups(root: Path) -> Iterator[int]:
    for version, folder in _groups("memory", root):
        names, used, prefix = ((("memory.max", "memory.high"), "memory.current", "") if version == 2 else
                               (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_"))
        limit = min((bound for name in names if (bound := _number(folder / name)) is not None), default=None)
        if limit is not None and limit < _V1_UNLIMITED:
            cache = sum(map(int, re.findall(rf"^{prefix}(?:in)?active_file (\d+)$", _read(folder / "memory.stat"),
                                            re.MULTILINE)))
            yield max(0, limit - max(0, (_number(folder / used) or 0) - cache))


def _groups(controller: str, root: Path) -> Iterator[tuple[int, Path]]:
    """Version and directory of every group that this process is in, innermost first, up to where they are mounted."""
    own: dict[int, str] = {}
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" or controller in names.split(","):
            own[2 if number == "0" else 1] = path
    for line in _read(root / "proc/self/mountinfo").splitlines():
        fields, _, kind = (part.split() for part in line.partition(" - "))
        version = {"cgroup2": 2, "cgroup": 1}.get(kind[0]) if kind else None
        if version not in own or len(fields) < 5 or version == 1 and controller not in kind[-1].split(","):
            continue
        seen, mounted = (re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text) for text in fields[3:5])
        top, path = root / mounted.lstrip("/"), Path(own[version])
        # What is not below the group that is mounted here cannot be seen; this one holds for all below it.
        folder = top / path.relative_to(seen) if path.is_relative_to(seen) and ".." not in path.parts else top
        while folder != top:
            yield version, folder
            folder = folder.parent
        yield version, top


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None
