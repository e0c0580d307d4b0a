"""The errors that a user can meet: what is wrong, what to do, and the exit code.

Algorithms raise these; `bigconst.cli.main` prints the one line.  Exit codes
are those of the command-line contract and never change meaning.
"""

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where a disk is full, has no more inodes, or a quota is used up."""

EXIT_CODES = {
    0: ("done", "go on; that a number is composite is a result, too"),
    1: ("a check, a comparison, a search or a self-test came out false", "do not use the result"),
    2: ("the request makes no sense, or would spoil something that is there",
        "correct the command; to repeat it is of no use"),
    3: ("a file, a disk or the network did not do what was asked", "mend that, then the same command again"),
    4: ("it does not fit into memory or onto the disks", "allow more, name more disks, or ask for less"),
    5: ("a fault that repeating did not repair", "find out which part of the machine it was, then resume"),
    75: ("interrupted, and can be resumed", "the same command, or `bigconst resume DIR`"),
    130: ("interrupted, and nothing was kept", "the same command, from the beginning"),
}
"""What happened, and what a script should do: the table in docs/troubleshooting.md."""


class BigconstError(Exception):
    """`what` is wrong; `remedy` is what to do about it (each class has a default).

    str(error) is the whole line shown to the user, "what; remedy".
    """

    exit_code = 5
    remedy = "--debug shows where"

    def __init__(self, what: str, remedy: str | None = None):
        super().__init__(f"{what}; {remedy or self.remedy}")

    @property
    def line(self) -> str:
        """The line for the user."""
        return "bigconst: " + " ".join(str(self).split())


class VerificationError(BigconstError):
    """A check, comparison or self-test came out false."""

    exit_code = 1
    remedy = "do not use these digits"


class UsageError(BigconstError):
    """The request itself makes no sense."""

    exit_code = 2
    remedy = "bigconst --help shows examples"


class InputOutputError(BigconstError):
    """A file could not be read or written; what the system said, `cause`, may ask for another remedy."""

    exit_code = 3
    remedy = "choose another place with --output"

    def __init__(self, what: str, remedy: str | None = None, cause: OSError | None = None):
        if cause is not None and cause.errno == errno.EFBIG:
            remedy = "choose another file system, or raise `ulimit -f`"
        super().__init__(what, remedy)


class OutputLost(InputOutputError):
    """Standard output cannot be written to."""

    remedy = "send it elsewhere"


class ReadError(InputOutputError):
    """A disk cannot give back what was written to it."""


class InUse(InputOutputError):
    """Another process holds a lock; `process` is its number, or "unknown"."""

    def __init__(self, what: str, remedy: str | None = None, *, process: str):
        super().__init__(what, remedy)
        self.process = process


class ScratchError(InputOutputError):
    """A file of the scratch could not be read or written; where its disk is full, the scratch does not fit."""

    def __init__(self, what: str, remedy: str | None = None, cause: OSError | None = None):
        if cause is not None and cause.errno in NO_ROOM:
            self.exit_code = DoesNotFit.exit_code
            remedy = "make room there, then run the same command again: it resumes from what was finished"
        super().__init__(what, remedy, cause)


class DoesNotFit(BigconstError):
    """The plan needs more memory than allowed; the message names both numbers."""

    exit_code = 4
    remedy = "ask for fewer digits or allow more with --memory"


class FaultError(BigconstError):
    """A wrong intermediate result was detected and repeating it did not help.

    `value` is the wrong result, where it tells one fault from another.
    """

    exit_code = 5
    remedy = "run it again; if it comes back, run bigconst warmup and test this machine's memory"

    def __init__(self, what: str, remedy: str | None = None, *, value: int | None = None):
        super().__init__(what, remedy)
        self.value = value


class Interrupted(BigconstError):
    """Stopped by a signal; the exit code is 75 when the run can be resumed, else 130."""

    remedy = "nothing was kept, run the same command again"

    def __init__(self, what: str = "interrupted", remedy: str | None = None, *, resumable: bool = False):
        super().__init__(what, remedy)
        self.exit_code = 75 if resumable else 130


class DiskFull(DoesNotFit):
    """The scratch volume needs more disk than there is; the message names both numbers."""

    remedy = "make room there, or name one more disk with --swap"


class OperandError(FaultError):
    """A product is wrong in the same way again and again, so that an operand or the program is, not the hardware."""


class ChecksumError(FaultError):
    """A block read from scratch is not the block that was written; the message names file and offset."""

    remedy = "its disk or this machine's memory is damaged: test both, then run it again"

    def __init__(self, message: str, index: int = 0):
        super().__init__(message)
        self.index = index
        """index of the request for that block"""
