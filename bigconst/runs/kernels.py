"""Loading of the kernels that a run needs; what was never compiled on this machine is compiled first."""

import contextlib
import subprocess
import sys


def load_engine():
    """Import the engine and load the kernels of constants, saying so when that will take a while."""
    from bigconst.kernels import jit

    if jit.is_cold():
        _compile_elsewhere("load_kernels", "kernels")
    from bigconst.constants import engine

    engine.load_kernels()
    return engine


def load_test_kernels() -> None:
    """The same for the kernels that tests of Mersenne numbers need."""
    from bigconst.kernels import jit

    if jit.is_cold(jit.TESTS):
        _compile_elsewhere("load_test_kernels", "kernels of squarings")
    from bigconst.constants import engine

    engine.load_test_kernels()


def load_reading_kernels() -> None:
    """The same for the kernels that read digit files."""
    from bigconst.kernels import jit

    if jit.is_cold(jit.READING):
        _compile_elsewhere("load_reading_kernels", "kernels that read digits")
    from bigconst.constants import engine

    engine.load_reading_kernels()


def _compile_elsewhere(loader: str, what: str) -> None:
    """Compile in a child process: the compiler takes memory that this process could not give back.

    `loader` is a function of bigconst.constants.engine.  Where the child fails, loading the kernels compiles them
    here, or says what is wrong.
    """
    print(f"compiling {what} for this machine (once, up to a minute)", file=sys.stderr, flush=True)
    program = f"import sys; sys.path[:] = {sys.path!r}; from bigconst.constants import engine; engine.{loader}()"
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    with contextlib.suppress(OSError):
        subprocess.run([sys.executable, "-c", program], check=False, **quiet)
