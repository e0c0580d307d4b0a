"""The one compilation policy, and the directory of the compiled kernels on disk.

`kernel` compiles an entry point for one explicit signature, `helper` a
function that is inlined into kernels.  Both release the GIL, never raise and
never check bounds.  `fused=True` lets LLVM contract a*b + c; exact code
(rounding by a magic constant, error-free products) leaves it off, and does so
explicitly because a callee otherwise inherits its caller's flags.

numba's cache key knows neither helpers in other files nor library versions, so
the cache directory is named by a hash of all kernel sources and of the
versions; it has to be chosen before numba is imported, which is why kernels
import numba through this module alone.
"""

import hashlib
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def sources_hash(folder: Path = _HERE) -> str:
    """16 hex digits naming the kernel sources in `folder` and the compiler versions."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for package in ("numba", "llvmlite"):
        digest.update(importlib.metadata.version(package).encode() + b"\0")
    digest.update(platform.python_version().encode())
    digest.update(os.environ.get("NUMBA_CPU_NAME", "").encode())
    return digest.hexdigest()[:16]


def _user_cache() -> Path:
    base = os.environ.get("BIGCONST_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return Path(base) / "bigconst" if base else Path.home() / ".cache" / "bigconst"


def _prune(root: Path, keep: Path) -> None:
    """Remove the directories of kernels of other versions that have not changed for 30 days."""
    import shutil

    for old in root.glob("kernels-*"):
        if old != keep and time.time() - old.stat().st_mtime > 30 * 86400:
            shutil.rmtree(old, ignore_errors=True)


CACHE_DIR = _user_cache() / f"kernels-{sources_hash()}"
os.environ["NUMBA_CACHE_DIR"] = str(CACHE_DIR)
if "numba" in sys.modules:
    sys.modules["numba"].config.CACHE_DIR = str(CACHE_DIR)
import numba  # noqa: E402


def is_cold(module: str) -> bool:
    """True unless the kernels of a module have been compiled for this version."""
    return not (CACHE_DIR / f"compiled-{module}").exists()


def mark_compiled(module: str) -> None:
    """Record that the kernels of a module are compiled, and remove old versions."""
    if is_cold(module):
        CACHE_DIR.mkdir(parents=True, exist_ok=True)
        (CACHE_DIR / f"compiled-{module}").touch()
        _prune(CACHE_DIR.parent, CACHE_DIR)


def _flags(fused: bool) -> dict:
    return {"nogil": True, "error_model": "numpy", "boundscheck": False,
            "fastmath": {"contract"} if fused else False}


def kernel(signature: str, *, fused: bool = False):
    """Compile an entry point for one `signature`, or load it from the cache."""
    return numba.njit(signature, cache=True, **_flags(fused))


def helper(function=None, *, fused: bool = False):
    """A function inlined into its callers by LLVM."""
    if function is None:
        return lambda f: helper(f, fused=fused)
    return numba.njit(forceinline=True, **_flags(fused))(function)
