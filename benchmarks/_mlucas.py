"""Mlucas as a peer: squarings of the same exponent and length, timed by itself, without its start.

https://github.com/primesearch/Mlucas, built by its makemake.sh.  It has several sets of radices for a length; as its
users do, all are tried once and the fastest is used.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

CLOCKS = re.compile(r"Clocks = *(\d+):(\d+):(\d+\.\d+)")
RADICES = re.compile(r"Using complex FFT radices((?: +\d+)+)")
TRY_S, RUN_S = 0.3, 1.0
"""seconds of squarings with each set of radices when all are tried, and in a figure"""

GUESS_S = 1e-8
"""assumed seconds of a squaring per word, from which the number of squarings in a try follows"""


class Mlucas:
    """The program at `path`."""

    def __init__(self, path: str):
        self._path = str(Path(path).resolve())
        self._folder = tempfile.TemporaryDirectory(prefix="bigconst-mlucas-")     # it writes into its working directory

    def _times(self, words: int, p: int, threads: int, iterations: int, *options: str) -> dict[str, float]:
        """Seconds per squaring for each set of radices; empty where the program cannot be measured."""
        processors = sorted(os.sched_getaffinity(0))[:threads]
        if len(processors) < threads or words % 1024:
            return {}
        done = subprocess.run([self._path, "-fft", str(words >> 10), "-m", str(p), "-iters", str(iterations),
                               "-cpu", ",".join(map(str, processors)), *options],
                              cwd=self._folder.name, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        found, radices = {}, ""
        for line in (done.stdout + done.stderr).splitlines():
            if match := RADICES.search(line):
                radices = ",".join(match[1].split())
            elif match := CLOCKS.search(line):
                seconds = 3600 * int(match[1]) + 60 * int(match[2]) + float(match[3])
                if radices and seconds > 0:
                    found[radices] = seconds / iterations
        return found

    def contestant(self, words: int, p: int, threads: int) -> "Contestant | None":
        """A contestant for squarings of this exponent; None where the program does not do them."""
        tried = self._times(words, p, threads, max(10, min(5000, round(TRY_S / (words * GUESS_S)))))
        if not tried:
            return None
        radices = min(tried, key=tried.get)
        iterations = max(10, round(RUN_S / tried[radices]))
        return Contestant(lambda: self._times(words, p, threads, iterations, "-radset", radices).get(radices), radices)


class Contestant:
    """A callable that squares for about a second and records the time that the program reports."""

    def __init__(self, measure, radices: str):
        self._measure, self.radices = measure, radices
        self.times_s: list[float] = []

    def __call__(self) -> None:
        seconds = self._measure()
        if seconds is not None:
            self.times_s.append(seconds)
