"""A barrier at which threads wait for each other inside a kernel."""

from numba.core import types
from numba.extending import intrinsic

from .jit import helper
from .llvm import I32, I64, call, element

SPINS = 4000
"""Times that a waiting thread reads the barrier before it begins to yield its processor."""


@intrinsic
def _atomic_add(typingctx, array, index, value):
    """Atomic array[index] += value for an int64 array; returns the value before."""
    def codegen(context, builder, sig, args):
        pointer = element(context, builder, sig.args[0], args[0], args[1], I64)
        return builder.atomic_rmw("add", pointer, args[2], "seq_cst")
    return types.int64(array, types.int64, types.int64), codegen


@intrinsic
def _atomic_load(typingctx, array, index):
    """Atomic array[index] of an int64 array; what other threads wrote before they set it can be read afterwards."""
    def codegen(context, builder, sig, args):
        return builder.load_atomic(element(context, builder, sig.args[0], args[0], args[1], I64), "acquire", 8)
    return types.int64(array, types.int64), codegen


@intrinsic
def _give_way(typingctx):
    """Let another thread of the system run on this processor (sched_yield)."""
    def codegen(context, builder, sig, args):
        return builder.sext(call(builder, "sched_yield", [], I32), I64)
    return types.int64(), codegen


@helper
def barrier(sync, threads):
    """Return when all `threads` threads have called this; each then sees what the others wrote before.

    `sync` is an int64 array, zero at first.
    """
    if threads == 1:
        return
    goal = (_atomic_add(sync, 0, 1) // threads + 1) * threads
    spins = 0
    while _atomic_load(sync, 0) < goal:
        spins += 1
        if spins > SPINS:
            _give_way()
