"""bigconst: mathematical constants to billions of digits, with numba kernels.

The functions for Python programs are those of `bigconst.api`; `bigconst` on the command line does the same.
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
from bigconst.base.version import __version__

__all__ = [
    "__version__", "compute_digits", "compute_file", "compute_integer", "estimate", "estimate_test", "iterate",
    "verify",
]
