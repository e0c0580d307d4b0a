"""Requests for a run of a constant, new or resumed, and the files that follow from them."""

import os
import time
from dataclasses import dataclass, field

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError
from bigconst.base.formats import YCD_SUFFIX, ZST_SUFFIX
from bigconst.base.hardware import available_memory_bytes
from bigconst.plans.plan import Plan

STDOUT = "-"
"""the name of an output file that stands for standard output"""


@dataclass(frozen=True)
class RunRequest:
    """A request to compute digits, by a command or a Python function; None leaves a choice to the program."""

    constant: Constant
    digits: int
    """decimal digits after the point; those of the source, in `base`, where there is one"""
    base: int = 10
    threads: int | None = None
    memory_bytes: int | None = None
    """bound on the process"""
    workspace_bytes: int | None = None
    """bound on the working arrays alone"""
    swap: tuple[str, ...] = ()
    """scratch directories; without any, the default one if it exists"""
    disk: str | None = None
    """hdd or ssd, the kind of the scratch disks"""
    checkpoint: str | None = None
    """directory for copies of finished levels"""
    discard: bool = False
    """whether an interrupted run in these directories is removed first"""
    output: str | None = None
    """digit file, or STDOUT"""
    force: bool = False
    """whether files that exist are replaced"""
    with_certificate: bool = True
    """whether a digit file gets a certificate; standard output, and a constant that has none, never does"""
    report: str | None = None
    """file for the report as JSON"""
    events: str | None = None
    """file that events are appended to"""
    usd_per_hour: float | None = None
    """price of this machine"""
    command: str = ""
    """the command or call, for the report and for the manifest of an interrupted run"""
    started_s: float = field(default_factory=time.perf_counter, compare=False)
    """time.perf_counter() when the arguments were parsed: the clock of the report begins there"""
    source: str | None = None
    """file of digits from elsewhere, of which nothing but the certificate is made; None where digits are computed"""
    lenient: bool = False
    """whether the source may have white space, a byte order mark and upper case"""
    block_digits: int | None = None
    """digits of each file of a set of .ycd; None for one file"""

    def __post_init__(self):
        """Raise UsageError where a set of files is asked for that is none of .ycd."""
        if self.block_digits is not None and not self.is_ycd:
            #: Only .ycd can be a set of files: name one with `--output`, like `--output phi.ycd`.
            raise UsageError("--block-digits is for .ycd", "name it with --output NAME.ycd")

    @property
    def to_stdout(self) -> bool:
        """Whether the digits are printed instead of written to a file."""
        return self.output == STDOUT

    @property
    def is_certified(self) -> bool:
        """Whether there will be a certificate."""
        return self.with_certificate and self.constant.number is not None and not self.to_stdout

    @property
    def text_path(self) -> str:
        """The digit file as it was named, or the default name of the constant."""
        return self.source or self.output or self.constant.file_stem + (".txt" if self.base == 10 else ".hex.txt")

    @property
    def output_path(self) -> str:
        """The absolute path of the digit file with links resolved, or STDOUT."""
        return STDOUT if self.to_stdout else os.path.realpath(self.text_path)

    @property
    def first_path(self) -> str:
        """The file by which the digits are read: of a set, the first one."""
        if self.block_digits is None:
            return self.output_path
        from bigconst.storage.ycdformat import block_path

        return block_path(self.output_path, 0)

    @property
    def is_zst(self) -> bool:
        """Whether the digits are written as zstandard: the name of the file decides, for a link that of its target."""
        return self.source is None and self.output_path.endswith(ZST_SUFFIX)

    @property
    def is_ycd(self) -> bool:
        """Whether the digits are written as .ycd, which is decided as for zstandard."""
        return self.source is None and self.output_path.endswith(YCD_SUFFIX)

    @property
    def allowed_memory_bytes(self) -> int:
        """Most memory that the process may take: three quarters of what is available by default."""
        return self.memory_bytes or available_memory_bytes() * 3 // 4

    def digit_file_bytes(self, plan: Plan) -> int:
        """Bytes to reserve for the digit file; a compressed one ends some kilobytes shorter."""
        if self.source is not None:
            return 0
        if self.is_ycd:
            from bigconst.storage.ycdfile import room_bytes as ycd_bytes

            return ycd_bytes(plan.integer_part, plan.digits, plan.base, self.block_digits)
        if not self.is_zst:
            return plan.text_bytes
        from bigconst.storage.zstfile import room_bytes

        return room_bytes(plan.text_bytes, plan.base)

    def files_bytes(self, plan: Plan) -> int:
        """Bytes of digits and certificate on the file system where they are written; 0 for standard output."""
        if self.to_stdout:
            return 0
        return self.digit_file_bytes(plan) + (plan.certificate_bytes if self.is_certified else 0)
