"""Speeds of a machine as a benchmark might have found them, for tests that shall not wait for one."""

from pathlib import Path

import pytest

from bigconst.base.hardware import default_threads, processor
from bigconst.estimates.speeds import AccessPattern, DiskSpeeds, Rate, Speeds, as_json
from bigconst.estimates.work import OPERATIONS

NANOSECONDS = {"forward": 8.0, "spectrum": 2.0, "square": 3.0, "multiply": 4.0, "inverse": 8.0, "slab forward": 12.0,
               "slab row": 5.0, "slab product": 10.0, "slab back": 12.0, "slab between": 6.0, "squaring": 12.0}
"""A word with one thread, others being 2: about those of a processor of 2020."""


def plausible_speeds(threads=2, cpu="Some Processor", cores=2):
    """Speeds of a machine that is 1.8 times as fast with all its threads as with one."""
    gains = {1: 1.0} | ({threads: 1.8} if threads > 1 else {})

    def rates(name):
        return tuple(Rate(1 << log, count, NANOSECONDS.get(name, 2.0) * 1e-9 * (1 + 0.02 * log) / gain)
                     for log in (13, 16, 20, 24) for count, gain in gains.items())

    host = {"cpu": cpu, "cores": cores, "memory_bytes": 8 << 30, "vector_bits": 256, "clock_ghz": 2.5, "name": "here",
            "version": "0"}
    return Speeds("2026-11-21 12:00", host, threads, {name: rates(name) for name in OPERATIONS}, 1.2e10, 1e9,
                  1e9, 0.5,
                  0.5, 1e-6, 0.03)


def keep_speeds(cache: Path, scratch: Path) -> Speeds:
    """Have a benchmark of this machine, and of a scratch directory, in what XDG_CACHE_HOME names."""
    found = plausible_speeds(default_threads(), processor()["cpu"], default_threads())
    disks = DiskSpeeds((str(scratch),), "ssd", ((1e8, 2e8),), (AccessPattern(4096, 1e8, 2e8, 1.2e8),), 0.001)
    (cache / "bigconst").mkdir(parents=True, exist_ok=True)
    (cache / "bigconst" / "speeds.json").write_text(as_json(found, [disks]))
    return found


def measured_here(patch: pytest.MonkeyPatch, folder: Path) -> Speeds:
    """This machine after a benchmark, in the directory `here` of `folder`, with scratch in `here/scratch`.

    Catalogue and machines.toml are as they came.
    """
    patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    (folder / "here" / "scratch").mkdir(parents=True)
    patch.chdir(folder / "here")
    return keep_speeds(folder / "cache", folder / "here" / "scratch")
