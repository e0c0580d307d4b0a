"""Every failure a user can meet: what is wrong, what to do, and the exit code.

Algorithms raise these; `bigconst.cli.main` prints the one line.  Exit codes
are those of the command-line contract and never change meaning.
"""


class BigconstError(Exception):
    """`what` is wrong; `remedy` is what to do about it (each class has a default).

    str(error) is the whole line shown to the user, "what; remedy".
    """

    exit_code = 5
    remedy = "--debug shows where"

    def __init__(self, what: str, remedy: str | None = None):
        super().__init__(f"{what}; {remedy or self.remedy}")


class VerificationError(BigconstError):
    """A check, comparison or self-test came out false."""

    exit_code = 1
    remedy = "do not use these digits"


class UsageError(BigconstError):
    """The request itself makes no sense."""

    exit_code = 2
    remedy = "bigconst --help shows examples"


class InputOutputError(BigconstError):
    """A file could not be read or written."""

    exit_code = 3
    remedy = "choose another place with --output"


class ReadError(InputOutputError):
    """A disk cannot give back what was written to it."""


class DoesNotFit(BigconstError):
    """The plan needs more memory than allowed; the message names both numbers."""

    exit_code = 4
    remedy = "ask for fewer digits or allow more with --memory"


class FaultError(BigconstError):
    """A wrong intermediate result was detected and repeating it did not help.

    `value` is what came out, where that tells one wrong result from another.
    """

    exit_code = 5
    remedy = "run it again; if it comes back, run bigconst warmup and test this machine's memory"

    def __init__(self, what: str, remedy: str | None = None, *, value: int | None = None):
        super().__init__(what, remedy)
        self.value = value


class Interrupted(BigconstError):
    """Stopped by a signal: 75 when the run can be resumed, else 130."""

    remedy = "nothing was kept, run the same command again"

    def __init__(self, what: str = "interrupted", remedy: str | None = None, *, resumable: bool = False):
        super().__init__(what, remedy)
        self.exit_code = 75 if resumable else 130


class DiskFull(DoesNotFit):
    """The scratch volume needs more disk than there is; the message names both numbers."""

    remedy = "make room there, or name one more disk with --swap"


class ChecksumError(FaultError):
    """A block read from scratch is not the block that was written; the message names file and offset."""

    remedy = "its disk or this machine's memory is damaged: test both, then run it again"
