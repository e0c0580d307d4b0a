"""The events of a run as JSON lines, for programs that follow it (docs/events.md)."""

import contextlib
import json
import os
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.screen import note

NAMES = {"PlanMade": "plan", "CheckpointMade": "checkpoint"}
"""names of the events whose name is not that of their class in small letters"""


class EventsFile:
    """A listener that appends a line for each event to a file, in one system call: several processes may share it.

    Raises UsageError or InputOutputError when the file cannot be opened.  A later error is reported once; it ends the
    writing of events, but not the run.
    """

    def __init__(self, path: str):
        if path == "-":
            #: As for "--json needs a file".
            raise UsageError("--events needs a file", "name it, like --events run.events")
        self._path, self._names = path, dict[type, str]()
        self._encoded = json.JSONEncoder(default=_plain).encode
        self.say: Callable[[str], None] = note
        """prints that report; a run with a display sets its method here, since other output would spoil the display"""
        self._writing = threading.Lock()        # several threads report faults
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise InputOutputError(f"cannot write {path}: {error.strerror}",
                                   "choose another place with --events") from error
        if not self._ends_with_a_line():
            self._write(b"\n")

    def _ends_with_a_line(self) -> bool:
        """Whether the file ends with a whole line, or is empty; a power cut may have left a part of a line."""
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
            return True
        with contextlib.suppress(OSError), open(self._path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"
        return True

    def __call__(self, event: object) -> None:
        """Write an event of bigconst.base.events or bigconst.mersenne.events; any thread may call this."""
        kind = type(event)
        if kind not in self._names:
            self._names[kind] = event_name(kind)
        # UTC: between kernels, with cold caches, looking up the local time zone would cost more than all the rest.
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        fields = {"t": time, "event": self._names[kind]} | vars(event)
        if "res64" in fields:       # many readers of JSON have no integers of 64 bits
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
        """Close the file; later events are not written."""
        with self._writing:
            self._close()

    def __enter__(self) -> "EventsFile":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()


def event_name(kind: type) -> str:
    """The name of a class of events in the file: unit_done for UnitDone."""
    letters = ("_" + each.lower() if each.isupper() else each for each in kind.__name__)
    return NAMES.get(kind.__name__) or "".join(letters).lstrip("_")


def _plain(value: object) -> object:
    """A value for JSON: a plan as its main fields, anything else that JSON does not know as text."""
    if not hasattr(value, "constant"):
        return str(value)
    stages = () if value.disk is None else value.disk.stages
    return {"constant": value.constant.name, "digits": value.digits, "base": value.base, "threads": value.threads,
            "mode": value.mode, "stages": [
                {"name": name, "planned_read_bytes": traffic.read_bytes, "planned_written_bytes": traffic.written_bytes}
                for name, traffic in stages]}
