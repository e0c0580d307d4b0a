"""bigconst: mathematical constants to billions of digits, with numba kernels.

The functions for Python programs are those of `bigconst.api`; `bigconst` on the command line does the same.
"""

__version__ = "0.1.0"

from bigconst.api import (
    compute_digits,
    compute_file,
    compute_integer,
    estimate,
    estimate_test,
    iterate,
    verify,
)

__all__ = ["compute_digits", "compute_file", "compute_integer", "estimate", "estimate_test", "iterate", "verify"]
