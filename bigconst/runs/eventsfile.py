"""The events of a run as JSON lines, for programs that follow it (docs/events.md)."""

import contextlib
import json
import os
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.runs.statusline import print_line

NAMES = {"PlanMade": "plan", "CheckpointMade": "checkpoint"}
"""Of events whose name is not that of their class in small letters."""


class EventsFile:
    """A listener that appends a line for each event to a file, in one system call: several processes may share it.

    Raises UsageError or InputOutputError when it cannot be opened.  What goes wrong later is said once, and costs the
    lines that follow, not the run.
    """

    def __init__(self, path: str):
        if path == "-":
            raise UsageError("--events needs a file", "name it, like --events run.events")
        self._path, self._names = path, dict[type, str]()
        self._encoded = json.JSONEncoder(default=_plain).encode
        self.say: Callable[[str], None] = print_line
        """where that is said: a display would be spoiled by others"""
        self._writing = threading.Lock()        # faults are met by several threads
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise InputOutputError(f"cannot write {path}: {error.strerror}",
                                   "choose another place with --events") from error
        if not self._ends_with_a_line():
            self._write(b"\n")

    def _ends_with_a_line(self) -> bool:
        """A power cut may have left a part of one."""
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
            return True
        with contextlib.suppress(OSError), open(self._path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"
        return True

    def __call__(self, event: Any) -> None:
        """Any event of bigconst.base.events and bigconst.mersenne.events, from any thread."""
        kind = type(event)
        if kind not in self._names:
            self._names[kind] = event_name(kind)
        # Between kernels that have filled the caches, the zone of the machine would cost more than all the rest.
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        fields = {"t": time, "event": self._names[kind]} | vars(event)
        if "res64" in fields:       # many a reader of JSON has no integers of 64 bits
            fields["res64"] = f"{fields['res64']:016X}"
        self._write(self._encoded(fields).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        with self._writing:
            if self._fd < 0:
                return
            try:
                if os.write(self._fd, line) == len(line):
                    return
                why = "no room"
            except OSError as error:
                why = error.strerror
            self._close()
        self.say(f"no more events go to {self._path}: {why}; the run goes on")

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def close(self) -> None:
        """What comes later is not written."""
        with self._writing:
            self._close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception) -> None:
        self.close()


def event_name(kind: type) -> str:
    """UnitDone -> unit_done."""
    letters = ("_" + each.lower() if each.isupper() else each for each in kind.__name__)
    return NAMES.get(kind.__name__) or "".join(letters).lstrip("_")


def _plain(value: Any) -> Any:
    """What JSON does not know: a plan in short, anything else as text."""
    if not hasattr(value, "constant"):
        return str(value)
    stages = () if value.disk is None else value.disk.stages
    return {"constant": value.constant.name, "digits": value.digits, "base": value.base, "threads": value.threads,
            "mode": value.mode, "stages": [
                {"name": name, "planned_read_bytes": traffic.read_bytes, "planned_written_bytes": traffic.written_bytes}
                for name, traffic in stages]}
