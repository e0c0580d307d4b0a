"""The checksum of a block by its definition (docs/faults.md), in numpy, without kernels."""

from math import isqrt

import numpy as np

PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


def _cube_root(n: int) -> int:
    """floor of the cube root."""
    low, high = 0, 1 << (n.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= n else (low, middle - 1)
    return low


KEYS = np.array([isqrt(p << 128) % 2**64 for p in PRIMES], np.uint64)
STEPS = np.array([_cube_root(p << 192) % 2**64 | 1 for p in PRIMES], np.uint64)


def checksum(block) -> int:
    """The checksum of a contiguous buffer of whole lines of 64 bytes."""
    data = np.frombuffer(block, np.uint64).reshape(-1, 8)
    keys = KEYS + STEPS * np.arange(len(data), dtype=np.uint64)[:, None]
    lower = np.uint64(2**32 - 1)
    low, high = (data & lower) + (keys & lower) & lower, (data >> np.uint64(32)) + (keys >> np.uint64(32)) & lower
    sums = (high * low + (low << np.uint64(32)) + high).sum(axis=0, dtype=np.uint64)
    total = data.nbytes
    for each in sums.tolist():
        total = (total ^ each) * 0x9E3779B97F4A7C15 % 2**64
        total ^= total >> 32
    return total
