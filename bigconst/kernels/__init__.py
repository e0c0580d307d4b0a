"""Numba kernels: arrays in, arrays out.

Kernels work on 1-D contiguous arrays in place, do no I/O and allocate nothing;
`jit` holds the one compilation policy.  Operations that numba lacks are made of
LLVM instructions in `vector`, `integers` and `threads`, from the building blocks
in `llvm`; all other modules are plain numba.  Nothing is imported at package
level so that a caller pays only for the kernels it uses.
"""
