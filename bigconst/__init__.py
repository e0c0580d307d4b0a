"""bigconst: mathematical constants to billions of digits, with numba kernels.

The functions for Python programs are those of `bigconst.api`; the command line is `bigconst.cli`.
"""

from bigconst.api import (
    compute_digits,
    compute_file,
    compute_integer,
    estimate,
    estimate_test,
    iterate,
    verify,
)
from bigconst.base.version import __version__ as __version__

__all__ = ["compute_digits", "compute_file", "compute_integer", "estimate", "estimate_test", "iterate", "verify"]
