"""bigconst: mathematical constants to billions of digits, with numba kernels."""

__version__ = "0.1.0"
