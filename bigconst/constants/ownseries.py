"""A series of one's own, from a file (plans.ownseries)."""

import os
from dataclasses import replace

from bigconst.base.constant import Constant
from bigconst.base.errors import InputOutputError, UsageError
from bigconst.constants.entry import Entry, NumberBehind, Way
from bigconst.constants.quotients import REMAINDER, constant_of_limit
from bigconst.plans.ownseries import MOST_BYTES, NAME, own_series

_SUFFIX = ".toml"


def read_series(path: str) -> tuple[str, str]:
    """The text of a file, and its path.  Raises InputOutputError, UsageError where it is not a short text."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}",
                               "see that it is there") from error
    try:
        if len(content) > MOST_BYTES:
            raise ValueError
        return content.decode(), path
    except ValueError:
        #: A series is a short text in TOML, docs/series.md has an example.
        raise UsageError(f"{path} is no text of at most {MOST_BYTES >> 10} KiB",
                         "write a series like the example in docs/series.md") from None


def series_constant(source: tuple[str, str]) -> Constant:
    """The number that a text defines, from its path.  Raises UsageError."""
    text, path = source
    stem = os.path.basename(path).removesuffix(_SUFFIX) or NAME
    return replace(constant_of_limit(own_series(text, path)), text=text, stem=stem)


ENTRY = Entry(
    NAME,
    "digits of a hypergeometric series of one's own",
    "Compute the number that a series in a file defines to N digits after the point; docs/series.md says how\n"
    "to write one.  It has to converge geometrically, and no denominator may be 0.",
    """\
  bigconst series apery.toml --digits 1e6        a million digits into apery.txt, with their proof
  bigconst verify apery.txt --series apery.toml  against the series that you trust, not one in the certificate
""",
    (Way("scale (first + sum of t(k)/q(k) p(1)..p(k-1)/(q(1)..q(k-1)))^power, p, q, t in a TOML file",
         "the file", "as its terms fall", 1.0, REMAINDER),),
    series_constant,
    NumberBehind("FILE", "a TOML file (docs/series.md)", read_series, None),
)
