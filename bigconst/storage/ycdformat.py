"""Header and file names of .ycd, the compressed digits of y-cruncher; storage.ycdfile has the digits.

    #Compressed Digit File | FileVersion: 1.1.0 | Base: 10 | FirstDigits: 3.1415... | TotalDigits: 0 |
    Blocksize: 1000000 | BlockID: 0 | EndHeader

Lines end with CR LF, a tab is between key and value, and empty lines are where `encode` has them.  A byte 0 follows,
and at once the words of the digits.  A set is several files, file k with digits k*Blocksize to (k + 1)*Blocksize - 1
after the point; TotalDigits is 0 but in a last file that is not full.
"""

import os
import re
from dataclasses import dataclass

from bigconst.base.errors import InputOutputError
from bigconst.base.formats import YCD_SUFFIX

YCD_MAGIC = b"#Compressed Digit File"
"""First bytes of a file."""
VERSIONS = ("1.0.0", "1.1.0")
"""Versions that are read; the last is written."""
FIRST_DIGITS = 50
"""Digits after the point that a header repeats."""
MAX_HEADER_BYTES = 1 << 20
"""Bytes in which the end of a header is looked for."""
MOST_SHOWN = 60
"""Most characters of a value that a message shows."""
DAMAGED = "take another copy of it, or compute it again"

_END = re.compile(rb"\nEndHeader[ \t]*\r?\n\r?\n\0")
_NUMBER = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(rf"(.*) - ([0-9]+){re.escape(YCD_SUFFIX)}", re.DOTALL)


@dataclass(frozen=True)
class YcdHeader:
    """The header of a file; counts are of digits after the point, in `base`."""

    base: int
    first_digits: str
    """integer part, point, and some digits"""
    total_digits: int
    """digits of the whole number, where the file is the last one of its set and not full; else 0"""
    block_digits: int
    """digits of a full file of the set"""
    block: int
    """number of the file in its set, from 0"""

    @property
    def integer_part(self) -> str:
        """The digits before the point."""
        return self.first_digits.partition(".")[0]

    def encode(self) -> bytes:
        """All bytes before the first word."""
        return (f"{YCD_MAGIC.decode()}\r\n\r\nFileVersion:\t{VERSIONS[-1]}\r\n\r\nBase:\t{self.base}\r\n\r\n"
                f"FirstDigits:\t{self.first_digits}\r\n\r\nTotalDigits:\t{self.total_digits}\r\n\r\n"
                f"Blocksize:\t{self.block_digits}\r\nBlockID:\t{self.block}\r\n\r\nEndHeader\r\n\r\n\0").encode()


def decode_header(raw: bytes, path: str) -> tuple[YcdHeader, int]:
    """Header and its length in bytes, from the beginning of a file; other keys are ignored.

    Raises InputOutputError where the header is damaged, or of a version that is not read.
    """
    end = _END.search(raw, 0, MAX_HEADER_BYTES)
    if not raw.startswith(YCD_MAGIC) or end is None:
        raise _damaged(path, "it has no end")
    lines = raw[:end.start()].decode("latin-1").split("\n")
    fields = {key.strip(): value.strip() for key, tab, value in (line.partition(":") for line in lines) if tab}
    version = fields.get("FileVersion")
    if version not in VERSIONS:
        #: A later version of y-cruncher wrote it, whose files may mean something else: its digit viewer writes text.
        raise InputOutputError(f"{path} is .ycd of version {str(version)[:MOST_SHOWN]}, not {' or '.join(VERSIONS)}",
                               "write the digits as text with the program that made it")
    numbers = {}
    for key in ("Base", "TotalDigits", "Blocksize", "BlockID"):
        if not _NUMBER.fullmatch(fields.get(key, "")):
            raise _damaged(path, f"its {key} is {fields.get(key, '')[:MOST_SHOWN]!r}")
        numbers[key] = int(fields[key])
    base, total_digits, block_digits = numbers["Base"], numbers["TotalDigits"], numbers["Blocksize"]
    digit = {10: "[0-9]", 16: "[0-9a-f]"}.get(base)
    if digit is None or block_digits == 0:
        raise _damaged(path, f"its Base is {base} and its Blocksize {block_digits}")
    if not re.fullmatch(rf"{digit}{{1,40}}\.{digit}*", fields.get("FirstDigits", "")):
        raise _damaged(path, "its FirstDigits are none")
    if total_digits:
        block_digits = min(block_digits, total_digits)
    return YcdHeader(base, fields["FirstDigits"], total_digits, block_digits, numbers["BlockID"]), end.end()


def _damaged(path: str, why: str) -> InputOutputError:
    #: Copy it again from where it came. A file whose header alone is damaged can be mended by hand:
    #: [file-formats.md](file-formats.md#the-digits-of-y-cruncher) says what is in it.
    return InputOutputError(f"the header of {path} is damaged, {why}", DAMAGED)


# -- names ----------------------------------------------------------------------------

def block_path(path: str, block: int) -> str:
    """Path of file `block` of the set whose name is `path`: "phi - 3.ycd" for phi.ycd."""
    return f"{path.removesuffix(YCD_SUFFIX)} - {block}{YCD_SUFFIX}"


def set_path(path: str) -> str:
    """The name of the set that a file is the first one of; `path` itself where it is none."""
    name = _NAME.fullmatch(path)
    return f"{name[1]}{YCD_SUFFIX}" if name and int(name[2]) == 0 else path


def set_files(path: str) -> dict[int, str]:
    """Paths of the files that are there of the set whose name is `path`, by number, which may have zeros in front.

    Raises InputOutputError where the directory cannot be listed.
    """
    directory, stem = os.path.split(path.removesuffix(YCD_SUFFIX))
    try:
        names = os.listdir(directory or ".")
    except FileNotFoundError:       # opening a file in it says so
        return {}
    except OSError as error:
        #: The files of a set are found by their names: allow to read the directory, or copy them into another one.
        raise InputOutputError(f"cannot look for the files of {path}: {error.strerror}",
                               "allow to list its directory") from error
    found = (_NAME.fullmatch(name) for name in names)
    return {int(name[2]): os.path.join(directory, name[0]) for name in found if name and name[1] == stem}
