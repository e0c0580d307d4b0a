"""Compiled kernels on disk: a directory for each version and processor, and in it a file for each module of kernels.

One policy for whatever a disk, a container or a crash can do: what cannot be read is compiled again and replaced, what
can be read is used, and what cannot be written is done without.

numba's own cache does not fit that.  It asks to write before it reads, trusts what it reads, and its key knows neither
helpers in other files nor library versions; here the directory is named by a hash of all that the code depends on.
"""

import contextlib
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import FunctionType

import llvmlite
import numba
import xxhash
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.serialize import dumps

from bigconst.base.errors import UsageError
from bigconst.base.places import cache_directory

if numba.config.DISABLE_JIT:
    #: This variable, or a file `.numba_config.yaml` in the current directory, says so, as for a debugger. Kernels that
    #: are not compiled would take days.
    raise UsageError("numba may not compile (NUMBA_DISABLE_JIT)", "unset NUMBA_DISABLE_JIT")

_HERE = Path(__file__).resolve().parent
_COMPLETE = ""
"""key of an entry that says that the others are all there are"""
_ROOM_BYTES = 16 << 20
"""more than all kernels take"""
_DAY_S = 86400


def sources_hash(folder: Path = _HERE) -> str:
    """16 hex digits naming the kernel sources in `folder`, the compiler versions and the processor compiled for."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    processor = cpu_target.target_context.codegen().magic_tuple()
    digest.update(repr((numba.__version__, llvmlite.__version__, sys.version, processor)).encode())
    return digest.hexdigest()[:16]


def _root() -> Path:
    base = os.environ.get("BIGCONST_CACHE")
    return Path(base) / "bigconst" if base else cache_directory()


CACHE_DIR = _root() / f"kernels-{sources_hash()}"
"""The directory of the kernels of this version, which may be missing."""

_modules: dict[str, dict[str, bytes]] = {}
"""By module, what its file has and what was compiled since; by kernel, what `KernelCache` stores."""

refusal = ""
"""where and why kernels could not be stored; empty if that did not happen"""


def is_cold(module: str) -> bool:
    """True unless all kernels of a module are stored, undamaged, for this version and processor."""
    if _COMPLETE not in _modules.get(module, {}):
        entries = _read(module)
        if _COMPLETE not in entries:
            return True             # nothing is remembered of it: another process may store the rest
        _modules[module] = entries
    return False


def mark_compiled(module: str) -> None:
    """Record that all kernels of a module, which has been imported, are compiled; remove old versions."""
    entries = _modules.get(module, {})
    if entries and _COMPLETE not in entries:
        _write(module, entries | {_COMPLETE: b""})
        _prune()
    _modules[module] = {_COMPLETE: b""}


def can_store() -> bool:
    """Whether there is room where kernels are stored; if not, `refusal` says why."""
    with _refusing():
        CACHE_DIR.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=CACHE_DIR) as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
        return True
    return False


class KernelCache(NullCache):
    """What numba's dispatcher asks for the compiled code of one kernel with one signature."""

    def __init__(self, function: FunctionType, signature: str):
        self._module = function.__module__.rpartition(".")[2]
        # One text is compiled for several radices, which are values of its closure.
        closure = [cell.cell_contents for cell in function.__closure__ or ()]
        self._name = f"{function.__qualname__} {signature} {hashlib.sha256(dumps(closure)).hexdigest()}"

    def load_overload(self, sig, target_context) -> CompileResult | None:
        """The kernel as it was compiled before; None if it is not stored."""
        target_context.refresh()
        if self._module not in _modules:
            _modules[self._module] = _read(self._module)
        stored = _modules[self._module].get(self._name)
        return stored and CompileResult._rebuild(target_context, *pickle.loads(stored))

    def save_overload(self, sig, data: CompileResult) -> None:
        """Store the kernel, unless that is refused."""
        assert not data.library.has_dynamic_globals, f"{self._name} has addresses of this process in it"
        entries = _modules.setdefault(self._module, {})
        entries.pop(_COMPLETE, None)
        entries[self._name] = dumps(data._reduce())
        _write(self._module, entries)


# -- files: a checksum of the rest, and the entries -------------------------------------

def _read(module: str) -> dict[str, bytes]:
    """The entries of a module; none if its file is missing, damaged or not to be read."""
    with contextlib.suppress(OSError):
        stored = memoryview((CACHE_DIR / f"{module}.kernels").read_bytes())
        if stored[:16] == xxhash.xxh3_128_digest(stored[16:]):
            return pickle.loads(stored[16:])
    return {}


def _write(module: str, entries: dict[str, bytes]) -> None:
    """Replace the file of a module at once, unless that is refused.

    Nothing waits for the disk: what a power cut leaves of it has another checksum.
    """
    data = pickle.dumps(entries)
    path = CACHE_DIR / f"{module}.kernels"
    temporary = CACHE_DIR / f"{module}.{os.urandom(8).hex()}"
    with _refusing():
        CACHE_DIR.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(xxhash.xxh3_128_digest(data) + data)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


@contextlib.contextmanager
def _refusing():
    """Makes a `refusal` of an error of the system."""
    global refusal
    try:
        yield
    except OSError as error:
        refusal = f"{CACHE_DIR}: {error.strerror}"


def _prune() -> None:
    """Remove the kernels of other versions and processors that have not changed for 30 days."""
    with contextlib.suppress(OSError):
        for old in CACHE_DIR.parent.glob("kernels-*"):
            if old != CACHE_DIR and time.time() - old.stat().st_mtime > 30 * _DAY_S:
                shutil.rmtree(old, ignore_errors=True)
