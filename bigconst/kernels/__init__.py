"""Numba kernels: arrays in, arrays out.

Every module here works on 1-D contiguous arrays in place, does no I/O and
allocates nothing; `jit` holds the one compilation policy, `vector` the one use
of llvmlite.  Nothing is imported at package level so that a caller pays only
for the kernels it uses.
"""
