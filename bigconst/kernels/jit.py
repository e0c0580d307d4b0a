"""The one compilation policy.

`kernel` compiles an entry point for one explicit signature, `helper` a
function that is inlined into kernels.  Both release the GIL, never raise and
never check bounds.  `fused=True` lets LLVM contract a*b + c; exact code
(rounding by a magic constant, error-free products) leaves it off, and does so
explicitly because a callee otherwise inherits its caller's flags.
"""

import numba

from .cache import KernelCache


def _flags(fused: bool) -> dict:
    # No kernel makes an array, so that none has to count references to those it is given: that is an atomic addition at
    # every call and for every slice.
    return {"nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False,
            "fastmath": {"contract"} if fused else False}


def kernel(signature: str, *, fused: bool = False):
    """Compile an entry point for one `signature`, or load it from the cache."""
    def compiled(function):
        dispatcher = numba.njit(**_flags(fused))(function)
        dispatcher._cache = KernelCache(function, signature)       # as enable_caching() does with numba's own
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher
    return compiled


def helper(function=None, *, fused: bool = False):
    """A function inlined into its callers by LLVM."""
    if function is None:
        return lambda f: helper(f, fused=fused)
    return numba.njit(forceinline=True, **_flags(fused))(function)
