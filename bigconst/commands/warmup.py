"""`bigconst warmup`: compile (or load) the kernels and test them on this machine."""

import argparse
import contextlib
import subprocess
import sys
import time

from bigconst.errors import VerificationError
from bigconst.units import format_seconds

_EPILOG = """\
example:
  bigconst warmup        after an installation or update, so that the first computation starts at once
"""


def add(commands) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "warmup",
        help="compile and self-test the kernels",
        description="Compile the kernels for this machine (once, a minute or two; later only load them), test them.",
        epilog=_EPILOG,
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load all kernels, run the self-test, print a line per test.  Raises VerificationError when one fails."""
    engine = load_engine()
    load_test_kernels()
    load_reading_kernels()
    print(f"kernels ready: {format_seconds(time.perf_counter() - arguments.started_s)}", flush=True)
    results = engine.self_test()
    for name, ok in results:
        print(f"{'ok' if ok else 'FAILED':<6}  {name}")
    failed = [name for name, ok in results if not ok]
    if failed:
        raise VerificationError(
            f"{len(failed)} of {len(results)} self-tests failed ({failed[0]})",
            "do not trust this machine: test its memory, reinstall numba, or report it",
        )
    return 0


def load_engine():
    """Import the engine and load the kernels of constants, saying so when that will take a while."""
    from bigconst.kernels import jit

    if jit.is_cold():
        _compile_elsewhere("load_kernels", "kernels")
    from bigconst import engine

    engine.load_kernels()
    return engine


def load_test_kernels() -> None:
    """The same for the kernels that tests of Mersenne numbers need."""
    from bigconst.kernels import jit

    if jit.is_cold(jit.TESTS):
        _compile_elsewhere("load_test_kernels", "kernels of squarings")
    from bigconst import engine

    engine.load_test_kernels()


def load_reading_kernels() -> None:
    """The same for the kernels that read digit files."""
    from bigconst.kernels import jit

    if jit.is_cold(jit.READING):
        _compile_elsewhere("load_reading_kernels", "kernels that read digits")
    from bigconst import engine

    engine.load_reading_kernels()


def _compile_elsewhere(loader: str, what: str) -> None:
    """Compile in a child process: the compiler takes memory that this process could not give back.

    `loader` is a function of bigconst.engine.  Where the child fails, loading the kernels compiles them here, or
    says what is wrong.
    """
    print(f"compiling {what} for this machine (once, up to a minute)", file=sys.stderr, flush=True)
    program = f"import sys; sys.path[:] = {sys.path!r}; from bigconst import engine; engine.{loader}()"
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    with contextlib.suppress(OSError):
        subprocess.run([sys.executable, "-c", program], check=False, **quiet)
