"""Standard output and standard error: what people read, and everything that may happen to the two streams.

Standard error has notes.  It may be a terminal that is gone, a pipe without a reader or a file on a full disk; a run is
worth more than its notes, so that they are lost then, and nothing else happens.  Standard output has results, and what
cannot be written there is an error.  Neither receives a control character from a file name or a file.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from bigconst.base.errors import OutputLost

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_lost: str | None = None
"""why standard output could not be written to"""


class Notes:
    """A text stream, by default standard error, of which errors are ignored."""

    def __init__(self, stream: TextIO | None = None):
        self._given = stream

    @property
    def _stream(self) -> TextIO | None:
        return self._given or sys.stderr

    def write(self, text: str) -> int:
        """Write as far as possible; returns the number of characters of `text`."""
        # RuntimeError: a signal handler has interrupted another write.
        with contextlib.suppress(OSError, ValueError, RuntimeError, AttributeError):
            self._stream.write(_encodable(text, self._stream))
        return len(text)

    def flush(self) -> None:
        """Send what was written to where it belongs."""
        with contextlib.suppress(OSError, ValueError, RuntimeError, AttributeError):
            self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return self._stream.isatty()
        return False

    def fileno(self) -> int:
        """The descriptor.  Raises OSError where there is none."""
        if self._stream is None:
            raise OSError("no standard error")
        return self._stream.fileno()


def printable(text: str) -> str:
    """The text with escapes for control characters, line ends and tabs excepted, which a terminal would obey."""
    return text.translate(_CONTROL)


def note(text: str) -> None:
    """Print a line on standard error; any thread and any signal handler may call this."""
    stream = Notes()
    stream.write(printable(text) + "\n")
    stream.flush()


def write(text: str, end: str = "\n") -> None:
    """Print text on standard output, at once.  Raises OutputLost, then and whenever it is called again."""
    global _lost
    if _lost is None:
        try:
            sys.stdout.write(_encodable(printable(text) + end, sys.stdout))
            sys.stdout.flush()
            return
        except (OSError, ValueError) as error:
            _lost = getattr(error, "strerror", None) or str(error)
    raise _output_lost()


def result(text: str) -> None:
    """Print the result of long work on standard output, or else on standard error.  Raises OutputLost."""
    try:
        write(text)
    except OutputLost:
        note(text)
        raise


@contextlib.contextmanager
def streams() -> Iterator[None]:
    """A context for a whole command: its streams exist, and their last bytes are written.

    Raises OutputLost at the end of a block without an exception if anything could not be written to standard output.
    """
    global _lost
    _lost = None
    # A file that took the place of a closed stream would receive what is printed.
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            # It takes the lowest free number.  Notes may vanish, but a result that nobody receives is an error.
            os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if getattr(sys, name) is None:
                setattr(sys, name, open(fd, "w" if fd else "r", closefd=False))
    try:
        yield
        _flush()
        if _lost is not None:
            raise _output_lost()
    finally:
        _flush()
        if _lost is not None:       # Python would try once more, and print a traceback
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flush() -> None:
    """Write what others have printed, like argparse."""
    global _lost
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _lost = _lost or getattr(error, "strerror", None) or str(error)


def _output_lost() -> OutputLost:
    #: The program at the other end of the pipe ended, or the disk that it is redirected to is full. Files that the
    #: command has written are whole, and a test of a Mersenne number is saved: the same command prints its result.
    return OutputLost(f"cannot write to standard output: {_lost}")


def _encodable(text: str, stream: TextIO) -> str:
    """The text with escapes for what the stream's encoding lacks, like bytes of file names that are no text."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
