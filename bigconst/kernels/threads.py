"""Threads that meet inside a kernel."""

from numba.core import types
from numba.extending import intrinsic

from .jit import helper
from .llvm import I32, I64, call, element

SPINS = 4000
"""Looks at a barrier before a thread gives way."""


@intrinsic
def _atomic_add(typingctx, array, index, value):
    """array[index] += value at once, for an int64 array; what was there before."""
    def codegen(context, builder, sig, args):
        pointer = element(context, builder, sig.args[0], args[0], args[1], I64)
        return builder.atomic_rmw("add", pointer, args[2], "seq_cst")
    return types.int64(array, types.int64, types.int64), codegen


@intrinsic
def _atomic_load(typingctx, array, index):
    """array[index] of an int64 array, and with it all that was written before it was set."""
    def codegen(context, builder, sig, args):
        return builder.load_atomic(element(context, builder, sig.args[0], args[0], args[1], I64), "acquire", 8)
    return types.int64(array, types.int64), codegen


@intrinsic
def _give_way(typingctx):
    """Let another thread of the system have this processor (sched_yield)."""
    def codegen(context, builder, sig, args):
        return builder.sext(call(builder, "sched_yield", [], I32), I64)
    return types.int64(), codegen


@helper
def barrier(sync, threads):
    """All threads have come here; what they wrote before is seen after.  `sync` is an int64 array, zero at first."""
    if threads == 1:
        return
    goal = (_atomic_add(sync, 0, 1) // threads + 1) * threads
    spins = 0
    while _atomic_load(sync, 0) < goal:
        spins += 1
        if spins > SPINS:
            _give_way()
